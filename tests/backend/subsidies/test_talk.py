"""What may I have: one question at a time, to be left and taken up again."""

from backend.clock import FakeClock
from tests.backend.subsidies.conftest import Talker


async def test_only_what_matters_is_asked_and_the_answer_gives_reasons_and_bases(resident: Talker):
    _, said, question = await resident.say("我妈今年82，能领什么补贴？")
    assert "您母亲的情况是：年龄82岁" in said
    asked = []
    answers = {"户口吗": "是", "低保户": "不是", "收入": "3000", "别的房子": "有", "难处": "没有", "残疾证": "没有残疾证"}
    answers |= {"租房": "不是", "耕地": "0", "村里": "是", "子女": "其他情况", "多少元？没有就": "200"}
    while "您想怎么办" not in question["text"]:
        asked.append(question["text"])
        reply = next(reply for words, reply in answers.items() if words in question["text"])
        taken, said, question = await resident.say(reply, intent="nlu_fallback")
        assert taken
    assert "岁" not in "".join(asked)
    assert "学生" not in "".join(asked)
    assert len(set(asked)) == len(asked) <= 9
    assert "· 高龄津贴：每月 80 元（依据：《中华人民共和国老年人权益保障法》第三十三条）" in said
    assert "· 就业创业补贴：须在 60 周岁以下（依据：《中华人民共和国就业促进法》第十五条）" in said
    assert "还差几句话" not in said
    assert [button["title"] for button in question["buttons"]] == ["申请高龄津贴", "先不办"]


async def test_a_named_subsidy_asks_only_for_its_own_facts(resident: Talker):
    _, _, question = await resident.say("高龄津贴怎么领")
    assert question["text"] == "您今年多大岁数？"
    _, _, question = await resident.say("79", intent="nlu_fallback")
    assert "您想怎么办" in question["text"]


async def test_an_interruption_is_left_to_others_and_the_question_stays(resident: Talker):
    _, _, before = await resident.say("我妈82能领什么补贴")
    taken, _, after = await resident.say("你们几点上班", intent="ask_guide")
    assert not taken
    assert after == before


async def test_weeks_later_it_goes_on_where_it_was(resident: Talker, clock: FakeClock):
    await resident.say("我妈82能领什么补贴")
    _, _, before = await resident.say("是", intent="affirm")
    resident.active = False
    clock.advance(days=40)
    taken, said, question = await resident.say("补贴")
    assert taken
    assert "咱们接着来" in said
    assert question == before


async def test_an_impossible_age_is_said_and_nothing_is_kept(resident: Talker):
    await resident.say("高龄津贴怎么领")
    _, said, question = await resident.say("300", intent="nlu_fallback")
    assert "应该在 0岁 到 120岁 之间" in said
    assert question["text"] == "您今年多大岁数？"


async def test_not_knowing_leaves_what_is_open_open(resident: Talker):
    await resident.say("我妈82，高龄津贴能领吗")
    _, said, question = await resident.say("说不准", intent="nlu_fallback")
    assert "· 高龄津贴：要看本市户籍" in said
    assert "接着问" in [button["title"] for button in question["buttons"]]
