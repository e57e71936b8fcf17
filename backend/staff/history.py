"""Histories of what was done, with the names of those who did it."""

from typing import Any, TypeVar

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.staff.models import Staff

Row = TypeVar("Row")


async def with_names(session: AsyncSession, kind: type[Row], of: ColumnElement[bool]) -> list[tuple[Row, str]]:
    """The rows of a history, in order, each with its staff member's name ("" for residents and for time)."""
    history: Any = kind
    rows = await session.execute(
        select(history, Staff.name).outerjoin(Staff, Staff.id == history.staff_id).where(of).order_by(history.id)
    )
    return [(row, name or "") for row, name in rows]
