"""Office hours hold for every start, length and calendar."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from backend.grids.hours import add_working_hours, is_open, next_opening

HOUSE = {"opens": time(8, 30), "closes": time(17, 30), "zone": ZoneInfo("Asia/Shanghai")}
MOMENTS = st.integers(0, 700 * 24 * 3600).map(lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
CALENDARS = st.dictionaries(st.dates(date(2026, 1, 1), date(2027, 12, 31)), st.booleans(), max_size=40)
AMOUNTS = st.integers(1, 20 * 60).map(lambda minutes: minutes / 60)


def open_minutes(start: datetime, end: datetime, holidays: dict[date, bool]) -> int:
    """Count the minutes at which offices are open, one by one."""
    minutes, moment = 0, start
    while moment < end:
        minutes += is_open(moment, holidays=holidays, **HOUSE)
        moment += timedelta(minutes=1)
    return minutes


@given(MOMENTS.map(lambda moment: moment.replace(second=0, microsecond=0)), AMOUNTS, CALENDARS)
def test_exactly_the_amount_of_open_time_lies_between(start: datetime, amount: float, holidays: dict[date, bool]) -> None:
    end = add_working_hours(start, amount, holidays=holidays, **HOUSE)

    assert open_minutes(start, end, holidays) == round(amount * 60)


@given(MOMENTS, CALENDARS)
def test_the_next_opening_is_open_and_nothing_before_it_is(now: datetime, holidays: dict[date, bool]) -> None:
    opening = next_opening(now, holidays=holidays, **HOUSE)

    assert is_open(opening, holidays=holidays, **HOUSE)
    assert opening == now if is_open(now, holidays=holidays, **HOUSE) else opening > now
    assert not is_open(opening - timedelta(seconds=1), holidays=holidays, **HOUSE) or opening == now
