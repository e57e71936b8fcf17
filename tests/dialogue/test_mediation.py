"""我要调解 through ``linlitong chat``, with staff at the HTTP API; legal aid and 普法推送, which are chosen by button too."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.support.system import System, number_in, texts

QUARREL = "宫涵社区3号楼楼上的邻居家漏水，把我家天花板泡坏了，他不肯赔"
COMMUNITY = "sq-hl-cd-gh"


def tomorrow(hour: int) -> str:
    day = datetime.now(UTC).astimezone(ZoneInfo("Asia/Shanghai")) + timedelta(days=2)
    return day.replace(hour=hour, minute=0, second=0, microsecond=0).isoformat()


def labels(received: list[dict]) -> list[str]:
    return [button["title"] for message in received for button in message["buttons"]]


def heard(received: list[dict]) -> str:
    return "\n".join(texts(received))


def test_a_quarrel_is_mediated_from_the_first_words_to_a_sitting(system: System) -> None:
    assert "跟谁、因为什么事" in heard(system.chat("upset", "我要调解"))
    summary = heard(system.chat("upset", QUARREL, wait=3))
    assert re.search(r"邻里纠纷[\s\S]*宫涵社区3号楼[\s\S]*人民调解[\s\S]*社区→街道→区调解中心→法院", summary), summary
    kinds = system.chat("upset", "换一种调解")
    assert "行政调解" in labels(kinds)
    assert "公安调解" in heard(system.chat("upset", '[button] /mediation_kind{"kind":"police"}'))
    assert "人民调解" in heard(system.chat("upset", '[button] /mediation_kind{"kind":"people"}'))
    assert "8:30" in heard(system.chat("upset", "你们几点上班"))  # answered, and the summary again
    filed = system.chat("upset", "申请调解")
    number = number_in(filed)
    assert any("百姓说事员" in label for label in labels(filed)), labels(filed)
    assert "请工作人员安排" in labels(filed)
    chosen = next(label for label in labels(filed) if "百姓说事员" in label)
    assert f"请{chosen}来调解" in heard(system.chat("upset", chosen))

    code = re.search(r"调解码 (\S+)", heard(system.chat("upset", "请对方加入")))
    assert code
    assert "您愿意调解吗" in heard(system.chat("upstairs", f"调解码 {code[1]}"))
    assert f"加入调解 {number}" in heard(system.chat("upstairs", "愿意"))

    card = texts(system.chat("upset", "进度", wait=1))
    assert any(number in text and "【社区】→街道" in text and "时间还没约" in text for text in card), card
    _, page = system.api(COMMUNITY, "GET", f"/api/v1/mediations/{number}")
    assert [party["answer"] for party in page["parties"]] == ["agreed", "agreed"]
    sitting = {"room": page["rooms"][0]["code"], "starts_at": tomorrow(15), "minutes": 60}
    status, answer = system.api(COMMUNITY, "POST", f"/api/v1/mediations/{number}/sitting", sitting)
    assert status == 200, answer
    for who in ("upset", "upstairs"):
        assert "【调解约好了】" in heard(system.chat(who, wait=3))
    assert "到时候见" in heard(system.chat("upstairs", "能来"))
    assert "这次先取消" in heard(system.chat("upset", "来不了"))
    assert "对方那天来不了" in heard(system.chat("upstairs", wait=3))

    reason = {"reason": "赔多少谈不拢"}
    assert system.api(COMMUNITY, "POST", f"/api/v1/mediations/{number}/failure", reason)[0] == 200
    climbed = heard(system.chat("upset", wait=3))
    assert "社区→【街道】→区调解中心→法院" in climbed
    assert "确定不谈了吗" in heard(system.chat("upset", f'[button] /withdraw_mediation{{"number":"{number}"}}'))
    assert "撤回了" in heard(system.chat("upset", "确定"))
    assert "对方不想调解了" in heard(system.chat("upstairs", wait=3))


def test_words_beside_the_asking_are_heard_and_violence_is_not_mediated(system: System) -> None:
    assert "在哪个社区" in heard(system.chat("tenant", "我要调解，房东不退我两千块押金", wait=3))
    again = system.chat("tenant", "就那儿呀")
    assert ("没对上" in heard(again), "城东街道" in labels(again)) == (True, True)
    assert "租房纠纷" in heard(system.chat("tenant", "界牌社区"))
    assert "没有申请" in heard(system.chat("tenant", "算了"))
    assert "110" in heard(system.chat("beaten", "我要调解，我老公又打我，往死里打"))
    assert "跟谁、因为什么事" in heard(system.chat("asker", "我想找调解员"))


def test_legal_aid_is_applied_for_by_button(system: System) -> None:
    system.chat("poor", "工地老板欠我八个月工资，打了欠条还是不给，怎么办", wait=3)
    number = number_in(system.chat("poor", "提交给律师", wait=3))
    asked = system.chat("poor", "申请法律援助")
    assert (number in heard(asked), "农民工讨薪、工伤" in labels(asked)) == (True, True)
    assert "本人承诺" in heard(system.chat("poor", "农民工讨薪、工伤"))
    done = heard(system.chat("poor", "同意，缺身份证"))
    assert ("先受理了" in done, "身份证或户口簿" in done, number in done) == (True, True, True)
    _, page = system.api("fl-xt", "GET", "/api/v1/legal-aid")
    assert [one["missing"] for one in page["applications"] if one["number"] == number] == [["id"]]
    reason = {"grant": False, "reason": "不属于援助范围"}
    assert system.api("fl-xt", "POST", f"/api/v1/legal-aid/{number}/decision", reason)[0] == 200
    assert "不属于援助范围" in heard(system.chat("poor", wait=3))


def test_legal_advice_is_subscribed_to_and_stopped_with_one_word(system: System) -> None:
    topics = system.chat("reader", "订阅普法")
    assert "劳动用工" in labels(topics)
    assert "“劳动用工”有新内容就发给您" in heard(system.chat("reader", "劳动用工"))
    assert "您已经订了：劳动用工" in heard(system.chat("reader", "订阅普法"))
    assert "都退了" in heard(system.chat("reader", "退订"))
    assert "没有订" in heard(system.chat("reader", "退订"))
