"""Words for when, how long and how often, and the moments they mean to someone who writes at a given time."""

import calendar
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from backend.hanzi import numeral, plain

_N = r"(?:\d+|[零〇一二两三四五六七八九十]+)"
_SOME = rf"(?:{_N}(?:多|来|几)?|好?几|多少|数|半)"
_WEEKDAY = r"[一二三四五六日天末1-7]"
_PART = r"(?:大?清早|一大早|早晨|早上|凌晨|上午|中午|晌午|下午|傍晚|晚上|晚间|夜里|夜间|半夜|深夜|后半夜|前半夜|大半夜|白天|早|晚|夜)"
_CLOCK = rf"{_N}(?:[点时](?:钟|整|半|[一三]刻|{_N}分?)?|[:：]\d\d)(?:左右|多|以后|之后|以前|之前)?"
_DAY = (
    r"(?:大前天|大后天|前天|昨天|今天|明天|后天|昨日|今日|前日|明日|昨儿个?|今儿个?|前儿个?|明儿个?|当天|那天|这天|夜儿个?|"
    r"[昨今前当](?=晚|夜|早)|明(?=早|晚))"
)
_WEEK = rf"(?:上上|上|这|本|下)(?:个)?(?:周|星期|礼拜){_WEEKDAY}?|(?:周|星期|礼拜){_WEEKDAY}"
_MONTH = rf"(?:(?:上上|上|这|本|下)(?:个)?月|{_N}月(?!子))"
_YEAR = r"(?:前年|去年|今年|明年|(?:19|20)\d\d年)"
_SEASON = r"(?:春节|元旦|清明|五一|端午|中秋|国庆|十一|过年|年前|年后|年底|年初|春天|夏天|秋天|冬天|春季|夏季|秋季|冬季|正月|腊月|暑假|寒假)(?:期间|里|前后|前|后)?"
_POINT = (
    rf"(?:{_YEAR}(?:的)?(?:{_N}月(?:份)?|{_SEASON})?|{_N}月(?:份)?|(?:上上|上|这|本|下)(?:个)?月|(?:(?:{_MONTH}|{_YEAR}){_SEASON})|{_SEASON})"
    rf"(?:{_N}(?:号|日)(?![楼栋幢线门院]))?(?:份|底|初|中旬|上旬|下旬|中|里)?"
)
_DATE = rf"(?:(?:19|20)\d\d[-/.]\d{{1,2}}[-/.]\d{{1,2}}|{_N}[号日](?=[来到晚早起上下以之的那]|开始))"
_MOMENT = rf"(?:(?:{_POINT}|{_DATE}|{_DAY}|{_WEEK})(?:的)?(?:{_PART})?(?:的)?(?:{_CLOCK})?|{_PART}(?:的)?{_CLOCK}|{_CLOCK})"
_UNIT = r"(?:个?(?:小时|钟头|星期|礼拜|月|季度)|分钟|刻钟|秒钟?|天|日|夜|宿|晚上?|周|年|个时辰)"
_LENGTH = rf"(?:{_SOME}个?半?{_UNIT}(?:多|半)?|整(?:天|夜|宿|晚|晚上|日|年)|一?(?:天到晚|整?天|整?夜|整?宿|整?晚上?)|成(?:个)?(?:月|天|日|年|晚|夜)|通宵|半天|半宿|半夜)"
_EVERY = rf"(?:(?:每|天)(?:天|日|晚|夜|早)|每(?:到|逢|隔)?(?:个)?(?:{_SOME}{_UNIT}|周|星期|礼拜|月|年|季度|小时)(?:{_WEEKDAY})?|夜夜|年年|月月|周周|日日|晚晚|常年|平时|周末|工作日|节假日|双休日)(?:都)?(?:的)?(?:{_PART})?(?:的)?(?:{_CLOCK})?(?:(?:到|至|-){_PART}?(?:{_CLOCK})?)?"
_AGO = r"(?:之前|以前|前|之内|以内|之后|以后|后)"
_TAIL = r"(?:了|咯|啦|喽|仔|嘞)?"
_SPAN = rf"(?:从|自从|自|打)?(?:{_MOMENT})(?:开始|起|以来|之后|以后|以前|之前|前后|左右)?(?:一直)?(?:到|至|-|—)(?:{_MOMENT}|{_PART}|现在|今天|如今|目前)"
_SINCE = rf"(?:从|自从|自|打)(?:{_MOMENT}|{_PART})(?:开始|起|以来|之后|以后)?"
_NOW = r"(?:刚刚|刚才|现在|目前|方才|这会儿|这两天|这几天|近来|最近|近期|前几天|前两天|前阵子|前段时间|前些天|这阵子|这段时间|上次|一直)"

_PHRASES = re.compile(
    "|".join(
        (
            _SPAN,
            _EVERY,
            _SINCE,
            rf"(?:已经|快|都|整整|连续|连着|持续|前后)?{_LENGTH}{_AGO}",
            rf"{_MOMENT}(?:开始|起|以来|前后|左右|以后|之后|以前|之前|前|后|里)?",
            rf"(?:快|连续|连着|持续|整整)?{_LENGTH}{_TAIL}",
            _PART,
            _NOW,
        )
    )
)


def phrases(text: str) -> list[tuple[int, int]]:
    """Return where the words for when, how long and how often stand in ``text``."""
    return [found.span() for found in _PHRASES.finditer(plain(text)) if found[0]]
