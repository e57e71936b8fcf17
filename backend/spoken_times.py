"""Words for when, how long and how often, and the moments they mean to someone who writes at a given time.

Own rules, as no kept library reads spoken Chinese times: those there are want a sentence that is nothing but a time, or
take 3号楼 for the third of the month.
"""

import calendar
import enum
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from backend.hanzi import numeral, plain


class Every(enum.StrEnum):
    HOUR = "hour"
    DAY = "day"
    WHENEVER = "whenever"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class When(NamedTuple):
    """``start`` and ``end`` are aware UTC. No ``end``: a moment, or it lasts. ``every``: it comes back, and ``start`` to
    ``end`` is the last time before the message; no ``start`` then: at any time."""

    phrase: str
    start: datetime | None
    end: datetime | None
    every: Every | None


_NUM = r"(?:(?<!\d)\d{1,3}|(?<=20)\d\d|[零〇一二两三四五六七八九十百]{1,4})"
_FUZZY = rf"(?:{_NUM}(?:多|来|几)?|好?几|好多|半|俩|仨)"
_PARTS = {  # from hour, to hour; beyond 24 is the next day
    "凌晨": (0, 6), "后半夜": (24, 29), "大清早": (5, 8), "清早": (5, 8), "一大早": (5, 8), "早晨": (5, 9), "早上": (5, 9),
    "上午": (8, 12), "中午": (11, 14), "晌午": (11, 14), "正午": (12, 13), "下午": (12, 18), "傍晚": (17, 20),
    "晚上": (18, 24), "晚间": (18, 24), "前半夜": (20, 24), "大半夜": (23, 28), "半夜": (23, 28), "三更半夜": (23, 28),
    "深夜": (22, 28),
    "夜里": (21, 29), "夜间": (21, 29), "夜晚": (18, 24), "白天": (7, 18), "夜儿黑": (18, 24), "黑了": (18, 24),
    "早": (5, 9), "晚": (18, 24), "夜": (21, 29),
}  # fmt: skip
_PART = "(?:" + "|".join(sorted((p for p in _PARTS if len(p) > 1), key=len, reverse=True)) + ")"
_CLOCK = rf"(?:{_NUM}[点點](?:钟|整|半|[一三]刻|{_NUM}分?)?多?(?:左右|前后)?|(?<![\d:])[012]?\d[:：][0-5]\d(?![:\d]))"
_TIME = rf"(?:{_PART}(?:的)?{_CLOCK}|{_CLOCK}|{_PART})"
_AFTER_DAY = rf"(?:的)?(?:{_TIME}|(?<=[天日儿个昨今前明当])(?:晚|早|夜)(?:{_CLOCK})?)?"
_DAYS = {
    "大前天": -3, "前天": -2, "昨天": -1, "今天": 0, "明天": 1, "后天": 2, "大后天": 3, "前日": -2, "昨日": -1, "今日": 0,
    "明日": 1, "前儿个": -2, "前儿": -2, "昨儿个": -1, "昨儿": -1, "今儿个": 0, "今儿": 0, "明儿个": 1, "明儿": 1,
    "夜儿黑": -1, "夜儿个": -1, "夜儿": -1,
    "昨": -1, "今": 0, "前": -2, "明": 1, "当天": 0, "当": 0,
}  # fmt: skip
_DAY = "(?:" + "|".join(sorted((d for d in _DAYS if len(d) > 1), key=len, reverse=True)) + r"|[昨今当明](?=[晚早夜](?!点)))"
_WEEKDAYS = {c: i for i, c in enumerate("一二三四五六日")} | {"天": 6, "末": 5}
_WEEK = (
    r"(?:(?:上上|上|这|本|下)个?(?:周|星期|礼拜)(?:[一二三四五六日天末](?!边|围))?|(?:周|星期|礼拜)[一二三四五六日天末](?!边))"
)
_OF_MONTH = rf"(?:{_NUM}[号日]|[上中下]旬|[初底末](?!次)|中(?=[的开就，。]|$))"
_MONTH = rf"{_NUM}月(?:份)?"
_YEARS = {"前年": -2, "去年": -1, "今年": 0, "明年": 1, "上一年": -1}
_YEAR = r"(?:前年|去年|今年|明年|(?:19|20)\d\d年)"
_SEASONS = {
    "春节": (1, 2), "过年": (1, 2), "正月": (2, 2), "元旦": (1, 1), "清明": (4, 4), "五一": (5, 5), "端午": (6, 6),
    "中秋": (9, 9),
    "国庆": (10, 10), "十一": (10, 10), "腊月": (1, 1), "春天": (3, 5), "夏天": (6, 8), "秋天": (9, 11),
    "冬天": (12, 14), "春季": (3, 5),
    "夏季": (6, 8), "秋季": (9, 11), "冬季": (12, 14), "入夏": (6, 8), "入冬": (12, 14), "入秋": (9, 11),
    "暑假": (7, 8), "寒假": (1, 2),
    "年初": (1, 2), "年底": (12, 12), "年中": (6, 7), "开春": (2, 3), "上半年": (1, 6), "下半年": (7, 12),
}  # fmt: skip
_SEASON = (
    "(?:"
    + "|".join(sorted((s for s in _SEASONS if s != "十一"), key=len, reverse=True))
    + ")(?!班|作业|小区|社区|村|路|街|苑|花园|放)"
    r"(?:假期|期间|节|前后|那天|里)?"
)
_DATE = (
    rf"(?:(?:{_YEAR}(?:的)?)?{_MONTH}{_OF_MONTH}?|(?:上上|上|这|本|下)个?月{_OF_MONTH}?|{_YEAR}(?:的)?(?:{_SEASON}"
    rf"|[初底])?|{_SEASON}"
    rf"|(?:19|20)\d\d[-/.]\d{{1,2}}[-/.]\d{{1,2}}"
    rf"|(?<![\d\0号栋幢路街巷弄道里区苑园\-])(?:[1-9]|[12]\d|3[01])[号日](?=(?:那天|就|来|停|到|去|晚|早|上午|下午|中午"
    rf"|开始|起|以[前后]|之[前后]|的?时候|报|反映|修|$|，|。|,))"
    r"|大?前几?年)"
)
_POINT = rf"(?:(?:{_DATE}|{_DAY}|{_WEEK}){_AFTER_DAY}|{_TIME})"
_UNITS = {
    "秒": timedelta(seconds=1), "秒钟": timedelta(seconds=1), "分钟": timedelta(minutes=1), "刻钟": timedelta(minutes=15),
    "小时": timedelta(hours=1), "钟头": timedelta(hours=1), "时辰": timedelta(hours=2), "天": timedelta(days=1),
    "日": timedelta(days=1),
    "夜": timedelta(days=1), "宿": timedelta(days=1), "晚": timedelta(days=1), "晚上": timedelta(days=1),
    "周": timedelta(days=7),
    "星期": timedelta(days=7), "礼拜": timedelta(days=7), "月": timedelta(days=30), "季度": timedelta(days=91),
    "年": timedelta(days=365),
}  # fmt: skip
_UNIT = (
    r"(?:秒钟?|分钟|刻钟|小时|钟头|时辰|天(?!花|然|线|窗|桥|井)|日(?!常|子)|夜|宿(?!舍)|晚上?|周(?![岁边围年])"
    r"|星期(?![一二三四五六日天])|礼拜(?![一二三四五六日天])"
    r"|月(?![亮台季嫂饼])|季度|年(?![级货纪龄检代轻味度]))"
)
_LENGTH = (
    rf"(?:一天到晚|(?:{_FUZZY}(?:个)?(?:多|半)?(?:小时|钟头|星期|礼拜|时辰)|{_FUZZY}个(?:多|半)?月|[俩仨]月|(?:{_FUZZY}"
    rf"|多少|个)(?:多|半)?(?:分钟|刻钟|秒钟?|天|日|夜|宿|晚上?|周|年|季度)"
    rf"|{_FUZZY}个(?:多|半)?(?:{_UNIT}))(?:多|半|把)?|一?整(?:个)?(?:天|夜|宿|晚上?|年|月|上午|下午)|成(?:天|夜|日|宿"
    rf"|个?月|年)|通宵|没日没夜|从早到晚)"
)
_GUARDED = (
    rf"(?={_FUZZY}?个?(?:多|半)?{_UNIT}|一?整|一天到晚|[成通没从俩仨]|个)(?:{_LENGTH})(?!热线|服务|值班|客服|便利|花板"
    rf"|然气|年级|有效|内|左右行)"
)
_AGO = r"(?:之前|以前|前|之后|以后|后|来|以来)"
_REPEAT = (
    rf"(?:(?:每|隔)(?:天|日|晚|夜|早|周|星期|礼拜|月|年|个?小时|个?月|个?(?:星期|礼拜)"
    rf"|隔?{_NUM}个?{_UNIT})(?:的)?(?:[一二三四五六日天末](?=[^一-龥]|[都有早上下晚中夜的就会还要]|$))?"
    r"|天天|夜夜|日日|周周|月月|年年|晚晚|(?:双休日|节假日|工作日|周末)|(?:每逢|每到|一到|每当)(?:下雨天?|雨天|刮风|天黑"
    r"|刮大风|饭点|周[一二三四五六日末]|周末|夏天|冬天|晚上|半夜|夜里|早上|傍晚|节假日)|一下雨|下雨天)"
)
_EVERY = rf"{_REPEAT}(?:的)?(?:{_TIME})?(?:以后|之后|以前|之前|左右)?(?:(?:到|至|-){_TIME})?"
_VAGUE = {
    "刚刚": timedelta(minutes=5), "刚才": timedelta(minutes=30), "方才": timedelta(minutes=30), "这两天": timedelta(days=2),
    "这几天": timedelta(days=4), "最近几天": timedelta(days=4), "最近": timedelta(days=14), "近期": timedelta(days=14),
    "近来": timedelta(days=14),
    "前几天": timedelta(days=5), "前两天": timedelta(days=2), "前些天": timedelta(days=7), "前阵子": timedelta(days=30),
    "前段时间": timedelta(days=30), "这阵子": timedelta(days=14), "这段时间": timedelta(days=14),
}  # fmt: skip
_MEALS = r"(?:早饭|午饭|晚饭|吃过饭)(?:以后|之后|前|后)"
_NOW = "现在|今天|如今|目前|这会儿"
_TO = r"(?:一直)?(?:到|至|-|—|~)"
_NAME_ENDS = re.compile(r"社区|小区|街道|村(?!里|口)|镇|路\d|巷|苑|花园|家园|新村|坊|大道|广场|大厦|公寓|新城")
_PHRASES = re.compile(
    "|".join(
        (
            _EVERY,
            rf"(?:从|自从|自|打){_POINT}(?:开始|起|以来)?{_TO}(?:{_POINT}|{_NOW})",
            rf"{_POINT}{_TO}(?:{_POINT}|{_NOW})",
            rf"(?:从|自从|自|打){_POINT}(?:开始|起|以来|之后|以后)?",
            rf"{_GUARDED}{_AGO}(?![门面边头院栋排])",
            rf"{_POINT}(?:开始|以来|以后|之后|以前|之前)?",
            rf"(?:快|已经|连续|连着|持续|整整|将近|差不多)?{_GUARDED}(?:了|咯|啦|喽|仔|嘞)?",
            _MEALS,
            "|".join(sorted(_VAGUE, key=len, reverse=True)),
        )
    )
)


