"""Office hours: when somebody is there, and what "within 16 working hours" comes to."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SATURDAY = 5
LONGEST_CLOSURE = 60  # days; a calendar without a working day in it is a mistake


def works_on(day: date, holidays: Mapping[date, bool]) -> bool:
    """Whether offices work on ``day``: as ``holidays`` says, else Monday to Friday."""
    return holidays.get(day, day.weekday() < SATURDAY)


def is_open(now: datetime, *, opens: time, closes: time, holidays: Mapping[date, bool], zone: ZoneInfo) -> bool:
    local = now.astimezone(zone)
    return works_on(local.date(), holidays) and opens <= local.time() < closes


def next_opening(now: datetime, *, opens: time, closes: time, holidays: Mapping[date, bool], zone: ZoneInfo) -> datetime:
    """``now`` while open, else the next opening, in UTC. Raises ValueError for a calendar without working days."""
    if is_open(now, opens=opens, closes=closes, holidays=holidays, zone=zone):
        return now.astimezone(UTC)
    local = now.astimezone(zone)
    day = local.date() if local.time() < opens else local.date() + timedelta(days=1)
    for _ in range(LONGEST_CLOSURE):
        if works_on(day, holidays):
            return datetime.combine(day, opens, zone).astimezone(UTC)
        day += timedelta(days=1)
    raise ValueError("no working day within two months")


def add_working_hours(
    start: datetime, amount: float, *, opens: time, closes: time, holidays: Mapping[date, bool], zone: ZoneInfo
) -> datetime:
    """The moment ``amount`` office hours after ``start``, in UTC; never later than closing time of its day."""
    hours = {"opens": opens, "closes": closes, "holidays": holidays, "zone": zone}
    left = timedelta(hours=amount)
    now = next_opening(start, **hours)
    while True:
        closing = datetime.combine(now.astimezone(zone).date(), closes, zone).astimezone(UTC)
        if now + left <= closing:
            return now + left
        left -= closing - now
        now = next_opening(closing, **hours)


def add_working_days(
    start: datetime, days: int, *, opens: time, closes: time, holidays: Mapping[date, bool], zone: ZoneInfo
) -> datetime:
    """Closing time of the ``days``-th working day after that of ``start``, in UTC."""
    day = next_opening(start, opens=opens, closes=closes, holidays=holidays, zone=zone).astimezone(zone).date()
    for _ in range(days):
        following = datetime.combine(day + timedelta(days=1), time.min, zone)
        day = next_opening(following, opens=opens, closes=closes, holidays=holidays, zone=zone).astimezone(zone).date()
    return datetime.combine(day, closes, zone).astimezone(UTC)
