"""Hours and days of desks from CSV files. docs/import.md describes each column."""

from datetime import time

from sqlalchemy.ext.asyncio import AsyncSession

from backend.csvrows import Changes, Column, Table, Values, code, flag, sync
from backend.desk.hours import LATER
from backend.desk.models import DeskDay, DeskHours
from backend.grids.importing import day


def _clock(cell: str) -> time:
    try:
        return time.fromisoformat(cell.zfill(5))
    except ValueError:
        raise ValueError("应填时间，如08:30。") from None


HOURS = (Column("area_code", code), Column("opens", _clock), Column("closes", _clock), Column("weekends", flag))
DAYS = (Column("area_code", code), Column("day", day), Column("working", flag))


def check_hours(table: Table, areas: set[str]) -> None:
    """Report rows for areas that are not there or named twice, and those that close before they open."""
    table.unique("area_code")
    table.check("area_code", areas, "没有{}这个区划编码。")
    for row in table.rows:
        opens, closes = row.values["opens"], row.values["closes"]
        if opens and closes and opens >= closes:
            table.wrong(row.line, "closes", LATER)


def check_days(table: Table, areas: set[str]) -> None:
    """Report rows for areas that are not there, and a day of an area that is named twice."""
    table.unique("area_code", "day")
    table.check("area_code", areas, "没有{}这个区划编码。")


async def write_hours(session: AsyncSession, rows: list[Values]) -> Changes:
    """Make the desks' own hours exactly those of the file."""
    return await sync(session, DeskHours, rows, key=("area_code",), replace=True)


async def write_days(session: AsyncSession, rows: list[Values]) -> Changes:
    """Make the desks' own days exactly those of the file."""
    return await sync(session, DeskDay, rows, key=("area_code", "day"), replace=True)