def phrases(text: str) -> list[tuple[int, int]]:
    """Return where the words for when, how long and how often stand in ``text``."""
    said = plain(text)
    return [found.span() for found in _PHRASES.finditer(said) if not _named(said, *found.span())]


def _named(text: str, start: int, end: int) -> bool:
    """Tell whether the words are the head of a name: 十月社区, 百年小区, 三八路."""
    return end - start <= 3 and _NAME_ENDS.match(text, end) is not None


def read_time(text: str, sent_at: datetime, zone: ZoneInfo) -> When | None:
    """Return the first time phrase of ``text`` as moments relative to ``sent_at``; None when there is none."""
    found = next(iter(phrases(text)), None)
    if found is None:
        return None
    phrase = text[slice(*found)]
    said = plain(phrase)
    now = sent_at.astimezone(zone)
    if every := _every(said):
        return When(phrase, *_utc(_last(said, every, now)), every)
    first, last = _halves(said)
    start, end = _point(first, now)
    if last:
        end = now if last in _NOW.split("|") else _point(last, now, start)[0]
        if start and end and end <= start:
            end += timedelta(days=1)
    if re.search(r"^(?:从|自从|自|打)|(?:开始|起|以来)$", said) and not last:
        end = None
    return When(phrase, *_utc((start, end)), None)


