"""The address reader on sentences of every kind; both files were written for measuring, the first by another hand."""

import csv
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.grids.address import AddressReader, building_value, room_value, unit_value
from backend.grids.evaluation import evaluate
from backend.grids.gazetteer import Gazetteer

HERE = Path(__file__).parent
DEMO = HERE.parent.parent.parent / "demo"


@pytest.fixture(scope="module")
def reader() -> AddressReader:
    return AddressReader(Gazetteer.from_folder(DEMO))


@pytest.mark.parametrize(("file", "bar"), [("dev_addresses.csv", 0.97), ("more_addresses.csv", 0.94)])
def test_the_bar_is_met(reader: AddressReader, file: str, bar: float) -> None:
    with (HERE / file).open(encoding="utf-8", newline="") as opened:
        result = evaluate(reader, csv.DictReader(opened))

    assert result["micro_f1"] >= bar, result["misses"]


def test_names_are_found_without_any_registry() -> None:
    with (HERE / "dev_addresses.csv").open(encoding="utf-8", newline="") as opened:
        result = evaluate(AddressReader(Gazetteer([])), csv.DictReader(opened))

    assert result["micro_f1"] >= 0.93


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("城东街道宫涵社区3号楼2单元", {"street": "城东街道", "community": "宫涵社区", "building": "3", "unit": "2"}),
        ("三号楼二单元五零一", {"building": "3", "unit": "2", "room": "501"}),
        ("３号楼２单元５０１室", {"building": "3", "unit": "2", "room": "501"}),
        ("3-2-501", {"building": "3", "unit": "2", "room": "501"}),
        ("迎春东路88号", {"road": "迎春东路", "house_number": "88号"}),
        ("界牌社区第五网格", {"community": "界牌社区", "grid": "5"}),
        ("赤坑村三组", {"community": "赤坑村", "group": "3"}),
        ("不是3号楼", {"building": None}),
    ],
)
def test_values_are_normal(reader: AddressReader, text: str, place: dict[str, str | None]) -> None:
    assert reader.read(text).place() == place


@pytest.mark.parametrize(
    "text", ["不是3号楼，是5号楼", "3号楼写错了，是5号楼", "把3号楼改成5号楼", "是5号楼不是3号楼", "不在3栋在5栋"]
)
def test_a_correction_keeps_the_right_building(reader: AddressReader, text: str) -> None:
    reading = reader.read(text)

    assert (reading.place()["building"], reading.replaced) == ("5", {"building": "3"})


@pytest.mark.parametrize("said", ["三号楼", "3号楼", "3栋", "3幢", "3#", "3座", "第3栋", "叁号楼", "3#楼", "三棟"])
def test_one_building_has_many_names(said: str) -> None:
    assert building_value(said) == "3"


def test_units_and_rooms_have_values() -> None:
    assert (unit_value("二单元"), unit_value("12单元"), unit_value("甲单元")) == ("2", "12", "甲")
    assert (room_value("五零一室"), room_value("1203"), room_value("302户")) == ("501", "1203", "302")


@pytest.mark.parametrize("text", ["", " ", "\0", "😀😀", "\u200b\u202e", "路" * 1000, "社区" * 500, "3-" * 500, "号楼" * 500])
def test_anything_can_be_read(reader: AddressReader, text: str) -> None:
    assert reader.read(text).get("phone") is None


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from("宫涵社区城东街道3号楼2单元501室不是，的路88-村里小 十八点昨天在我13800000000"), max_size=40))
def test_spans_are_literal_parts_that_never_overlap(text: str) -> None:
    spans = AddressReader(CITY).read(text).spans

    assert [text[span.start : span.end] for span in spans] == [span.text for span in spans]
    assert all(one.end <= other.start for one, other in pairwise(spans))


CITY = Gazetteer.from_folder(DEMO)
