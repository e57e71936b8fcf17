"""From what is said to what may be had: the demo city's ten kinds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.subsidies import reading
from backend.subsidies.advice import advise, next_fact
from backend.subsidies.catalogue import read
from linlitong.home import ROOT

CATALOGUE, _ = read(ROOT / "demo" / "subsidies")
assert CATALOGUE is not None
OLD = {"age": 82, "local_hukou": True}


@pytest.mark.parametrize(
    ("text", "about", "facts", "kinds"),
    [
        ("我妈今年82，能领什么补贴？", "mother", {"age": 82}, []),
        ("我妈八十了能领点啥", "mother", {"age": 80}, []),
        ("俺娘今年九十三，咋没见过高龄钱，在哪办", "mother", {"age": 93}, ["elderly_allowance"]),
        ("老人家85岁，本地户口，二级残疾", None, {"age": 85, "local_hukou": True, "disability_grade": "two"}, []),
        ("我爷爷一百零一岁", "grandfather", {"age": 101}, []),
        ("家里三亩地，农村户口", None, {"land_area": 300, "rural": True}, []),
        ("想申请低保，人均300", None, {"income_per_head": 30000}, ["minimum_living"]),
        ("我今年300岁", None, {}, []),
        ("租房子住，户口在外地", None, {"rents_home": True, "local_hukou": False}, []),
    ],
)
def test_what_is_read_by_the_way(text: str, about: str | None, facts: dict, kinds: list[str]):
    found = reading.read(CATALOGUE, text)
    assert (found.about, found.facts, found.kinds) == (about, facts, kinds)


@pytest.mark.parametrize(
    ("fact", "text", "value"),
    [
        ("age", "82", 82),
        ("age", "八十二岁了", 82),
        ("income_per_head", "800块", 80000),
        ("income_per_head", "1.2万", 1200000),
        ("income_per_head", "一千五", 150000),
        ("income_per_head", "没有", 0),
        ("land_area", "3.5亩", 350),
        ("local_hukou", "是的。", True),
        ("local_hukou", "不是", False),
        ("local_hukou", "你们几点上班", None),
        ("disability_grade", "二级", "two"),
        ("age", "今天天气真不错啊我想出去走走看看风景", None),
    ],
)
def test_an_answer_to_a_question(fact: str, text: str, value: object):
    assert reading.answer(CATALOGUE.facts[fact], text) == value


@pytest.mark.parametrize(("fact", "text"), [("age", "300"), ("land_area", "-5"), ("land_area", "负3亩"), ("age", "一千岁")])
def test_what_cannot_be_is_no_answer(fact: str, text: str):
    with pytest.raises(reading.Impossible):
        reading.answer(CATALOGUE.facts[fact], text)


def test_each_kind_is_answered_with_what_fits_what_is_open_and_why_not():
    advice = advise(CATALOGUE, OLD)
    assert [(fit.kind.code, fit.fen) for fit in advice.fits] == [("elderly_allowance", 8000)]
    assert {out.kind.code: out.why for out in advice.out} == {
        "job_support": ["须在 60 周岁以下"],
        "student_aid": ["须在 30 周岁以下"],
    }
    assert {one.kind.code: one.facts for one in advice.open}["disability_allowance"] == ["disability_grade", "minimum_living"]


def test_an_amount_by_the_mu_is_whole_fen():
    assert advise(CATALOGUE, {"land_area": 350}, ["farmland_protection"]).fits[0].fen == 42000


a_value = {
    key: st.sampled_from(fact.domain.choices) if fact.domain.choices else st.integers(fact.low, fact.high)
    for key, fact in CATALOGUE.facts.items()
}


@settings(max_examples=60, deadline=None)
@given(st.fixed_dictionaries(a_value))
def test_asking_to_the_end_decides_every_kind_as_all_facts_would(full: dict):
    facts: dict = {}
    while (key := next_fact(CATALOGUE, facts)) is not None:
        assert any(key in one.facts for one in advise(CATALOGUE, facts).open)
        facts[key] = full[key]
    asked, told = advise(CATALOGUE, facts), advise(CATALOGUE, full)
    assert asked.open == []
    assert asked.fits == told.fits