def _utc(span: tuple[datetime | None, datetime | None]) -> tuple[datetime | None, datetime | None]:
    start, end = span
    return start and start.astimezone(UTC), end and end.astimezone(UTC)


def _halves(said: str) -> tuple[str, str]:
    said = re.sub(r"^(?:从|自从|自|打)", "", said)
    parts = re.fullmatch(rf"(?P<first>.+?(?:开始|起|以来)?){_TO}(?P<last>{_POINT}|{_NOW})", said)
    if parts is None or re.match(r"(?:19|20)\d\d-", said):
        return said, ""
    return parts["first"], parts["last"]


def _every(said: str) -> Every | None:
    if not re.match(_REPEAT, said):
        return None
    if re.search(r"雨|风|饭点", said):
        return Every.WHENEVER
    for mark, every in (
        ("小时", Every.HOUR),
        ("周", Every.WEEK),
        ("星期", Every.WEEK),
        ("礼拜", Every.WEEK),
        ("双休日", Every.WEEK),
    ):
        if mark in said:
            return every
    if re.match(r"每?隔?.{0,3}月|月月", said):
        return Every.MONTH
    return Every.YEAR if re.match(r"每?年|年年|.*[夏冬]天", said) else Every.DAY


def _last(said: str, every: Every, now: datetime) -> tuple[datetime | None, datetime | None]:
    """The last occurrence before ``now`` of what comes back."""
    if every not in {Every.DAY, Every.WEEK}:
        return None, None
    weekday = re.search(r"(?:周|星期|礼拜)([一二三四五六日天末])", said)
    part, clock = _part(said), re.search(_CLOCK, said)
    if not (weekday or part or clock):
        return None, None
    for back in range(8):
        day = now.date() - timedelta(days=back)
        if weekday and day.weekday() != _WEEKDAYS[weekday[1]]:
            continue
        start, end = _of_day(day, said, now)
        if start <= now:
            ends = re.search(rf"(?:到|至|-)({_TIME})$", said)
            if ends:
                end = _of_day(start.date(), (part or "") + ends[1] if not _part(ends[1]) else ends[1], now)[0]
            return start, end
    return None, None


