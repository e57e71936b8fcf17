"""议事 in the running system: two neighbours are asked, one speaks with a question in between, the other takes a stance."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.support.system import System, texts

API = "/api/v1/deliberations"
SPEECH = "早点摊别撤，上班的人都在那儿买"


def heard(system: System, who: str, *lines: str, wait: float = 0) -> str:
    return "\n".join(texts(system.chat(who, *lines, wait=wait)))


@pytest.mark.timeout(900)
def test_neighbours_talk_a_matter_over(system: System) -> None:
    for who, building in (("speaker", 3), ("listener", 4)):
        said = heard(system, who, f"宫涵小区{building}号楼门口的健身器材坏了三天", "确认")
        assert "编号" in said, said
    staff = next(row["username"] for row in system.accounts() if row["role"] == "community" and "宫涵社区" in row["scope"])
    now = datetime.now(ZoneInfo("Asia/Shanghai"))
    topic = {"title": "东门的早点摊", "background": "方便，可也占道。大家说说怎么办好。", "area_code": "HL-CD-GH"}
    times = {"starts_at": now.isoformat(), "ends_at": (now + timedelta(days=1)).isoformat()}
    status, made = system.api(staff, "POST", API, topic | times)
    assert status == 201, made
    where = f"{API}/{made['number']}"
    assert system.api(staff, "POST", f"{where}/announcement")[0] == 200
    assert "【议事】东门的早点摊\n方便，可也占道。" in heard(system, "speaker", wait=8)
    for words, wanted in (
        ("议事", ["现在有 0 条发言"]),
        ("我要发言", ["请说，300 个字以内"]),
        ("你们几点上班", ["8:30", "请说，300 个字以内"]),
        (SPEECH, ["收到，您的发言"]),
        ("听听大家的", ["眼下大家的发言您都看过了"]),
    ):
        answer = heard(system, "speaker", words)
        assert [part for part in wanted if part not in answer] == [], f"{words!r} was answered {answer!r}"
    assert SPEECH not in heard(system, "listener", "议事", "听听大家的")
    (statement,) = system.api(staff, "GET", where)[1]["statements"]
    assert (statement["text"], statement["state"]) == (SPEECH, "pending")
    assert system.api(staff, "POST", f"{where}/statements/{statement['statement_id']}/moderation", {})[0] == 200
    assert "已经公开" in heard(system, "speaker", wait=5)
    for words, wanted in (
        ("听听大家的", f"有位居民说：\n“{SPEECH}”\n您怎么看？"),
        ("我支持", "记下了，您支持。到现在 1 人支持，0 人不支持。"),
        ("我要发言", "请说，300 个字以内"),
        ("算了", "什么时候想说"),
    ):
        answer = heard(system, "listener", words)
        assert wanted in answer, f"{words!r} was answered {answer!r}"
    assert "您的发言撤回了" in heard(system, "speaker", "议事", "撤回第 1 条")
    assert system.api(staff, "POST", f"{where}/cancellation", {"reason": "街道已经统一规划了"})[0] == 200
    assert "已经取消了。原因：街道已经统一规划了" in heard(system, "listener", wait=5)
