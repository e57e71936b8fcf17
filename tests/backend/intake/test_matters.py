"""Where one message tells of two places, and where it does not."""

from pathlib import Path

import pytest

from backend.grids.address import AddressReader
from backend.grids.gazetteer import Gazetteer
from backend.intake.matters import by_place, has_matter, joined, without_place

READER = AddressReader(Gazetteer.from_folder(Path(__file__).parents[3] / "demo"))
WRONG = ("垃圾", "电线", "电梯", "路灯", "井盖", "摆摊")


def certain(part: str, _joined: bool) -> bool:
    """Stands in for the item classifier: certain where the part names something and says what is wrong."""
    return has_matter(READER.read(part)) and any(word in part for word in WRONG)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("宫涵小区16号楼垃圾没人收和蔡圩小区3号楼电线裸露", ["宫涵小区16号楼垃圾没人收", "蔡圩小区3号楼电线裸露"]),
        ("宫涵小区16号楼垃圾没人收蔡圩小区3号楼电线裸露", ["宫涵小区16号楼垃圾没人收", "蔡圩小区3号楼电线裸露"]),
        ("宫涵小区8号楼有人摆摊，另外凤凰花园2号楼电梯坏了", ["宫涵小区8号楼有人摆摊", "凤凰花园2号楼电梯坏了"]),
        ("迎春东路88号路灯坏了和鼓楼路62号井盖没了", ["迎春东路88号路灯坏了", "鼓楼路62号井盖没了"]),
        ("赤坑村二组垃圾和污水到处都是", None),
        ("宫涵小区和蔡圩小区垃圾没人收", None),
        ("从宫涵小区到蔡圩小区路灯都不亮", None),
        ("宫涵小区的垃圾拉到蔡圩小区垃圾站旁边倒", None),
        ("宫涵小区3号楼电梯坏了 跟凤凰花园2号楼电梯一样", None),
        ("宫涵小区3号楼和5号楼垃圾没人收", None),
        ("城东街道宫涵社区宫涵小区3号楼路灯坏了", None),
    ],
)
def test_a_message_is_cut_before_a_place_with_a_matter_of_its_own(text: str, parts: list[str] | None) -> None:
    assert by_place(READER.read(text), certain) == (parts or [text])


def test_a_place_alone_is_no_matter() -> None:
    for pieces, wanted in (
        (["我家在柴墟花园5号楼", "对面油烟太大", "还占道"], ["我家在柴墟花园5号楼，对面油烟太大", "还占道"]),
        (["桥栏杆断了半截", "赤坑村二组"], ["桥栏杆断了半截"]),
        (["赤坑村二组"], ["赤坑村二组"]),
    ):
        assert joined(pieces, [has_matter(READER.read(piece)) for piece in pieces]) == wanted


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("宫涵小区22号楼路灯不亮", "路灯不亮"),
        ("城东街道宫涵社区3号楼2单元门口路灯坏了三天了", "门口路灯坏了三天了"),
        ("我家在柴墟花园5号楼，对面油烟太大", "对面油烟太大"),
        ("路灯坏了，在宫涵小区", "路灯坏了"),
        ("水滴到我家客厅里面地板都泡了我家是宫涵小区8号楼", "水滴到我家客厅里面地板都泡了"),
        ("赤坑村二组", "赤坑村二组"),
    ],
)
def test_the_words_of_a_matter_without_its_place(text: str, bare: str) -> None:
    assert without_place(READER.read(text)) == bare