def _part(said: str) -> str | None:
    found = re.search(_PART, said) or re.search(r"(?<=[天日儿个昨今前明当每])[晚早夜]", said)
    return found[0] if found else None


def _of_day(day: date, said: str, now: datetime) -> tuple[datetime, datetime | None]:
    """The stretch of ``day`` that ``said`` names: a part of it, a moment, or the whole day."""
    midnight = datetime.combine(day, time(), now.tzinfo)
    part, clock = _part(said), re.search(_CLOCK, said)
    begins, ends = _PARTS[part] if part else (0, 24)
    if clock is None:
        return midnight + timedelta(hours=begins), midnight + timedelta(hours=ends)
    hour, minute = _hour(clock[0])
    if part and hour <= 12 and begins >= 11 and not (begins < 14 and hour in {11, 12}):
        late = begins >= 20 or ends > 24 or part in {"晚上", "晚", "晚间", "夜晚"}
        hour += 24 if late and (hour < 6 or hour == 12) and hour != 12 else 12 if hour < 12 else 12 if late else 0
    elif not part and 1 <= hour <= 7 and midnight + timedelta(hours=hour + 12, minutes=minute) <= now:
        hour += 12  # 三点 without a word is said of the afternoon
    return midnight + timedelta(hours=hour, minutes=minute), None


def _hour(clock: str) -> tuple[int, int]:
    if found := re.match(r"(\d+)[:：](\d+)", clock):
        return int(found[1]), int(found[2])
    found = re.match(rf"({_NUM})[点點](?:(半)|([一三])刻|({_NUM})分?)?", clock)
    assert found is not None
    minute = 30 if found[2] else 15 * (numeral(found[3]) or 0) if found[3] else (numeral(found[4]) or 0) if found[4] else 0
    return (numeral(found[1]) or 0) % 25, minute % 60


def _point(  # noqa: PLR0911 - one for each kind of words
    said: str, now: datetime, earlier: datetime | None = None
) -> tuple[datetime | None, datetime | None]:
    if vague := next((span for word, span in _VAGUE.items() if said.startswith(word)), None):
        return now - vague, None
    if found := re.search(r"(?:19|20)\d\d[-/.]\d{1,2}[-/.]\d{1,2}", said):
        year, month, day = map(int, re.split(r"[-/.]", found[0]))
        return _of_day(_safe(year, month, day), said, now)
    if found := re.match(rf"(?:{_DAY})", said):
        return _of_day(now.date() + timedelta(days=_DAYS[found[0]]), said, now)
    if found := re.match(r"(上上|上|这|本|下)?个?(?:周|星期|礼拜)([一二三四五六日天末])?", said):
        return _week(found, said, now)
    if (found := re.match(_DATE, said)) and found[0]:
        return _date(said, now)
    if (found := re.search(_LENGTH, said)) and not re.match(_TIME, said):
        length = _length(found[0])
        forward = re.search(r"(?:之后|以后|后)$", said)
        return (now + length if forward else now - length), None
    day = earlier.date() if earlier else now.date()
    if earlier and not _part(said):  # 晚上八点到十点
        start, _ = _of_day(day, said, now)
        return start + timedelta(hours=12) if start <= earlier and (start + timedelta(hours=12)) > earlier else start, None
    if not re.search(_TIME, said):
        return None, None
    start, end = _of_day(day, said, now)
    if start > now and earlier is None:
        start, end = start - timedelta(days=1), end and end - timedelta(days=1)
    return start, end


