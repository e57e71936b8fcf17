"""What residents' words mean to the assistant, as far as no other service has to be asked."""

from typing import Any

import pytest

from actions.correction import SLIP, TAKEN_BACK, correction_in
from actions.emergency import kind_of, points
from actions.report import keep_matter_true
from actions.spoken import HOW_LONG


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("刚才那个写错了", ""),
        ("地址说错了，是5号楼", "是5号楼"),
        ("哎呀 楼号报错了 应该是5号楼", "应该是5号楼"),
        ("不好意思刚刚地点填错了，是蔡圩小区", "是蔡圩小区"),
        ("1234-5678的地址写错了", ""),
        ("那条发错了", ""),
        ("不对，是5号楼", "是5号楼"),
    ],
)
def test_who_confesses_a_slip_is_heard(text: str, left: str) -> None:
    assert SLIP.match(text)
    assert correction_in(text) == left


@pytest.mark.parametrize("text", ["小区门口的路牌字写错了", "你们把我名字写错了", "路灯坏了", "医生开错了药", "我停错了车位"])
def test_somebody_elses_mistake_is_no_slip(text: str) -> None:
    assert not SLIP.match(text)


@pytest.mark.parametrize("text", ["不是3号楼，是5号楼", "应该是5号楼", "楼号改成5号楼", "是蔡圩小区的"])
def test_what_is_taken_back_begins_with_it(text: str) -> None:
    assert TAKEN_BACK.match(text)


@pytest.mark.parametrize("text", ["建议把花坛改成停车位", "这是不是你们管"])
def test_a_wish_and_a_question_take_nothing_back(text: str) -> None:
    assert not TAKEN_BACK.match(text)


@pytest.mark.parametrize("text", ["就在我家这边", "就我们家楼下", "在俺家门口", "楼上那里呀"])
def test_words_that_only_point_tell_of_no_danger(text: str) -> None:
    assert points(text)
    assert kind_of(text) == "other"


@pytest.mark.parametrize("text", ["来人啊", "救命", "就在我家 他要杀我", "快来", "我家着火了", "有人倒在楼下"])
def test_a_cry_for_help_is_more_than_pointing(text: str) -> None:
    assert not points(text)


def test_a_tree_that_fell_is_nobody_who_fell() -> None:
    assert [kind_of(text) for text in ("树倒了", "有人倒在楼下", "树倒了砸到人")] == ["other", "medical", "medical"]


@pytest.mark.parametrize("text", ["要多久能修好", "到底几天能弄好？", "多久", "什么时候能修", "大概多久啊"])
def test_how_long_is_a_question(text: str) -> None:
    assert HOW_LONG.search(text)


@pytest.mark.parametrize("text", ["好几天没人收", "坏了几天了", "不知道多久没扫了", "几天没水"])
def test_how_long_it_has_been_is_none(text: str) -> None:
    assert not HOW_LONG.search(text)


@pytest.mark.parametrize(
    ("matter", "bare", "before", "after", "kept"),
    [
        ("宫涵小区99号楼楼道灯坏了", "楼道灯坏了", {"building": "99"}, {"building": "19"}, "宫涵小区19号楼楼道灯坏了"),
        ("3号楼2单元电梯抖", "电梯抖", {"unit": "2", "building": "3"}, {"unit": "1", "building": "3"}, "3号楼1单元电梯抖"),
        ("三号楼电梯抖", "电梯抖", {"building": "3"}, {"building": "5"}, "电梯抖"),
        ("宫涵小区路灯不亮", "路灯不亮", {"compound": "宫涵小区"}, {"compound": "蔡圩小区"}, "路灯不亮"),
        (
            "宫涵小区路灯不亮",
            "路灯不亮",
            {"compound": "宫涵小区"},
            {"compound": "宫涵小区", "building": "5"},
            "宫涵小区路灯不亮",
        ),
        ("路灯不亮", None, {"building": "3"}, {"building": "5"}, "路灯不亮"),
        (None, "路灯不亮", {"building": "3"}, {"building": "5"}, None),
    ],
)
def test_a_corrected_place_leaves_no_trace_of_the_old_one_in_the_words(
    matter: str | None, bare: str | None, before: dict[str, Any], after: dict[str, Any], kept: str | None
) -> None:
    draft = {"matter": matter, "bare": bare, "parts": before}
    keep_matter_true(draft, after, elsewhere=False)
    assert draft["matter"] == kept


def test_a_pin_instead_of_the_words_takes_their_place_out() -> None:
    draft: dict[str, Any] = {"matter": "宫涵小区22号楼路灯不亮", "bare": "路灯不亮", "parts": {"compound": "宫涵小区"}}
    keep_matter_true(draft, {"compound": "宫涵小区"}, elsewhere=True)
    assert draft["matter"] == "路灯不亮"
