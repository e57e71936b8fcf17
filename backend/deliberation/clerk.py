"""What deliberations do by themselves: they invite, end when their time has come, tell, and remind of what waits."""

from datetime import timedelta

from sqlalchemy import ColumnElement, Select, exists, func, insert, literal, select, union
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Conversation
from backend.db import Database, wake
from backend.deliberation import cards, service
from backend.deliberation.models import (
    Deliberation,
    DeliberationState,
    Participant,
    Statement,
    StatementState,
)
from backend.duties import Duty, do_due
from backend.events.models import Event, Supporter
from backend.events.service import Desk
from backend.grids.models import Area
from backend.house import DeskFactory
from backend.outbox import service as outbox
from backend.residents.models import Resident
from backend.votes.models import VoteMatch

BATCH = 200
MODERATE_WITHIN = timedelta(hours=24)


def people_of(area_path: str) -> Select[tuple[int, int]]:
    """(resident, conversation) of everybody whom the record ties to the area: they reported something there or joined a
    report, the last place they spoke of lies there, or they are on the register of a vote there.

    Nobody is asked where they live; who is not known here may still say so (service.join).
    """
    within = Area.path.startswith(area_path, autoescape=True)
    found = union(
        select(Event.reporter_id, Event.conversation_id).where(
            Event.area_path.startswith(area_path, autoescape=True),
            Event.reporter_id.is_not(None),
            Event.conversation_id.is_not(None),
        ),
        select(Supporter.resident_id, Supporter.conversation_id)
        .join(Event, Event.id == Supporter.event_id)
        .where(Event.area_path.startswith(area_path, autoescape=True)),
        select(Conversation.resident_id, Conversation.id).join(Area, Area.code == Conversation.last_area_code).where(within),
        select(VoteMatch.resident_id, VoteMatch.conversation_id)
        .join(Area, Area.code == VoteMatch.area_code)
        .where(within, VoteMatch.ended_at.is_(None), VoteMatch.vote_id.is_(None)),
    ).subquery()
    resident, conversation = found.c
    return (
        select(resident, func.min(conversation))
        .join(Resident, Resident.id == resident)
        .where(Resident.deleted_at.is_(None))
        .group_by(resident)
    )


async def invite(session: AsyncSession, one: Deliberation, *, desk: Desk) -> None:
    """Write down whom the record ties to the area, and let them be told."""
    known = exists().where(Participant.deliberation_id == one.id, Participant.resident_id == Resident.id)
    people = people_of(one.area_path).where(~known).subquery()
    resident, conversation = people.c
    columns = ["deliberation_id", "resident_id", "conversation_id", "declared", "told", "at"]
    values = (literal(one.id), resident, conversation, literal(False), literal(""), literal(desk.now, Participant.at.type))
    added = await session.execute(insert(Participant).from_select(columns, select(*values)))
    one.invited_at = desk.now
    service.tell_all(session, one)
    service.log(session, one, "invited", now=desk.now, number=added.rowcount)


async def tell(session: AsyncSession, one: Deliberation, *, desk: Desk) -> None:
    """Push the first of the news to up to BATCH of those who were asked; nobody is told the same thing twice."""
    news, _, following = one.telling.partition(" ")
    query = select(Participant).where(Participant.deliberation_id == one.id, Participant.told != news)
    rows = (await session.scalars(query.order_by(Participant.id).limit(BATCH))).all()
    said = cards.news(one, desk=desk)
    media = one.attachments if news == DeliberationState.OPEN else []
    for asked in rows:
        conversation = await session.get_one(Conversation, asked.conversation_id)
        await outbox.say(session, conversation, now=desk.now, text=said.text, buttons=said.buttons, media=media or None)
        asked.told = news
    if len(rows) < BATCH:
        one.telling = following
    if one.telling:
        wake(session, "deliberation")


async def end(session: AsyncSession, one: Deliberation, *, desk: Desk) -> None:
    await service.end(session, one, desk=desk)


async def remind(session: AsyncSession, said: Statement, *, desk: Desk) -> None:
    """One reminder for each statement that has waited too long."""
    said.reminded_at = desk.now
    one = await session.get_one(Deliberation, said.deliberation_id)
    hours = int(MODERATE_WITHIN.total_seconds() // 3600)
    await service.tell_desk(session, one, f"议事“{one.title}”有发言等了 {hours} 小时还没审核", now=desk.now)


def _to_invite(desk: Desk) -> ColumnElement[bool]:
    return (
        (Deliberation.state == DeliberationState.OPEN)
        & Deliberation.invited_at.is_(None)
        & (Deliberation.starts_at <= desk.now)
        & (Deliberation.ends_at > desk.now)
    )


def _to_tell(_desk: Desk) -> ColumnElement[bool]:
    return Deliberation.telling != ""


def _to_end(desk: Desk) -> ColumnElement[bool]:
    return (Deliberation.state == DeliberationState.OPEN) & (Deliberation.ends_at <= desk.now)


def _waits(desk: Desk) -> ColumnElement[bool]:
    since = desk.now - MODERATE_WITHIN
    return (Statement.state == StatementState.PENDING) & (Statement.at <= since) & Statement.reminded_at.is_(None)


DUTIES = (
    Duty(Deliberation, _to_invite, invite),
    Duty(Deliberation, _to_end, end),
    Duty(Deliberation, _to_tell, tell),
    Duty(Statement, _waits, remind),
)


async def run_once(database: Database, desk_of: DeskFactory) -> int:
    """Do everything that is due; returns how many things were done."""
    return await do_due(database, desk_of, DUTIES)
