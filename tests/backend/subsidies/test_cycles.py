"""A grant is paid once for each period, whatever the order of batches, the bank's answers, re-checks, stops and idle clerks."""

import random
import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, NoResultFound

from backend.clock import FakeClock
from backend.conversations import service as conversations
from backend.db import Database
from backend.errors import BadInput, Conflict, Forbidden
from backend.events.service import Desk
from backend.house import desk_factory
from backend.settings import Settings
from backend.staff.models import Role, Staff
from backend.staff.scope import Scope, scope_of
from backend.subsidies import applications, cards, clerk, cycles, grants, payments, recheck, service
from backend.subsidies.applications import Duplicate, Form, submit
from backend.subsidies.models import (
    ApplicationState,
    CheckState,
    CheckWhat,
    PaymentState,
    SubsidyApplication,
    SubsidyCampaign,
    SubsidyCheck,
    SubsidyGrant,
    SubsidyPayment,
)
from backend.vault.models import Secret
from backend.vault.service import Vault, put
from tests.backend.subsidies.conftest import card, identity
from tests.support.small_city import SmallCity
from wording import Sentences

# Each cycle with two ways that differ in all of the rest: what a way decides (first, last, arrears) does not hang on the cycle.
WAYS = [
    ("once", "approval", 0, True),
    ("once", "application", 3, True),
    ("monthly", "approval", 0, True),
    ("monthly", "next", 5, False),
    ("quarterly", "application", 3, True),
    ("quarterly", "approval", 0, False),
    ("yearly", "next", 0, True),
    ("yearly", "application", 5, False),
]
# One history of more than a year, in which each kind of step comes several times; it is compared whole, grant by grant. What is
# rare in it (a stop within a suspension, applying again) has a test of its own below.
STEPS = 28


