"""The person in whose name somebody applies says yes themselves: in their own chat, or by the code that they were sent there.

Where the city has an SMS gateway the code goes to their phone as a text message, and the applicant gives it. Without one
they are asked in the chat of their own that last left this phone number. Reviewers see how consent was given, for ever.
"""

import secrets
from datetime import timedelta

from sqlalchemy import ColumnElement, String, cast, exists, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Author, Conversation, Message
from backend.db import lock, wake
from backend.errors import Conflict, NotFound
from backend.events.service import Desk
from backend.outbox import service as outbox
from backend.sms import service as sms
from backend.sms.models import Sms, SmsState
from backend.subsidies import applications
from backend.subsidies.models import ApplicationState, SubsidyApplication, SubsidyConsent
from backend.vault.models import Secret, VaultItem
from backend.vault.service import Vault

DIGITS, TRIES, DAYS = 6, 5, 7
SMS_GOOD_FOR = timedelta(days=1)
_KEY = "subsidy-consent-"


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


async def is_own(session: AsyncSession, phone: VaultItem, *, applicant: Conversation) -> bool:
    """Whether the applicant has left this phone number as their own: it cannot speak for somebody else."""
    left = exists().where(
        VaultItem.resident_id == applicant.resident_id,
        VaultItem.kind == Secret.PHONE,
        VaultItem.lookup == phone.lookup,
        VaultItem.message_id.is_not(None),
    )
    return bool(await session.scalar(select(left)))


async def ask(
    session: AsyncSession,
    application: SubsidyApplication,
    phone: VaultItem,
    *,
    applicant: Conversation,
    vault: Vault,
    desk: Desk,
) -> SubsidyConsent | None:
    """Ask them, with a code of DIGITS digits that is good for DAYS days and TRIES tries: by text message, or with buttons in
    their own chat, where there is no gateway; None where they have no such chat. Raises TooMany of the SMS room.
    """
    other = None
    if not desk.sms:
        other = await chat_of(session, phone, applicant=applicant)
        if other is None:
            return None
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
    consent = SubsidyConsent(
        application_id=application.id,
        conversation_id=other.id if other else None,
        code=_hash(vault, application, code),
        tries=0,
        until=desk.now + timedelta(days=DAYS),
        answer="",
        how="",
    )
    session.add(consent)
    await session.flush()
    kind = await applications.kind_of(session, application)
    if other is None:
        text = desk.sentences.say(
            "utter_sms_subsidy_consent", name=kind.name, number=application.number, code=code, days=DAYS
        ).text
        await sms.queue(session, vault, phone, text, key=f"{_KEY}{application.id}", good_for=SMS_GOOD_FOR, desk=desk)
        return consent
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
    by_sms = await sms.by_key(session, f"{_KEY}{application.id}") is not None
    await _settle(session, application, consent, "agreed", how="sms" if by_sms else "code", desk=desk)
    return True


def undeliverable() -> ColumnElement[bool]:
    """Nobody has answered, and the text message has failed for good."""
    key = literal(_KEY) + cast(SubsidyConsent.application_id, String)
    return (SubsidyConsent.answer == "") & exists().where(Sms.key == key, Sms.state == SmsState.FAILED)


async def not_reached(session: AsyncSession, consent: SubsidyConsent, desk: Desk) -> None:
    """The text message did not arrive: the application ends, and the applicant is told to bring a paper."""
    await _over(session, consent, "unreached", desk)


async def expire(session: AsyncSession, consent: SubsidyConsent, desk: Desk) -> None:
    """Nobody answered in time: the application ends."""
    await _over(session, consent, "expired", desk)


async def _over(session: AsyncSession, consent: SubsidyConsent, what: str, desk: Desk) -> None:
    application = await session.get_one(SubsidyApplication, consent.application_id)
    await lock(session, application)
    if application.state is ApplicationState.CONSENT:
        await _settle(session, application, consent, what, how="", desk=desk)
    else:
        consent.answer, consent.answered_at = what, desk.now


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
