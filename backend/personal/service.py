"""Giving out and deleting everything about a resident. PLAN names every table that knows one, and what happens to it.

Kept, because the law says so: applications for subsidies with their papers and payments (vouchers, Accounting Archives
Measures of 2016, article 14), the register of who could vote, and reported matters, which lose their reporter.
"""

import io
import json
import secrets
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backend.broadcasts.models import BroadcastCopy, Subscription
from backend.conversations.models import Author, Conversation, Message, is_open
from backend.db import wake
from backend.deliberation.models import Participant, Statement, Voice
from backend.desk.models import Transfer, Visit
from backend.disclosure.models import DisclosureCopy, DisclosureSubscription
from backend.events import withheld
from backend.events.models import Event, EventPhoto, History, Supporter, Urge
from backend.events.search import write_terms
from backend.events.service import Desk
from backend.feedback.masking import masked
from backend.feedback.models import Misunderstood
from backend.idempotency import IdempotencyKey
from backend.legal import service as legal
from backend.legal.models import Consult, ConsultHistory, ConsultRefusal, ConsultWord
from backend.legal_aid import service as legal_aid
from backend.legal_aid.models import LegalAid
from backend.media import service as media
from backend.media.models import Media
from backend.mediation import erasing as mediations
from backend.mediation.models import Mediation, MediationParty
from backend.opinions.models import Opinion, OpinionSupporter
from backend.outbox import service as outbox
from backend.outbox.models import Delivery
from backend.personal.models import PersonalRequest, Wish, WishState
from backend.proposals.models import Proposal
from backend.residents.models import Account, Resident
from backend.staff.models import StaffNotice
from backend.staff_chat.models import StaffChat, StaffPush, StaffTalk
from backend.subsidies.models import (
    SubsidyApplication,
    SubsidyCheck,
    SubsidyConsent,
    SubsidyDocument,
    SubsidyObjection,
    SubsidyTalk,
)
from backend.vault.models import VaultItem
from backend.votes.models import VoteGuess, VoteMatch
from wording import Sentences

# Every table that names a resident, their conversation, their messages or their files.
PLAN = {
    "resident": "deleted once the last word is delivered",
    "account": "deleted once the last word is delivered",
    "conversation": "deleted once the last word is delivered",
    "message": "deleted",
    "delivery": "deleted",
    "misunderstood": "deleted",
    "idempotency_key": "deleted",
    "media": "file and row deleted, but for the papers of an application and photos of an event",
    "vault_item": "deleted, but for those of an application",
    "subsidy_talk": "deleted",
    "subsidy_application": "kept by law, without its conversation",
    "subsidy_document": "kept by law with its application",
    "subsidy_consent": "kept by law with its application, without the conversation",
    "subsidy_objection": "kept with the application, without its author",
    "event": "kept without its reporter, words masked",
    "event_withheld": "deleted, the numbers too",
    "event_term": "written anew from the masked words",
    "event_history": "kept without the resident, words masked",
    "event_photo": "kept with its event",
    "event_supporter": "deleted",
    "event_urge": "deleted",
    "desk_visit": "kept for the figures, ended and without its conversation",
    "desk_transfer": "deleted",
    "proposal": "deleted",
    "staff_chat": "no longer speaks with them",
    "staff_talk": "deleted",
    "staff_push": "deleted",
    "staff_notice": "deleted where it quotes a report, else loses the conversation",
    "consult": "deleted with what was said in it; one with a legal aid case is kept by law",
    "mediation_party": "kept without the resident and the name; the file of the mediation is kept by law, its words masked",
    "mediation_phone": "deleted with the number in the vault",
    "subscription": "deleted",
    "broadcast_copy": "deleted",
    "opinion": "kept without its author and photos, words masked; not public any more",
    "opinion_supporter": "deleted",
    "disclosure_subscription": "deleted",
    "disclosure_copy": "deleted",
    "vote_guess": "deleted",
    "vote_match": "kept: the register of who could vote",
    "deliberation_participant": "deleted",
    "deliberation_statement": "deleted, with what others said to it",
    "deliberation_voice": "deleted",
    "personal_request": "kept as proof: numbers and times only",
}


async def ask(session: AsyncSession, conversation: Conversation, wish: Wish, *, now: datetime) -> bool:
    """Write the wish down; returns False when the same is being done already."""
    known = await session.scalar(
        select(PersonalRequest.id).where(
            PersonalRequest.resident_id == conversation.resident_id,
            PersonalRequest.wish == wish,
            PersonalRequest.state == WishState.ASKED,
        )
    )
    if known is not None:
        return False
    session.add(
        PersonalRequest(
            resident_id=conversation.resident_id,
            conversation_id=conversation.id,
            wish=wish,
            state=WishState.ASKED,
            kept={},
            asked_at=now,
        )
    )
    wake(session, "personal")
    return True