@dataclass
class Expected:
    """What a grant has a right to, kept apart from how the program does it."""

    cycle: str
    first: date
    periods: int
    arrears: bool
    ends: date | None = None
    suspended_on: date | None = None
    passed_over: set[date] = field(default_factory=set)

    def begins(self, today: date) -> list[date]:
        """The first days of all its periods so far."""
        found, months = [], {"once": 0, "monthly": 1, "quarterly": 3, "yearly": 12}[self.cycle]
        day = self.first
        while day <= today and (not self.periods or len(found) < self.periods):
            found.append(day)
            if not months:
                break
            later = day.month - 1 + months
            day = date(day.year + later // 12, later % 12 + 1, 1)
        return found

    def owed(self, today: date) -> set[date]:
        return {day for day in self.begins(today) if day not in self.passed_over and (self.ends is None or day <= self.ends)}

    def resume(self, today: date) -> None:
        assert self.suspended_on is not None
        if not self.arrears:
            now = cycles.period_of(self.cycle, today).begins
            self.passed_over |= {day for day in self.begins(today) if self.suspended_on < day < now}
        self.suspended_on = None


class Town:
    """Grants in a small city, and everything that may happen to them."""

    def __init__(self, database: Database, clock: FakeClock, sentences: Sentences, home: Path) -> None:
        self.database, self.clock = database, clock
        self.factory, self.vault = desk_factory(Settings(), clock, sentences), Vault.load("", "", home)
        self.scope: Scope
        self.campaign = 0

    @property
    def today(self) -> date:
        return (self.clock.now() + timedelta(hours=8)).date()

    async def desk(self) -> Desk:
        async with self.database.read() as session:
            return await self.factory(session)

    async def file(self, number: int, kind: str = "elderly_allowance", *, chat: str = "") -> SubsidyApplication:
        async with self.database.write() as session:
            catalogue_id, _ = await service.in_force(session)
            values = ((Secret.NAME, "王小美"), (Secret.IDENTITY, identity(order=f"{number:03}")), (Secret.BANK, card(number)))
            items = [await put(session, self.vault, k, v, resident_id=None, now=self.clock.now()) for k, v in values]
            chatting = await conversations.opened(session, channel="web", address=chat, now=self.clock.now()) if chat else None
            papers = {"id_card": ["k1"], "hukou_page": ["k3"]}
            facts = {"age": 82, "local_hukou": True}
            form = Form(kind, "self", facts, catalogue_id, *items, None, "c1", papers)
            return await submit(session, chatting, form, desk=await self.factory(session))

    async def approve(self, application: SubsidyApplication, **way: object) -> SubsidyGrant:
        """Approved today, by a kind whose cycle is ``way``."""
        async with self.database.write() as session:
            row = await session.get_one(SubsidyApplication, application.id)
            row.state, row.due_at = ApplicationState.APPROVED, None
            kind = (await applications.kind_of(session, row)).model_copy(update=way)
            return await grants.begin(session, row, kind, desk=await self.factory(session))

    async def stop(self, application_id: int, on: date, reason: str = "death") -> None:
        async with self.database.write() as session:
            row = await session.get_one(SubsidyApplication, application_id)
            desk = await self.factory(session)
            await applications.stop(session, row, reason=reason, on=on, note="社区核实", scope=self.scope, desk=desk)

    async def suspend(self, application_id: int) -> None:
        async with self.database.write() as session:
            check = SubsidyCheck(
                campaign_id=self.campaign, application_id=application_id, state=CheckState.ASKED, answer="", media=[]
            )
            session.add(check)
            await session.flush()
            await recheck.suspend(session, check, reason="没有答复", scope=self.scope, desk=await self.factory(session))

    async def resume(self, application_id: int) -> None:
        async with self.database.write() as session:
            query = select(SubsidyCheck).where(SubsidyCheck.application_id == application_id)
            check = (await session.scalars(query.where(SubsidyCheck.state == CheckState.SUSPENDED))).one()
            await recheck.resume(session, check, reason="核实了", scope=self.scope, desk=await self.factory(session))
            check.campaign_id = await self._campaign(session)

    async def _campaign(self, session) -> int:
        """A campaign of long ago: a grant is in each at most once."""
        campaign = SubsidyCampaign(
            kind="elderly_allowance",
            what=CheckWhat.LIVING,
            photo=False,
            area_code="d1",
            answer_by=date(2026, 1, 1),
            staff_id=self.scope.staff_id,
            created_at=self.clock.now(),
        )
        session.add(campaign)
        await session.flush()
        return campaign.id

    async def clerks(self) -> None:
        while await clerk.run_once(self.database, self.factory):
            pass

    async def batch(self, period: str) -> None:
        async with self.database.write() as session:
            await payments.make_batch(session, period, staff_id=self.scope.staff_id, desk=await self.factory(session))

    async def due(self) -> list[str]:
        async with self.database.read() as session:
            return [period for period, _, _ in await payments.due(session)]

    async def bank(self, chance: random.Random, *, fails: float) -> int:
        """The bank answers some of what it has, and the file is taken in twice; returns how many it had."""
        async with self.database.read() as session:
            sent = (
                await session.scalars(select(SubsidyPayment.reference).where(SubsidyPayment.state == PaymentState.EXPORTED))
            ).all()
        picked = [reference for reference in sorted(sent) if chance.random() < 0.8]
        if not picked:
            return len(sent)
        lines = [f"{reference},{'失败' if chance.random() < fails else '成功'},户名不符" for reference in picked]
        raw = "\n".join(["reference,result,reason", *lines]).encode()
        for known in (0, len(picked)):
            async with self.database.write() as session:
                desk = await self.factory(session)
                done = await payments.import_results(session, raw, staff_id=self.scope.staff_id, desk=desk)
                assert (done.problems, done.known) == ([], known)
        return len(sent)

    async def new_accounts(self) -> None:
        async with self.database.write() as session:
            failed = select(SubsidyApplication).where(SubsidyApplication.state == ApplicationState.PAYMENT_FAILED)
            for row in (await session.scalars(failed)).all():
                item = await put(session, self.vault, Secret.BANK, card(99), resident_id=None, now=self.clock.now())
                await applications.new_account(session, row, item, desk=await self.factory(session))

    async def payments(self, application_id: int) -> list[SubsidyPayment]:
        async with self.database.read() as session:
            return await grants.payments_of(session, await session.get_one(SubsidyApplication, application_id))


@pytest.fixture
async def town(database: Database, clock: FakeClock, sentences: Sentences, tmp_path: Path, city: SmallCity) -> Town:
    town = Town(database, clock, sentences, tmp_path)
    async with database.write() as session:
        staff = (await session.scalars(select(Staff).where(Staff.role == Role.DISTRICT))).first()
        assert staff is not None
        town.scope = await scope_of(session, staff)
        town.campaign = await town._campaign(session)
    return town


async def test_no_period_is_paid_twice_or_left_out(town: Town):
    chance, told = random.Random(1), {}
    for number, (cycle, pays_from, periods, arrears) in enumerate(WAYS):
        application = await town.file(number)
        town.clock.advance(days=chance.randrange(20))
        way = {"cycle": cycle, "pays_from": pays_from, "periods": periods, "arrears": arrears}
        grant = await town.approve(application, **way)
        told[application.id] = Expected(cycle, grant.begins, periods, arrears)
    for _ in range(STEPS):
        town.clock.advance(days=chance.randrange(1, 40))
        one = chance.choice(list(told))
        expected = told[one]
        match chance.choice(
            ["clerks", "clerks", "batch", "batch", "batch", "bank", "bank", "accounts", "check", "check", "stop"]
        ):
            case "clerks":
                await town.clerks()
            case "batch" if periods_due := await town.due():
                await town.batch(chance.choice(periods_due))
            case "bank":
                await town.bank(chance, fails=0.3)
            case "accounts":
                await town.new_accounts()
            case "check" if expected.ends is None and expected.suspended_on is None:
                await town.suspend(one)
                expected.suspended_on = town.today
            case "check" if expected.suspended_on is not None:
                await town.resume(one)
                expected.resume(town.today)
            case "stop" if expected.ends is None and chance.random() < 0.6:
                on = town.today + timedelta(days=chance.randrange(-90, 60))
                await town.stop(one, on)
                expected.ends, expected.suspended_on = min(on, expected.suspended_on or on), None
    for one, expected in told.items():
        if expected.suspended_on is not None:
            await town.resume(one)
            expected.resume(town.today)
    await town.clerks()
    for _ in range(3):
        for period in await town.due():
            await town.batch(period)
        while await town.bank(chance, fails=0):
            pass
        await town.new_accounts()
    everything = 0
    for one, expected in told.items():
        paid = [p for p in await town.payments(one) if p.state is PaymentState.PAID]
        within = [p.period_from for p in paid if expected.ends is None or p.period_from <= expected.ends]
        assert sorted(within) == sorted(expected.owed(town.today)), (expected, within)
        assert len({p.period for p in paid}) == len(paid)
        everything += len(paid)
    assert everything > 30


async def test_the_database_itself_refuses_a_second_payment_of_a_period(town: Town):
    application = await town.file(1)
    grant = await town.approve(application)
    assert [(p.period, p.state) for p in await town.payments(application.id)] == [("2026-11", PaymentState.DUE)]
    async with town.database.read() as session:
        row = await session.get_one(SubsidyApplication, application.id)
        period = cycles.period_of("monthly", grant.begins)
        grants.add_payment(session, row, period, desk=await town.factory(session), again=1)
        with pytest.raises(IntegrityError):
            await session.flush()


async def test_nobody_is_paid_one_kind_under_two_applications(town: Town):
    first = await town.file(1)
    await town.approve(first)
    town.clock.advance(days=60)  # the year is over, the payments go on
    with pytest.raises(Duplicate) as refused:
        await town.file(1)
    assert refused.value.details == {"number": first.number}
    assert f"正在发着呢，编号 {first.number}" in refused.value.sentence
    await town.stop(first.id, town.today, "moved")
    town.clock.advance(days=31)
    await town.approve(await town.file(1))


@pytest.mark.parametrize(
    ("cycle", "pays_from", "first"),
    [("monthly", "application", "2026-12"), ("quarterly", "approval", "2027-Q1"), ("yearly", "approval", "2027")],
)
async def test_who_was_stopped_applies_again_in_the_same_year_and_no_period_is_paid_twice(
    town: Town, cycle: str, pays_from: str, first: str
):
    old = await town.file(1, chat="r1")
    await town.approve(old, cycle=cycle)
    with pytest.raises(Duplicate):
        await town.file(1)
    await town.stop(old.id, town.today, "moved")
    new = await town.file(1, chat="r1")
    assert new.period == old.period
    with pytest.raises(Duplicate) as refused:
        await town.file(1)
    assert refused.value.details == {"number": new.number}
    grant = await town.approve(new, cycle=cycle, pays_from=pays_from)
    assert cycles.period_of(cycle, grant.next_from).label == first
    assert await town.payments(new.id) == []
    town.clock.advance(days=60)
    await town.clerks()
    assert [p.period for p in await town.payments(old.id)] == [cycles.period_of(cycle, date(2026, 11, 1)).label]
    assert (await town.payments(new.id))[-1].period == first


async def test_what_was_stopped_before_anything_was_paid_begins_anew_at_once(town: Town):
    old = await town.file(1)
    await town.approve(old)
    await town.stop(old.id, date(2026, 10, 31), "moved")
    new = await town.file(1)
    await town.approve(new)
    assert [(p.period, p.state) for p in await town.payments(old.id)] == [("2026-11", PaymentState.CANCELLED)]
    assert [(p.period, p.state) for p in await town.payments(new.id)] == [("2026-11", PaymentState.DUE)]


async def test_what_is_paid_once_is_not_applied_for_again_that_year_after_a_stop(town: Town):
    paid, unpaid = await town.file(1), await town.file(2)
    for application in (paid, unpaid):
        await town.approve(application, cycle="once")
    await town.stop(unpaid.id, date(2026, 10, 31), "other")
    await town.file(2)
    await town.batch("once")
    await town.stop(paid.id, town.today, "other")
    with pytest.raises(Duplicate):
        await town.file(1)


async def test_a_stop_ends_a_suspension_what_was_due_before_it_is_paid_or_cancelled_by_its_day(town: Town):
    application = await town.file(1, chat="r1")
    await town.approve(application)
    town.clock.advance(days=40)
    await town.clerks()  # November, December and January's first days
    await town.suspend(application.id)
    town.clock.advance(days=60)
    await town.clerks()
    assert await town.due() == []
    await town.stop(application.id, date(2026, 12, 15))
    found = {p.period: p.state for p in await town.payments(application.id)}
    assert found == {"2026-11": PaymentState.DUE, "2026-12": PaymentState.DUE, "2027-01": PaymentState.CANCELLED}
    assert await town.due() == ["2026-11", "2026-12"]
    async with town.database.read() as session:
        check = (await session.scalars(select(SubsidyCheck))).one()
        assert (check.state, check.decided_by) == (CheckState.ENDED, town.scope.staff_id)
    with pytest.raises(NoResultFound):
        await town.resume(application.id)


async def test_stopping_needs_an_area_a_reason_a_day_and_a_note(town: Town):
    application = await town.file(1, chat="r1")
    with pytest.raises(Conflict, match="conflict"):
        await town.stop(application.id, town.today)
    await town.approve(application)
    async with town.database.read() as session:
        row, desk = await session.get_one(SubsidyApplication, application.id), await town.factory(session)
        elsewhere = (await session.scalars(select(Staff).where(Staff.role == Role.COMMUNITY))).first()
        assert elsewhere is not None
        good = {"reason": "death", "on": town.today, "note": "社区核实", "scope": town.scope}
        community = await scope_of(session, elsewhere)
        for wrong, error in (
            ({"reason": "x"}, BadInput),
            ({"on": None}, BadInput),
            ({"note": " "}, BadInput),
            ({"scope": community}, Forbidden),
        ):
            with pytest.raises(error):
                await grants.stop(session, row, desk=desk, **(good | wrong))
    town.clock.advance(days=70)
    await town.clerks()
    await town.batch("2026-12")
    await town.stop(application.id, date(2026, 11, 30))
    found = {p.period: p.state for p in await town.payments(application.id)}
    assert found == {
        "2026-11": PaymentState.DUE,
        "2026-12": PaymentState.EXPORTED,
        "2027-01": PaymentState.CANCELLED,
        "2027-02": PaymentState.CANCELLED,
    }
    async with town.database.read() as session:
        row = await session.get_one(SubsidyApplication, application.id)
        grant = await grants.of(session, row)
        assert grant is not None
        assert [p.period for p in grants.overpaid(grant, await grants.payments_of(session, row))] == ["2026-12"]
    with pytest.raises(Conflict):
        await town.stop(application.id, town.today)


async def test_the_resident_reads_the_last_and_the_next_payment(town: Town):
    application = await town.file(1, chat="r1")

    async def money() -> list[str]:
        async with town.database.read() as session:
            row = await session.get_one(SubsidyApplication, application.id)
            return await cards.money(session, row, desk=await town.factory(session))

    assert await money() == []
    await town.approve(application)
    assert await money() == ["下一笔：2026年11月 80 元，等下一批打款"]
    await town.batch("2026-11")
    assert await money() == ["下一笔：2026年11月 80 元，银行正在打"]
    await town.bank(random.Random(3), fails=0)
    assert await money() == ["上一笔：2026年11月 80 元，11月24日打的", "下一笔：2026年12月，80 元"]
    await town.suspend(application.id)
    assert (await money())[1] == "现在暂停发放"
    await town.resume(application.id)
    await town.stop(application.id, date(2026, 11, 30))
    assert (await money())[1] == "发到 11月30日 为止：人已过世"


async def test_what_the_clerk_and_a_batch_look_for_is_found_by_an_index(town: Town):
    desk = await town.desk()
    due = select(SubsidyPayment.id).where(SubsidyPayment.state == PaymentState.DUE, SubsidyPayment.period == "2026-11")
    running = select(SubsidyGrant.id).where(
        SubsidyGrant.person == "p", SubsidyGrant.kind == "k", SubsidyGrant.next_from.is_not(None)
    )
    async with town.database.read() as session:
        if not town.database.sqlite:
            await session.execute(text("SET LOCAL enable_seqscan = off"))  # a small table is read whole where it may be
        for query in (select(SubsidyGrant.id).where(grants.due(desk)), due, running):
            said = query.compile(town.database.engine.sync_engine, compile_kwargs={"literal_binds": True})
            explain = "EXPLAIN QUERY PLAN" if town.database.sqlite else "EXPLAIN"
            plan = "\n".join(str(tuple(row)) for row in await session.execute(text(f"{explain} {said}".replace(":", "\\:"))))
            assert "Seq Scan" not in plan, plan
            assert re.search(r"SCAN subsidy_(?!\w+ USING)", plan) is None, plan
