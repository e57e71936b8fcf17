"""The city's own files: read whole, or refused with file, line and reason."""

from pathlib import Path

import pytest

from backend.subsidies.catalogue import Catalogue, read
from linlitong.home import ROOT

FACTS = """\
facts:
  - key: age
    name: 年龄
    kind: number
    low: 0
    high: 120
    question: 今年多大岁数？
  - key: hukou
    name: 户籍
    kind: yes_no
    question: 是本市户口吗？
"""
KIND = """\
code: elderly
name: 高龄津贴
basis: 《某办法》第一条
when:
  all:
    - {fact: age, at_least: 80, why: 须满80岁}
    - {fact: hukou, is: true}
amounts:
  - fen: 8000
    text: 每月80元
documents:
  - {code: id_card, name: 身份证}
levels:
  - {level: community, days: 5}
cycle: monthly
"""


def found(folder: Path, kind: str, facts: str = FACTS) -> list[tuple[str, int, str]]:
    (folder / "facts.yml").write_text(facts, encoding="utf-8")
    (folder / "elderly.yml").write_text(kind, encoding="utf-8")
    catalogue, problems = read(folder)
    assert (catalogue is None) == bool(problems)
    return [(p.file, p.line, p.reason) for p in problems]


def test_the_demo_city_pays_ten_kinds_and_its_version_survives_the_record():
    catalogue, problems = read(ROOT / "demo" / "subsidies")
    assert problems == []
    assert catalogue is not None
    assert len(catalogue.kinds) == 10
    assert Catalogue.from_content(catalogue.content).version == catalogue.version
    assert {fact for kind in catalogue.diagrams.values() for fact in kind.cells} == set(catalogue.facts)


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("fact: age", "fact: agee", 6, "没有“agee”这个事实，请检查拼写或先写进 facts.yml"),
        ("at_least: 80", "at_least: 800", 6, "“800”不是“年龄”可能的值"),
        ("at_least: 80", "at_least: -1", 6, "“-1”不是“年龄”可能的值"),
        ("at_least: 80", "at_least: 80.5", 6, "at_least：应是整数，钱用分、面积用百分之一亩"),
        ("at_least: 80", "at_lest: 80", 6, "at_lest：没有这一项，请检查拼写"),
        ("is: true", "at_least: 1", 7, "“户籍”不是数，不能比大小"),
        ("is: true", "is: maybe", 7, "“maybe”不是“户籍”可能的值"),
        ("fen: 8000", "fen: 80.00", 9, "fen：应是整数，钱用分、面积用百分之一亩"),
        ("cycle: monthly", "cycle: weekly", 15, "cycle：只能是：'once'、'monthly'、'quarterly'、'yearly'"),
        ("days: 5", "days: 0", 14, "days：太小"),
        ("level: community", "level: department", 14, "部门审批要写 department，别的级别不写"),
        ("name: 高龄津贴\n", "", 1, "name：缺少这一项"),
        ("  all:\n", "  all\n", 6, "YAML 格式有错，请检查缩进、冒号和引号"),
        ("name: 高龄津贴\n", "name: 高龄津贴\nname: 又一个\n", 3, "“name”写了两次"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, old: str, new: str, line: int, reason: str):
    assert ("elderly.yml", line, reason) in found(tmp_path, KIND.replace(old, new, 1))


def test_a_sound_catalogue_has_no_problem(tmp_path: Path):
    assert found(tmp_path, KIND) == []


def test_a_fact_that_cannot_be_read_is_said(tmp_path: Path):
    assert found(tmp_path, KIND, FACTS + "    reads:\n      - {pattern: '(', value: true}\n") == [
        ("facts.yml", 13, "正则表达式有错")
    ]