def ready(now: datetime) -> ColumnElement[bool]:
    """Asked for, and the turn in which it was asked is answered."""
    answering = exists().where(Message.conversation_id == PersonalRequest.conversation_id, is_open(Message))
    return (PersonalRequest.state == WishState.ASKED) & ~answering & (PersonalRequest.asked_at <= now)


def said_and_delivered() -> ColumnElement[bool]:
    """Erased, and nothing of the conversation waits to be delivered any more."""
    waiting = exists().where(Delivery.conversation_id == PersonalRequest.conversation_id, Delivery.state.in_(outbox.OPEN))
    return (PersonalRequest.state == WishState.SAID) & ~waiting


async def _files(session: AsyncSession, resident_id: int, conversation_id: int) -> set[str]:
    """The keys of the files that the resident sent."""
    keys = set(await session.scalars(select(Media.key).where(Media.resident_id == resident_id)))
    payloads = await session.scalars(
        select(Message.payload).where(Message.conversation_id == conversation_id, Message.author == Author.RESIDENT)
    )
    return keys | {key for payload in payloads for key in payload.get("media") or []}


async def export(session: AsyncSession, request: PersonalRequest, folder: Path, *, sentences: Sentences, now: datetime) -> None:
    """Pack everything into one archive and send it: data.json (numbers masked) and the files under media/."""
    resident_id, conversation_id = request.resident_id, request.conversation_id
    conversation = await session.get_one(Conversation, conversation_id)
    tables: list[tuple[Any, ColumnElement[bool]]] = [
        (Resident, Resident.id == resident_id),
        (Account, Account.resident_id == resident_id),
        (Message, Message.conversation_id == conversation_id),
        (Event, Event.reporter_id == resident_id),
        (History, History.resident_id == resident_id),
        (Supporter, Supporter.resident_id == resident_id),
        (Urge, Urge.resident_id == resident_id),
        (SubsidyTalk, SubsidyTalk.conversation_id == conversation_id),
        (SubsidyApplication, SubsidyApplication.conversation_id == conversation_id),
        (SubsidyObjection, SubsidyObjection.conversation_id == conversation_id),
        (
            SubsidyCheck,
            SubsidyCheck.application_id.in_(
                select(SubsidyApplication.id).where(SubsidyApplication.conversation_id == conversation_id)
            ),
        ),
        (VaultItem, VaultItem.resident_id == resident_id),
        (Proposal, Proposal.conversation_id == conversation_id),
        (Consult, Consult.resident_id == resident_id),
        (ConsultWord, ConsultWord.consult_id.in_(select(Consult.id).where(Consult.resident_id == resident_id))),
        (MediationParty, MediationParty.resident_id == resident_id),
        (
            Mediation,
            Mediation.id.in_(select(MediationParty.mediation_id).where(MediationParty.resident_id == resident_id)),
        ),
        (Subscription, Subscription.resident_id == resident_id),
        (VoteMatch, VoteMatch.resident_id == resident_id),
        (Opinion, Opinion.resident_id == resident_id),
        (OpinionSupporter, OpinionSupporter.resident_id == resident_id),
        (DisclosureSubscription, DisclosureSubscription.resident_id == resident_id),
        (Participant, Participant.resident_id == resident_id),
        (Statement, Statement.resident_id == resident_id),
        (Voice, Voice.resident_id == resident_id),
    ]
    hidden = {
        "sealed",
        "lookup",
        "key_id",
        "person",
        "address",
        "consent_code",
        "code_hash",
        "staff_id",
        "turn_worker",
        "visited_by",
        "decided_by",
    }
    data = {}
    for table, mine in tables:
        rows = await session.scalars(select(table).where(mine).limit(100_000))
        columns = [column.key for column in table.__table__.columns if column.key not in hidden]
        data[table.__tablename__] = [{key: getattr(row, key) for key in columns} for row in rows if not _note(row)]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", json.dumps(data, ensure_ascii=False, indent=1, default=str))
        for key in await _files(session, resident_id, conversation_id):
            path = media.path_of(folder, key)
            if path.exists():
                archive.write(path, f"media/{key}")
    stored = await media.store(
        session, folder, packed.getvalue(), mime="application/zip", size=None, resident_id=resident_id, now=now
    )
    said = sentences.say("utter_data_exported")
    await outbox.say(session, conversation, now=now, text=said.text, media=[stored.key])
    request.state, request.done_at = WishState.DONE, now


