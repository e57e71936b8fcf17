"""What happens by itself: new events are accepted and dispatched, late ones climb, unanswered ones are closed."""

from sqlalchemy import ColumnElement, exists, or_
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Message, is_open
from backend.db import Database
from backend.duties import Duty, do_due
from backend.events import service
from backend.events.models import Event, EventState
from backend.events.service import Actor, Desk
from backend.events.transitions import OPEN
from backend.house import DeskFactory


def _after_the_turn(waiting: ColumnElement[bool]) -> ColumnElement[bool]:
    """What is ``waiting``, and the reporter's turn has been answered: the answer comes before what follows from it."""
    answering = exists().where(Message.conversation_id == Event.conversation_id, is_open(Message))
    return waiting & or_(Event.conversation_id.is_(None), ~answering)


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


async def give_out(session: AsyncSession, event: Event, desk: Desk) -> None:
    """Give what lies with nobody, since it was corrected, to the desk that the duty matrix names."""
    if await service.find_handler(session, event) is None:
        await service.queue_at_street(session, event, desk=desk)
    else:
        await service.move(session, event, EventState.DISPATCHED, actor=Actor.system(), desk=desk)


async def close_unanswered(session: AsyncSession, event: Event, desk: Desk) -> None:
    await service.move(session, event, EventState.CLOSED, actor=Actor.system(), desk=desk)


async def climb(session: AsyncSession, event: Event, desk: Desk) -> None:
    await service.escalate(session, event, desk=desk)


DUTIES = (
    Duty(Event, lambda desk: _after_the_turn(Event.state == EventState.REPORTED), take_up),
    Duty(Event, lambda desk: _after_the_turn(Event.state == EventState.REOPENED), give_back_higher),
    Duty(Event, lambda desk: _after_the_turn(service.WITH_NOBODY), give_out),
    Duty(Event, lambda desk: (Event.state == EventState.VERIFYING) & (Event.verify_by <= desk.now), close_unanswered),
    Duty(Event, lambda desk: Event.state.in_(OPEN) & (Event.escalate_at <= desk.now), climb),
)


async def run_once(database: Database, desk_of: DeskFactory) -> int:
    """Do everything that is due, each event in its own transaction; returns how many were done."""
    return await do_due(database, desk_of, DUTIES)
