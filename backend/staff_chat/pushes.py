"""What is on its way to staff in a messenger: queued with what caused it, in order for each chat, like the outbox's."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from backend.db import wake
from backend.errors import NotFound
from backend.outbox.models import DeliveryState
from backend.outbox.service import LEASE, OPEN, PAUSES, Outcome
from backend.staff.models import Staff
from backend.staff_chat.models import StaffChat, StaffPush

TEXT_LIMIT = 3800


def push(
    session: AsyncSession,
    chat: StaffChat,
    text: str,
    *,
    now: datetime,
    buttons: list[dict[str, str]] | None = None,
    media: list[str] | None = None,
    notice_id: int | None = None,
    conversation_id: int | None = None,
) -> None:
    """Queue a message to a linked chat."""
    to_address(
        session,
        chat.channel,
        chat.address,
        text,
        now=now,
        staff_id=chat.staff_id,
        buttons=buttons or [],
        media=media or [],
        notice_id=notice_id,
        conversation_id=conversation_id,
    )


def to_address(session: AsyncSession, channel: str, address: str, text: str, *, now: datetime, **values: Any) -> None:
    """Queue a message to a chat that may not be linked (any more)."""
    session.add(StaffPush(channel=channel, address=address, text=text[:TEXT_LIMIT], next_at=now, created_at=now, **values))
    wake(session, "staff pushes")


def skip(session: AsyncSession, chat: StaffChat, notice_id: int, *, now: datetime) -> None:
    """A notice that need not be told any more counts as told."""
    row = StaffPush(staff_id=chat.staff_id, channel=chat.channel, address=chat.address, notice_id=notice_id)
    row.next_at = row.created_at = now
    _end(row, DeliveryState.FAILED, "settled meanwhile")
    session.add(row)


async def claim(session: AsyncSession, *, worker: str, channels: list[str], limit: int, now: datetime) -> list[StaffPush]:
    """Lease the oldest open push of each chat. Those of an account that was disabled stay where they are."""
    earlier = aliased(StaffPush)
    behind = exists().where(earlier.address == StaffPush.address, earlier.id < StaffPush.id, earlier.state.in_(OPEN))
    free = or_(
        StaffPush.state == DeliveryState.QUEUED,
        and_(StaffPush.state == DeliveryState.SENDING, StaffPush.lease_until <= now),
    )
    rows = list(
        await session.scalars(
            select(StaffPush)
            .where(StaffPush.state.in_(OPEN), free, StaffPush.next_at <= now, StaffPush.channel.in_(channels), ~behind)
            .order_by(StaffPush.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )
    gone = set(await session.scalars(select(Staff.id).where(Staff.disabled_at.is_not(None)))) if rows else set()
    claimed = []
    for row in rows:
        if row.staff_id in gone:
            _end(row, DeliveryState.FAILED, "account disabled")
            wake(session, "staff pushes")
            continue
        row.state, row.worker, row.lease_until = DeliveryState.SENDING, worker, now + LEASE
        row.attempts += 1
        claimed.append(row)
    return claimed


def _end(row: StaffPush, state: DeliveryState, reason: str = "") -> None:
    row.state, row.reason = state, reason[:200]
    row.worker = row.lease_until = None
    row.text, row.buttons, row.media = "", [], []


async def record(session: AsyncSession, push_id: int, *, worker: str, outcome: Outcome, now: datetime) -> StaffPush:
    """Write down what became of an attempt; a late answer changes nothing. Raises NotFound."""
    row = await session.get(StaffPush, push_id, with_for_update=True)
    if row is None:
        raise NotFound
    if row.state is not DeliveryState.SENDING or row.worker != worker:
        return row
    wake(session, "staff pushes")
    match outcome.kind:
        case "delivered":
            _end(row, DeliveryState.DELIVERED)
        case "retry" if row.attempts <= len(PAUSES):
            row.state, row.reason = DeliveryState.QUEUED, outcome.reason[:200]
            row.worker = row.lease_until = None
            row.next_at = now + timedelta(seconds=outcome.retry_after or PAUSES[row.attempts - 1])
        case "retry":
            _end(row, DeliveryState.ASIDE, outcome.reason)
        case _:
            _end(row, DeliveryState.FAILED, outcome.reason)
    return row


async def release(session: AsyncSession, *, worker: str) -> int:
    """Free what ``worker`` had leased when it died; returns how many."""
    result = await session.execute(
        update(StaffPush)
        .where(StaffPush.state == DeliveryState.SENDING, StaffPush.worker == worker)
        .values(state=DeliveryState.QUEUED, worker=None, lease_until=None)
    )
    return result.rowcount
