"""The person in whose name somebody applies says yes themselves: in their own chat, or by the code that they were sent there.

There is no text message: the code goes to the account that last left this phone number in a chat of its own. Reviewers see
how consent was given, for ever.
"""

import secrets
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Author, Conversation, Message
from backend.db import lock, wake
from backend.errors import Conflict, NotFound
from backend.events.service import Desk
from backend.outbox import service as outbox
from backend.subsidies import applications
from backend.subsidies.models import ApplicationState, SubsidyApplication, SubsidyConsent
from backend.vault.models import Secret, VaultItem
from backend.vault.service import Vault

DIGITS, TRIES, DAYS = 6, 5, 7


async def chat_of(session: AsyncSession, phone: VaultItem, *, applicant: Conversation) -> Conversation | None:
    """The chat, other than the applicant's, in which a resident last wrote this phone number; not as somebody else's in an
    application (apply.py takes such a number off its message)."""
    return await session.scalar(
        select(Conversation)
        .join(Message, Message.conversation_id == Conversation.id)
        .join(VaultItem, VaultItem.message_id == Message.id)
        .where(
            Message.author == Author.RESIDENT,
            VaultItem.kind == Secret.PHONE,
            VaultItem.lookup == phone.lookup,
            Conversation.resident_id != applicant.resident_id,
        )
        .order_by(VaultItem.id.desc())
        .limit(1)
    )


async def ask(
    session: AsyncSession, application: SubsidyApplication, other: Conversation, *, vault: Vault, desk: Desk
) -> SubsidyConsent:
    """Ask them, with buttons and a code of DIGITS digits that is good for DAYS days and TRIES tries."""
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
    consent = SubsidyConsent(
        application_id=application.id,
        conversation_id=other.id,
        code=_hash(vault, application, code),
        tries=0,
        until=desk.now + timedelta(days=DAYS),
        answer="",
        how="",
    )
    session.add(consent)
    await session.flush()
    kind = await applications.kind_of(session, application)
    said = desk.sentences.say(
        "utter_subsidy_consent_wanted",
        name=kind.name,
        number=application.number,
        person=application.name_masked,
        code=code,
        days=DAYS,
    )
    await outbox.say(session, other, now=desk.now, text=said.text, buttons=said.buttons)
    return consent


async def answer(
    session: AsyncSession, number: str, conversation: Conversation, *, agreed: bool, desk: Desk
) -> SubsidyApplication:
    """The answer of the person who was asked. Raises NotFound for anybody else, Conflict when it is too late."""
    application = await applications.by_number(session, number)
    await lock(session, application)
    consent = await _of(session, application)
    if consent is None or consent.conversation_id != conversation.id:
        raise NotFound
    _check_open(application, consent, desk)
    await _settle(session, application, consent, "agreed" if agreed else "declined", how="chat", desk=desk)
    return application


async def give_code(session: AsyncSession, application: SubsidyApplication, code: str, *, vault: Vault, desk: Desk) -> bool:
    """The applicant gives the code; returns whether it is right. Raises Conflict when it is too late or tried too often."""
    await lock(session, application)
    consent = await _of(session, application)
    if consent is None:
        raise NotFound
    _check_open(application, consent, desk)
    if consent.tries >= TRIES:
        raise Conflict(desk.sentences.say("utter_subsidy_code_spent").text, code="code_spent")
    consent.tries += 1
    if not secrets.compare_digest(consent.code, _hash(vault, application, code)):
        return False
    await _settle(session, application, consent, "agreed", how="code", desk=desk)
    return True


async def expire(session: AsyncSession, consent: SubsidyConsent, desk: Desk) -> None:
    """Nobody answered in time: the application ends."""
    application = await session.get_one(SubsidyApplication, consent.application_id)
    await lock(session, application)
    if application.state is ApplicationState.CONSENT:
        await _settle(session, application, consent, "expired", how="", desk=desk)
    else:
        consent.answer, consent.answered_at = "expired", desk.now


async def _of(session: AsyncSession, application: SubsidyApplication) -> SubsidyConsent | None:
    return await session.scalar(select(SubsidyConsent).where(SubsidyConsent.application_id == application.id).with_for_update())


def _check_open(application: SubsidyApplication, consent: SubsidyConsent, desk: Desk) -> None:
    if consent.answer or application.state is not ApplicationState.CONSENT or consent.until <= desk.now:
        raise Conflict(desk.sentences.say("utter_subsidy_gone").text)


async def _settle(
    session: AsyncSession, application: SubsidyApplication, consent: SubsidyConsent, what: str, *, how: str, desk: Desk
) -> None:
    consent.answer, consent.how, consent.answered_at = what, how, desk.now
    if what == "agreed":
        applications.move(session, application, "consent", desk=desk, reason=how)
        await applications.set_clock(session, application, desk=desk)
    else:
        applications.move(session, application, "withdraw", desk=desk, reason=what)
    await applications.push(session, application, f"consent_{what}", desk=desk)
    wake(session, "console")


def _hash(vault: Vault, application: SubsidyApplication, code: str) -> str:
    return vault.hash(Secret.PHONE, f"consent {application.number} {code}")
