"""The yearly re-check: asked, reminded, visited, suspended by a person only and after the day; and objections to a 公示."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date

import pytest
from sqlalchemy import delete, select

from backend.clock import FakeClock
from backend.db import Database
from backend.errors import BadInput, Conflict, Forbidden
from backend.house import desk_factory
from backend.settings import Settings
from backend.staff.models import Staff
from backend.staff.scope import Scope, scope_of
from backend.subsidies import applications, clerk, objections, payments, recheck
from backend.subsidies.models import (
    ApplicationState,
    CheckState,
    SubsidyApplication,
    SubsidyCheck,
    SubsidyGrant,
    SubsidyPayment,
)
from tests.backend.subsidies.conftest import Talker, filed
from wording import Sentences

LAST = date(2026, 12, 8)


class House:
    """The record with one grant that is paid, and hands to turn the days."""

    def __init__(self, database: Database, clock: FakeClock, sentences: Sentences, talker: Talker) -> None:
        self.database, self.clock, self.talker = database, clock, talker
        self.factory = desk_factory(Settings(), clock, sentences)
        self.scopes: dict[str, Scope] = {}

    async def act(self, work: Callable[..., Awaitable[object]], who: str, **more: object) -> object:
        """``work`` on the one check, by a member of staff."""
        async with self.database.write() as session:
            check = (await session.scalars(select(SubsidyCheck))).one()
            desk = await self.factory(session)
            return await work(session, check, scope=self.scopes[who], desk=desk, **more)

    async def campaign(self, who: str = "street1", kind: str = "elderly_allowance", *, photo: bool = False, last: date = LAST):
        async with self.database.write() as session:
            desk = await self.factory(session)
            return await recheck.make(session, self.scopes[who], kind, answer_by=last, photo=photo, desk=desk)

    async def clerks(self) -> int:
        return await clerk.run_once(self.database, self.factory)

    async def told(self, count: int) -> str:
        """The last of exactly ``count`` pushes; the backend's own clerk may be the one that does it."""
        await self.clerks()
        for _ in range(50):
            heard = await self.heard()
            if len(heard) >= count:
                break
            await asyncio.sleep(0.1)
        assert len(heard) == count, heard
        return heard[-1]

    async def check(self) -> SubsidyCheck:
        async with self.database.read() as session:
            return (await session.scalars(select(SubsidyCheck))).one()

    async def due(self) -> int:
        async with self.database.read() as session:
            return sum(count for _, count, _ in await payments.due(session))

    async def heard(self) -> list[str]:
        answer = await self.talker.client.get(f"/internal/v1/feed?channel=web&address={self.talker.address}&limit=200")
        return [m["text"] for m in (await answer.json())["messages"] if m["author"] == "system"]


@pytest.fixture
async def house(resident: Talker, database: Database, clock: FakeClock, sentences: Sentences, tmp_path) -> House:
    await resident.say("高龄津贴怎么领")
    resident.active = False
    application = await filed(database, clock, sentences, tmp_path, resident.key)
    house = House(database, clock, sentences, resident)
    async with database.write() as session:
        row = await applications.by_number(session, application.number)
        row.state, row.due_at = ApplicationState.APPROVED, None
        await applications.approved(session, row, desk=await house.factory(session))
        for one in await session.scalars(select(Staff)):
            house.scopes[one.username] = await scope_of(session, one)
    return house


async def test_asked_reminded_and_answered_with_a_button_and_a_photo(house: House):
    await house.campaign(photo=True)
    with pytest.raises(Conflict, match="nobody_to_ask"):
        await house.campaign()  # not twice at a time
    assert "王**在领高龄津贴" in await house.told(2)  # after 已批准
    pushes = 2
    for day, told in ((7, "还有 7 天"), (8, ""), (11, "还有 3 天"), (13, "还有 1 天")):
        house.clock.advance(days=day - (house.clock.now().date() - date(2026, 11, 24)).days)
        pushes += bool(told)
        assert told in await house.told(pushes)
    _, said, question = await house.talker.say("都好", intent="affirm")
    assert (said, question["text"]) == ("", "好的。请再发一张今天拍的照片：认证就拍本人，复核就拍收入证明。")
    assert (await house.check()).state is CheckState.ASKED
    _, said, _ = await house.talker.say("在家呢", intent="nlu_fallback")
    assert "这里要一张照片" in said
    _, said, _ = await house.talker.say(media=["k7"], intent="share_photo")
    assert said == "收到，今年的年审办好了，补贴照常发。"
    check = await house.check()
    assert (check.state, check.answer, check.media) == (CheckState.ANSWERED, "same", ["k7"])
    house.clock.advance(days=30)
    await house.told(pushes)
    with pytest.raises(Conflict):
        await house.act(recheck.suspend, "street1", reason="没有答复")


