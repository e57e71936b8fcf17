"""Moments as a clerk would say them, in the city's own time."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

WEEKDAYS = "一二三四五六日"


def say_moment(moment: datetime, *, now: datetime, zone: ZoneInfo) -> str:
    """Return e.g. 今天17:00, 明天9:30, 11月26日（周四）17:00; with the year when it is another one."""
    local, today = moment.astimezone(zone), now.astimezone(zone).date()
    clock = f"{local.hour}:{local.minute:02d}"
    match (local.date() - today).days:
        case 0:
            return f"今天{clock}"
        case 1:
            return f"明天{clock}"
        case -1:
            return f"昨天{clock}"
    year = f"{local.year}年" if local.year != today.year else ""
    return f"{year}{local.month}月{local.day}日（周{WEEKDAYS[local.weekday()]}）{clock}"


def say_day(day: date) -> str:
    """Return e.g. 12月9日."""
    return f"{day.month}月{day.day}日"
