"""The address reader: from a sentence to the places, doors and phones in it.

Names of the registry are looked up; names that stand only in the text are found by their endings (街道, 社区, 路, 花园 …),
their beginnings by word boundaries. Every span is a literal part of the text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from backend.grids.gazetteer import Gazetteer, Name
from backend.hanzi import NUMERALS, numeral, plain
from backend.intake import times

FIELDS = ("street", "community", "compound", "road", "building", "unit", "room", "phone", "time_phrase")
HAN = "\u4e00-\u9fff"
_N = rf"(?:\d{{1,4}}|[{NUMERALS}]{{1,4}})"
_ROOM = r"(?:\d{3,4}|[零〇一二三四五六七八九幺]{3,4})"

_PHONE = re.compile(
    r"(?<![\d-])(?:\+?86[- ]?)?(?P<phone>1\d{2}[- ]\d{4}[- ]\d{4}|1\d{10}|1\d{2}\*{4}\d{4}|0\d{2,3}[- ]?\d{7,8}(?:转\d{1,4}|-\d{1,4})?"
    r"|[48]00-?\d{3}-?\d{4}|(?<=[话机打号系：:])\d{7,8}|[幺一][零〇一二三四五六七八九幺]{10})(?![\d-])"
)
_TRIPLE = re.compile(
    r"(?<![\d\-.:/])(?P<building>\d{1,3}|[A-Za-z]\d?)[-#](?P<unit>\d{1,2})-(?P<room>\d{2,4})(?:室|房|户)?(?![\d\-/.]|[年月号])"
)
_DOUBLE = re.compile(
    r"(?<![\d\-.:/])(?P<building>\d{1,3}|[A-Za-z]\d?)-(?P<room>\d{3,4}(?:室|房|户)?)(?![\d\-/.]|[年月号元米个])"
)
_BUILDING = re.compile(
    rf"(?:[甲乙丙丁东西南北](?=\d+号?[楼栋幢]))?第?(?:(?:{_N}|[A-Za-z]\d{{0,2}}|\d{{1,3}}[A-Za-z]) ?(?:号楼|号 楼|#楼|号栋|号幢|号 ?(?={_N}单元)|[栋幢座]|#)"
    r"|[A-Za-z]楼|[甲乙丙丁][栋幢座])"
)
_UNIT = re.compile(rf"(?:{_N}|[A-Za-z]|[甲乙丙丁东西南北中]) ?单元|(?<=[楼栋幢座#])\d{{1,2}}[门梯](?={_ROOM})")
_ROOM_NAMED = re.compile(
    rf"(?:\d{{1,4}}[A-Za-z]?|[A-Za-z]\d{{3,4}}|{_ROOM}) ?(?:号房|室|房(?![子屋产东租贷间价租顶])|户(?![主口籍外型]))"
)
_ROOM_BARE = re.compile(
    rf"\d{{3,4}}[A-Za-z]?(?!\d|[\-.:：/%年月日天元块米号楼栋幢个人户次点分路公斤瓦平多])|[零〇一二三四五六七八九幺]{{3,4}}(?![{NUMERALS}]|[年月日天号楼栋个块元点])"
)
_ROOM_NUMBER = re.compile(rf"{_N}号(?![楼栋幢])")
_HOUSE = re.compile(
    rf"(?:\d{{1,4}}弄)?(?:\d{{1,5}}(?:-\d{{1,5}})?|[{NUMERALS}]{{1,5}})号(?:之[\d{NUMERALS}]+)?(?!楼|栋|幢|线)|\d{{1,4}}弄"
)
_GRID = re.compile(rf"第?(?P<n>{_N})(?:号)?网格(?!员|长)")
_GROUP = re.compile(rf"第?(?P<n>{_N})(?:村民)?(?:小组|组|队|生产队)(?!长|织|合|员)")
_ROOM_CUES = re.compile(
    r"(?:家住|我家|住在|住|在|是|我是|楼上|楼下|对门|隔壁|门牌|房号|室号|业主|房间|单元|[栋幢座#楼层])[号是为：: ]*$"
)

# Left of a name that is not in the registry: words it never contains, and words that alone are no name.
_STOPS = sorted(
    "住在 我家在 家住 位于 坐落 地处 就在 是在 人在 现在 在 住 到 去 来 往 从 由 离 至 向 朝 沿 经过 路过 经 过了 拐进 走到 跑到 回到 "
    "我们 你们 他们 咱们 俺们 我哋 阿拉 侬 我 你 您 他 她 它 咱 俺 恁 吾 这边 那边 这里 那里 这个 那个 这条 那条 这 那 哪 某 各 每 本 该 "
    "的 了 着 嘞 格 咯 呢 吗 吧 啊 呀 嗯 哦 喂 就是 也是 都是 还是 不是 而是 应该是 是 叫做 叫 有个 有人 有 没有 没 不归 归 被 把 给 让 帮 替 对 跟 与 及 和 或者 或 以及 "
    "你好 您好 请问 请 麻烦 麻烦你们 想 要 想问 问 反映 反应 投诉 举报 上报 报告 报修 报事 报名 申请 咨询 建议 希望 关于 因为 由于 所以 但是 然后 "
    "地址 位置 地点 住址 具体 老家 老妈 老爸 我妈 我爸 辖区 所属 属于 隶属 业主 居民 住户 村民 群众 市民 租户 反映人 联系人 收件 邮寄 门牌 楼号 "
    "昨天 今天 明天 前天 早上 晚上 上午 下午 中午 凌晨 半夜 夜里 昨晚 今早 刚才 刚刚 最近 近期 目前 每天 天天 "
    "停 停在 堵 堵在 倒在 堆在 搬到 搬进 看看 看 找 打 查 修 送到 寄到 发生 出现 隔壁 对面 旁边 附近 靠近 门口 前面 后面 "
    "领导 同志 师傅 网格员 书记 主任 大家 别人 家里 整个 全 一个 一条 一家 几个 所有 任何 不 也 都 又 还 就 才 很 太 再".split(),
    key=len,
    reverse=True,
)
_KEEP = re.compile(
    "和平|和谐|和睦|和畅|和美|和苑|和乐|和兴|永和|太和|中和|祥和|人和|双和|泰和|向阳|朝阳|朝晖|向前|来安|来福|全福|万和|太平|太湖|太阳|住宅|归园|在水|就业|都市|成都|首都|都会|都府|越都|民不|北京|给水|打铁|本溪|向荣|经纬|经济|经开|经一|经二|经三|由义|至善|至和|有才|不夜|看守|找|查家|各庄|没(?=村)"
)
_GENERIC = frozenset(
    "老旧 老 旧 新 大 小 好 高档 住宅 安置 回迁 拆迁 封闭 开放 农 全 乡 城中 城 商品房 廉租房 公租房 单位 机关 街 城乡 各 市 自然 行政 贫困 美丽 文明 示范 智慧 平安 邻 进 出 同 外 上 下 "
    "水泥 柏油 土 泥 马 铁 公 道 小 大 主干 高速 盲 人行 车行 通 过 走 让 修 铺 拦 堵 电 线 思 门 出 后 前 弯 断头 必经之 步行 快 慢 老 新 双 单 石 山 山间 乡间 田间 机耕 消防通 非机动车 机动车 "
    "商业 美食 小吃 商店 逛 满 沿 临 横 跨 临时 村 镇 县 区 半 整 老年 幼儿 医 法 学 后 四合 剧 影 电影 检察 敬老 养老 福利 科 庭 小区 社区 花 公 菜 果 植物 动物 游乐 产业 工业 科技 "
    "楼 家 屋 店 车 厂 桶 坑 水 河 沟 盒 箱 院 房间 房 手 心 嘴 眼 夜 城 乡 海 港 "
    "街道 城市 农村 居民 物业 政府 综合 服务 便民 活动 文化 体育".split()
)
_CITIES = frozenset(
    "城市 超市 菜市 夜市 门市 本市 全市 我市 贵市 股市 花市 早市 集市 上市 都市 县级市 地级市 直辖市 闹市 黑市 楼市 房市 各市 省市 这市 个市".split()
)
_NO_DISTRICT = (
    "小区",
    "社区",
    "园区",
    "校区",
    "厂区",
    "景区",
    "片区",
    "地区",
    "郊区",
    "城区",
    "山区",
    "辖区",
    "库区",
    "矿区",
    "街区",
    "专区",
    "特区",
    "禁区",
    "东区",
    "西区",
    "南区",
    "北区",
    "新区",
    "区县",
    "全区",
    "我区",
    "院区",
    "家属区",
    "宿舍区",
    "住宅区",
    "生活区",
    "商业区",
    "工业区",
    "开发区",
    "港区内",
)
_COMPOUND_ENDS = (
    "家属院 家属楼 家属区 生活区 住宅区 安置房 安置小区 宿舍楼 宿舍区 宿舍 小区 花园 家园 公寓 新村 新城 名城 名都 名苑 佳苑 雅苑 花苑 家苑 新苑 嘉苑 华苑 馨苑 华府 府邸 豪庭 华庭 名庭 雅庭 公馆 "
    "山庄 庄园 雅居 名居 大院 大楼 大厦 别墅 庭院 花城 水岸 丽景 国际 华都 人家 壹号 世家 天下 城邦 半岛 广场 商城 苑"
).split()
_COMPOUND_WEAK = "里 坊 湾 居 堡 轩 阁 邸 府 城 园 庭 院 郡 都 院子 楼 宅 墅 庐 弄 岸 港".split()
_PHASE = re.compile(rf"(?:[A-Za-z东西南北][区苑院](?!别)|(?:第?[{NUMERALS}]|\d{{1,2}})[期区](?!间))")
_ROAD_ENDS = "大街 大道 老街 直街 横街 胡同 公路 环路 支路 路 街 巷 弄 道 里".split()
_AFTER_ROAD = re.compile(r"(?:灯|口|面|边|障|牌|沿|基|人|障|况|过|政|道)(?!\d)|上(?!海)")
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


PLACE_FIELDS = ("city", "district", "street", "community", "compound", "road", "group", "grid", "building", "unit", "room")


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
def _words() -> Any:
    import jieba

    jieba.setLogLevel(30)
    return jieba.dt


class AddressReader:
    """Reads sentences against one registry."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self.gazetteer = gazetteer

    def read(self, text: str) -> Reading:
        """Return every place, door, phone and time phrase of ``text`` (only its first 1,000 characters are read)."""
        return _Pass(self.gazetteer, text[:1000]).run()


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
        self._roads()
        self._named_areas()
        self._short_names()
        self._compounds()
        self._bare_rooms()
        self._times()
        spans = sorted(self._denials(), key=lambda span: span.start)
        return Reading(self.original, tuple(spans))

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

    def _is_building(self, start: int, end: int) -> bool:
        """Tell 三栋 as a name from 三栋 as a count, and 3座 from seats."""
        said, after = self.text[start:end], self.text[end : end + 2]
        if said[-1] == "#":
            return bool(re.match(r"\d|[A-Za-z]", said))
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
        return not (said.endswith("号 ") and False)

    # names

    def _registry(self) -> None:
        index = 0
        while index < len(self.text) - 1:
            taken = self._registered(index)
            index = taken or index + 1

    def _registered(self, start: int) -> int:
        """Take the longest full name of the registry at ``start``; return its end, or 0."""
        for end, names in self.gazetteer.match(self.text, start):
            full = [name for name in names if not name.short]
            if not full or not self._free(start, end):
                continue
            after = self.text[end : end + 2]
            if all(n.kind == "road" for n in full):
                if not self._road_ends(end):
                    continue
                end = self._house(end)
            elif re.match(r"社区|街道|镇|村(?!口|里|头)|路|大道|街|巷|网格", after) and not self._suffixed(start, end):
                continue  # a longer name begins like this one
            elif self._inside_name(start, end, full):
                continue
            self._take_names(full, start, end)
            return end
        return 0

    def _suffixed(self, start: int, end: int) -> bool:
        return self.text[start:end].endswith(("社区", "街道", "镇", "村", "区", "小区", "花园"))

    def _inside_name(self, start: int, end: int, names: list[Name]) -> bool:
        """Tell whether the match is only the tail of a longer unknown name (老花园新村 holds 花园新村)."""
        if not start or self.taken[start - 1] or any(n.kind in {"district", "street", "community", "grid"} for n in names):
            return False
        begin = self._name_start(end - 2, floor=0, longest=8)
        return begin < start and start - begin <= 2 and not self._registry_name_ends(start)

    def _registry_name_ends(self, index: int) -> bool:
        return any(self.text[start:index] in self.gazetteer.names for start in range(max(0, index - 8), index - 1))

    def _take_names(self, names: list[Name], start: int, end: int) -> None:
        kinds = {name.kind for name in names}
        after = self.text[end : end + 4]
        if {"community", "compound"} <= kinds:  # 富江新苑 is both: a door makes it the compound
            kind = (
                "compound"
                if self._door_follows(end) and not after.startswith("社区") and self._is_compound_first(names)
                else "community"
            )
        else:
            kind = next(k for k in ("compound", "community", "street", "district", "grid", "city", "road") if k in kinds)
        if kind == "grid":
            self._take("compound", start, end)
            return
        if kind == "compound":
            end = self._phase(end)
        self._take(kind, start, end)

    def _is_compound_first(self, names: list[Name]) -> bool:
        return not any(name.kind == "community" for name in names)

    def _door_follows(self, end: int) -> bool:
        return bool(re.match(rf" ?(?:{_BUILDING.pattern}|{_UNIT.pattern})", self.text[end:])) or (
            end < len(self.taken) and self.taken[end] in {"building", "unit", "room"}
        )

    def _phase(self, end: int) -> int:
        found = _PHASE.match(self.text, end)
        return found.end() if found and self._free(found.start(), found.end()) else end

    def _road_ends(self, end: int) -> bool:
        """A road's name ends here unless a word like 路灯 or 路口 swallowed its last character without a name."""
        return True

    def _house(self, end: int) -> int:
        found = _HOUSE.match(self.text, end) or _HOUSE.match(self.text, end + 1 if self.text[end : end + 1] == " " else end)
        if found and self._free(found.start(), found.end()):
            return found.end()
        return end

    def _roads(self) -> None:
        for found in re.finditer("|".join(_ROAD_ENDS), self.text):
            start, end = found.span()
            if not self._free(start, end):
                continue
            house_end = self._house(end)
            numbered = house_end > end
            if found[0] in {"里", "弄", "道"} and not numbered:
                continue
            if not numbered and self.text[start:end] in {"路", "街"}:
                after = self.text[end : end + 1]
                if after in "道" or (found[0] == "街" and after in "上头边坊区办"):
                    continue
            begin = self._name_start(start, floor=self._floor(start), longest=5)
            stem = self.text[begin:start]
            if not stem or stem in _GENERIC or not re.fullmatch(rf"[{HAN}\dA-Za-z]+", stem):
                continue
            if len(stem) == 1 and not numbered and found[0] in {"路", "街", "巷"}:
                continue
            if not numbered and _is_word(stem + found[0]) and len(stem + found[0]) <= 3:
                continue
            self._take("road", begin, house_end)

    def _named_areas(self) -> None:
        for found in re.finditer(
            r"街道(?!办主)|镇(?!长|政府(?!门)|定|静|压|痛|上(?!海)(?=[有的都没在]))|乡(?!亲|下|里|间|音|愁|镇|村)|社区|村(?!民|里|口的|头的|庄|委(?!会)|干|集体|务|长|霸)|居委会",
            self.text,
        ):
            start, end = found.span()
            if not self._free(start, end):
                continue
            field = "street" if found[0] in {"街道", "镇", "乡"} else "community"
            begin = self._name_start(start, floor=self._floor(start), longest=6)
            stem = self.text[begin:start]
            if not self._is_name(stem, found[0]):
                continue
            if found[0] == "村" and stem.endswith("新"):
                continue  # 电力新村 is a compound
            if found[0] == "居委会":
                end = start
            self._take(field, begin, end)
        self._districts()

    def _districts(self) -> None:
        for found in re.finditer(rf"[{HAN}]{{2,3}}?(?P<end>市|区|县)", self.text):
            start, end = found.span()
            if not self._free(start, end) or found[0].endswith(_NO_DISTRICT) or found[0] in _CITIES or found[0][-2:] in _CITIES:
                continue
            begin = self._name_start(end - 1, floor=start, longest=3)
            if (
                end - 1 - begin >= 2
                and self._is_name(self.text[begin : end - 1], found["end"])
                and (
                    self._touches(begin) in {"city", "district"}
                    or end < len(self.taken)
                    and self.taken[end] in {"street", "district", "road", "community"}
                    or found["end"] == "市"
                )
            ):
                self._take("city" if found["end"] == "市" else "district", begin, end)

    def _is_name(self, stem: str, suffix: str) -> bool:
        if not stem or stem in _GENERIC or not re.fullmatch(rf"[{HAN}]+", stem):
            return False
        return len(stem) >= 2 or (suffix in {"镇", "村", "乡"} and len(stem) == 2)

    def _short_names(self) -> None:
        """Short forms count where a place may stand: between boundaries, or before another part of an address."""
        index = 0
        while index < len(self.text) - 1:
            step = 1
            for end, names in self.gazetteer.match(self.text, index):
                short = [name for name in names if name.short and name.kind != "city"]
                if short and self._free(index, end) and self._stands_alone(index, end):
                    kinds = {name.kind for name in short}
                    kind = next(k for k in ("community", "street", "district") if k in kinds)
                    self._take(kind, index, end)
                    step = end - index
                    break
            index += step

    def _stands_alone(self, start: int, end: int) -> bool:
        left = (
            not start
            or bool(self.taken[start - 1])
            or not re.match(rf"[{HAN}A-Za-z]", self.text[start - 1])
            or self._stop_ends(start)
        )
        if not left:
            return False
        if end == len(self.text) or self.taken[end]:
            return True
        rest = self.text[end:]
        if re.match(r"[^\u4e00-\u9fffA-Za-z]|这边|那边|这里|那里|这片|附近|辖区|一带|这块|的|门口|里面|有人|有个|人$", rest):
            return True
        return any(
            self._free(end, e) and any(n.kind in {"community", "compound", "road"} for n in ns)
            for e, ns in self.gazetteer.match(self.text, end)
        )

    def _stop_ends(self, index: int) -> bool:
        return any(self.text[:index].endswith(stop) for stop in _STOPS)

    def _compounds(self) -> None:
        for found in re.finditer("|".join(sorted(_COMPOUND_ENDS, key=len, reverse=True)), self.text):
            start, end = found.span()
            if not self._free(start, end):
                continue
            begin = self._name_start(start, floor=self._floor(start), longest=8, words=True)
            stem = self.text[begin:start]
            if (stem in _GENERIC or not stem) and not (found[0] == "安置房" and _PHASE.match(self.text, end)):
                continue
            if len(stem) == 1 and found[0] in {"苑", "宿舍", "大楼", "公寓", "广场", "国际"}:
                continue
            if found[0] in {"广场", "大楼", "大厦", "国际", "天下", "半岛", "商城"} and not self._door_follows(end):
                continue
            self._take("compound", begin, self._phase(end))
        self._compounds_before_doors()
        self._compounds_alone()

    def _compounds_before_doors(self) -> None:
        """A name without a known ending is a compound when a door follows it: 荷塘月色9号楼."""
        for span in [*self.spans]:
            if span.field not in {"building", "unit"} or self._touches(span.start) in FIELDS:
                continue
            end = span.start
            while end and self.text[end - 1] in " " and not self.taken[end - 1]:
                end -= 1
            phase = re.search(_PHASE.pattern + "$", self.text[:end])
            stem_end = phase.start() if phase and self._free(*phase.span()) else end
            begin = self._name_start(stem_end, floor=self._floor(stem_end), longest=6, words=True)
            stem = self.text[begin:stem_end]
            if 2 <= len(stem) <= 6 and stem not in _GENERIC and re.fullmatch(rf"[{HAN}A-Za-z]+", stem) and not _is_common(stem):
                self._take("compound", begin, end)

    def _compounds_alone(self) -> None:
        """幸福里, 龙湖湾 and a name with its phase, between boundaries."""
        for found in re.finditer(
            rf"[{HAN}]{{2,5}}(?:{_PHASE.pattern})|[{HAN}]{{1,3}}[{''.join(w for w in _COMPOUND_WEAK if len(w) == 1)}](?![{HAN}])",
            self.text,
        ):
            start, end = found.span()
            begin = self._name_start(end, floor=start, longest=end - start, words=True)
            while begin < end and self.taken[begin]:
                begin += 1
            stem = self.text[begin:end]
            if not self._free(begin, end) or len(stem) < 3 or _is_common(stem) or _is_word(stem):
                continue
            if (
                self.text[begin : begin + 1]
                and (not begin or self._boundary(begin))
                and stem[:-1] not in _GENERIC
                and stem[-2:] not in _INSIDE
            ):
                self._take("compound", begin, end)

    def _boundary(self, index: int) -> bool:
        return not re.match(rf"[{HAN}]", self.text[index - 1]) or bool(self.taken[index - 1]) or self._stop_ends(index)

    def _floor(self, index: int) -> int:
        """Where the clause or the last span before ``index`` ends."""
        start = index
        while start and not self.taken[start - 1] and re.match(rf"[{HAN}A-Za-z0-9]", self.text[start - 1]):
            start -= 1
        return start

    def _name_start(self, end: int, *, floor: int, longest: int, words: bool = False) -> int:
        """Where a name that ends at ``end`` begins: after the last stop word, at a word boundary, not too long."""
        begin = max(floor, self._floor(end))
        fragment = self.text[begin:end]
        kept = [False] * len(fragment)
        for found in _KEEP.finditer(fragment):
            kept[found.start() : found.end()] = [True] * (found.end() - found.start())
        cut = 0
        for index in range(len(fragment)):
            for stop in _STOPS:
                if fragment.startswith(stop, index) and not any(kept[index : index + len(stop)]):
                    cut = max(cut, index + len(stop))
                    break
        fragment = fragment[cut:]
        begin += cut
        while len(fragment) > longest:
            tokens = _words().lcut(fragment, HMM=False)
            if len(tokens) == 1:
                return end
            fragment = fragment[len(tokens[0]) :]
            begin += len(tokens[0])
        return begin

    # rooms without a word of their own, times, denials

    def _bare_rooms(self) -> None:
        if any(span.field == "room" for span in self.spans):
            return
        for found in self._matches(_ROOM_BARE):
            start, end = found.span()
            if re.fullmatch(r"(?:19|20)\d\d", found[0]) and not self._touches(start):
                continue
            if self._touches(start) in {"compound", "road", "community"} or _ROOM_CUES.search(self.text[:start]):
                self._take("room", start, end, room_value(found[0]))
                return

    def _times(self) -> None:
        for found in self._matches(_GRID):
            self._take("grid", *found.span(), value=_figure(found["n"]))
        for found in self._matches(_GROUP):
            if self._touches(found.start()) in {"community", "compound", "grid"}:
                self._take("group", *found.span(), value=_figure(found["n"]))
        for start, end in times.phrases("".join(c if not t else "\0" for c, t in zip(self.text, self.taken, strict=True))):
            self._take("time_phrase", start, end)

    def _denials(self) -> Iterator[Span]:
        for span in self.spans:
            denied = bool(
                _NEGATED.search(self.text[: span.start])
                or _WRONG.match(self.text[span.end :])
                or (_CHANGED.match(self.text[span.end :]) and span.field in PLACE_FIELDS)
            )
            yield Span(span.field, span.start, span.end, span.text, span.value, denied) if denied else span