def _note(row: Any) -> bool:
    """Whether this is a note between staff, which is not the resident's."""
    return isinstance(row, Message) and row.kind.value == "note"


async def erase(session: AsyncSession, request: PersonalRequest, *, desk: Desk) -> set[str]:
    """Delete what may be deleted and say so; returns the keys of the files that are to go after the commit.

    Whoever waits for this resident is told that it has ended: the other side of a mediation, the legal desk.
    """
    resident_id, conversation_id, now = request.resident_id, request.conversation_id, desk.now
    conversation = await session.get_one(Conversation, conversation_id, with_for_update=True)
    kept = await kept_files(session, conversation_id)
    gone = await _files(session, resident_id, conversation_id) - kept
    request.tracker_key = conversation.tracker_key
    applications = select(SubsidyApplication).where(SubsidyApplication.conversation_id == conversation_id)
    held = [
        getattr(a, f"{name}_id")
        for a in await session.scalars(applications)
        for name in ("identity", "name", "account", "phone")
    ]
    if request.wish is Wish.ERASE:
        await legal_aid.leave(session, resident_id, desk=desk)
        await legal.leave(session, resident_id, desk=desk)
    consults = select(Consult.id).where(Consult.resident_id == resident_id)
    aided = list(await session.scalars(consults.where(Consult.id.in_(select(LegalAid.consult_id)))))
    held += list(await session.scalars(select(Consult.phone_id).where(Consult.id.in_(aided))))
    held = [item_id for item_id in held if item_id is not None]
    free = list(await session.scalars(consults.where(Consult.id.not_in(aided))))
    statements = select(Statement.id).where(Statement.resident_id == resident_id)
    messages = select(Message.id).where(Message.conversation_id == conversation_id)
    said = list(await session.scalars(messages.where(Message.author == Author.STAFF)))
    counts = {
        "subsidy_application": await _count(session, SubsidyApplication, SubsidyApplication.conversation_id == conversation_id),
        "vote_match": await _count(session, VoteMatch, VoteMatch.resident_id == resident_id),
        "legal_aid": len(aided),
        "event": await _count(session, Event, Event.reporter_id == resident_id),
        "opinion": await _count(session, Opinion, Opinion.resident_id == resident_id),
        "mediation": await mediations.forget(session, resident_id, desk=desk),
    }
    for event in await session.scalars(select(Event).where(Event.reporter_id == resident_id)):
        await let_go(session, event)
    for opinion in await session.scalars(select(Opinion).where(Opinion.resident_id == resident_id)):
        opinion.text, opinion.media, opinion.public = masked(opinion.text), [], False
        opinion.resident_id = opinion.conversation_id = None
        opinion.listing_due = True
    for step in await session.scalars(select(History).where(History.resident_id == resident_id)):
        step.note, step.resident_id = masked(step.note), None
    for statement in (
        update(SubsidyApplication).where(SubsidyApplication.conversation_id == conversation_id).values(conversation_id=None),
        update(SubsidyConsent).where(SubsidyConsent.conversation_id == conversation_id).values(conversation_id=None),
        update(SubsidyObjection).where(SubsidyObjection.conversation_id == conversation_id).values(conversation_id=None),
        update(StaffNotice).where(StaffNotice.conversation_id == conversation_id).values(conversation_id=None),
        update(Event).where(Event.conversation_id == conversation_id).values(conversation_id=None),
        update(Event).where(Event.message_id.in_(messages)).values(message_id=None),
        delete(Transfer).where(Transfer.conversation_id == conversation_id),
        delete(Proposal).where(Proposal.conversation_id == conversation_id),
        update(StaffChat).where(StaffChat.conversation_id == conversation_id).values(conversation_id=None),
        delete(StaffTalk).where(StaffTalk.conversation_id == conversation_id),
        delete(StaffPush).where(StaffPush.conversation_id == conversation_id),
        update(Visit)
        .where(Visit.conversation_id == conversation_id, Visit.ended_at.is_(None))
        .values(ended_at=now, climb_at=None),
        update(Visit).where(Visit.conversation_id == conversation_id).values(conversation_id=None),
        delete(Supporter).where(or_(Supporter.resident_id == resident_id, Supporter.conversation_id == conversation_id)),
        delete(Urge).where(Urge.resident_id == resident_id),
        delete(Misunderstood).where(Misunderstood.message_id.in_(messages)),
        delete(ConsultWord).where(ConsultWord.consult_id.in_(free)),
        delete(ConsultHistory).where(ConsultHistory.consult_id.in_(free)),
        delete(ConsultRefusal).where(ConsultRefusal.consult_id.in_(free)),
        delete(Consult).where(Consult.id.in_(free)),
        delete(Subscription).where(Subscription.resident_id == resident_id),
        delete(BroadcastCopy).where(or_(BroadcastCopy.resident_id == resident_id, BroadcastCopy.message_id.in_(messages))),
        delete(OpinionSupporter).where(OpinionSupporter.resident_id == resident_id),
        delete(DisclosureSubscription).where(DisclosureSubscription.resident_id == resident_id),
        delete(DisclosureCopy).where(DisclosureCopy.resident_id == resident_id),
        delete(VoteGuess).where(VoteGuess.conversation_id == conversation_id),
        delete(Voice).where(or_(Voice.resident_id == resident_id, Voice.statement_id.in_(statements))),
        delete(Statement).where(Statement.resident_id == resident_id),
        delete(Participant).where(Participant.resident_id == resident_id),
        delete(SubsidyTalk).where(SubsidyTalk.conversation_id == conversation_id),
        delete(Delivery).where(Delivery.conversation_id == conversation_id),
        delete(Message).where(Message.conversation_id == conversation_id),
        delete(IdempotencyKey).where(IdempotencyKey.key.contains(conversation.tracker_key, autoescape=True)),
        update(VaultItem).where(VaultItem.id.in_(held)).values(resident_id=None, message_id=None),
        delete(VaultItem).where(or_(VaultItem.resident_id == resident_id, VaultItem.message_id.in_(said))),
        update(Media).where(Media.key.in_(kept), Media.resident_id == resident_id).values(resident_id=None),
        delete(Media).where(Media.key.in_(gone)),
        update(Resident).where(Resident.id == resident_id).values(display_name="", deleted_at=now),
    ):
        await session.execute(statement)
    conversation.tracker_key = secrets.token_hex(16)
    conversation.last_area_code = None
    request.kept, request.state, request.last_sequence = counts, WishState.SAID, conversation.last_sequence
    if request.wish is Wish.ERASE:
        said = await outbox.say(session, conversation, now=now, text=_last_word(counts, desk.sentences))
        request.last_sequence = said.sequence
    return gone


