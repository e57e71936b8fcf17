"""An application begun by staff is answered and confirmed by the resident while the person stays; so is a ballot cast."""

from datetime import time

import pytest
from sqlalchemy import select

from backend.clock import FakeClock
from backend.conversations import service as conversations
from backend.conversations.models import Conversation, Holder, Message, MessageKind
from backend.db import Database
from backend.errors import BadInput, Conflict
from backend.house import desk_factory
from backend.outbox.models import Delivery
from backend.proposals import service as proposals
from backend.proposals.service import Ears
from backend.settings import Settings
from backend.subsidies import service as subsidies
from backend.subsidies.catalogue import read
from backend.subsidies.models import SubsidyApplication
from backend.vault.service import Vault
from backend.votes import service as votes
from linlitong.home import ROOT
from tests.backend.proposals.conftest import Hall
from tests.backend.subsidies.conftest import card, identity
from tests.backend.votes.conftest import hall as polling  # noqa: F401 - a fixture
from tests.backend.votes.hall import Hall as Polling
from wording import Sentences


async def with_subsidies(hall: Hall) -> None:
    catalogue, problems = read(ROOT / "demo" / "subsidies")
    assert catalogue is not None, problems
    async with hall.town.database.write() as session:
        await subsidies.put_in_force(session, catalogue, now=hall.town.clock.now())


async def test_an_application_is_answered_between_words_for_the_person_and_confirmed(hall: Hall) -> None:
    await with_subsidies(hall)
    conversation_id = await hall.held("我82，本市户口，想问问高龄津贴")
    status, begun = await hall.staff("POST", f"{conversation_id}/proposals", kind="subsidy", target="elderly_allowance")
    assert (status, begun["state"]) == (201, "sent")
    assert "吕俊杰想帮您申请高龄津贴。先问您几句，材料拍照发来就行，最后您核对过才会交上去。" in await hall.hears()
    before = len(await hall.hears())
    await hall.says("小吕，你们几点下班啊")
    assert len(await hall.hears()) == before, "what is for the person is not answered by the program"
    for text in ("对", "王小美", identity(), card(), "宫涵社区"):
        await hall.says(text)
    await hall.says(kind="photo", media=["k1"])
    await hall.says("晚点补")
    await hall.says("同意")
    shown = (await hall.hears())[-1]
    assert "请您核对" in shown
    assert identity() not in "".join(m["text"] for m in await hall.feed())
    async with hall.town.database.read() as session:
        assert list(await session.scalars(select(SubsidyApplication))) == []
    await hall.says("提交")
    async with hall.town.database.read() as session:
        (application,) = await session.scalars(select(SubsidyApplication))
        row = await session.get_one(Conversation, conversation_id)
    assert (application.kind, row.holder) == ("elderly_allowance", Holder.STAFF)
    _, listed = await hall.staff("GET", f"{conversation_id}/proposals")
    assert [(one["state"], one["number"]) for one in listed["proposals"]] == [("confirmed", application.number)]
    said = len(await hall.hears())
    await hall.says("对了还有件事")
    assert len(await hall.hears()) == said


async def test_a_subsidy_that_is_not_there_is_refused(hall: Hall) -> None:
    await with_subsidies(hall)
    conversation_id = await hall.held("你好")
    status, answer = await hall.staff("POST", f"{conversation_id}/proposals", kind="subsidy", target="x")
    assert (status, answer["error"]["sentence"]) == (422, "请从列表里选一种补贴。")


@pytest.fixture
def ears(polling: Polling, clock: FakeClock, sentences: Sentences) -> Ears:  # noqa: F811
    settings = Settings(home=polling.home, quiet_from=time(0), quiet_until=time(0))
    return Ears(desk_factory(settings, clock, sentences), polling.booth_of, Vault({"a": b"1" * 32}, b"2" * 32))


async def test_the_ballot_of_an_open_vote_is_sent_and_cast_while_the_person_stays(
    polling: Polling,  # noqa: F811
    database: Database,
    ears: Ears,
) -> None:
    number = await polling.vote()
    voter = await polling.matched(number, "3-1")
    stranger = await polling.resident("stranger")
    scope = polling.scope

    async def propose(conversation_id: int) -> None:
        async with database.write() as session:
            row = await session.get_one(Conversation, conversation_id)
            desk = await ears.desk_of(session)
            await proposals.propose_vote(session, row, scope, number, desk=desk, booth=polling.booth)

    with pytest.raises(Conflict):
        await propose(voter.id)
    async with database.write() as session:
        for one in (voter, stranger):
            row = await session.get_one(Conversation, one.id)
            row.holder, row.staff_id = Holder.STAFF, scope.staff_id
    with pytest.raises(BadInput, match="bad_input"):
        await propose(stranger.id)
    await propose(voter.id)
    async with database.read() as session:
        feed = await conversations.feed(session, voter.id, after=1, limit=9)
        assert (
            list(await session.scalars(select(Delivery.conversation_id).where(Delivery.conversation_id == stranger.id))) == []
        )
        unit = (await votes.units_for(session, await votes.by_number(session, number), voter.resident_id))[0]
    assert feed[-2].text == "community1员把这次投票给您发来了。投不投、怎么投，都由您自己定，community1员看不到。"
    assert feed[-1].text.startswith("【投票】三号楼加装电梯")

    async with database.write() as session:
        inbound = conversations.Inbound("web", "cast-1", f"{number}-3-1", MessageKind.TEXT, "我同意")
        accepted = await conversations.accept(session, await polling.door.seal(session, inbound), now=polling.clock.now())
        await proposals.hear(session, accepted, ears)
    async with database.read() as session:
        assert await votes.has_voted(session, await votes.by_number(session, number), unit.id, booth=polling.booth)
        heard = await conversations.feed(session, voter.id, after=feed[-1].sequence, limit=9)
        stored = "".join(await session.scalars(select(Message.text).where(Message.conversation_id == voter.id)))
    assert "我同意" not in stored
    assert [m.author.value for m in heard] == ["resident", "system"]
    assert "回执" in heard[-1].text
