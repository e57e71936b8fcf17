"""Names of articles: 中华人民共和国民法典第一千零七十九条, 《民法典》第1079条 and 民法典1079条 are one."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from backend.hanzi import NUMERALS, numeral, plain

_DIGITS = rf"(?:\d{{1,4}}|[{NUMERALS}]{{1,9}})"
_NUMBER = re.compile(rf"(第?)\s*({_DIGITS})\s*条(?:\s*之\s*({_DIGITS}))?")
_COUNTRY = re.compile(r"中华人民共和国")
_EDITION = re.compile(r"[（(〔\[](?:\d{4}[^）)〕\]]*|试行|修订|修正)[）)〕\]]")
_FILLER = re.compile(r"最高人民法院|最高人民检察院|关于|适用|审理|办理|案件|具体|应用|法律|若干|问题|的|[^\w]")
_UNKNOWN = re.compile(r"[\u4e00-\u9fff]{1,30}(?:法|法典|条例|规定|办法|解释|细则|规则)$")
_LEADING = re.compile(r".*(?:依照|根据|按照|依据|参照|适用|违反|符合|参见|以及|[按依据看见和与])")
_ITSELF = re.compile(
    r"(?:[本该此这其]|上述|[办方做说想看写手])法$|[本该此这其上述]+(?:条例|规定|办法|解释|细则|规则)$|^(?:办法|规定|解释|规则)$"
)
_LISTED = re.compile(rf"(?:第?{_DIGITS}[款项]|[、，,和及与或以\s（）()])*")
_LONGEST_LAW = 80


@dataclass(frozen=True)
class Identity:
    """What two ways to write an article have in common. ``law`` is the statute's short key, ``part`` the 一 of 条之一."""

    law: str
    number: int
    part: int = 0


@dataclass(frozen=True)
class Named:
    """A reference in a text, at text[start:end]. ``article`` is its name in the index, None when it is not there."""

    text: str
    start: int
    end: int
    article: str | None


def law_key(title: str) -> str:
    """Return a statute's name without the country, the court, the edition, brackets and words of form."""
    title = _EDITION.sub("", _COUNTRY.sub("", plain(title)))
    return _FILLER.sub("", title) or title


def split(name: str) -> tuple[str, Identity] | None:
    """Return the statute's title and the identity of an article's full name; None when it is not built so."""
    found = next(reversed(list(_NUMBER.finditer(plain(name)))), None)
    title = name[: found.start()].strip() if found else ""
    if found is None or not title or name[found.end() :].strip():
        return None
    return title, _identity(law_key(title), found)


def _identity(law: str, found: re.Match[str]) -> Identity:
    return Identity(law, numeral(found[2]) or 0, numeral(found[3]) or 0 if found[3] else 0)


class Names:
    """The articles that exist, by every way to write them."""

    def __init__(self, articles: Iterable[str]) -> None:
        self._articles: dict[Identity, str] = {}
        for article in articles:
            if (parts := split(article)) is not None:
                self._articles.setdefault(parts[1], article)
        self._laws = {identity.law for identity in self._articles}

    def __len__(self) -> int:
        return len(self._articles)

    def find(self, article: str) -> str | None:
        """Return the name in the index of an article written in another way; None when it is not there."""
        parts = split(article)
        return self._articles.get(parts[1]) if parts else None

    def named(self, text: str) -> list[Named]:
        """Return every article that ``text`` refers to, in order.

        A number in a list (民法典第1079条、第1087条) belongs to the statute before it. A number without any statute
        (本合同第三条) is no reference.
        """
        folded = plain(text)
        result: list[Named] = []
        law, last = "", 0
        for found in _NUMBER.finditer(folded):
            start, key = self._law_before(folded, last, found.start())
            if not key:
                if not (law and found[1] and _LISTED.fullmatch(folded, last, found.start())):
                    law = ""
                    continue
                start, key = found.start(), law
            law, last = key, found.end()
            article = self._articles.get(_identity(law, found))
            result.append(Named(text[start : found.end()], start, found.end(), article))
        return result

    def _law_before(self, text: str, low: int, end: int) -> tuple[int, str]:
        """Where the statute's name begins that ends at ``end``, and its key; an empty key when there is none."""
        while end > low and text[end - 1].isspace():
            end -= 1
        low = max(low, end - _LONGEST_LAW)
        quoted = _opening(text, low, end)
        best, start = "", end
        for begin in range(quoted if quoted is not None else end - 2, low - 1, -1):
            key = law_key(text[begin:end])
            if key in self._laws and len(key) > len(best):
                best, start = key, begin
        if best:
            return start, best
        if quoted is not None:
            return quoted, law_key(text[quoted:end])
        unknown = _UNKNOWN.search(text, low, end)
        title = _LEADING.sub("", unknown[0]) if unknown else ""
        if len(title) < 2 or _ITSELF.search(title):
            return end, ""
        return end - len(title), law_key(title)


def _opening(text: str, low: int, end: int) -> int | None:
    """Where the 《 stands that the 》 before ``end`` closes; None when no 》 stands there."""
    if end == low or text[end - 1] != "》":
        return None
    depth = 0
    for place in range(end - 1, low - 1, -1):
        depth += {"》": 1, "《": -1}.get(text[place], 0)
        if depth == 0:
            return place
    return None
