"""A misunderstood message is marked by those who may see it, and given out without what tells whose it was."""

import pytest
import yaml
from click.testing import CliRunner
from sqlalchemy import func, select

from backend.clock import FakeClock
from backend.conversations import service as conversations
from backend.conversations.models import Conversation, Holder, Message, MessageKind
from backend.db import Database
from backend.errors import BadInput, NotFound
from backend.feedback import service
from backend.feedback.masking import masked
from backend.feedback.models import Misunderstood
from linlitong.commands.nlu import command, training_data
from tests.support.small_city import SmallCity, build, resident


@pytest.fixture
async def city(database: Database) -> SmallCity:
    async with database.write() as session:
        return await build(session)


async def said(database: Database, clock: FakeClock, *texts: str, kind: MessageKind = MessageKind.TEXT) -> list[int]:
    """The ids of messages that one resident, whose conversation is on c1's desk, has written."""
    async with database.write() as session:
        conversation: Conversation = await resident(session, "r1", now=clock.now())
        conversation.holder, conversation.desk_area_code = Holder.WAITING, "c1"
        ids = []
        for number, text in enumerate(texts, 1):
            inbound = conversations.Inbound(channel="web", external_id=f"m{number}", address="r1", kind=kind, text=text)
            ids.append((await conversations.accept(session, inbound, now=clock.now())).message.id)
        return ids


async def test_a_marked_message_is_given_out_masked_and_once(database: Database, city: SmallCity, clock: FakeClock):
    staff = city.scopes["community1"].staff_id
    first, second, again = await said(
        database,
        clock,
        "我叫张伟民 住宫涵3号楼 灯不亮 13800000000",
        "你们几点开门",
        "我叫李小梅 住宫涵5号楼 灯不亮 13900000000",
    )
    async with database.write() as session:
        await service.mark(session, second, "report_issue", staff, clock.now())
        await service.mark(session, first, "report_issue", staff, clock.now())
        await service.mark(session, again, "report_issue", staff, clock.now())
        await service.mark(session, second, "ask_guide", staff, clock.now())
    async with database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Misunderstood)) == 3
        assert await service.export(session) == [
            ("ask_guide", "你们几点开门"),
            ("report_issue", "我叫某某 住宫涵0号楼 灯不亮 00000000000"),
        ]


async def test_who_does_not_see_the_conversation_marks_nothing(database: Database, city: SmallCity, clock: FakeClock):
    (message,) = await said(database, clock, "灯不亮")
    for username in ("member1", "housing1"):
        async with database.write() as session:
            with pytest.raises(NotFound):
                await service.mark(session, message, "report_issue", city.scopes[username].staff_id, clock.now())


async def test_only_an_intent_of_the_sixteen_and_only_a_residents_text(database: Database, city: SmallCity, clock: FakeClock):
    staff = city.scopes["street1"].staff_id
    (photo,) = await said(database, clock, "", kind=MessageKind.PHOTO)
    async with database.write() as session:
        with pytest.raises(NotFound):
            await service.mark(session, photo, "report_issue", staff, clock.now())
        with pytest.raises(BadInput):
            await service.mark(session, photo, "nlu_fallback", staff, clock.now())
        with pytest.raises(NotFound):
            await service.mark(session, photo + 1000, "report_issue", staff, clock.now())


async def test_the_mark_goes_with_the_message(database: Database, city: SmallCity, clock: FakeClock):
    (message,) = await said(database, clock, "灯不亮")
    async with database.write() as session:
        await service.mark(session, message, "report_issue", city.scopes["community1"].staff_id, clock.now())
    async with database.write() as session:
        await session.delete(await session.get_one(Message, message))
    async with database.read() as session:
        assert await service.export(session) == []


def test_the_intents_are_those_of_the_domain():
    from tests.backend.conftest import ROOT

    listed = {next(iter(i)) if isinstance(i, dict) else i for i in yaml.safe_load((ROOT / "domain.yml").read_text())["intents"]}
    assert set(service.Intent) <= listed


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("身份证32120219700101123X办好没", "身份证00000000000000000X办好没"),
        ("电话138 0000 0000，或0523-6000000", "电话000 0000 0000，或0000-0000000"),
        ("一三八零零零零零零零零打这个", "某打这个"),
        ("我住三号楼二单元502", "我住某号楼某单元000"),
        ("免贵姓王，王师傅修的", "免贵姓某，某师傅修的"),
        ("联系人：欧阳明，微信号abc_def99", "联系人：某某，微信号某"),
        ("我叫人来修也没用，你贵姓啥", "我叫人来修也没用，你贵姓啥"),
        ("发到zhang@example.org\n谢谢", "发到某 谢谢"),
        ("老百姓办事难", "老百姓办事难"),
        ("隔壁老王家的狗", "隔壁老某家的狗"),
        ("老房子的小程序要等一个小时，小时候没有", "老房子的小程序要等一个小时，小时候没有"),
        ("7H2M9Q查一下", "0H0M0Q查一下"),
    ],
)
def test_what_tells_whose_it_was_is_masked(text: str, safe: str):
    assert masked(text) == safe


def test_the_export_is_training_data():
    read = yaml.safe_load(training_data([("ask_guide", "几点[开]门: 周六"), ("vote", "怎么投"), ("vote", "- 投完了")]))
    assert [entry["intent"] for entry in read["nlu"]] == ["ask_guide", "vote"]
    assert read["nlu"][0]["examples"] == "- 几点［开］门: 周六\n"
    assert read["nlu"][1]["examples"] == "- 怎么投\n- - 投完了\n"


def test_export_says_so_when_nothing_is_marked(sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.setenv("LINLITONG_HOME", str(tmp_path))
    monkeypatch.setenv("LINLITONG_DATABASE_URL", sqlite_url)
    result = CliRunner().invoke(command, ["export"])
    assert (result.exit_code, result.output) == (1, "Error: No message has been marked yet.\n")
