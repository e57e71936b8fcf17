"""Spoken times, relative to a message sent on Tuesday, 24 November 2026, at 15:00 in China."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.spoken_times import Every, phrases, read_time

ZONE = ZoneInfo("Asia/Shanghai")
SENT = datetime(2026, 11, 24, 15, 0, tzinfo=ZONE)


def local(moment: datetime | None) -> str:
    return moment.astimezone(ZONE).strftime("%m-%d %H:%M") if moment else ""


@pytest.mark.parametrize(
    ("text", "phrase", "start", "end"),
    [
        ("昨天晚上十点楼上吵", "昨天晚上十点", "11-23 22:00", ""),
        ("路灯坏了三天了", "三天了", "11-21 15:00", ""),
        ("上周五报的", "上周五", "11-20 00:00", "11-21 00:00"),
        ("昨晚两点有人喊", "昨晚两点", "11-24 02:00", ""),
        ("凌晨两点", "凌晨两点", "11-24 02:00", ""),
        ("晚上八点到十点广场舞", "晚上八点到十点", "11-23 20:00", "11-23 22:00"),
        ("从早上六点到现在没水", "从早上六点到现在", "11-24 06:00", "11-24 15:00"),
        ("2小时前断网", "2小时前", "11-24 13:00", ""),
        ("前天傍晚", "前天傍晚", "11-22 17:00", "11-22 20:00"),
        ("今年三月以来没人运", "今年三月以来", "03-01 00:00", ""),
        ("上个月15号晚上", "上个月15号晚上", "10-15 18:00", "10-16 00:00"),
        ("10月28日晚", "10月28日晚", "10-28 18:00", "10-29 00:00"),
        ("周三下午三点", "周三下午三点", "11-18 15:00", ""),
        ("一个半小时没人来", "一个半小时", "11-24 13:30", ""),
        ("早上7:40堵车", "早上7:40", "11-24 07:40", ""),
        ("我1号来的", "1号", "11-01 00:00", "11-02 00:00"),
        ("2026-10-01停电", "2026-10-01", "10-01 00:00", "10-02 00:00"),
    ],
)
def test_a_phrase_becomes_a_moment(text: str, phrase: str, start: str, end: str) -> None:
    when = read_time(text, SENT, ZONE)

    assert when is not None
    assert (when.phrase, local(when.start), local(when.end), when.every) == (phrase, start, end, None)


@pytest.mark.parametrize(("text", "year", "month"), [("从去年10月开始", 2025, 10), ("去年冬天", 2025, 12), ("12月", 2026, 12)])
def test_years_and_months(text: str, year: int, month: int) -> None:
    when = read_time(text, SENT, ZONE)

    assert when is not None
    assert when.start is not None
    assert (when.start.astimezone(ZONE).year, when.start.astimezone(ZONE).month) == (year, month)


@pytest.mark.parametrize(
    ("text", "every", "start"),
    [
        ("每天半夜", Every.DAY, "11-23 23:00"),
        ("每周六都有人", Every.WEEK, "11-21 00:00"),
        ("天天", Every.DAY, ""),
        ("每晚十一点以后", Every.DAY, "11-23 23:00"),
        ("一到下雨天", Every.WHENEVER, ""),
    ],
)
def test_what_comes_back(text: str, every: Every, start: str) -> None:
    when = read_time(text, SENT, ZONE)

    assert when is not None
    assert (when.every, local(when.start)) == (every, start)


@pytest.mark.parametrize(
    "text",
    [
        "3号楼",
        "三号楼漏水",
        "坐3号线",
        "迎春东路88号",
        "8号楼203",
        "天花板",
        "三年级",
        "24小时热线",
        "十月社区",
        "百年小区",
        "2号门",
        "1502",
        "",
    ],
)
def test_what_is_no_time(text: str) -> None:
    assert (phrases(text), read_time(text, SENT, ZONE)) == ([], None)


@given(st.text(st.sampled_from("昨今天晚上下午半夜十两三0123456789点:年月号日周每从到开始了个前小时几 -"), max_size=16))
def test_no_text_breaks_the_reader(text: str) -> None:
    when = read_time(text, SENT, ZONE)

    assert when is None or when.phrase in text
