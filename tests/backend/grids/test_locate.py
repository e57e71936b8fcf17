"""From words and pins to exactly one grid, or to a question that can be answered."""

from pathlib import Path

import pytest

from backend.db import Database
from backend.grids import service as grids
from backend.grids.address import AddressReader
from backend.grids.gazetteer import Gazetteer
from backend.grids.locate import Status, contradicted, locate, merge
from backend.importing import import_city

DEMO = Path(__file__).parent.parent.parent.parent / "demo"


@pytest.fixture
async def reader(database: Database) -> AddressReader:
    async with database.write() as session:
        await import_city(session, DEMO)
    async with database.read() as session:
        return AddressReader(await grids.current(session, None))


CASES = [
    ("城东街道宫涵社区3号楼2单元门口路灯坏了三天了", "grid", "城东街道宫涵社区第一网格"),
    ("高港区刁铺街道界牌社区第五网格", "grid", "刁铺街道界牌社区第五网格"),
    ("新桥镇富江新苑社区8号楼", "grid", "新桥镇富江新苑社区第二网格"),
    ("富江新苑24栋", "grid", "新桥镇富江新苑社区第四网格"),
    ("国泰民安10号楼302", "grid", "南苑街道国泰民安社区第二网格"),
    ("双闸月安8幢", "grid", "双闸街道月安社区第二网格"),
    ("博美镇赤坑村三组", "grid", "博美镇赤坑村第三网格"),
    ("赤坑村25号", "grid", "博美镇赤坑村第三网格"),
    ("迎春东路88号", "grid", "城东街道宫涵社区第六网格"),
    ("鼓楼路62号", "grid", "城东街道宫涵社区第四网格"),
    ("鼓楼路61号", "grid", "城东街道宫涵社区第三网格"),
    ("锦绣园999幢", "grid", "城东街道宫涵社区第八网格"),
    ("东湖公园的长椅坏了", "grid", "城东街道凤凰社区东湖公园网格"),
    ("城东菜场水产区污水横流", "grid", "城东街道春晖社区城东农贸市场网格"),
    ("刁铺工业园3号楼", "grid", "刁铺街道蔡圩社区刁铺工业园网格"),
    ("沙洲街道月安社区5号楼", "grid", "双闸街道月安社区第一网格"),
    ("宫涵社区99号楼", "community", "城东街道宫涵社区"),
    ("宫涵社区门口", "community", "城东街道宫涵社区"),
    ("塔山街道，具体哪个社区我搞不清", "street", "塔山街道"),
    ("路灯坏了", "missing", ""),
    ("上海市浦东新区张江镇", "outside", ""),
]


@pytest.mark.parametrize(("text", "status", "name"), CASES)
def test_words_find_their_place(text: str, status: str, name: str) -> None:
    found = locate(CITY, READER.read(text))

    assert (found.status.value, found.name) == (status, name)
    assert found.unplaced == (status in {"community", "street"})


CITY = Gazetteer.from_folder(DEMO)
READER = AddressReader(CITY)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("凤凰社区3号楼", ["凤凰社区凤凰花园3号楼", "凤凰社区府前苑3号楼", "凤凰社区粮食局家属院3号楼"]),
        ("后观巷", [f"后观社区后观巷{n}号" for n in ("1-60", "61-120", "121-180", "181-240")]),
        ("鼓楼路", ["城东街道宫涵社区", "城东街道凤凰社区", "城东街道春晖社区"]),
        (
            "凤凰花园",
            [
                f"凤凰社区{g}（凤凰花园{b}号楼）"
                for g, b in (("第一网格", "1至5"), ("第二网格", "6至10"), ("第三网格", "11至15"))
            ],
        ),
    ],
)
def test_where_several_fit_at_most_five_are_offered_and_each_choice_settles_it(text: str, labels: list[str]) -> None:
    reading = READER.read(text)
    found = locate(CITY, reading)

    assert (found.status, [choice.label for choice in found.choices]) == (Status.CHOICES, labels)
    for choice in found.choices:
        settled = locate(CITY, merge(reading.place(), choice.place))
        assert settled.status in {Status.GRID, Status.COMMUNITY, Status.CHOICES}
        assert settled.status is not Status.CHOICES or len(settled.choices) < 5
        if choice.area_code in {grid.code for grid in CITY.grids("LL")}:
            assert settled.area_code == choice.area_code


def test_every_building_and_every_road_of_the_city_is_found_again() -> None:
    wrong = []
    for row in CITY.places:
        community = CITY.areas[CITY.areas[row.grid_code].parent_code or ""]
        place = {"community": community.name, "compound": row.compound, "building": row.building}
        if row.compound and row.building and len(row.compound) > 2 and locate(CITY, place).area_code != row.grid_code:
            wrong.append((row, locate(CITY, place)))
        if row.road:
            first = row.house_number.split("-")[0]
            said = {"community": community.name, "road": row.road, "house_number": f"{first}号"}
            if locate(CITY, said).area_code != row.grid_code:
                wrong.append((row, locate(CITY, said)))
    assert wrong == []