def _last_word(counts: dict[str, int], sentences: Sentences) -> str:
    listed = [sentences.say(f"utter_name_kept_{name}", count=count).text for name, count in counts.items() if count]
    nothing = sentences.say("utter_name_kept_nothing").text
    return sentences.say("utter_data_erased", kept="、".join(listed) or nothing).text


async def let_go(session: AsyncSession, event: Event) -> None:
    """A reported matter loses its reporter; names and numbers in its words are masked."""
    await session.execute(delete(StaffNotice).where(StaffNotice.event_id == event.id))
    await withheld.forget(session, event)
    event.description = masked(event.description)
    await write_terms(session, event)
    event.reporter_id = event.conversation_id = event.message_id = None
    event.anonymous = True


async def forget(session: AsyncSession, request: PersonalRequest, *, now: datetime) -> None:
    """The last word is delivered: the account goes too, unless the resident has written again or the law keeps a tie."""
    request.state, request.done_at, request.tracker_key = WishState.DONE, now, ""
    conversation = await session.get(Conversation, request.conversation_id)
    if (
        conversation is None
        or conversation.last_sequence != request.last_sequence
        or request.kept.get("vote_match")
        or request.kept.get("legal_aid")
    ):
        return
    for statement in (
        delete(Delivery).where(Delivery.conversation_id == conversation.id),
        delete(Message).where(Message.conversation_id == conversation.id),
        delete(Conversation).where(Conversation.id == conversation.id),
        delete(Account).where(Account.id == conversation.account_id),
        delete(Resident).where(Resident.id == request.resident_id),
    ):
        await session.execute(statement)


async def kept_files(session: AsyncSession, conversation_id: int) -> set[str]:
    """Papers of applications and of their re-checks, and photos of events, which are the matter's."""
    papers = await session.scalars(
        select(SubsidyDocument.media)
        .join(SubsidyApplication, SubsidyApplication.id == SubsidyDocument.application_id)
        .where(SubsidyApplication.conversation_id == conversation_id)
    )
    checks = await session.scalars(
        select(SubsidyCheck.media)
        .join(SubsidyApplication, SubsidyApplication.id == SubsidyCheck.application_id)
        .where(SubsidyApplication.conversation_id == conversation_id)
    )
    events = await session.scalars(
        select(EventPhoto.media_key)
        .join(Event, Event.id == EventPhoto.event_id)
        .where(Event.conversation_id == conversation_id)
    )
    return {key for media_ in (*papers, *checks) for key in media_} | set(events)


async def _count(session: AsyncSession, table: Any, where: ColumnElement[bool]) -> int:
    return await session.scalar(select(func.count()).select_from(table).where(where)) or 0
