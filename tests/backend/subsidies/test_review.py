"""From the community's desk to the money: four eyes, more papers, 公示, the bank, and every step told."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from backend.clock import FakeClock
from backend.conversations.models import Author, Message
from backend.db import Database
from backend.errors import BadInput, Conflict, Forbidden
from backend.events.service import Desk
from backend.house import desk_factory
from backend.settings import Settings
from backend.staff.models import Role, Staff
from backend.staff.scope import Scope, scope_of
from backend.subsidies import applications, clerk, grants, payments, review
from backend.subsidies.models import ApplicationState, PaymentState, SubsidyApplication, SubsidyDocument, SubsidyPayment
from backend.vault.service import Vault
from tests.backend.subsidies.conftest import Talker, card, filed
from wording import Sentences

State = ApplicationState


class Office:
    """The desks of the small city over one application."""

    def __init__(self, database: Database, clock: FakeClock, sentences: Sentences, scopes: dict[str, Scope]) -> None:
        self.database, self.clock, self.scopes = database, clock, scopes
        self.desks = desk_factory(Settings(), clock, sentences)

    async def decide(self, who: str, what: str, **values: str) -> State:
        async with self.database.write() as session:
            row = (await session.scalars(select(SubsidyApplication))).one()
            desk = await self.desks(session)
            await applications.decide(session, row, what, scope=self.scopes[who], desk=desk, **values)
            return row.state

    async def desk(self) -> Desk:
        async with self.database.read() as session:
            return await self.desks(session)

    async def row(self) -> SubsidyApplication:
        async with self.database.read() as session:
            return (await session.scalars(select(SubsidyApplication))).one()

    async def told(self) -> list[str]:
        async with self.database.read() as session:
            query = select(Message.text).where(Message.author == Author.SYSTEM).order_by(Message.id)
            return list(await session.scalars(query))


@pytest.fixture
async def office(resident: Talker, database: Database, clock: FakeClock, sentences: Sentences, tmp_path: Path) -> Office:
    """One application on the community's desk, with one gap."""
    await resident.say("高龄津贴怎么领")
    resident.active = False
    await filed(database, clock, sentences, tmp_path, resident.key)
    async with database.read() as session:
        staff = await session.scalars(select(Staff).where(Staff.role.in_([Role.COMMUNITY, Role.STREET])))
        return Office(database, clock, sentences, {one.username: await scope_of(session, one) for one in staff})


async def fill_gap(office: Office) -> None:
    async with office.database.write() as session:
        gap = (await session.scalars(select(SubsidyDocument).where(SubsidyDocument.code == "hukou_page"))).one()
        gap.media = ["k9"]
        gap.cure_by = None


async def test_two_levels_a_publication_and_the_money(office: Office, tmp_path):
    await fill_gap(office)
    assert await office.decide("community1", "approve") is State.REVIEW
    with pytest.raises(Forbidden):
        await office.decide("community1", "approve")
    assert await office.decide("street1", "approve") is State.PUBLISHED
    office.clock.advance(days=6)
    await clerk.run_once(office.database, office.desks)
    assert (await office.row()).state is State.PUBLISHED
    office.clock.advance(days=2)
    assert await clerk.run_once(office.database, office.desks) == 1
    assert (await office.row()).state is State.APPROVED
    vault = Vault.load("", "", tmp_path)
    async with office.database.write() as session:
        staff_id = office.scopes["street1"].staff_id
        name = await payments.make_batch(session, "2026-12", staff_id=staff_id, desk=await office.desk())
        text = await payments.export(session, vault, name, staff_id=staff_id, desk=await office.desk())
    assert text.splitlines()[1].endswith(f",王小美,{card()},80.00,2026-12")
    reference = text.splitlines()[1].split(",")[0]
    for failed, known in ((1, 0), (0, 1)):
        async with office.database.write() as session:
            done = await payments.import_results(
                session,
                f"reference,result,reason\n{reference},失败,账户已注销\n".encode(),
                staff_id=staff_id,
                desk=await office.desk(),
            )
        assert (done.failed, done.known, done.problems) == (failed, known, [])
    assert (await office.row()).state is State.PAYMENT_FAILED
    told = await office.told()
    assert [line[: line.index("】") + 1] for line in told] == ["【审核通过一级】", "【公示】", "【已批准】", "【打款没成功】"]
    assert "账户已注销" in told[-1]


