"""When a desk is open: the nearest hours of its own above it, else the city's."""

from dataclasses import replace
from datetime import date, time
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.desk.models import DeskDay, DeskHours
from backend.errors import BadInput
from backend.grids import service as grids
from backend.grids.calendar import Calendar


class WithWeekends(dict[date, bool]):
    """Days that differ, where every other day is a working day, Saturday and Sunday too."""

    def get(self, key: date, default: Any = None) -> Any:
        return super().get(key, True)


async def calendar_of(session: AsyncSession, calendar: Calendar, area_code: str | None) -> Calendar:
    """The calendar of an area's desk; the city's for a desk that is not known."""
    if area_code is None:
        return calendar
    codes = [area.code for area in await grids.ancestors(session, area_code)]
    rows = {row.area_code: row for row in await session.scalars(select(DeskHours).where(DeskHours.area_code.in_(codes)))}
    own = next((rows[code] for code in codes if code in rows), None)
    days = dict(calendar.holidays)
    differing = list(await session.scalars(select(DeskDay).where(DeskDay.area_code.in_(codes))))
    for day in sorted(differing, key=lambda row: -codes.index(row.area_code)):  # the nearest has the last word
        days[day.day] = day.working
    if own is None:
        return replace(calendar, holidays=days)
    holidays = WithWeekends(days) if own.weekends else days
    return replace(calendar, opens=own.opens, closes=own.closes, holidays=holidays)


async def set_hours(session: AsyncSession, area_code: str, *, opens: time, closes: time, weekends: bool) -> None:
    """Give a desk hours of its own. Raises BadInput unless it closes after it opens."""
    if opens >= closes:
        raise BadInput("下班时间要晚于上班时间。", fields=["closes"])
    row = await session.get(DeskHours, area_code) or DeskHours(area_code=area_code)
    row.opens, row.closes, row.weekends = opens, closes, weekends
    session.add(row)
    await session.flush()


async def set_day(session: AsyncSession, area_code: str, day: date, working: bool | None) -> None:
    """Say that the desk is open or closed on ``day``; None takes it back."""
    await session.execute(delete(DeskDay).where(DeskDay.area_code == area_code, DeskDay.day == day))
    if working is not None:
        session.add(DeskDay(area_code=area_code, day=day, working=working))
    await session.flush()