_INSIDE = frozenset(
    "村里 家里 楼里 屋里 店里 车里 厂里 河里 沟里 水里 夜里 院里 城里 区里 园里 市里 县里 镇里 乡里 校里 馆里 场里 道里 箱里 桶里 坑里 手里 心里 这里 那里 哪里 路里 井里 公里 田里 池里 棚里 湖里 库里 门里 房里 堆里 邻里 菜园 公园 校园 花园 家园 果园 幼儿 乐园 小院 医院 法院 学院 住院 出院 后院 前院 院子 剧院 城都 县城 进城 商城 居住 邻居 政府 城府 小楼 大楼 上楼 下楼 顶楼 门楼 一楼 二楼 三楼 四楼 五楼 六楼 七楼 八楼 九楼 十楼 住宅 上港 本港 里弄 东城 西城 我都 他都 全都 大都 首都 多都 人都 家都 天都".split()
)


def _is_word(text: str) -> bool:
    """Tell whether ``text`` is one common word of the dictionary (马路, 思路)."""
    _words().check_initialized()
    return bool((_words().FREQ.get(text) or 0) > 50)


def _is_common(stem: str) -> bool:
    """Tell whether a stem before a door is ordinary talk and no name: all of its words are frequent ones."""
    tokens = _words().lcut(stem, HMM=False)
    return all((_words().FREQ.get(token) or 0) > 4000 for token in tokens)
