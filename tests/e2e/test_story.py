"""A lamp is out: from the resident's first words to the stars, through the terminal and the staff API."""

import csv
import re

from tests.support.system import ROOT, System, number_in, texts

LAMP = "城东街道宫涵社区3号楼2单元门口路灯坏了三天了"


def handler_of(system: System, number: str) -> str:
    """An account at the desk that the event lies on."""
    manager = next(row["username"] for row in system.accounts() if row["role"] == "district" and "海陵" in row["scope"])
    status, event = system.api(manager, "GET", f"/api/v1/events/{number}")
    assert status == 200, event
    with (ROOT / "demo" / "staff.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if event["handler"]["code"] in (row["department_code"], row["area_code"]):
                return row["username"]
    raise AssertionError(event["handler"])


def test_from_the_first_words_to_the_stars(system: System) -> None:
    summary = system.chat("story", LAMP)
    assert "路灯故障" in summary[0]["text"]
    assert "城东街道宫涵社区第" in summary[0]["text"]
    assert [each["title"] for each in summary[0]["buttons"]] == ["确认", "修改", "取消", "匿名上报"]
    filed = system.chat("story", "[button] /confirm_report", wait=3)
    number = number_in(filed)
    assert re.fullmatch(r"登记好了，编号 \d{4}-\d{4}。办到哪一步，我都会在这里告诉您。", filed[0]["text"])
    assert [text[:5] for text in texts(filed)[1:]] == ["【已受理】", "【已派遣】"]

    handler = handler_of(system, number)
    for to, note in (("in_progress", ""), ("handled", "灯泡换好了，请您晚上看看")):
        status, answer = system.api(handler, "POST", f"/api/v1/events/{number}/transitions", {"to": to, "note": note})
        assert status == 200, answer
    told = texts(system.chat("story", wait=3))
    assert [text[:5] for text in told[:2]] == ["【处置中】", "【已处置】"]
    assert "灯泡换好了，请您晚上看看" in told[1]
    assert "解决了吗" in told[2]

    closed = texts(system.chat("story", "修好了，谢谢", wait=2))
    assert closed == [f"【已办结】路灯故障（{number}）\n这次办得怎么样？请给个评价。"]
    assert texts(system.chat("story", "五星"))[0] == "谢谢您的 5 星评价。"


def test_a_neighbour_joins_and_hears_the_same(system: System) -> None:
    number = number_in(system.chat("first", "刁铺街道界牌社区5号楼前面的路灯不亮", "确认"))
    offered = system.chat("second", "界牌社区5号楼路灯不亮了")
    assert "已有邻居反映" in offered[0]["text"]
    joined = texts(system.chat("second", "我也附议"))
    assert number in joined[0]


def test_a_strangers_number_tells_nobody_anything(system: System) -> None:
    number = number_in(system.chat("owner", "国泰民安社区1号楼电梯坏了", "确认"))
    assert texts(system.chat("stranger", f"{number}办得怎么样了"))[0].startswith(f"没有查到 {number}")
