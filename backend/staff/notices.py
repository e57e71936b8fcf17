"""Telling staff of work: one line in the inbox of each person at a desk."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue.models import HandlerKind
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
    rows = await session.scalars(
        select(Staff.id).where(own == code, Staff.role.in_(ROLES[kind]), Staff.disabled_at.is_(None))
    )
    return list(rows)


def tell(
    session: AsyncSession,
    staff_id: int,
    text: str,
    *,
    now: datetime,
    event_id: int | None = None,
    conversation_id: int | None = None,
) -> None:
    """Put a line in the inbox of ``staff_id``."""
    session.add(
        StaffNotice(
            staff_id=staff_id, text=text[:200], created_at=now, event_id=event_id, conversation_id=conversation_id
        )
    )
