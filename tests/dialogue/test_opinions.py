"""Opinions and 公开 in the running system: from the first words to the stars, 附议, finding, subscribing."""

import re
import urllib.parse
import urllib.request

import pytest

from tests.support.system import System, texts

LAMPS = "建议国泰民安社区的小广场多装几盏路灯，晚上跳舞看不见"
ANSWER = "小广场东侧下月加装四盏灯，谢谢您的好主意。"


def hear(system: System, who: str, said: str, *wanted: str, wait: float = 0) -> str:
    """What ``who`` is answered, or hears without a word of theirs; it must hold everything ``wanted``."""
    heard = "\n".join(texts(system.chat(who, *filter(None, [said]), wait=wait)))
    assert [words for words in wanted if words not in heard] == [], f"{said!r} was answered {heard!r}"
    return heard


@pytest.mark.timeout(900)
def test_a_suggestion_from_its_first_words_to_the_stars(system: System) -> None:
    hear(system, "dancer", "我想提个建议", "您说，有什么建议")
    hear(system, "dancer", "你们几点上班", "8:30", "您说，有什么建议")
    hear(system, "dancer", LAMPS, "地点：", "国泰民安社区", "答复", "不带您的名字")
    number = re.search(r"Y\d{4}-\d{4}", hear(system, "dancer", "可以公开", "收到您的建议，编号 Y", "一定有回话"))
    assert number

    hear(system, "walker", "希望小广场晚上亮一点，多装几盏路灯", "说的是哪个小区或者社区")
    hear(system, "walker", "国泰民安社区的", "邻居提过差不多的", "跳舞看不见", number[0])
    hear(system, "walker", "附议", "附议好了", "现在有 1 位邻居附议")
    hear(system, "walker", "邻居的建议", "现在没有等着附议的建议")
    hear(system, "stranger", "邻居的建议", number[0], "1 人附议")
    hear(system, "stranger", "订阅公开 国泰民安社区", "订好了：国泰民安社区的全部主题")

    hear(system, "dancer", "进度", number[0], "等答复", "1 人附议")
    hear(system, "dancer", number[0], "国泰民安社区", "等答复")
    account = next(
        row["username"] for row in system.accounts() if row["role"] == "community" and row["scope"].endswith("国泰民安社区")
    )
    assert system.api(account, "POST", f"/api/v1/opinions/{number[0]}/answer", {"text": ANSWER})[0] == 200
    told = hear(system, "dancer", "", "【建议答复】", ANSWER, "这个答复您满意吗", wait=3)
    assert number[0] in told
    hear(system, "dancer", "五星", "谢谢您的 5 星评价")
    hear(system, "dancer", "进度", ANSWER, "★★★★★")
    hear(system, "walker", "", "【建议答复】您附议的", wait=3)
    assert system.api(account, "GET", f"/api/v1/opinions/{number[0]}")[1]["stars"] == 5

    hear(system, "stranger", "", "【公开·", "多装几盏路灯", wait=8)
    hear(system, "stranger", "看内容", ANSWER, "居民建议")
    hear(system, "stranger", "退订", "都退了")
    hear(system, "passer", "最近有什么决定", "最近公开的", "多装几盏路灯")
    hear(system, "passer", "公开 小广场路灯", "查到跟“小广场路灯”有关的", "多装几盏路灯")
    hear(system, "passer", "第1条", ANSWER)
    hear(system, "passer", "公开 跳伞", "没有查到跟“跳伞”有关的")
    with urllib.request.urlopen(f"{system.resident}/public?q={urllib.parse.quote('广场路灯')}", timeout=10) as page:
        assert "多装几盏路灯" in page.read().decode()


@pytest.mark.timeout(900)
def test_a_suggestion_is_changed_left_kept_private_and_withdrawn(system: System) -> None:
    hear(system, "planner", "要是月安社区河边能修条步道就好了", "月安社区", "不带您的名字")
    hear(system, "planner", "修改", "您说，有什么建议")
    hear(system, "planner", "月安社区河边修条步道，再放几把长椅", "再放几把长椅", "月安社区")
    hear(system, "planner", "算了", "没有提交")
    hear(system, "planner", "可以公开", "已经不在了")
    hear(system, "planner", "建议月安社区河边放几把长椅", "不带您的名字")
    number = re.search(r"Y\d{4}-\d{4}", hear(system, "planner", "确认", "别的居民看不到"))
    assert number
    hear(system, "planner", "还是公开吧", "邻居看得到了")
    hear(system, "planner", f"撤回 {number[0]}", "确定撤回")
    hear(system, "planner", "确定", f"已撤回（编号 {number[0]}）")