async def test_after_a_failed_payment_the_resident_names_another_account(office: Office, resident: Talker):
    async with office.database.write() as session:
        row = (await session.scalars(select(SubsidyApplication))).one()
        row.state = State.APPROVED
        await applications.approved(session, row, desk=await office.desk())
        (await session.scalars(select(SubsidyPayment))).one().state = PaymentState.FAILED
        await grants.follow(session, row)
    resident.active = False
    number = (await office.row()).number
    _, _, question = await resident.say(choice=f"hand={number}", intent="subsidy_choice")
    assert "请发本人正确的银行卡号" in question["text"]
    _, said, _ = await resident.say(card()[:15] + ("0" if card()[15] != "0" else "1"), intent="nlu_fallback")
    assert "卡号" in said
    _, said, _ = await resident.say(card(7), intent="nlu_fallback")
    assert "新卡号记下了" in said
    async with office.database.read() as session:
        due = select(SubsidyPayment.account_id).where(SubsidyPayment.state == PaymentState.DUE)
        assert (await session.scalars(due)).all() == [(await office.row()).account_id]
    assert (await office.row()).state is State.APPROVED


async def test_asked_for_more_it_comes_back_with_what_was_handed_in(office: Office, resident: Talker):
    with pytest.raises(BadInput):
        await office.decide("community1", "more")
    assert await office.decide("community1", "more", note="户口簿首页") is State.MORE
    resident.active = False
    number = (await office.row()).number
    await resident.say(choice=f"hand={number}", intent="subsidy_choice")
    _, said, _ = await resident.say(media=["k5"], intent="share_photo")
    assert "已经放进编号" in said
    assert (await office.row()).state is State.REVIEW


async def test_refusing_needs_a_reason_from_the_list_and_says_how_to_object(office: Office):
    with pytest.raises(BadInput):
        await office.decide("community1", "refuse", reason="看着不像")
    assert await office.decide("community1", "refuse", reason="income") is State.REFUSED
    (told,) = await office.told()
    assert "核对的家庭收入超过标准" in told
    assert "行政复议" in told
    with pytest.raises(Conflict):
        await office.decide("community1", "approve")


async def test_nothing_is_approved_with_a_gap_and_who_is_elsewhere_decides_nothing(office: Office):
    with pytest.raises(Forbidden):
        await office.decide("street1", "approve")
    await office.decide("community1", "approve")
    with pytest.raises(Conflict) as refused:
        await office.decide("street1", "approve")
    assert refused.value.code == "papers_missing"


async def test_a_gap_is_reminded_of_seven_three_and_one_day_before_and_never_twice(office: Office):
    told = []
    for day in range(16):
        await clerk.run_once(office.database, office.desks)
        await clerk.run_once(office.database, office.desks)
        told += [(day, line.split("还有 ")[1][:1]) for line in (await office.told())[len(told) :] if "还差材料" in line]
        async with office.database.write() as session:  # keep the level's clock out of it
            (await session.scalars(select(SubsidyApplication))).one().due_at = None
        office.clock.advance(days=1)
    assert told == [(8, "7"), (12, "3"), (14, "1")]


async def test_a_late_level_climbs_once(office: Office):
    due = (await office.row()).due_at
    assert due is not None
    assert due - office.clock.now() > timedelta(days=6)
    async with office.database.write() as session:
        (await session.scalars(select(SubsidyDocument).where(SubsidyDocument.code == "hukou_page"))).one().cure_by = None
    office.clock.advance(days=8)
    assert [await clerk.run_once(office.database, office.desks) for _ in range(2)] == [1, 0]
    assert "超期督办" in (await office.told())[-1]


async def test_a_wrong_line_of_the_bank_stops_the_whole_file(office: Office):
    async with office.database.write() as session:
        done = await payments.import_results(
            session, "reference,result\nB1,成功\n".encode(), staff_id=1, desk=await office.desk()
        )
        assert done.problems == [(2, "没有打过这一笔")]
        with pytest.raises(BadInput):
            await payments.import_results(session, b"\xff\xfe", staff_id=1, desk=await office.desk())


async def test_the_desk_finds_by_surname_and_by_number(office: Office):
    number = (await office.row()).number
    async with office.database.read() as session:
        for words, found in (("王", 1), ("王**", 1), ("李", 0), (number, 1), ("", 1)):
            assert len(await review.listed(session, office.scopes["community1"], words=words)) == found, words
        assert await review.listed(session, office.scopes["street1"]) == []
        assert len(await review.listed(session, office.scopes["street1"], words=number)) == 1
