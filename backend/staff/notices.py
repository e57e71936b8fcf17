"""Telling staff of work: one line in the inbox of each person at a desk."""

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue.models import HandlerKind
from backend.db import wake
from backend.events.models import Event
from backend.staff.models import Role, Staff, StaffNotice

ROLES = {
    HandlerKind.GRID: (Role.GRID_MEMBER, Role.GRID_HEAD),
    HandlerKind.COMMUNITY: (Role.COMMUNITY,),
    HandlerKind.STREET: (Role.STREET,),
    HandlerKind.DISTRICT: (Role.DISTRICT,),
    HandlerKind.DEPARTMENT: (Role.DEPARTMENT,),
}


async def at_desk(session: AsyncSession, kind: HandlerKind, code: str) -> list[int]:
    """The ids of the active staff who sit at a desk."""
    own = Staff.department_code if kind is HandlerKind.DEPARTMENT else Staff.area_code
    rows = await session.scalars(select(Staff.id).where(own == code, Staff.role.in_(ROLES[kind]), Staff.disabled_at.is_(None)))
    return list(rows)


def tell(
    session: AsyncSession,
    staff_id: int,
    text: str,
    *,
    now: datetime,
    event_id: int | None = None,
    conversation_id: int | None = None,
    wakes: bool = False,
) -> None:
    """Put a line in the inbox of ``staff_id``; see StaffNotice for ``wakes``."""
    wake(session, "staff chat")
    session.add(
        StaffNotice(
            staff_id=staff_id,
            text=text[:200],
            created_at=now,
            event_id=event_id,
            conversation_id=conversation_id,
            wakes=wakes,
        )
    )


async def inbox(session: AsyncSession, staff_id: int, *, limit: int = 50) -> list[tuple[StaffNotice, str | None]]:
    """The newest notices with the number of the event each is about."""
    rows = await session.execute(
        select(StaffNotice, Event.number)
        .outerjoin(Event, Event.id == StaffNotice.event_id)
        .where(StaffNotice.staff_id == staff_id)
        .order_by(StaffNotice.id.desc())
        .limit(limit)
    )
    return [(notice, number) for notice, number in rows]


async def unread(session: AsyncSession, staff_id: int) -> int:
    """How many notices nobody has opened yet."""
    return (
        await session.scalar(select(func.count()).where(StaffNotice.staff_id == staff_id, StaffNotice.read_at.is_(None))) or 0
    )


async def mark_read(
    session: AsyncSession, staff_id: int, *, now: datetime, notice_id: int | None = None, event_id: int | None = None
) -> None:
    """Mark one notice of this person, those about one event, or all of them, as read."""
    mine = [StaffNotice.staff_id == staff_id, StaffNotice.read_at.is_(None)]
    if notice_id is not None:
        mine.append(StaffNotice.id == notice_id)
    if event_id is not None:
        mine.append(StaffNotice.event_id == event_id)
    await session.execute(update(StaffNotice).where(*mine).values(read_at=now))
    wake(session, "console")
