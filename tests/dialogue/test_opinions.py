"""Opinions and 公开 in the running system: from the first words to the stars, 附议, finding, subscribing."""

import re
import urllib.parse
import urllib.request

import pytest

from tests.support.system import System, texts

LAMPS = "建议国泰民安社区的小广场多装几盏路灯，晚上跳舞看不见"
ANSWER = "小广场东侧下月加装四盏灯，谢谢您的好主意。"


def hear(system: System, who: str, said: str | list[str], *wanted: str, wait: float = 0) -> str:
    """What ``who`` is answered, or hears without a word of theirs; it must hold everything ``wanted``, in that order."""
    heard = "\n".join(texts(system.chat(who, *([said] if said and isinstance(said, str) else said), wait=wait)))
    rest = heard
    for words in wanted:
        assert words in rest, f"{said!r} was answered {heard!r}, where {words!r} should have come"
        rest = rest.partition(words)[2]
    return heard


@pytest.mark.timeout(900)
def test_a_suggestion_from_its_first_words_to_the_stars(system: System) -> None:
    asked = "您说，有什么建议"
    heard = hear(
        system, "dancer", ["我想提个建议", "你们几点上班", LAMPS, "可以公开"],
        asked, "8:30", asked, "国泰民安社区", "不带您的名字", "收到您的建议，编号 Y", "一定有回话",
    )  # fmt: skip
    number = re.findall(r"Y\d{4}-\d{4}", heard)[0]
    hear(
        system, "walker", ["希望小广场晚上亮一点，多装几盏路灯", "国泰民安社区的", "附议", "邻居的建议"],
        "说的是哪个小区或者社区", "邻居提过差不多的", "跳舞看不见", number, "附议好了", "现在有 1 位邻居附议", "正在提的建议",
    )  # fmt: skip
    hear(
        system, "stranger", ["邻居的建议", "订阅公开 国泰民安社区"],
        "国泰民安", number, "1 人附议", "订好了：国泰民安社区的全部主题",
    )  # fmt: skip
    hear(system, "dancer", ["进度", number], number, "等答复", "1 人附议", number, "国泰民安社区答复")

    account = next(
        row["username"] for row in system.accounts() if row["role"] == "community" and row["scope"].endswith("国泰民安社区")
    )
    assert system.api(account, "POST", f"/api/v1/opinions/{number}/answer", {"text": ANSWER})[0] == 200
    hear(system, "dancer", "", "【建议答复】", number, ANSWER, "这个答复您满意吗", wait=3)
    hear(system, "dancer", ["五星", "进度"], "谢谢您的 5 星评价", ANSWER, "★★★★★")
    hear(system, "walker", "", "【建议答复】您附议的", ANSWER)
    assert system.api(account, "GET", f"/api/v1/opinions/{number}")[1]["stars"] == 5

    hear(system, "stranger", "", "【公开·", "多装几盏路灯", wait=8)
    hear(system, "stranger", ["看内容", "退订"], "居民建议", ANSWER, "都退了")
    hear(
        system, "passer", ["最近有什么决定", "公开 小广场路灯", "第1条", "公开 跳伞"],
        "最近公开的", "多装几盏路灯", "查到跟“小广场路灯”有关的", "多装几盏路灯", ANSWER, "没有查到跟“跳伞”有关的",
    )  # fmt: skip
    with urllib.request.urlopen(
        f"{system.resident}/public", data=urllib.parse.urlencode({"q": "广场路灯"}).encode(), timeout=10
    ) as page:
        assert "多装几盏路灯" in page.read().decode()


@pytest.mark.timeout(900)
def test_a_suggestion_is_changed_left_kept_private_and_withdrawn(system: System) -> None:
    lines = ["要是月安社区河边能修条步道就好了", "修改", "月安社区河边修条步道，再放几把长椅", "算了", "可以公开"]
    hear(system, "planner", lines, "月安社区", "您说，有什么建议", "再放几把长椅", "月安社区", "没有提交", "已经不在了")
    heard = hear(system, "planner", ["建议月安社区河边放几把长椅", "确认", "还是公开吧"], "别的居民看不到", "邻居看得到了")
    number = re.findall(r"Y\d{4}-\d{4}", heard)[0]
    hear(system, "planner", [f"撤回 {number}", "确定"], "确定撤回", f"已撤回（编号 {number}）")
