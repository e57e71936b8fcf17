"""For somebody else with their own yes; and taking an application back."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import func, select

from backend.app import internal_app
from backend.clock import FakeClock
from backend.db import Database
from backend.house import desk_factory
from backend.settings import Settings
from backend.subsidies import clerk
from backend.subsidies.models import ApplicationState, SubsidyApplication, SubsidyConsent, SubsidyStep
from tests.backend.subsidies.conftest import Talker, card, founded, identity
from tests.support.sms_gateway import TOKEN, SmsGateway, sms_gateway
from wording import Sentences

PHONE = "13800000001"


async def applied_by_code(talker: Talker, way: str = "让本人确认") -> tuple[str, str]:
    """(the number, what was said) of an application for her mother, whose own chat is to be asked."""
    await talker.say("我妈今年82，本市户口，高龄津贴怎么领")
    said = ""
    for words in (
        {"choice": "apply=elderly_allowance"},
        {"text": "对"},
        {"text": "王小美", "intent": "nlu_fallback"},
        {"text": identity(), "intent": "nlu_fallback"},
        {"text": PHONE, "intent": "nlu_fallback"},
        {"text": card(), "intent": "nlu_fallback"},
        {"text": "宫涵社区", "intent": "report_issue"},
        {"media": ["k1"], "intent": "share_photo"},
        {"text": "晚点补", "intent": "deny"},
        {"text": way, "intent": "nlu_fallback"},
        {"text": "同意"},
        {"text": "提交"},
    ):
        taken, said, _ = await talker.say(**words)
        assert taken, words
    found = re.search(r"B\d{4}-\d{4}", said)
    assert found, said
    return found[0], said


async def feed(talker: Talker) -> list[dict[str, object]]:
    answer = await talker.client.get(f"/internal/v1/feed?channel=web&address={talker.address}&limit=200")
    return (await answer.json())["messages"]


async def state(database: Database) -> tuple[ApplicationState, str, str]:
    """(state, how consent is kept, how it was given) of the one application."""
    async with database.read() as session:
        row = (await session.scalars(select(SubsidyApplication))).one()
        consent = await session.scalar(select(SubsidyConsent))
    return row.state, row.consent, consent.answer + consent.how if consent else ""


async def test_the_other_says_yes_in_their_own_chat(resident: Talker, database: Database):
    mother = Talker(resident.client, "mother")
    await mother.say(f"我的电话是{PHONE}", intent="greet")
    number, said = await applied_by_code(resident)
    assert "我已经去问您母亲本人了" in said
    assert await state(database) == (ApplicationState.CONSENT, "code", "")
    asked = (await feed(mother))[-1]
    assert f"有人想替王**申请高龄津贴，编号 {number}" in asked["text"]
    stranger = Talker(resident.client, "stranger")
    _, said, _ = await stranger.say(choice=f"agree={number}")
    assert "已经过去了" in said
    assert (await state(database))[0] is ApplicationState.CONSENT
    _, said, _ = await mother.say("我同意")
    assert said == f"好的，记下了，您同意办，编号 {number}。"
    assert await state(database) == (ApplicationState.REVIEW, "code", "agreedchat")
    assert (await feed(resident))[-1]["text"] == f"【本人同意】高龄津贴（{number}）本人同意了，开始审核。"
    _, said, _ = await mother.say(choice=f"decline={number}")
    assert "已经过去了" in said
    assert (await state(database))[0] is ApplicationState.REVIEW


async def test_the_code_is_good_once_and_not_for_guessing(resident: Talker, database: Database):
    mother = Talker(resident.client, "mother")
    await mother.say(f"我的电话是{PHONE}", intent="greet")
    number, _ = await applied_by_code(resident)
    code = re.search(r"验证码 (\d{6})", str((await feed(mother))[-1]["text"]))[1]
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    _, _, question = await resident.say("验证码")
    assert question["text"] == f"请把本人收到的 6 位验证码发给我，编号 {number} 的。"
    _, said, _ = await resident.say("不知道", intent="deny")
    assert "验证码是 6 位数字" in said
    _, said, _ = await resident.say(wrong, intent="nlu_fallback")
    assert said == "验证码不对，请问清楚再发一次。"
    _, said, _ = await resident.say(f"是{code}", intent="nlu_fallback")
    assert said == f"验证码对了，编号 {number} 开始审核。"
    assert await state(database) == (ApplicationState.REVIEW, "code", "agreedcode")


async def test_after_five_wrong_codes_only_the_person_can_agree(resident: Talker, database: Database):
    mother = Talker(resident.client, "mother")
    await mother.say(f"我的电话是{PHONE}", intent="greet")
    number, _ = await applied_by_code(resident)
    code = re.search(r"验证码 (\d{6})", str((await feed(mother))[-1]["text"]))[1]
    await resident.say("验证码")
    for _ in range(5):
        await resident.say(f"{(int(code) + 1) % 10**6:06d}", intent="nlu_fallback")
    _, said, _ = await resident.say(code, intent="nlu_fallback")
    assert "不能再试了" in said
    assert (await state(database))[0] is ApplicationState.CONSENT
    await mother.say(choice=f"agree={number}")
    assert (await state(database))[0] is ApplicationState.REVIEW


@pytest.mark.parametrize("how", ["declined", "expired"])
async def test_without_a_yes_it_ends_and_both_know(
    resident: Talker, database: Database, clock: FakeClock, sentences: Sentences, how: str
):
    mother = Talker(resident.client, "mother")
    await mother.say(f"我的电话是{PHONE}", intent="greet")
    number, _ = await applied_by_code(resident)
    if how == "declined":
        await mother.say("不是我要办的")
    else:
        clock.advance(days=8)
        await clerk.run_once(database, desk_factory(Settings(), clock, sentences))
    assert await state(database) == (ApplicationState.WITHDRAWN, "code", how + ("chat" if how == "declined" else ""))
    assert "【没有办成】" in str((await feed(resident))[-1]["text"])
    again, _ = await applied_by_code(Talker(resident.client, "r7"))
    assert again != number


async def test_a_phone_that_no_chat_knows_needs_paper(resident: Talker):
    await resident.say("我妈今年82，本市户口，高龄津贴怎么领")
    for words in ("apply=elderly_allowance", "right"):
        await resident.say(choice=words)
    for text in ("王小美", identity(), PHONE, card(), "宫涵社区"):
        await resident.say(text, intent="nlu_fallback")
    await resident.say(media=["k1"], intent="share_photo")
    await resident.say("晚点补", intent="deny")
    _, said, question = await resident.say(choice="bycode")
    assert "没在我这儿留过" in said
    assert "本人签名" in question["text"]


async def test_whoever_gave_the_number_for_her_is_not_asked_in_her_place(resident: Talker, database: Database):
    daughter = Talker(resident.client, "daughter")
    await daughter.say("我妈今年82，本市户口，高龄津贴怎么领")
    await daughter.say(choice="apply=elderly_allowance")
    await daughter.say("对")
    for text in ("王小美", identity(), PHONE):
        await daughter.say(text, intent="nlu_fallback")
    await resident.say("我妈今年82，本市户口，高龄津贴怎么领")
    for words in ("apply=elderly_allowance", "right"):
        await resident.say(choice=words)
    for text in ("王小美", identity(), PHONE, card(), "宫涵社区"):
        await resident.say(text, intent="nlu_fallback")
    _, said, _ = await resident.say(choice="bycode")
    assert "没在我这儿留过" in said


async def test_taken_back_by_the_resident_and_applied_for_anew(resident: Talker, database: Database):
    mother = Talker(resident.client, "mother")
    await mother.say(f"我的电话是{PHONE}", intent="greet")
    number, _ = await applied_by_code(resident)
    listed = await (await resident.client.get(f"/internal/v1/subsidies/applications?conversation={resident.key}")).json()
    assert [(one["number"], one["may_withdraw"]) for one in listed["applications"]] == [(number, True)]
    stranger = Talker(resident.client, "stranger")
    for choice in (f"withdraw={number}", f"drop={number}", "drop=B2222-2222"):
        _, said, _ = await stranger.say(choice=choice)
        assert "已经过去了" in said or "没有" in said
    assert (await state(database))[0] is ApplicationState.CONSENT
    _, said, _ = await resident.say(choice=f"withdraw={number}")
    assert "确定要撤回吗" in said
    _, said, _ = await resident.say("确定撤回")
    assert said == f"编号 {number} 撤回了。以后想办，随时跟我说“补贴”。"
    _, said, _ = await resident.say(choice=f"drop={number}")
    assert "撤不回来" in said
    async with database.read() as session:
        assert await session.scalar(select(func.count()).where(SubsidyStep.what == "withdraw")) == 1
    again, _ = await applied_by_code(Talker(resident.client, "r7"))
    assert again != number


@pytest.fixture
async def with_sms(database: Database, clock: FakeClock, tmp_path: Path) -> AsyncIterator[tuple[Talker, SmsGateway]]:
    """A daughter in a city with an SMS gateway."""
    async with sms_gateway() as fake:
        settings = Settings(home=tmp_path, service_token="t", sms_url=fake.url, sms_token=TOKEN)
        async with TestClient(TestServer(internal_app(settings, database, clock))) as client:
            client.session.headers["Authorization"] = "Bearer t"
            await founded(database, clock)
            yield Talker(client, "daughter"), fake


async def test_a_phone_that_gets_no_text_message_ends_it_and_she_is_told(
    with_sms: tuple[Talker, SmsGateway], database: Database
):
    daughter, fake = with_sms
    fake.answers = [(422, {}, {"error": "not_a_mobile"})]
    await applied_by_code(daughter, "发短信验证码")
    for _ in range(100):
        if (await state(database))[0] is ApplicationState.WITHDRAWN:
            break
        await asyncio.sleep(0.05)
    assert await state(database) == (ApplicationState.WITHDRAWN, "code", "unreached")
    assert "短信发不到本人的手机上" in str((await feed(daughter))[-1]["text"])


async def test_her_own_phone_does_not_speak_for_her_mother(with_sms: tuple[Talker, SmsGateway]):
    daughter, _ = with_sms
    sent = {"channel": "web", "external_id": "0", "address": daughter.address, "kind": "text", "text": f"我的电话是{PHONE}"}
    told = await (await daughter.client.post("/internal/v1/messages", json=sent)).json()
    await daughter.client.post("/internal/v1/turns/claim", json={"worker": "w", "limit": 50})
    done = {"worker": "w", "replies": [{"text": "好的。"}]}
    await daughter.client.post(f"/internal/v1/turns/{told['message_id']}/finish", json=done)
    await daughter.say("我妈今年82，本市户口，高龄津贴怎么领")
    await daughter.say(choice="apply=elderly_allowance")
    await daughter.say("对")
    for text in ("王小美", identity(), PHONE, card(), "宫涵社区"):
        await daughter.say(text, intent="nlu_fallback")
    await daughter.say(media=["k1"], intent="share_photo")
    await daughter.say("晚点补", intent="deny")
    _, said, question = await daughter.say("发短信验证码", intent="nlu_fallback")
    assert "是您自己的" in said
    assert [button["title"] for button in question["buttons"]] == ["发短信验证码"]


async def test_the_code_comes_to_her_phone_and_nowhere_else(with_sms: tuple[Talker, SmsGateway], database: Database):
    daughter, fake = with_sms
    number, said = await applied_by_code(daughter, "发短信验证码")
    assert "短信验证码发到您母亲的手机上" in said
    await asyncio.wait_for(fake.told.wait(), 5)
    (sent,) = fake.taken.values()
    found = re.search(r"验证码(\d{6})告诉", sent.text)
    assert found is not None
    assert number in sent.text
    assert sent.to == f"+86{PHONE}"
    assert found[1] not in str(await feed(daughter))
    await daughter.say("验证码")
    await daughter.say(found[1], intent="nlu_fallback")
    assert await state(database) == (ApplicationState.REVIEW, "code", "agreedsms")
