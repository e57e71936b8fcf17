"""What is the matter: the words of a message that are not its address, its greeting or its opening."""

import re
from collections.abc import Callable, Iterator

from backend.grids.address import Reading, Span

# Openings and fillers that carry no matter by themselves.
_EMPTY = re.compile(
    r"(您好|你好|喂|请问|麻烦(你们|您)?|那个|就是|嗯+|哎+|我们?|俺|咱们?|这里|那里|这边|那边|想|要|来|给|帮|跟你们?|向你们?|"
    r"(确认|确定|可以|好的?|对的?|行|嗯+|没错|补充|修改|取消|算了|没了|没有了?|别的|其他|其它|吗)|报事|报个?事情?|报修|投诉|举报|反映|反应|上报|报一?下|说一?下|[两三几]件|个|一下|问题|情况|事情|有|件|事|"
    r"在|住|住在|位于|家|是|的|附近|旁边|门口|对面|里面?|小区|地址|位置|楼|层|了|吧|啊|呀|呢|哦|和|就|不是|而是|应该|改成|改为|换成|更正|不对|错|"
    r"拍|照片?|图片?|看看?|这个|这|那)+"
)
_NOISE = re.compile(r"[\s\W_]+", re.UNICODE)
SHORTEST = 2


def has_matter(reading: Reading) -> bool:
    """Whether the text says anything besides places, doors, phones, times and openings."""
    rest = list(reading.text)
    for span in reading.spans:
        if span.field != "time_phrase":
            rest[span.start : span.end] = " " * (span.end - span.start)
    plain = _NOISE.sub(" ", "".join(rest)).strip()
    meaning = _EMPTY.sub("", plain.replace(" ", ""))
    return len(meaning) >= SHORTEST


_LEFT_BEHIND = re.compile(
    r"^(?:[\s，,。；;、：:]+|(?:我们?|俺们?|咱们?)?家?(?:就?住?在|位于)(?=[\s，,。；;、：:])|(?:就在|位于|在|的)(?=.))+"
)

_LEFT_OVER = re.compile(
    r"(?:[\s，,。；;、]+|(?=[我俺咱]))(?:我们?|俺们?|咱们?)?家?(?:就?住?在|位于|就?是|地[址点]是?)[\s，,。；;、.：:！!]*$"
)


def without_place(reading: Reading) -> str:
    """The text without its places and doors; the whole text where nothing is left."""
    rest, end = "", 0
    for span in reading.spans:
        if span.field not in ("phone", "time_phrase"):
            rest, end = rest + reading.text[end : span.start], span.end
    rest += reading.text[end:]
    return _LEFT_OVER.sub("", _LEFT_BEHIND.sub("", rest)).strip() or reading.text


# A place that begins another matter: it names more than a door, and comes after these words or after nothing else.
_AREAS = ("street", "community", "compound", "road")
_MARKS = " ，,。；;、！!\n"
_JOINS = re.compile(rf"[{_MARKS}]*(?:和|跟|与|以及|还有|加上|另外|同时)?[{_MARKS}]*$")
_LIKE = re.compile(r"一样|似的|差不多")
_GOES_ON = re.compile(r"[到在去往从向离给由对]$")


def by_place(reading: Reading, certain: Callable[[str, bool], bool]) -> list[str]:
    """The text cut before each place that begins a matter of its own: 甲小区垃圾没人收和乙小区3号楼电线裸露 is two.

    A cut needs another compound, road or community than the part before, and something certain to be the matter on both
    sides: ``certain(part, joined)``, where ``joined`` says that 和 or the like stands between. What has but one matter
    (甲小区和乙小区垃圾没人收, 垃圾和污水 at one place) stays whole.
    """
    text, cuts, start = reading.text, [], 0
    for names, at in _places(reading):
        before, after = text[start:at], text[at:]
        said, before = before, _JOINS.sub("", before)
        and_so = bool(said[len(before) :].strip(_MARKS))
        here = {span.text for span in reading.spans if start <= span.start < at and span.field in _AREAS}
        elsewhere = bool(here) and not here & names and not _GOES_ON.search(before) and not (and_so and _LIKE.search(after))
        if elsewhere and certain(before, and_so) and certain(after, and_so):
            cuts.append(before)
            start = at
    return [*cuts, text[start:]]


def _places(reading: Reading) -> Iterator[tuple[set[str], int]]:
    """Each place that is named: the names of its areas and where it begins. Names that follow each other are one place."""
    names: set[str] = set()
    begin = end = -1
    for span in sorted((s for s in reading.spans if s.field in _AREAS), key=_start):
        if names and span.start > end:
            yield names, begin
            names = set()
        if not names:
            begin = span.start
        names.add(span.text)
        end = span.end
    if names:
        yield names, begin


def _start(span: Span) -> int:
    return span.start


def joined(pieces: list[str], tell: list[bool]) -> list[str]:
    """The pieces of a message that tell of something, the first with what stands before it. A place alone after a matter is no
    piece: it is read out of the whole message."""
    whole: list[str] = []
    waiting = ""
    for piece, tells in zip(pieces, tell, strict=True):
        if tells:
            whole.append(f"{waiting}{piece}")
            waiting = ""
        elif not whole:
            waiting = f"{waiting}{piece}，"
    return whole or pieces
