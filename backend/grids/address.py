"""The address reader: from a sentence to the places, doors and phones in it.

Names of the registry are looked up; names that stand only in the text are found by their endings (街道, 社区, 路, 花园 …),
their beginnings by word boundaries. Every span is a literal part of the text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

from backend import spoken_times as times
from backend.grids.gazetteer import Gazetteer, Name
from backend.grids.words import (
    CITIES,
    COMPOUND_ENDS,
    GENERIC,
    HARD,
    INSIDE,
    KEEP,
    NEED_A_DOOR,
    NO_DISTRICT,
    ROAD_ENDS,
    SOFT,
    STOPS,
    WEAK_ENDS,
)
from backend.hanzi import NUMERALS, numeral, plain

FIELDS = ("street", "community", "compound", "road", "building", "unit", "room", "phone", "time_phrase")
HAN = "\u4e00-\u9fff"
_N = rf"(?:\d{{1,4}}|[{NUMERALS}]{{1,4}})"
_ROOM = r"(?:\d{3,4}|[零〇一二三四五六七八九幺]{3,4})"

_PHONE = re.compile(
    r"(?<![\d-])(?:\+?86[- ]?)?(?P<phone>1\d{2}[- ]\d{4}[- ]\d{4}|1\d{10}|1\d{2}\*{4}\d{4}"
    r"|0\d{2,3}[- ]?\d{7,8}(?:转\d{1,4}|-\d{1,4})?"
    r"|[48]00-?\d{3}-?\d{4}|(?<=[话机打号系：:])\d{7,8}|[幺一][零〇一二三四五六七八九幺]{10})(?![\d-])"
)
_TRIPLE = re.compile(
    r"(?<![\d\-.:/])(?P<building>\d{1,3}|[A-Za-z]\d?)[-#](?P<unit>\d{1,2})-(?P<room>\d{2,4})(?:室|户)?(?![\d\-/.]|[年月号])"
)
_DOUBLE = re.compile(r"(?<![\d\-.:/])(?P<building>\d{1,3}|[A-Za-z]\d?)-(?P<room>\d{3,4}(?:室|户)?)(?![\d\-/.]|[年月号元米个])")
_BUILDING = re.compile(
    rf"(?:[甲乙丙丁东西南北](?=\d+号?[楼栋幢]))?(?:(?<![\u4e00-\u9fff])第)?(?:(?:{_N}|[A-Za-z]\d{{0,2}}"
    rf"|\d{{1,3}}[A-Za-z]) ?(?:号楼|号 楼|#楼|号栋|号幢|号 ?(?={_N}单元)|[栋幢座]|#)"
    r"|[A-Za-z]楼|[甲乙丙丁][栋幢座])"
)
_UNIT = re.compile(rf"(?:{_N}|[A-Za-z]|[甲乙丙丁东西南北中]) ?单元|(?<=[楼栋幢座#])\d{{1,2}}[门梯](?={_ROOM})")
_ROOM_NAMED = re.compile(rf"(?:\d{{1,4}}[A-Za-z]?|[A-Za-z]\d{{3,4}}|{_ROOM}) ?(?:号房|室|户(?![主口籍外型]))")
_ROOM_BARE = re.compile(
    rf"\d{{3,4}}[A-Za-z]?(?!\d|天(?!天)|[\-.:：/%年月日元块米号楼栋幢个人户次点分路公斤瓦平多])"
    rf"|[零〇一二三四五六七八九幺]{{3,4}}(?![{NUMERALS}]|[年月日天号楼栋个块元点])"
)
_ROOM_NUMBER = re.compile(rf"{_ROOM}号(?![楼栋幢])")
_HOUSE = re.compile(
    rf"(?:\d{{1,4}}弄)?(?:\d{{1,5}}(?:-\d{{1,5}})?|[{NUMERALS}]{{1,5}})号(?:之[\d{NUMERALS}]+)?(?!楼(?![下上])|栋|幢|线)"
    rf"|\d{{1,4}}弄"
)
_GRID = re.compile(rf"第?(?P<n>{_N})(?:号)?网格(?!员|长)")
_GROUP = re.compile(rf"第?(?P<n>{_N})(?:村民)?(?:小组|组|队|生产队)(?!长|织|合|员)")
_ROOM_CUES = re.compile(
    r"(?:家住|我家|住在|住|在|是|我是|楼上|楼下|对门|隔壁|门牌|房号|室号|业主|房间|单元|[栋幢座#楼层])[号是为：: ]*$"
)

_PHASE = re.compile(rf"(?:[A-Za-z东西南北][区苑院](?!别)|(?:第?[{NUMERALS}]|\d{{1,2}})[期区](?!间))")
_AREA_ENDS = re.compile(
    r"街道(?!办?主任)|镇(?!长(?:说|来|是|不|在|都|给|电话|办公室|[^\u4e00-\u9fff]|$)|定|静|压|痛|海区|村(?!民|里|口|头|委))"
    r"|乡(?!亲|下|里|间|音|愁|镇|村|土|市|县|街道)|社区|村(?!民|里的|庄|干|集体|务|长|霸|书记|医|镇|街道|乡|村|社区)|居委会"
)
_SUFFIX = re.compile(r"社区|街道|镇|村(?!口|里|头|民)|路(?!灯|口|面|边|上)|大道|街(?!上)|巷(?!子|口)|网格(?!员|长)")
_SUFFIXED = re.compile(r"(?:社区|街道|镇|村|区|小区|花园|苑|路|街|大道|巷)$")
_NO_ROAD = re.compile(
    r"路(?:灯|口|面|边|障|牌|沿|基|人|况|过|政|由|程|段|桩)|街(?:道|上|头|边|坊|区|办|面|心)|巷(?:子|口)|[路街巷](?:上"
    r"|里)?$|公路|环路"
)
_ABOVE = re.compile(rf"[{HAN}](?:[{HAN}]+?[省市区]|[{HAN}]*?县)")
_LEADS = frozenset("从到去在住往于打")
_COUNTED = re.compile(
    rf"(?:^|[{NUMERALS}\d几多每整半])[个条趟家栋座层间户段处片排幢次名位辆]$"
    rf"|[{NUMERALS}\d几多]+[个条趟家栋座层间户段处片排次位辆]"
)
_AFTER_SHORT = re.compile(
    r"[^\u4e00-\u9fffA-Za-z]|这边|那边|这里|那里|这片|附近|辖区|一带|这块|的|门口|里面|有人|有个|人$|[东西南北]门|菜场"
    r"|菜市场|小学|中学|幼儿园|派出所"
)
_ALONE = re.compile(rf"[{HAN}]{{2,5}}(?:{_PHASE.pattern})|[{HAN}]{{1,3}}[{WEAK_ENDS}](?![{HAN}])")
_BEFORE_A_PLACE = (*"收管修理坏亮停堵漏臭响吵脏乱裂断破掉倒", "另外", "还有", "以及", "同时", "加上")  # 垃圾没人收蔡圩小区…
REMEMBERED = 32  # texts: the parts of a message are read several times
COMMON_NAME, COMMON_WORD = 50, 4000  # counts in jieba's dictionary
_NEGATED = re.compile(r"(?:不是|并非|并不是|不在|别是|而不是|没在|不住)(?:说)?[在]?$")
_WRONG = re.compile(r"^(?:[\u4e00-\u9fff]{0,2})?(?:写|说|打|搞|弄|输|填|报|记|看)?错了?")
_CHANGED = re.compile(r"^(?:改成|改为|换成|改到)")


@dataclass(frozen=True)
class Span:
    """A part of the text. ``value`` is its normal form (三号楼 is "3"); ``denied`` when the resident says it is not so."""

    field: str
    start: int
    end: int
    text: str
    value: str
    denied: bool = False


@dataclass(frozen=True)
class Reading:
    """What a sentence says of places, doors, phones and times. ``spans`` are in the order of the text."""

    text: str
    spans: tuple[Span, ...]

    def get(self, name: str) -> Span | None:
        """The span of a field that holds: the last one after a denied one, else the first."""
        found = [span for span in self.spans if span.field == name]
        held = [span for span in found if not span.denied]
        if len(held) < len(found):
            return held[-1] if held else None
        return held[0] if held else None

    def mention(self, name: str) -> str:
        """The text of the span that holds, or of a denied one when there is no other; empty when there is none."""
        span = self.get(name) or next((span for span in self.spans if span.field == name), None)
        return span.text if span else ""

    @property
    def replaced(self) -> dict[str, str]:
        """The values that were said to be wrong while another was given."""
        return {span.field: span.value for span in self.spans if span.denied and self.get(span.field) is not None}

    def place(self) -> dict[str, str | None]:
        """The values of the place fields as JSON; None for a value that was denied and not replaced."""
        place: dict[str, str | None] = {}
        for span in self.spans:
            if span.field in PLACE_FIELDS:
                held = self.get(span.field)
                place[span.field] = held.value if held else None
        road = place.get("road")
        if road:
            number = re.search(rf"(?:\d+弄)?[\d{NUMERALS}]+(?:-\d+)?号?(?:之.+)?$", road)
            if number and number.start() > 1 and road[-1] in "号弄0123456789":
                place["road"], place["house_number"] = road[: number.start()], number[0]
        return place


PLACE_FIELDS = (
    "city",
    "district",
    "street",
    "community",
    "compound",
    "road",
    "house_number",
    "group",
    "grid",
    "building",
    "unit",
    "room",
)


def building_value(text: str) -> str:
    """Return the bare name of a building: 三号楼, 3栋, 3幢, 3# and 第3栋 are all "3"; A座 is "A"."""
    text = plain(text).replace(" ", "").upper()
    stem = re.sub(r"(?:号楼|#楼|号栋|号幢|栋楼|幢楼|座楼|楼|栋|幢|座|#|号)$", "", text).removeprefix("第") or text
    return _figure(stem)


