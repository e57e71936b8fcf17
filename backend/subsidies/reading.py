"""What a resident says of somebody's circumstances, read into facts: by the way, or as the answer to a question."""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from backend.hanzi import numeral, plain
from backend.subsidies.catalogue import Catalogue, Fact, openings
from backend.subsidies.rules import Value

# Whom it is about: the first that is named. ``self`` when nobody is.
PEOPLE = {
    "grandmother": r"奶奶|外婆|姥姥|阿婆|阿嫲|婆婆家的?奶",
    "grandfather": r"爷爷|外公|姥爷|阿公",
    "in_law": r"公公|婆婆|岳父|岳母|丈人|丈母娘",
    "mother": r"妈|娘|母亲|老母",
    "father": r"爸|爹|父亲|老汉|老头子",
    "spouse": r"老伴|老婆|老公|爱人|媳妇|丈夫|妻子",
    "child": r"儿子|女儿|闺女|孩子|娃",
    "sibling": r"哥|姐|弟|妹",
    "neighbour": r"邻居|隔壁|朋友",
}
_SKIP = re.compile(r"^(?:我?也?(?:不清楚|不知道|不太清楚|说不准|不确定|忘了|不晓得|不好说))[了啊呀吧]?$")
_YES = re.compile(r"^(?:是|是的|对|对的|有|有的|嗯|嗯嗯|没错|当然|是呀|是啊|对啊|有啊|算是|在的|确实)$")
_NO = re.compile(r"^(?:不是|不是的|没有|没|不|不对|无|不在|没有的|不算|没得|不是啊|没有啊)$")
_NUMBER = re.compile(r"(?<![\d.])(\d{1,9}(?:\.\d{1,2})?)(万|千)?|([零〇一二三四五六七八九十百千两]{1,8})(万)?")
_NOISE = re.compile(r"[\s，。！？、,.!?~～…：:；;“”\"']+$|^[\s，。、]+")
_NONE = re.compile(r"^(?:没有|没|无|没收入|没有收入|没地|没有地|零)$")
_NEGATIVE = re.compile(r"^(?:负|-)\s*\d")
_SPOKEN = re.compile(r"([百千])[一二三四五六七八九]$")
# What stands around a number in an answer to "how many".
_AROUND = re.compile(
    r"周岁|岁|块钱|元钱|元|块|钱|亩地|亩|大概|大约|差不多|左右|多|每个?月|一个月|每人|平均|人均"
    r"|今年|满|都|快|的|是|有|了|吧|呢|她|他|我|妈|爸|[，。,. ]"
)
SHORT = 14


class Impossible(Exception):
    """An answer that cannot be: a negative area, 300 years of age."""


@dataclass(frozen=True)
class Read:
    """What was read. ``kinds`` are the subsidies that were named."""

    about: str | None
    facts: dict[str, Value]
    kinds: list[str]


def read(catalogue: Catalogue, text: str) -> Read:
    """Whom it is about, what was said of them by the way, and which subsidies were named."""
    said = plain(text)
    about = next((who for who, words in PEOPLE.items() if re.search(words, said)), None)
    facts: dict[str, Value] = {}
    for fact in catalogue.facts.values():
        for reading in fact.reads:
            found = re.search(reading.pattern, said)
            if found is None:
                continue
            value = reading.value if reading.value is not None else _number(fact, found[1])
            if value is not None and possible(fact, value):
                facts[fact.key] = value
                break
    kinds, rest = [], said
    for word, code in openings(catalogue):
        if word in rest:
            kinds.append(code)
            rest = rest.replace(word, "")
    return Read(about, facts, list(dict.fromkeys(kinds)))


def answer(fact: Fact, text: str) -> Value | None:
    """The answer to a fact's question, or None when the text is none. Raises Impossible."""
    said = _NOISE.sub("", plain(text).strip())
    match fact.kind:
        case "yes_no":
            if _YES.match(said):
                return True
            return False if _NO.match(said) else None
        case "choice":
            return next((choice.value for choice in fact.choices if said and said in (choice.title, choice.value)), None)
    return _quantity(fact, said)


def _quantity(fact: Fact, said: str) -> int | None:
    if fact.low == 0 and fact.kind != "number" and _NONE.match(said):
        return 0
    if len(said) <= SHORT and _NEGATIVE.match(said):
        raise Impossible
    found = _NUMBER.search(said) if len(said) <= SHORT and len(_AROUND.sub("", _NUMBER.sub("", said))) <= 1 else None
    value = _number(fact, found[1] or found[3], found[2] or found[4] or "") if found else None
    if value is not None and not possible(fact, value):
        raise Impossible
    return value


def skipped(text: str) -> bool:
    """Whether the resident says that they do not know."""
    return bool(_SKIP.match(_NOISE.sub("", plain(text).strip())))


def possible(fact: Fact, value: Value) -> bool:
    if fact.domain.choices:
        return value in fact.domain.choices
    return isinstance(value, int) and fact.low <= value <= fact.high


def _number(fact: Fact, digits: str, unit: str = "") -> int | None:
    """Years as they are, yuan in fen, mu in hundredths; 一千五 is 1500."""
    if fact.kind == "money" and (short := _SPOKEN.search(digits)):
        digits += "百" if short[1] == "千" else "十"
    try:
        value = Decimal(digits) if digits.isascii() else Decimal(found) if (found := numeral(digits)) is not None else None
    except InvalidOperation:
        return None
    if value is None:
        return None
    value *= {"万": 10_000, "千": 1000}.get(unit, 1)
    whole = value if fact.kind == "number" else value * 100
    return int(whole) if whole == int(whole) else None


def say(fact: Fact, value: Value) -> str:
    """A fact's value as people say it: 82岁, 500元, 3.5亩, 是, 二级."""
    match fact.kind:
        case "yes_no":
            return "是" if value else "不是"
        case "choice":
            return next((choice.title for choice in fact.choices if choice.value == value), str(value))
        case "number":
            return f"{value}{fact.unit}"
    return f"{say_hundredths(int(value))}{fact.unit}"


def say_hundredths(value: int) -> str:
    """80 for 8000, 3.5 for 350: fen as yuan, hundredths of a mu as mu."""
    whole, part = divmod(value, 100)
    return f"{whole}.{part:02d}".rstrip("0") if part else str(whole)
