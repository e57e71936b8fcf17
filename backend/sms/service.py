"""Queueing text messages, leasing what is due, and writing down what the gateway said."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.db import wake
from backend.errors import TooMany
from backend.events.service import Desk
from backend.sms.models import Sms, SmsState
from backend.vault import service as vaults
from backend.vault.models import Secret, VaultItem
from backend.vault.service import Vault

LEASE = timedelta(seconds=60)
PAUSES = (2, 5, 15, 60, 300, 900, 1800, 3600)
LONGEST_PAUSE = 6 * 3600
A_DAY_FOR_ONE_PHONE = 5
AT_ONCE = 20
_MOBILE = re.compile(r"1\d{10}")
OPEN = (SmsState.QUEUED, SmsState.SENDING)


@dataclass(frozen=True)
class Letter:
    """A text message as the gateway gets it: ``to`` in E.164."""

    id: int
    key: str
    to: str
    text: str
    good_until: datetime


@dataclass(frozen=True)
class Outcome:
    """What the gateway said: "sent", "refused" (for good) or "retry", after ``retry_after`` seconds where it named a time."""

    kind: str
    reason: str = ""
    external_id: str = ""
    retry_after: float | None = None


async def queue(
    session: AsyncSession, vault: Vault, phone: VaultItem, text: str, *, key: str, good_for: timedelta, desk: Desk
) -> Sms:
    """Put one text message on its way; the same ``key`` again returns the first one.

    Raises TooMany when this phone has had A_DAY_FOR_ONE_PHONE within a day.
    """
    known = await by_key(session, key)
    if known is not None:
        return known
    recent = select(func.count()).where(Sms.lookup == phone.lookup, Sms.created_at > desk.now - timedelta(days=1))
    if (await session.scalar(recent) or 0) >= A_DAY_FOR_ONE_PHONE:
        raise TooMany(desk.sentences.say("utter_sms_too_many").text, code="too_many_sms")
    sealed = await vaults.put(session, vault, Secret.WORDS, text, resident_id=None, now=desk.now)
    sms = Sms(
        key=key,
        phone_id=phone.id,
        lookup=phone.lookup,
        text_id=sealed.id,
        state=SmsState.QUEUED,
        attempts=0,
        next_at=desk.now,
        good_until=desk.now + good_for,
        external_id="",
        reason="",
        created_at=desk.now,
    )
    session.add(sms)
    await session.flush()
    wake(session, "sms")
    return sms


async def by_key(session: AsyncSession, key: str) -> Sms | None:
    """The text message that was queued under ``key``."""
    return await session.scalar(select(Sms).where(Sms.key == key))


async def any_due(session: AsyncSession, *, now: datetime) -> bool:
    """Whether something could be sent now."""
    return await session.scalar(select(Sms.id).where(Sms.state.in_(OPEN), Sms.next_at <= now).limit(1)) is not None


async def claim(session: AsyncSession, vault: Vault, *, now: datetime) -> list[Letter]:
    """Lease what is due, the oldest first; what is too old, or whose number was deleted, fails instead."""
    due = await session.scalars(
        select(Sms)
        .where(Sms.state.in_(OPEN), Sms.next_at <= now)
        .order_by(Sms.next_at)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    letters = []
    for sms in due.all():
        phone = await session.get(VaultItem, sms.phone_id)
        text = await session.get(VaultItem, sms.text_id) if sms.text_id else None
        if phone is None or text is None or sms.good_until <= now:
            await _end(session, sms, SmsState.FAILED, "gone" if phone is None or text is None else "too_old", now=now)
            continue
        to = vault.open(phone)
        if not _MOBILE.fullmatch(to):
            await _end(session, sms, SmsState.FAILED, "not_a_mobile", now=now)
            continue
        sms.state, sms.attempts = SmsState.SENDING, sms.attempts + 1
        sms.lease_until = sms.next_at = now + LEASE
        letters.append(Letter(sms.id, sms.key, f"+86{to}", vault.open(text), sms.good_until))
    return letters


async def record(session: AsyncSession, sms_id: int, outcome: Outcome, *, now: datetime) -> Sms:
    """Write down what became of an attempt; after the last one of PAUSES it has failed. A late answer changes nothing."""
    sms = await session.get_one(Sms, sms_id, with_for_update=True)
    if sms.state is not SmsState.SENDING:
        return sms
    match outcome.kind:
        case "sent":
            sms.external_id = outcome.external_id
            await _end(session, sms, SmsState.SENT, "", now=now)
        case "retry" if outcome.retry_after is not None or sms.attempts <= len(PAUSES):
            pause = min(outcome.retry_after or PAUSES[min(sms.attempts, len(PAUSES)) - 1], LONGEST_PAUSE)
            sms.state, sms.lease_until, sms.reason = SmsState.QUEUED, None, outcome.reason
            sms.next_at = now + timedelta(seconds=pause)
        case _:
            await _end(session, sms, SmsState.FAILED, outcome.reason, now=now)
    return sms


async def _end(session: AsyncSession, sms: Sms, state: SmsState, reason: str, *, now: datetime) -> None:
    """What was written is forgotten."""
    text = await session.get(VaultItem, sms.text_id) if sms.text_id else None
    if text is not None:
        await session.delete(text)
    sms.state, sms.reason, sms.done_at, sms.text_id, sms.lease_until = state, reason, now, None, None
    wake(session, "subsidies")