def unit_value(text: str) -> str:
    """Return the bare name of a unit: 二单元 is "2"."""
    return _figure(re.sub(r"(?:单元|门|梯)$", "", plain(text).replace(" ", "").upper()))


def room_value(text: str) -> str:
    """Return the bare number of a room: 五零一室 is "501"."""
    return _figure(re.sub(r"(?:号房|室|房|户|号)$", "", plain(text).replace(" ", "").upper()))


def house_value(text: str) -> int | None:
    """Return the number of a house: 88号 is 88, 2-6号 is 2, 759弄61号 is 759; None when there is none."""
    found = re.match(rf"\d+|[{NUMERALS}]+", plain(text))
    return numeral(found[0]) if found else None


def _figure(stem: str) -> str:
    value = numeral(stem)
    return stem if value is None else str(value)


@cache
def _dictionary() -> Any:
    """jieba's dictionary, read without the cache file that jieba would leave in the machine's temporary folder."""
    import jieba

    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    return tokenizer


class AddressReader:
    """Reads sentences against one registry."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self.gazetteer = gazetteer
        self._read = lru_cache(REMEMBERED)(lambda text: _Pass(gazetteer, text).run())

    def warm(self) -> None:
        """Read the dictionary, which takes a second."""
        _dictionary()

    def read(self, text: str) -> Reading:
        """Return every place, door, phone and time phrase of ``text`` (only its first 1,000 characters are read)."""
        return self._read(text[:1000])


class _Pass:
    """One reading: spans are taken from the surest to the least sure, and never overlap."""

    def __init__(self, gazetteer: Gazetteer, text: str) -> None:
        self.gazetteer = gazetteer
        self.original = text
        self.text = plain(text)
        self.taken = [""] * len(text)
        self.spans: list[Span] = []

    def run(self) -> Reading:
        self._phones()
        self._compact_doors()
        self._doors()
        self._registry()
        self._named_areas()
        self._groups()
        self._times()
        self._roads()
        self._short_names()
        self._compounds()
        self._bare_rooms()
        spans = (replace(span, denied=self._denied(span)) for span in self.spans)
        return Reading(self.original, tuple(sorted(spans, key=lambda span: span.start)))

    # taking spans

    def _free(self, start: int, end: int) -> bool:
        return start < end and not any(self.taken[start:end])

    def _take(self, field: str, start: int, end: int, value: str | None = None) -> None:
        self.taken[start:end] = [field] * (end - start)
        text = self.original[start:end]
        self.spans.append(Span(field, start, end, text, self.text[start:end] if value is None else value))

    def _before(self, index: int) -> str:
        """The field of the span that ends at ``index`` (spaces and separators between them do not count)."""
        index -= 1
        while index >= 0 and self.text[index] in " ,，、/-:：；;" and not self.taken[index]:
            index -= 1
        return self.taken[index] if index >= 0 else ""

    def _touches(self, index: int) -> str:
        """The field of the span that ends right at ``index``."""
        return self.taken[index - 1] if index else ""

    def _matches(self, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        for found in pattern.finditer(self.text):
            if self._free(*found.span()):
                yield found

    # phones, doors

    def _phones(self) -> None:
        for found in self._matches(_PHONE):
            self._take("phone", *found.span("phone"))
            self.taken[found.start() : found.end()] = ["phone"] * (found.end() - found.start())

    def _compact_doors(self) -> None:
        for found in self._matches(_TRIPLE):
            if not 1 <= int(found["unit"]) <= 31:
                continue
            self._take("building", *found.span("building"), value=building_value(found["building"]))
            self._take("unit", *found.span("unit"), value=unit_value(found["unit"]))
            self._take("room", *found.span("room"), value=room_value(found["room"]))
        for found in self._matches(_DOUBLE):
            self._take("building", *found.span("building"), value=building_value(found["building"]))
            self._take("room", *found.span("room"), value=room_value(found["room"]))

    def _doors(self) -> None:
        for found in self._matches(_BUILDING):
            start, end = found.span()
            if self._is_building(start, end):
                self._take("building", start, end, building_value(found[0]))
        for found in self._matches(_UNIT):
            if not re.match(r"[的]?(?:个|多个|几个)", self.text[found.end() :]):
                self._take("unit", *found.span(), value=unit_value(found[0]))
        for found in self._matches(_ROOM_NAMED):
            start, end = found.span()
            before = self.text[:start]
            if self.text[end - 1] == "户" and (numeral(found[0][:-1]) or 0) < 100:
                continue
            if not re.search(r"[共有约近上几数百千\d]$", before) and self.text[end : end + 1] not in {"型", "厅", "一"}:
                self._take("room", start, end, room_value(found[0]))
        for found in self._matches(_ROOM_BARE):
            start, end = found.span()
            if self._before(start) in {"building", "unit"} and self._gap(start) <= 1:
                self._take("room", start, end, room_value(found[0]))
        for found in self._matches(_ROOM_NUMBER):
            if self._touches(found.start()) == "unit":
                self._take("room", *found.span(), value=room_value(found[0]))

    def _gap(self, start: int) -> int:
        """How many characters lie between ``start`` and the span before it."""
        index = start
        while index and not self.taken[index - 1]:
            index -= 1
        return start - index

    def _is_building(self, start: int, end: int) -> bool:  # noqa: PLR0911 - a list of cases
        """Tell 三栋 as a name from 三栋 as a count, and 3座 from seats."""
        said, after = self.text[start:end], self.text[end : end + 2]
        if said[-1] == "#":
            return bool(re.match(r"\d|[A-Za-z]", said))
        if said[-1] in "栋幢座" and self.text[start - 1 : start] == "第":
            return False
        if said[-1] in "栋幢座" and said[0] in NUMERALS + "0123456789":
            before = self.text[max(0, start - 3) : start]
            if re.search(r"[这那有共约几整每好两]$|一共$|总共$", before):
                return False
            if after.startswith(("房", "山", "桥", "大", "新", "居民", "别墅", "城", "塔")):
                return False
            if after.startswith("楼") and after[1:] not in {
                "下",
                "上",
                "顶",
                "道",
                "前",
                "后",
                "梯",
                "间",
                "东",
                "西",
                "南",
                "北",
                "门",
                "底",
            }:
                return bool(start) and self.text[start - 1] not in "，。,.! ！"
            if said in {"一栋", "一幢", "一座", "1栋", "1座"} and re.match(r"[\u4e00-\u9fff]", after) and not start:
                return after[0] not in "楼老旧新高小"
        return not (said.endswith("楼") and after[:1] in {"下", "上"} and start and self.text[start - 1] in "路街巷弄道里")

    # names

    def _registry(self) -> None:
        index = 0
        while index < len(self.text) - 1:
            index = self._registered(index) or index + 1

    def _registered(self, start: int) -> int:
        """Take the longest full name of the registry at ``start``; return its end, or 0."""
        for end, names in self.gazetteer.match(self.text, start):
            full = [name for name in names if not name.short]
            if not full or not self._free(start, end) or self._longer_name(start, end, full):
                continue
            kinds = {name.kind for name in (names if any(n.kind == "compound" for n in full) else full)}
            kind = next(k for k in ("community", "compound", "street", "district", "grid", "city", "road") if k in kinds)
            match kind:
                case "grid":  # a park or a market
                    self._take("compound", start, end)
                case "road":
                    end = self._house(end)  # noqa: PLW2901
                    self._take(kind, start, end)
                case "compound":
                    end = self._phase(end)  # noqa: PLW2901
                    self._take(kind, start, end)
                case _:
                    self._take(kind, start, end)
            return end
        return 0

    def _longer_name(self, start: int, end: int, names: list[Name]) -> bool:
        """Tell whether the match is only a part of a longer name that the registry does not hold: 宫涵小区路, 老花园新村."""
        if _SUFFIX.match(self.text, end) and not _SUFFIXED.search(self.text[start:end]):
            return True
        if not start or self.taken[start - 1] or any(n.kind in {"district", "street", "community", "grid"} for n in names):
            return False
        begin = self._name_start(end - 2, longest=8)
        before = self.text[:start]
        if self.text[:start].endswith(_BEFORE_A_PLACE):
            return False
        known = any(before[index:] in self.gazetteer.names for index in range(max(0, start - 8), start - 1))
        return start - 2 <= begin < start and not known

    def _named_areas(self) -> None:
        for found in _AREA_ENDS.finditer(self.text):
            start, end = found.span()
            begin = self._name_start(start, longest=6)
            stem = self.text[begin:start]
            single = len(stem) == 1 and found[0] in {"村", "镇"} and self._touches(begin) in {"street", "district"}
            if not self._free(begin, end) or not (single or _is_name(stem)) or (found[0] == "村" and stem.endswith("新")):
                continue  # 电力新村 is a compound
            field = "street" if found[0] in {"街道", "镇", "乡"} else "community"
            self._take(field, begin, start if found[0] == "居委会" else end)
        self._districts()

    def _districts(self) -> None:
        for found in re.finditer(rf"[{HAN}]{{2,3}}?(?P<end>市|区|县)", self.text):
            start, end = found.span()
            if found[0].endswith(NO_DISTRICT) or found[0][-2:] in CITIES or not self._free(start, end):
                continue
            begin = max(start, self._name_start(end - 1, longest=3))
            beside = self._touches(begin) in {"city", "district"} or self.taken[end : end + 1] in (["street"], ["district"])
            if end - begin >= 3 and _is_name(self.text[begin : end - 1]) and (beside or found["end"] == "市"):
                self._take("city" if found["end"] == "市" else "district", begin, end)

    def _times(self) -> None:
        for start, end in times.phrases("".join("\0" if t else c for c, t in zip(self.text, self.taken, strict=True))):
            if self._free(start, end):
                self._take("time_phrase", start, end)

    def _roads(self) -> None:
        for found in re.finditer("|".join(ROAD_ENDS), self.text):
            start, end = found.span()
            house_end = self._house(end)
            numbered = house_end > end
            if not self._free(start, end) or (found[0] in {"里", "弄", "道"} and not numbered):
                continue
            if _NO_ROAD.match(self.text, start) and not numbered:
                continue
            begin = self._name_start(start, longest=5)
            stem = self.text[begin:start]
            if not self._free(begin, end) or not re.fullmatch(rf"[{HAN}\dA-Za-z]+", stem) or _COUNTED.search(stem):
                continue
            name = stem + found[0]
            if not numbered and (
                stem in GENERIC or len(stem) == 1 or stem.endswith("条") or (len(name) <= 3 and _is_word(name))
            ):
                continue
            self._take("road", begin, house_end)

    def _house(self, end: int) -> int:
        """Where the house number that follows a road ends; ``end`` itself when there is none."""
        begin = end + (self.text[end : end + 1] == " ")
        found = _HOUSE.match(self.text, begin)
        return found.end() if found and self._free(*found.span()) else end

    def _short_names(self) -> None:
        """Short forms count where a place may stand: between boundaries, or before another part of an address."""
        index = 0
        while index < len(self.text) - 1:
            step = 1
            for end, names in self.gazetteer.match(self.text, index):
                kinds = {name.kind for name in names if name.short} - {"city"}
                if kinds and self._free(index, end) and self._boundary(index) and self._ends_here(end):
                    self._take(next(k for k in ("community", "street", "district") if k in kinds), index, end)
                    step = end - index
                    break
            index += step

    def _ends_here(self, end: int) -> bool:
        """Tell whether a short name may end at ``end``."""
        if end == len(self.text) or self.taken[end] or _AFTER_SHORT.match(self.text, end):
            return True
        return any(self._free(end, stop) for stop, _ in self.gazetteer.match(self.text, end))

    def _compounds(self) -> None:
        for found in re.finditer("|".join(COMPOUND_ENDS), self.text):
            start, end = found.span()
            begin = self._name_start(start, longest=8)
            stem, last = self.text[begin:start], self._phase(end)
            if not self._free(begin, end) or _COUNTED.search(stem):
                continue
            if (not stem or stem in GENERIC) and not (found[0] == "安置房" and last > end):
                continue
            if (len(stem) == 1 and len(found[0]) < 2) or (found[0] in NEED_A_DOOR and not self._door_follows(last)):
                continue
            self._take("compound", begin, last)
        self._compounds_before_doors()
        self._compounds_alone()

    def _door_follows(self, end: int) -> bool:
        end += self.text[end : end + 1] == " "
        return self.taken[end : end + 1] in (["building"], ["unit"], ["room"])

    def _phase(self, end: int) -> int:
        """Where the phase (二期, A区) that follows a compound ends; ``end`` itself when there is none."""
        found = _PHASE.match(self.text, end)
        return found.end() if found and self._free(*found.span()) else end

    def _compounds_before_doors(self) -> None:
        """A name without a known ending is a compound when a door follows it: 荷塘月色9号楼."""
        for span in [span for span in self.spans if span.field in {"building", "unit"}]:
            end = span.start - (self.text[span.start - 1 : span.start] == " ")
            if end < 2 or self.taken[end - 1]:
                continue
            phase = re.search(rf"(?:{_PHASE.pattern})$", self.text[:end])
            stem_end = phase.start() if phase and self._free(*phase.span()) else end
            begin = self._name_start(stem_end, longest=6)
            stem = self.text[begin:stem_end]
            if 2 <= len(stem) <= 6 and _is_name(stem) and not _is_common(stem):
                self._take("compound", begin, end)

    def _compounds_alone(self) -> None:
        """幸福里, 龙湖湾 and a name with its phase, between boundaries."""
        for found in _ALONE.finditer(self.text):
            start, end = found.span()
            begin = max(start, self._name_start(end, longest=end - start))
            stem = self.text[begin:end]
            if len(stem) < 3 or not self._free(begin, end) or not self._boundary(begin) or _is_common(stem) or _is_word(stem):
                continue
            if stem[:-1] not in GENERIC and stem[-2:] not in INSIDE and not _COUNTED.search(stem[:-1]):
                self._take("compound", begin, end)

    def _groups(self) -> None:
        for found in self._matches(_GRID):
            self._take("grid", *found.span(), value=_figure(found["n"]))
        for found in self._matches(_GROUP):
            if self._touches(found.start()) in {"community", "compound"}:
                self._take("group", *found.span(), value=_figure(found["n"]))
        for found in self._matches(_HOUSE):  # 赤坑村25号
            if self._touches(found.start()) in {"community", "group"}:
                self._take("house_number", *found.span())

    # where names begin

    def _boundary(self, index: int) -> bool:
        """Tell whether a name may begin at ``index``: after a span, punctuation or a stop word."""
        if not index or self.taken[index - 1] or not re.match(rf"[{HAN}A-Za-z]", self.text[index - 1]):
            return True
        return self.text[index - 1] in HARD or self.text[:index].endswith(STOPS) or self.text[index - 1] in SOFT

    def _name_start(self, end: int, *, longest: int) -> int:
        """Where a name that ends at ``end`` begins: after the last stop word, at a word boundary, not too long."""
        begin = end
        while begin and not self.taken[begin - 1] and re.match(rf"[{HAN}A-Za-z0-9]", self.text[begin - 1]):
            begin -= 1
        fragment = self.text[begin:end]
        cut = 0
        for index in range(len(fragment)):
            if not fragment.startswith(KEEP, index):
                stop = next((stop for stop in STOPS if fragment.startswith(stop, index)), "")
                cut = max(cut, index + len(stop) if stop else 0)
        tokens = _cut(fragment[cut:])
        sizes = [len(token) for token in tokens]
        for index, token in enumerate(tokens):
            left = sum(sizes[index + 1 :])
            if token in HARD or (token in SOFT and left >= 2):
                cut = len(fragment) - left
        for found in _ABOVE.finditer(fragment, cut):
            if len(fragment) - found.end() >= 2:
                cut = found.end()
        if fragment[cut : cut + 1] in _LEADS and len(fragment) - cut > 2:
            cut += 1
        while len(fragment) - cut > longest:
            tokens = _cut(fragment[cut:])
            if len(tokens) == 1:
                return end
            cut += len(tokens[0])
        return begin + cut

    # rooms without a word of their own, denials

    def _bare_rooms(self) -> None:
        if any(span.field == "room" for span in self.spans):
            return
        for found in self._matches(_ROOM_BARE):
            start, end = found.span()
            beside = self._touches(start) in {"compound", "community"} or self.text[start - 1 : start] == "号"
            if re.fullmatch(r"(?:19|20)\d\d", found[0]) and not beside:
                continue
            if beside or _ROOM_CUES.search(self.text[:start]):
                self._take("room", start, end, room_value(found[0]))
                return

    def _denied(self, span: Span) -> bool:
        return bool(
            _NEGATED.search(self.text[: span.start])
            or _WRONG.match(self.text[span.end :])
            or (_CHANGED.match(self.text[span.end :]) and span.field in PLACE_FIELDS)
        )


def _is_name(stem: str) -> bool:
    """Tell whether a stem of two characters or more can be a proper name."""
    if len(stem) < 2 or stem in GENERIC or _COUNTED.search(stem):
        return False
    return re.fullmatch(rf"[{HAN}]+", stem) is not None and not (stem[-1] == "里" and stem[-2:] in INSIDE)


def _is_word(text: str) -> bool:
    """Tell whether ``text`` is one common word of the dictionary (马路, 思路)."""
    return bool((_dictionary().FREQ.get(text) or 0) > COMMON_NAME)


def _is_common(stem: str) -> bool:
    """Tell whether a stem is ordinary talk and no name: all of its words are frequent ones."""
    return all((_dictionary().FREQ.get(token) or 0) > COMMON_WORD for token in _cut(stem))


def _cut(text: str) -> list[str]:
    tokens: list[str] = _dictionary().lcut(text, HMM=False)
    return tokens
