"""The periods that a cycle pays for: a month, a quarter, a year, or once."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

Cycle = Literal["once", "monthly", "quarterly", "yearly"]
ONCE = "once"
_MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12}
_QUARTERS = "一二三四"


@dataclass(frozen=True)
class Period:
    """``label``: 2026-11, 2026-Q4, 2026 or once; ``begins``: its first day."""

    label: str
    begins: date


def period_of(cycle: str, day: date) -> Period:
    """The period in which a day lies."""
    match cycle:
        case "monthly":
            return Period(f"{day:%Y-%m}", day.replace(day=1))
        case "quarterly":
            quarter = (day.month - 1) // 3
            return Period(f"{day.year}-Q{quarter + 1}", date(day.year, quarter * 3 + 1, 1))
        case "yearly":
            return Period(f"{day.year}", date(day.year, 1, 1))
    return Period(ONCE, day.replace(day=1))


def moved(cycle: str, begins: date, periods: int) -> date:
    """The first day of the period that comes ``periods`` after the one that begins on ``begins``."""
    months = begins.year * 12 + begins.month - 1 + periods * _MONTHS.get(cycle, 0)
    return date(months // 12, months % 12 + 1, 1)


def say_period(label: str) -> str:
    """As people say it: 2026年11月, 2026年第四季度, 2026年; "" for what is paid once."""
    year, _, part = label.partition("-")
    if label == ONCE:
        return ""
    if part.startswith("Q"):
        return f"{year}年第{_QUARTERS[int(part[1]) - 1]}季度"
    return f"{year}年{int(part)}月" if part else f"{year}年"
