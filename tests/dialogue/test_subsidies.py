"""Subsidies through ``linlitong chat``: from "what may my mother have" to the application's number."""

import re
from pathlib import Path

import pytest
from PIL import Image

from backend.vault.numbers import check_digit, luhn
from tests.support.marked import Marked
from tests.support.system import System, texts

IDENTITY = "32120219440101001" + check_digit("32120219440101001")
CARD = next(f"620000000000000000{digit}" for digit in range(10) if luhn(f"620000000000000000{digit}"))
WHAT_MAY_SHE_HAVE = [
    ("我妈今年82，能领什么补贴？", ["您母亲的情况是：年龄82岁", "您母亲是本市户口吗"]),
    ("你们几点上班", ["8:30", "您母亲是本市户口吗"]),
    ("是的", ["？"]),
    ("先看结果", ["高龄津贴：每月 80 元", "《中华人民共和国老年人权益保障法》第三十三条", "就业创业补贴：须在 60 周岁以下"]),
    ("算了", ["先停在这儿"]),
    ("补贴", ["您想怎么办"]),
    ("转人工", ["值班台"]),
]


@pytest.mark.timeout(900)
def test_what_may_my_mother_have(system: System) -> None:
    for said, wanted in WHAT_MAY_SHE_HAVE:
        heard = "\n".join(texts(system.chat("mother", said)))
        assert [words for words in wanted if words not in heard] == [], f"{said!r} was answered {heard!r}"


@pytest.mark.timeout(900)
def test_an_application_in_the_chat_and_no_number_of_it_is_seen_by_the_engine(system: System, tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    Image.new("RGB", (640, 480), "grey").save(photo)
    for said, wanted in [
        ("我今年82，本市户口，高龄津贴怎么领", "您可以领"),
        ("申请高龄津贴", "您看对不对"),
        ("对", "姓名是"),
        ("王小美", "身份证号是多少"),
        (IDENTITY[:17], "应该是 18 位"),
        (f"身份证{IDENTITY}", "银行卡"),
        (CARD, "哪个社区"),
        ("界牌社区", "身份证照片"),
        (f"[photo] {photo}", "户口簿"),
        ("以后补", "您同意吗"),
        ("同意留着", "没问题就按“提交”"),
        ("提交", "提交好了，高龄津贴，编号 B"),
        ("我的补贴办到哪了", "审核中"),
        ("撤回补贴", "确定要撤回吗"),
        ("确定撤回", "撤回了"),
    ]:
        heard = "\n".join(texts(system.chat("applicant", said)))
        assert wanted in heard, f"{said!r} was answered {heard!r}"
    files = [path for path in system.home.rglob("*") if path.is_file() and path.suffix in (".db", ".db-wal", ".log")]
    assert [path.name for path in files if path.name == "tracker.db"]
    marked = [number.encode() for number in (IDENTITY, IDENTITY[:17], CARD)]
    assert [path.name for path in files for number in marked if number in path.read_bytes()] == []


@pytest.mark.timeout(900)
def test_numbers_in_every_talk_are_in_no_log_no_tracker_and_no_plain_column(system: System) -> None:
    marked = Marked()
    begun = ("", "路灯坏了，", "宫涵社区3号楼，", "算了", "老板欠我工资，", "", "算了", "高龄津贴怎么领，", "", "转人工，", "")
    lines = [said if said == "算了" else said + marked.words(9).replace("\n", " ") for said in begun]
    heard = "\n".join(texts(system.chat("marked", *lines)))
    assert marked.seen_in(heard) == []
    assert len(marked.all) == 81
    seen: dict[str, list[str]] = {}
    for path in system.home.rglob("*"):
        if path.is_file() and path.suffix in (".db", ".db-wal", ".log"):
            content = path.read_bytes().decode(errors="ignore")
            unescaped = re.sub(r"\\u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), content)
            seen[path.name] = marked.seen_in(unescaped)
    assert {"tracker.db", "terminal.log"} <= seen.keys()
    assert {name: found for name, found in seen.items() if found} == {}
