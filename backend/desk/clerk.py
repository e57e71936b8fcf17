"""What happens by itself at the desk: visits begin, climb, move up; found in the record's own state, each in a transaction."""

import logging

from sqlalchemy import exists, select

from backend.conversations.models import Conversation, Holder
from backend.db import Database
from backend.desk import service
from backend.desk.models import Visit
from backend.desk.service import Patience
from backend.errors import LinlitongError
from backend.events.models import Event
from backend.events.transitions import OPEN
from backend.house import DeskFactory
from backend.web import without_values

logger = logging.getLogger(__name__)
BATCH = 50


def _no_visit() -> object:
    return ~exists().where(Visit.conversation_id == Conversation.id, Visit.ended_at.is_(None))


async def run_once(database: Database, desk_of: DeskFactory, patience: Patience) -> int:
    """Do everything that is due; returns how many things were done."""
    async with database.read() as session:
        desk = await desk_of(session)
        waiting = list(
            await session.scalars(
                select(Conversation.id).where(Conversation.holder == Holder.WAITING, _no_visit()).limit(BATCH)
            )
        )
        late = list(await session.scalars(select(Visit.id).where(Visit.ended_at.is_(None), Visit.climb_at <= desk.now)))
        queued = list(
            await session.scalars(
                select(Visit.id).where(
                    Visit.ended_at.is_(None),
                    Visit.claimed_at.is_(None),
                    Visit.told_ahead > 0,
                    Visit.told_at <= desk.now - service.TELL_EVERY,
                )
            )
        )
        angry = list(
            await session.scalars(
                select(Event.id)
                .where(
                    Event.reopened >= 2,
                    Event.state.in_(OPEN),
                    Event.conversation_id.is_not(None),
                    ~exists().where(Visit.event_id == Event.id),
                )
                .limit(BATCH)
            )
        )
    done = 0
    for kind, ids in (("begin", waiting), ("climb", late), ("place", queued), ("reopened", angry)):
        for row_id in ids:
            try:
                done += await _do(database, desk_of, patience, kind, row_id)
            except LinlitongError as error:
                logger.error("desk %s %s failed with %s", kind, row_id, error.code)
    return done


async def _do(database: Database, desk_of: DeskFactory, patience: Patience, kind: str, row_id: int) -> bool:
    async with database.write() as session:
        desk = await desk_of(session)
        if kind == "begin":
            conversation = await session.get_one(Conversation, row_id, with_for_update=True)
            if conversation.holder is Holder.WAITING:
                await service.begin(session, conversation, desk=desk, patience=patience)
            return True
        if kind == "reopened":
            event = await session.get_one(Event, row_id, with_for_update=True)
            await service.ask_after_reopenings(session, event, desk=desk, patience=patience)
            return True
        visit = await session.scalar(
            select(Visit).where(Visit.id == row_id, Visit.ended_at.is_(None)).with_for_update(skip_locked=True)
        )
        if visit is None or visit.claimed_at is not None:
            return False
        if kind == "place":
            return await service.tell_place(session, visit, desk=desk)
        due = visit.climb_at is not None and visit.climb_at <= desk.now
        if due:
            await service.climb(session, visit, desk=desk, patience=patience)
        return due


async def run(database: Database, desk_of: DeskFactory, patience: Patience, *, every: float = 1.0) -> None:
    """Run for ever: at once when rung, else every ``every`` seconds."""
    signal = database.signals["clerk"]
    while True:
        seen = signal.count
        try:
            await run_once(database, desk_of, patience)
        except Exception as error:  # the process's edge: the next round finds the same work again
            logger.error("the desk's clerk stumbled", exc_info=without_values(error))
        await signal.wait(every, since=seen)