def _week(found: re.Match[str], said: str, now: datetime) -> tuple[datetime, datetime | None]:
    monday = now.date() - timedelta(days=now.weekday())
    shift = {"上上": -2, "上": -1, "下": 1}.get(found[1] or "", 0)
    if found[2] is None:
        start = datetime.combine(monday + timedelta(weeks=shift), time(), now.tzinfo)
        return start, start + timedelta(days=7)
    day = monday + timedelta(weeks=shift, days=_WEEKDAYS[found[2]])
    if found[1] is None and day > now.date():
        day -= timedelta(days=7)
    start, end = _of_day(day, said, now)
    return start, end + timedelta(days=1) if end and found[2] == "末" else end


def _date(said: str, now: datetime) -> tuple[datetime | None, datetime | None]:  # noqa: PLR0912 - one for each form
    """A year, month, day or season; without a year the nearest one."""
    year_said = re.match(_YEAR, said)
    year = now.year
    if year_said:
        year = now.year + _YEARS[year_said[0]] if year_said[0] in _YEARS else int(year_said[0][:4])
    rest = said[year_said.end() :] if year_said else said
    day_said = re.search(rf"({_NUM})[号日]", rest)
    month_said = re.search(rf"({_NUM})月", rest)
    relative = re.match(r"(上上|上|这|本|下)个?月", rest)
    season = next((s for s in sorted(_SEASONS, key=len, reverse=True) if s in rest), None)
    if year_said is None and season in {"年初", "年底", "年中", "上半年", "下半年"}:
        months, year_said = _SEASONS[season], re.match("", "")
    elif relative:
        month = now.month + {"上上": -2, "上": -1, "下": 1}.get(relative[1], 0)
        year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
        months, year_said = (month, month), relative
    elif month_said:
        month = min(max(numeral(month_said[1]) or 1, 1), 12)
        months = (month, month)
    elif season:
        months = _SEASONS[season]
    elif day_said:
        months, year_said = (now.month, now.month), day_said
    elif rest.startswith(("初", "底")):
        months = (1, 2) if rest[0] == "初" else (12, 12)
    else:
        months = (1, 12)
    if year_said is None:
        near = min((now.year - 1, now.year, now.year + 1), key=lambda y: abs((_month(y, months[0]) - now.date()).days))
        year = near
    if day_said and months[0] == months[1]:
        first = _month(year, months[0])
        return _of_day(_safe(first.year, first.month, numeral(day_said[1]) or 1), said, now)
    start, end = _month(year, months[0]), _month(year, months[1] + 1)
    if months[0] == months[1]:
        if re.search(r"月份?(?:初|上旬)", rest):
            end = start + timedelta(days=10)
        elif re.search(r"月份?(?:底|末|下旬)", rest):
            start += timedelta(days=20)
        elif re.search(r"月份?中", rest):
            start, end = start + timedelta(days=10), start + timedelta(days=20)
    zone = now.tzinfo
    return datetime.combine(start, time(), zone), datetime.combine(end, time(), zone)


def _month(year: int, month: int) -> date:
    """The first day of a month, where month 13 is the next January."""
    return date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1)


def _safe(year: int, month: int, day: int) -> date:
    month = min(max(month, 1), 12)
    return date(year, month, min(max(day, 1), calendar.monthrange(year, month)[1]))


def _length(said: str) -> timedelta:
    unit = next(u for u in sorted(_UNITS, key=len, reverse=True) if u in said) if any(u in said for u in _UNITS) else "天"
    number = re.match(r"[\d零〇一二两三四五六七八九十百]+", said)
    if said.startswith("半"):
        count = 0.5
    elif number:
        count = float(numeral(number[0]) or 1)
    else:
        count = {"俩": 2.0, "仨": 3.0, "几": 3.0, "好": 3.0}.get(said[:1], 1.0)
    if number and "半" in said:
        count += 0.5
    return _UNITS[unit] * min(count, 1000)
