"""Office hours with the holidays of the record: one object that services are given."""

from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.grids import hours
from backend.grids.models import Holiday


@dataclass(frozen=True)
class Calendar:
    """``holidays`` maps a day to whether offices work on it, for the days that differ from their weekday."""

    opens: time
    closes: time
    zone: ZoneInfo
    holidays: dict[date, bool]

    @classmethod
    async def load(cls, session: AsyncSession, *, opens: time, closes: time, zone: ZoneInfo) -> "Calendar":
        rows = await session.execute(select(Holiday.day, Holiday.working))
        return cls(opens, closes, zone, dict(rows.all()))

    def add_working_hours(self, start: datetime, amount: float) -> datetime:
        """The moment ``amount`` office hours after ``start``, in UTC."""
        return hours.add_working_hours(
            start, amount, opens=self.opens, closes=self.closes, holidays=self.holidays, zone=self.zone
        )

    def add_working_days(self, start: datetime, days: int) -> datetime:
        """Closing time of the ``days``-th working day after that of ``start``, in UTC."""
        return hours.add_working_days(start, days, opens=self.opens, closes=self.closes, holidays=self.holidays, zone=self.zone)

    def is_open(self, now: datetime) -> bool:
        return hours.is_open(now, opens=self.opens, closes=self.closes, holidays=self.holidays, zone=self.zone)

    def next_opening(self, now: datetime) -> datetime:
        """``now`` when open, else the next moment at which offices open, in UTC."""
        return hours.next_opening(now, opens=self.opens, closes=self.closes, holidays=self.holidays, zone=self.zone)
