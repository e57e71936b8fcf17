"""What happens by itself on the legal desk: lapsed claims go back to the queue, answered consults end with time."""

from datetime import timedelta

from sqlalchemy import ColumnElement, exists, or_
from sqlalchemy.ext.asyncio import AsyncSession

from backend.db import Database
from backend.duties import Duty, do_due
from backend.events.service import Desk
from backend.house import DeskFactory
from backend.legal import pushes, service
from backend.legal.models import Consult, ConsultState, Volunteer, VolunteerState
from backend.staff import notices
from backend.staff.models import Staff


def _lapsed(desk: Desk) -> ColumnElement[bool]:
    return (Consult.state == ConsultState.CLAIMED) & (Consult.claim_until <= desk.now)


def _orphaned(_desk: Desk) -> ColumnElement[bool]:
    """Claimed by an account that was disabled, or whose profile is not approved (any more)."""
    disabled = exists().where(Staff.id == Consult.volunteer_id, Staff.disabled_at.is_not(None))
    approved = exists().where(Volunteer.staff_id == Consult.volunteer_id, Volunteer.state == VolunteerState.APPROVED)
    return (Consult.state == ConsultState.CLAIMED) & or_(disabled, ~approved)


def _silent(desk: Desk) -> ColumnElement[bool]:
    since = desk.now - timedelta(days=service.ANSWERED_DAYS)
    return (Consult.state == ConsultState.ANSWERED) & (Consult.answered_at <= since)


async def let_lapse(session: AsyncSession, consult: Consult, desk: Desk) -> None:
    if consult.volunteer_id:
        notices.tell(session, consult.volunteer_id, f"咨询 {consult.number} 超时未答，已退回队列", now=desk.now)
    await service.release(session, consult, "lapsed", desk=desk)


async def orphan(session: AsyncSession, consult: Consult, desk: Desk) -> None:
    await service.release(session, consult, "volunteer_left", desk=desk)


async def end_by_time(session: AsyncSession, consult: Consult, desk: Desk) -> None:
    await service.end(session, consult, desk=desk, by_time=True)
    await pushes.say(session, consult, "utter_consult_ended_by_time", desk=desk, days=service.ANSWERED_DAYS)


DUTIES = (Duty(Consult, _orphaned, orphan), Duty(Consult, _lapsed, let_lapse), Duty(Consult, _silent, end_by_time))


async def run_once(database: Database, desk_of: DeskFactory) -> int:
    """Do everything that is due, each consult in its own transaction; returns how many were done."""
    return await do_due(database, desk_of, DUTIES)
