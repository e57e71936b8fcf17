"""The area of law, the urgency and what is hidden, all read from a question's words."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from backend.legal.areas import EXAMPLES, AreaClassifier, LawArea, Urgency, urgency
from backend.legal.law import Law
from backend.legal.veil import veiled
from tests.support import kept

DEV = Path(__file__).with_name("dev_areas.csv")


def rows(path: Path) -> list[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["text"], row["area"]) for row in csv.DictReader(file)]


def test_every_area_has_at_least_25_examples_and_none_of_them_is_a_held_out_sentence() -> None:
    examples = rows(EXAMPLES)
    counts = Counter(area for _, area in examples)
    assert set(counts) == set(LawArea)
    assert min(counts.values()) >= 25
    assert {text for text, _ in examples} & {text for text, _ in rows(DEV)} == set()


def test_held_out_sentences_are_told_apart_as_well_as_the_manual_says() -> None:
    classifier = AreaClassifier.load(kept.MODELS / "legal-areas.npz")
    held_out = rows(DEV)
    ranked = [[area for area, _ in classifier.model.rank((text,))] for text, _ in held_out]
    first = sum(order[0] == area for order, (_, area) in zip(ranked, held_out, strict=True))
    third = sum(area in order[:3] for order, (_, area) in zip(ranked, held_out, strict=True))
    assert len(held_out) == 60
    assert first / 60 >= 0.70
    assert third / 60 >= 0.93


def test_another_76_questions_in_plain_speech_are_told_apart_as_well_as_the_manual_says() -> None:
    classifier = AreaClassifier.load(kept.MODELS / "legal-areas.npz")
    asked = rows(DEV.with_name("spoken_areas.csv"))
    assert {text for text, _ in rows(EXAMPLES)} & {text for text, _ in asked} == set()
    ranked = [[area for area, _ in classifier.model.rank((text,))] for text, _ in asked]
    assert len(asked) == 76
    assert sum(order[0] == area for order, (_, area) in zip(ranked, asked, strict=True)) / 76 >= 0.85
    assert sum(area in order[:3] for order, (_, area) in zip(ranked, asked, strict=True)) / 76 >= 0.95


@pytest.mark.parametrize(("name", "found", "false"), [("urgent", 21, 0), ("unseen_urgent", 19, 1)])
def test_what_cannot_wait_is_found_as_often_as_the_manual_says(name: str, found: int, false: int, tmp_path: Path) -> None:
    law = Law(tmp_path, AreaClassifier.load(kept.MODELS / "legal-areas.npz"))
    with DEV.with_name(f"{name}.csv").open(encoding="utf-8", newline="") as file:
        read = [(row["urgency"], (law.read(row["text"]).urgent or "")) for row in csv.DictReader(file)]
    assert sum(true == said for true, said in read if true) >= found
    assert sum(bool(said) for true, said in read if not true) <= false


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("老公喝醉了就打我和孩子，我想离婚", Urgency.VIOLENCE),
        ("被前男友掐过脖子，怎么申请保护令", Urgency.VIOLENCE),
        ("我弟昨天被派出所带走了，家里不知道什么事", Urgency.DETENTION),
        ("儿子被刑拘了，能不能取保候审", Urgency.DETENTION),
        ("判决书下来十二天了，上诉期快到了还没找到律师", Urgency.DEADLINE),
        ("后天开庭，对方请了律师我没有", Urgency.DEADLINE),
        ("仲裁时效只剩三天了", Urgency.DEADLINE),
        ("不服判决几天内可以上诉", None),
        ("房东要求我月底前搬走，押金不退", None),
        ("公司拖欠工资三个月怎么要", None),
        ("打印合同要盖章吗", None),
        ("他欠我两万块不还", None),
    ],
)
def test_what_cannot_wait_is_told_from_what_can(text: str, kind: Urgency | None) -> None:
    assert urgency(text) is kind


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ("我叫王小明，电话10000000900", "我叫某某，电话［号码已隐去］"),
        ("座机0513-00000000，身份证32010019000101001X", "座机［号码已隐去］，身份证［号码已隐去］X"),
        ("电话是100****0777", "电话是［号码已隐去］"),
        ("微信号wang_xm99，加我", "微信号［已隐去］，加我"),
        ("住宫涵小区3号楼2单元501室", "住宫涵小区某号楼某单元某室"),
        ("欠我120000元，2024年3月15日借的", "欠我120000元，2024年3月15日借的"),
        ("赔了1500000元", "赔了1500000元"),
    ],
)
def test_who_asks_is_hidden_and_sums_and_days_are_not(said: str, seen: str) -> None:
    assert veiled(said) == seen
