"""What residents are promised at their first message: what they sent is kept for three years after their matter is over.

Three things go by themselves. A matter that was over three years ago loses its reporter and its photos, and its words are
masked. Messages of three years ago go with their files and numbers, whoever goes on writing. A resident of whom nothing was
heard for three years and nothing goes on is forgotten like one who asked for it, without a word.

And a file that came in nobody's name, and that after a day nothing in the record names, goes: it was attached to what was
refused, or never sent.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import JSON, ColumnElement, Text, cast, delete, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backend.broadcasts.models import BroadcastCopy
from backend.clock import Clock
from backend.conversations.models import Conversation, Message, is_open
from backend.db import Base, Database
from backend.events.models import Event, EventPhoto, History
from backend.events.transitions import FINAL
from backend.feedback.masking import masked
from backend.feedback.models import Misunderstood
from backend.legal.models import Consult, ConsultState, ConsultWord
from backend.legal_aid.models import AidState, LegalAid
from backend.media import service as media
from backend.media.models import Media, Upload
from backend.mediation.models import Mediation, MediationParty, MediationState
from backend.opinions.models import Opinion, OpinionState
from backend.outbox import service as outbox
from backend.outbox.models import Delivery
from backend.personal import service
from backend.personal.models import PersonalRequest, Wish
from backend.settings import Settings
from backend.subsidies.models import ApplicationState, SubsidyApplication
from backend.vault.models import VaultItem

KEPT = timedelta(days=3 * 365 + 1)
BATCH = 200
UNNAMED_KEPT = timedelta(days=1)
UPLOADS = 50


async def run_once(database: Database, clock: Clock, settings: Settings) -> int:
    """Let go of what is due, a batch of each; returns how much it was."""
    now = clock.now()
    before = now - KEPT
    return (
        await _matters(database, before, settings.home / "media")
        + await _messages(database, before, settings.home / "media")
        + await _residents(database, before, now)
        + await _uploads(database, now - UNNAMED_KEPT, settings.home / "media")
    )


async def _matters(database: Database, before: datetime, folder: Path) -> int:
    over = (Event.state.in_(FINAL), Event.updated_at <= before, Event.reporter_id.is_not(None))
    async with database.write() as session:
        events = list(await session.scalars(select(Event).where(*over).order_by(Event.id).limit(BATCH)))
        ids = [event.id for event in events]
        gone = set(await session.scalars(select(EventPhoto.media_key).where(EventPhoto.event_id.in_(ids))))
        for event in events:
            await service.let_go(session, event)
        for step in await session.scalars(select(History).where(History.event_id.in_(ids))):
            gone |= set(step.photos)
            step.note, step.photos, step.resident_id = masked(step.note), [], None
        await session.execute(delete(EventPhoto).where(EventPhoto.event_id.in_(ids)))
        await session.execute(delete(Media).where(Media.key.in_(gone)))
    _unlink(folder, gone)
    return len(events)


async def _messages(database: Database, before: datetime, folder: Path) -> int:
    waiting = exists().where(Delivery.message_id == Message.id, Delivery.state.in_(outbox.OPEN))
    old = select(Message).where(Message.created_at <= before, ~waiting, Message.turn_state.is_(None) | ~is_open(Message))
    async with database.write() as session:
        messages = list(await session.scalars(old.order_by(Message.id).limit(BATCH)))
        ids = [message.id for message in messages]
        gone = {key for message in messages for key in message.payload.get("media") or []}
        for conversation_id in {message.conversation_id for message in messages}:
            gone -= await service.kept_files(session, conversation_id)
            gone -= await _in_use(session, conversation_id)
        for statement in (
            update(Event).where(Event.message_id.in_(ids)).values(message_id=None),
            delete(Misunderstood).where(Misunderstood.message_id.in_(ids)),
            delete(BroadcastCopy).where(BroadcastCopy.message_id.in_(ids)),
            delete(VaultItem).where(VaultItem.message_id.in_(ids), *(~used for used in _numbers_in_use())),
            delete(Delivery).where(Delivery.message_id.in_(ids)),
            delete(Message).where(Message.id.in_(ids)),
            delete(Media).where(Media.key.in_(gone)),
        ):
            await session.execute(statement)
    _unlink(folder, gone)
    return len(ids)


async def _in_use(session: AsyncSession, conversation_id: int) -> set[str]:
    """Files of matters that are not let go of yet: what the resident sent for them goes when they go."""
    resident = select(Conversation.resident_id).where(Conversation.id == conversation_id).scalar_subquery()
    consults = select(Consult.id).where(Consult.resident_id == resident)
    lists = (
        select(History.photos).where(History.resident_id == resident),
        select(Opinion.media).where(Opinion.resident_id == resident),
        select(Consult.media).where(Consult.resident_id == resident),
        select(ConsultWord.media).where(ConsultWord.consult_id.in_(consults)),
    )
    return {key for each in lists for keys in await session.scalars(each) for key in keys}


def _numbers_in_use() -> Iterator[ColumnElement[bool]]:
    """For every column that refers to a number of the vault: whether it refers to this one."""
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if any(key.column.table is VaultItem.__table__ for key in column.foreign_keys):
                yield exists().where(column == VaultItem.id)


async def _residents(database: Database, before: datetime, now: datetime) -> int:
    resident = Conversation.resident_id
    ended = (ApplicationState.REFUSED, ApplicationState.WITHDRAWN)
    goes_on: tuple[ColumnElement[bool], ...] = (
        exists().where(Message.conversation_id == Conversation.id, Message.created_at > before),
        exists().where(Event.reporter_id == resident),
        exists().where(Consult.resident_id == resident, Consult.state != ConsultState.ENDED),
        exists().where(Consult.resident_id == resident, LegalAid.consult_id == Consult.id, LegalAid.state == AidState.APPLIED),
        exists().where(Opinion.resident_id == resident, Opinion.state == OpinionState.WAITING),
        exists().where(SubsidyApplication.conversation_id == Conversation.id, SubsidyApplication.state.not_in(ended)),
        exists()
        .where(MediationParty.resident_id == resident, MediationParty.mediation_id == Mediation.id)
        .where(Mediation.state.in_((MediationState.PROPOSED, MediationState.OPEN))),
        exists().where(PersonalRequest.resident_id == resident, PersonalRequest.wish != Wish.EXPORT),
    )
    quiet = select(Conversation).where(Conversation.updated_at <= before, *(~condition for condition in goes_on)).limit(BATCH)
    async with database.write() as session:
        found = list(await session.scalars(quiet))
        for one in found:
            await service.ask(session, one, Wish.EXPIRE, now=now)
    return len(found)


async def _uploads(database: Database, before: datetime, folder: Path) -> int:
    due = select(Upload).where(Upload.stored_at <= before).order_by(Upload.id).limit(UPLOADS)
    async with database.write() as session:
        uploads = list(await session.scalars(due))
        keys = {upload.key for upload in uploads}
        owned = await session.scalars(select(Media.key).where(Media.key.in_(keys), Media.resident_id.is_not(None)))
        gone = keys - set(owned)
        if gone:
            gone -= await _named(session, gone, since=min(upload.stored_at for upload in uploads))
        await session.execute(delete(Media).where(Media.key.in_(gone)))
        await session.execute(delete(Upload).where(Upload.key.in_(keys)))
    _unlink(folder, gone)
    return len(keys)


async def _named(session: AsyncSession, keys: set[str], *, since: datetime) -> set[str]:
    """Those of ``keys`` that anything in the record names: by reference, or in a column of JSON. A message names its files
    when it is made, so that of messages those from ``since`` are enough.
    """
    named: set[str] = set()
    for table in Base.metadata.sorted_tables:
        late = [Message.created_at >= since] if table is Message.__table__ else []
        for column in table.columns:
            if any(key.column is Media.__table__.c.key for key in column.foreign_keys):
                named |= set(await session.scalars(select(column).where(column.in_(keys))))
            elif isinstance(column.type, JSON):
                words = cast(column, Text)
                some = or_(*(words.contains(f'"{key}"', autoescape=True) for key in keys))
                found = await session.scalars(select(words).where(some, *late))
                named |= {key for text in found for key in keys if f'"{key}"' in text}
    return named


def _unlink(folder: Path, keys: Iterable[str]) -> None:
    for key in keys:
        media.path_of(folder, key).unlink(missing_ok=True)
