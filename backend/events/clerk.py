"""What happens by itself: new events are accepted and dispatched, late ones climb, unanswered ones are closed.

Everything is found from the record's own state, so a clerk that died has lost nothing.
"""

import logging
from collections.abc import Awaitable, Callable

from sqlalchemy import ColumnElement, Select, exists, literal, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations import service as conversations
from backend.conversations.models import Message
from backend.db import Database
from backend.errors import LinlitongError
from backend.events import service
from backend.events.models import Event, EventState
from backend.events.service import Actor, Desk
from backend.events.transitions import OPEN
from backend.house import DeskFactory
from backend.web import without_values

logger = logging.getLogger(__name__)
BATCH = 50


def _after_the_turn(state: EventState) -> ColumnElement[bool]:
    """In ``state``, and the reporter's turn has been answered: the answer comes before what follows from it."""
    answering = exists().where(Message.conversation_id == Event.conversation_id, Message.turn_state.in_(conversations.OPEN))
    return (Event.state == state) & or_(Event.conversation_id.is_(None), ~answering)


async def take_up(session: AsyncSession, event: Event, desk: Desk) -> None:
    """Accept a new event and give it to the desk that the duty matrix names."""
    handler = await service.find_handler(session, event)
    if handler is not None:
        event.handler, event.handler_code = handler
    else:
        await service.queue_at_street(session, event, desk=desk)
    await session.flush()
    await service.move(session, event, EventState.ACCEPTED, actor=Actor.system(), desk=desk)
    if handler is not None:
        await service.move(session, event, EventState.DISPATCHED, actor=Actor.system(), desk=desk)


async def give_back_higher(session: AsyncSession, event: Event, desk: Desk) -> None:
    await service.move(session, event, EventState.DISPATCHED, actor=Actor.system(), desk=desk)


async def close_unanswered(session: AsyncSession, event: Event, desk: Desk) -> None:
    await service.move(session, event, EventState.CLOSED, actor=Actor.system(), desk=desk)


async def climb(session: AsyncSession, event: Event, desk: Desk) -> None:
    await service.escalate(session, event, desk=desk)


Due = Callable[[Desk], ColumnElement[bool]]
Act = Callable[[AsyncSession, Event, Desk], Awaitable[None]]
DUTIES: list[tuple[Due, Act]] = [
    (lambda desk: _after_the_turn(EventState.REPORTED), take_up),
    (lambda desk: _after_the_turn(EventState.REOPENED), give_back_higher),
    (lambda desk: (Event.state == EventState.VERIFYING) & (Event.verify_by <= desk.now), close_unanswered),
    (lambda desk: Event.state.in_(OPEN) & (Event.escalate_at <= desk.now), climb),
]


def _look(number: int, due: ColumnElement[bool]) -> Select[tuple[int, int]]:
    """The oldest events for which duty ``number`` is due, as rows of the number and the event's id."""
    oldest = select(Event.id).where(due).order_by(Event.id).limit(BATCH).subquery()
    return select(literal(number), oldest.c.id)


async def run_once(database: Database, desk_of: DeskFactory) -> int:
    """Do everything that is due, each event in its own transaction; returns how many were done."""
    done = 0
    async with database.read() as session:
        desk = await desk_of(session)
        found = (await session.execute(union_all(*(_look(number, due(desk)) for number, (due, _) in enumerate(DUTIES))))).all()
    for number, (due, act) in enumerate(DUTIES):
        for event_id in sorted(event_id for duty, event_id in found if duty == number):
            try:
                async with database.write() as session:
                    desk = await desk_of(session)
                    event = await session.scalar(
                        select(Event).where(Event.id == event_id, due(desk)).with_for_update(skip_locked=True)
                    )
                    if event is not None:
                        await act(session, event, desk)
                        done += 1
            except LinlitongError as error:
                logger.error("event %s: %s failed with %s", event_id, act.__name__, error.code)
    return done


Round = Callable[[Database, DeskFactory], Awaitable[int]]


async def run(database: Database, desk_of: DeskFactory, *, every: float = 1.0, work: Round = run_once) -> None:
    """Run ``work`` for ever: at once when rung, else every ``every`` seconds."""
    signal = database.signals["clerk"]
    while True:
        seen = signal.count
        try:
            await work(database, desk_of)
        except Exception as error:  # the process's edge: the next round finds the same work again
            logger.error("the clerk stumbled", exc_info=without_values(error))
        await signal.wait(every, since=seen)