async def test_a_stranger_answers_nothing_and_a_change_is_looked_at_by_a_person(house: House):
    await house.campaign()
    await house.clerks()
    check = await house.check()
    stranger = Talker(house.talker.client, "stranger")
    for choice in (f"check={check.id}:gone", "check=999:same", f"check={check.id}:x", "check=:same"):
        _, said, _ = await stranger.say(choice=choice)
        assert "已经过去了" in said
    assert (await house.check()).state is CheckState.ASKED
    _, said, _ = await house.talker.say("走了", intent="deny")
    assert "工作人员会联系您" in said
    assert (await house.check()).state is CheckState.FLAGGED
    _, said, _ = await house.talker.say(choice=f"check={check.id}:same")
    assert "已经过去了" in said
    assert await house.due() == 1  # what was said stops nothing by itself


async def test_only_a_person_suspends_only_after_the_day_and_what_is_suspended_is_not_paid(house: House):
    await house.campaign()
    await house.clerks()
    with pytest.raises(Conflict, match="too_early"):
        await house.act(recheck.suspend, "street1", reason="没有答复")
    house.clock.advance(days=20)
    await house.clerks()
    assert ((await house.check()).state, await house.due()) == (CheckState.ASKED, 2)  # of two months; nothing happens by itself
    with pytest.raises(BadInput):
        await house.act(recheck.visited, "member1", answer="same", note=" ")
    with pytest.raises(Forbidden):
        await house.act(recheck.visited, "housing1", answer="same", note="见到本人")
    await house.act(recheck.visited, "member1", answer="changed", note="家里没人，邻居说去了外地")
    for who, reason, refused in (
        ("member1", "找不到人", Forbidden),
        ("community1", "找不到人", Forbidden),
        ("street1", "", BadInput),
    ):
        with pytest.raises(refused):
            await house.act(recheck.suspend, who, reason=reason)
    await house.act(recheck.suspend, "street1", reason="两次上门都没人")
    assert ((await house.check()).state, await house.due()) == (CheckState.SUSPENDED, 0)
    assert "先停发了。原因：两次上门都没人" in (await house.heard())[-1]
    async with house.database.write() as session:
        with pytest.raises(BadInput, match="nothing_due"):
            await payments.make_batch(
                session, "2026-11", staff_id=house.scopes["street1"].staff_id, desk=await house.factory(session)
            )
    with pytest.raises(Conflict, match="nobody_to_ask"):
        await house.campaign(last=date(2027, 1, 8))
    await house.act(recheck.resume, "district1", reason="人回来了，已核实")
    assert ((await house.check()).state, await house.due()) == (CheckState.RESUMED, 2)
    assert "恢复发放" in (await house.heard())[-1]


async def test_a_campaign_needs_the_right_kind_day_and_person(house: House):
    for who, kind, last, refused in (
        ("community1", "elderly_allowance", LAST, Forbidden),
        ("housing1", "elderly_allowance", LAST, Forbidden),
        ("street1", "temporary_relief", LAST, BadInput),
        ("street1", "nothing", LAST, BadInput),
        ("street1", "elderly_allowance", date(2026, 11, 27), BadInput),
        ("street1", "minimum_living", LAST, Conflict),
    ):
        with pytest.raises(refused):
            await house.campaign(who, kind, last=last)
    async with house.database.read() as session:
        assert (await session.scalars(select(SubsidyCheck))).all() == []


async def test_an_objection_holds_the_publication_until_it_is_answered_and_its_author_stays_unknown(house: House):
    async with house.database.write() as session:
        row = (await session.scalars(select(SubsidyApplication))).one()
        row.state, row.published_until, row.level = ApplicationState.PUBLISHED, date(2026, 11, 30), 1
        for table in (SubsidyPayment, SubsidyGrant):  # it is not approved yet
            await session.execute(delete(table))
        row.desk, row.desk_code = "street", "s1"
        number = row.number
    client, path = house.talker.client, f"/internal/v1/subsidies/published/{number}/objections"
    listed = await (await client.get("/internal/v1/subsidies/published")).json()
    assert [(one["number"], one["person"], one["kind"]) for one in listed["published"]] == [(number, "王**", "高龄津贴")]
    body = {"channel": "web", "address": "neighbour"}
    assert (await client.post(path, json=body | {"text": " "})).status == 422
    assert (await client.post(path, json=body | {"text": "她不住这里"})).status == 201
    again = await client.post(path, json=body | {"text": "再说一次"})
    assert (again.status, (await again.json())["error"]["code"]) == (409, "objected_already")
    house.clock.advance(days=10)
    await house.clerks()
    async with house.database.write() as session:
        row = await applications.by_number(session, number)
        assert row.state is ApplicationState.PUBLISHED
        (objection,) = await objections.of(session, row)
        desk = await house.factory(session)
        scope = house.scopes["community1"]
        with pytest.raises(Forbidden):
            await objections.answer(session, row, objection.id, taken=False, note="核实过", scope=scope, desk=desk)
        scope = house.scopes["street1"]
        await objections.answer(session, row, objection.id, taken=False, note="社区核实过，住在这里", scope=scope, desk=desk)
    feed = await (await client.get("/internal/v1/feed?channel=web&address=neighbour&limit=9")).json()
    assert "我们核实过了：社区核实过，住在这里" in feed["messages"][-1]["text"]
    await house.clerks()
    async with house.database.read() as session:
        assert (await applications.by_number(session, number)).state is ApplicationState.APPROVED
    assert not any("她不住这里" in text or "异议" in text for text in await house.heard())