async def test_a_pin_finds_the_nearest_grid_and_settles_a_tie_but_words_win(reader: AddressReader) -> None:
    city = reader.gazetteer
    row = next(row for row in city.by_compound["府前苑"] if row.building == "3")
    pin = (row.latitude or 0.0, row.longitude or 0.0)

    assert locate(city, {}, pin=pin).area_code == row.grid_code
    assert locate(city, reader.read("凤凰社区3号楼"), pin=pin).area_code == row.grid_code
    assert locate(city, reader.read("凤凰社区"), pin=pin).area_code == row.grid_code
    assert locate(city, reader.read("宫涵社区3号楼"), pin=pin).area_code == "HL-CD-GH-1"  # words win
    assert locate(city, {}, pin=(48.85, 2.35)).status is Status.OUTSIDE
    assert locate(city, {}, pin=(32.40, 119.60)).status is Status.OUTSIDE


@pytest.mark.parametrize(
    ("text", "status", "name", "building"),
    [
        ("宫涵小区99号楼", "community", "城东街道宫涵社区", "99号楼"),
        ("越都名苑88栋", "community", "府山街道越都社区", "88号楼"),
        ("月安社区99号楼", "community", "双闸街道月安社区", "99号楼"),
        ("锦绣园999幢", "grid", "城东街道宫涵社区第八网格", "999号楼"),
        ("宫涵小区9号楼", "grid", "城东街道宫涵社区第二网格", ""),
        ("迎春东路88号3号楼", "grid", "城东街道宫涵社区第六网格", ""),
        ("宫涵小区", "community", "城东街道宫涵社区", ""),
    ],
)
def test_a_building_that_is_not_there_is_said_to_be_unknown(text: str, status: str, name: str, building: str) -> None:
    found = locate(CITY, READER.read(text))

    assert (found.status.value, found.name, found.unknown_building) == (status, name, building)


@pytest.mark.parametrize(
    ("text", "building", "grid"),
    [
        ("宫涵小区22号楼", "3", "HL-CD-GH-1"),  # 360 m away, in another grid
        ("月安花园6号楼", "3", "HL-CD-GH-1"),
        ("宫涵小区3号楼", "3", None),
        ("宫涵小区6号楼", "5", None),  # the next building, across the border of two grids
        ("宫涵社区", "3", None),
        ("", "3", None),
    ],
)
def test_a_pin_contradicts_the_words_only_from_another_area_and_from_afar(text: str, building: str, grid: str | None) -> None:
    row = next(row for row in CITY.by_compound["宫涵小区"] if row.building == building)
    pin, said = (row.latitude or 0.0, row.longitude or 0.0), READER.read(text).place()

    by_pin = contradicted(CITY, said, locate(CITY, said, pin=pin), pin)

    assert (by_pin.area_code if by_pin else None) == grid


def test_a_pin_outside_the_city_contradicts_nothing() -> None:
    said = READER.read("宫涵小区22号楼").place()
    assert contradicted(CITY, said, locate(CITY, said), (48.85, 2.35)) is None


@pytest.mark.parametrize(
    ("earlier", "later", "merged"),
    [
        ("国泰民安社区3号楼2单元", "不是3号楼，是5号楼", {"community": "国泰民安社区", "building": "5", "unit": "2"}),
        ("国泰民安社区5号楼2单元", "单元也错了 是1单元", {"community": "国泰民安社区", "building": "5", "unit": "1"}),
        ("宫涵社区3号楼", "不是3号楼", {"community": "宫涵社区"}),
        ("宫涵社区迎春东路88号", "不对，是凤凰社区", {"community": "凤凰社区"}),
        ("迎春东路88号", "应该是凤凰路", {"road": "凤凰路"}),
        ("城东街道", "宫涵社区3号楼", {"street": "城东街道", "community": "宫涵社区", "building": "3"}),
        ("宫涵社区", "城东街道的", {"street": "城东街道", "community": "宫涵社区"}),
    ],
)
def test_a_later_message_is_laid_over_an_earlier_one(earlier: str, later: str, merged: dict[str, str]) -> None:
    assert merge(READER.read(earlier).place(), READER.read(later)) == merged


async def test_the_card_names_the_grid_member(database: Database, reader: AddressReader) -> None:
    async with database.read() as session:
        card = await grids.card(session, "GG-DP-JP-5")
        people = await grids.members_of(session, "GG-DP-JP-5")
        chain = await grids.ancestors(session, "GG-DP-JP-5")
        found = await grids.resolve(session, reader.gazetteer, reader.read("界牌社区第五网格"))
    assert (card.name, found.member) == ("薛阳", "薛阳")
    assert [staff.role.value for staff in people] == ["grid_head", "grid_member"]
    assert [area.name for area in chain] == ["第五网格", "界牌社区", "刁铺街道", "高港区", "邻里市"]
