"""When a desk is open: the nearest hours of its own above it, else the city's."""

from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.desk.leading import led_area
from backend.desk.models import DeskDay, DeskHours
from backend.errors import BadInput
from backend.events.service import Desk
from backend.grids import service as grids
from backend.grids.calendar import Calendar
from backend.staff.scope import Scope

LATER = "下班时间要晚于上班时间。"
DAYS_AHEAD = timedelta(days=730)


class WithWeekends(dict[date, bool]):
    """Days that differ, where every other day is a working day, Saturday and Sunday too."""

    def get(self, key: date, default: Any = None) -> Any:
        return super().get(key, True)


async def calendar_of(session: AsyncSession, calendar: Calendar, area_code: str | None) -> Calendar:
    """The calendar of an area's desk; the city's for a desk that is not known."""
    if area_code is None:
        return calendar
    codes = [area.code for area in await grids.ancestors(session, area_code)]
    own = await nearest_hours(session, codes)
    days = dict(calendar.holidays)
    differing = list(await session.scalars(select(DeskDay).where(DeskDay.area_code.in_(codes))))
    for day in sorted(differing, key=lambda row: -codes.index(row.area_code)):  # the nearest has the last word
        days[day.day] = day.working
    if own is None:
        return replace(calendar, holidays=days)
    holidays = WithWeekends(days) if own.weekends else days
    return replace(calendar, opens=own.opens, closes=own.closes, holidays=holidays)


async def nearest_hours(session: AsyncSession, codes: list[str]) -> DeskHours | None:
    """The hours of the first of these areas that has some; None where the city's count."""
    rows = {row.area_code: row for row in await session.scalars(select(DeskHours).where(DeskHours.area_code.in_(codes)))}
    return next((rows[code] for code in codes if code in rows), None)


async def hours_in_words(session: AsyncSession, calendar: Calendar, area_code: str | None) -> str:
    """When a desk is open, as a clerk says it: 工作日8:30到17:30, 每天9:00到12:00. ``calendar`` is the desk's."""
    codes = [area.code for area in await grids.ancestors(session, area_code)] if area_code else []
    own = await nearest_hours(session, codes)
    days = "每天" if own and own.weekends else "工作日"
    return f"{days}{_clock(calendar.opens)}到{_clock(calendar.closes)}"


def _clock(moment: time) -> str:
    return f"{moment.hour}:{moment.minute:02d}"


async def days_of(session: AsyncSession, area_code: str, *, since: date) -> list[DeskDay]:
    """The desk's own days that differ, from ``since`` on."""
    rows = await session.scalars(
        select(DeskDay).where(DeskDay.area_code == area_code, DeskDay.day >= since).order_by(DeskDay.day)
    )
    return list(rows)


async def set_hours(
    session: AsyncSession, scope: Scope, area_code: str, *, opens: time | None, closes: time | None, weekends: bool
) -> None:
    """Give a desk hours of its own; without both, those of the area above or the city's count again.

    Raises NotFound or Forbidden where the desk is not led, BadInput unless it closes after it opens.
    """
    area = await led_area(session, scope, area_code)
    if opens is None and closes is None:
        await session.execute(delete(DeskHours).where(DeskHours.area_code == area.code))
        return
    if opens is None or closes is None or opens >= closes:
        raise BadInput(LATER, fields=["closes"])
    row = await session.get(DeskHours, area.code) or DeskHours(area_code=area.code)
    row.opens, row.closes, row.weekends = opens, closes, weekends
    session.add(row)
    await session.flush()


async def set_day(session: AsyncSession, scope: Scope, area_code: str, day: date, working: bool | None, *, desk: Desk) -> None:
    """Say that the desk is open or closed on ``day``; None takes it back.

    Raises NotFound or Forbidden where the desk is not led, BadInput for a day that is over or more than two years away, and
    where the desk would not open within two months.
    """
    area = await led_area(session, scope, area_code)
    if working is not None and not desk.today <= day <= desk.today + DAYS_AHEAD:
        raise BadInput("请选今天到两年以内的日子。", fields=["day"])
    await session.execute(delete(DeskDay).where(DeskDay.area_code == area.code, DeskDay.day == day))
    if working is not None:
        session.add(DeskDay(area_code=area.code, day=day, working=working))
    await session.flush()
    calendar = await calendar_of(session, desk.calendar, area.code)
    try:
        calendar.next_opening(desk.now)
    except ValueError:
        raise BadInput("这样值班台连着两个月都不开门，请留出上班的日子。", fields=["day"]) from None
