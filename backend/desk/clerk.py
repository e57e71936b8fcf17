"""What happens by itself at the desk: visits begin, climb, move up; an event reopened twice brings a person,
and a holder whose account is closed is replaced.
"""

from functools import partial

from sqlalchemy import ColumnElement, exists

from backend.conversations.models import Conversation, Holder
from backend.db import Database
from backend.desk import service
from backend.desk.models import Visit
from backend.desk.service import Patience
from backend.duties import Duty, do_due
from backend.events.models import Event
from backend.events.service import Desk
from backend.events.transitions import OPEN
from backend.house import DeskFactory
from backend.staff.models import Staff

UNCLAIMED = Visit.ended_at.is_(None) & Visit.claimed_at.is_(None)


def _waits_unseen(_desk: Desk) -> ColumnElement[bool]:
    visited = exists().where(Visit.conversation_id == Conversation.id, Visit.ended_at.is_(None))
    return (Conversation.holder == Holder.WAITING) & ~visited


def _nobody_came(desk: Desk) -> ColumnElement[bool]:
    return UNCLAIMED & (Visit.climb_at <= desk.now)


def _told_long_ago(desk: Desk) -> ColumnElement[bool]:
    return UNCLAIMED & (Visit.told_ahead > 0) & (Visit.told_at <= desk.now - service.TELL_EVERY)


def _reopened_twice(_desk: Desk) -> ColumnElement[bool]:
    asked = exists().where(Visit.event_id == Event.id)
    return (Event.reopened >= 2) & Event.state.in_(OPEN) & Event.conversation_id.is_not(None) & ~asked


def _held_by_nobody(_desk: Desk) -> ColumnElement[bool]:
    gone = exists().where(Staff.id == Conversation.staff_id, Staff.disabled_at.is_not(None))
    return (Conversation.holder == Holder.STAFF) & gone


async def run_once(database: Database, desk_of: DeskFactory, patience: Patience) -> int:
    """Do everything that is due, each in its own transaction; returns how many were looked at."""
    duties = (
        Duty(Conversation, _waits_unseen, partial(service.begin, patience=patience)),
        Duty(Conversation, _held_by_nobody, partial(service.lose, patience=patience)),
        Duty(Visit, _nobody_came, partial(service.climb, patience=patience)),
        Duty(Visit, _told_long_ago, service.tell_place),
        Duty(Event, _reopened_twice, partial(service.ask_after_reopenings, patience=patience)),
    )
    return await do_due(database, desk_of, duties)
