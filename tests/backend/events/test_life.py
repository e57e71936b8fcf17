"""The event's life: who may do what, what is pushed, what happens by itself."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from backend.catalogue.models import HandlerKind
from backend.clock import FakeClock
from backend.conversations.models import Author, Message
from backend.db import Database
from backend.errors import BadInput, Conflict, Forbidden, LinlitongError, NotFound, TooMany
from backend.events import clerk, service, views
from backend.events.models import Assignment, Event, EventState, History, HistoryKind
from backend.events.numbers import check_digit, new_number, read_number
from backend.events.search import containing
from backend.events.service import Actor, Report
from backend.events.transitions import FINAL, NOTE_REQUIRED, TABLE, Hand, allowed
from backend.house import DeskFactory, desk_factory
from backend.settings import Settings
from backend.staff.models import StaffNotice
from tests.support.small_city import SmallCity, build, resident
from wording import Sentences

S = EventState
Act = Callable[..., Awaitable[None]]


@pytest.fixture
def desk_of(clock: FakeClock, sentences: Sentences, tmp_path: Path) -> DeskFactory:
    settings = Settings(home=tmp_path, office_opens=time(8, 30), office_closes=time(17, 30))
    return desk_factory(settings, clock, sentences)


@pytest.fixture
async def city(database: Database) -> SmallCity:
    async with database.write() as session:
        return await build(session)


class Story:
    """One reporter's event and what is done to it."""

    def __init__(self, database: Database, city: SmallCity, desk_of: DeskFactory, clock: FakeClock) -> None:
        self.database, self.city, self.desk_of, self.clock = database, city, desk_of, clock
        self.number = ""
        self.conversation_id = 0

    async def file(self, item: str | None = "streetlight", area: str = "g1", who: str = "reporter") -> Event:
        async with self.database.write() as session:
            conversation = await resident(session, who, now=self.clock.now())
            event = await service.file_event(
                session,
                Report(description="3号楼门口路灯不亮", area_code=area, address="宫涵社区3号楼", item_code=item),
                desk=await self.desk_of(session),
                conversation=conversation,
            )
            self.number, self.conversation_id = event.number, conversation.id
            return event

    async def work(self) -> int:
        return await clerk.run_once(self.database, self.desk_of)

    async def step(self, who: str, to: EventState, note: str = "", **more: object) -> None:
        async with self.database.write() as session:
            await service.move(
                session,
                await self._event(session),
                to,
                actor=Actor.staff(self.city.scopes[who]),
                desk=await self.desk_of(session),
                note=note,
                **more,
            )

    async def resident_step(self, to: EventState, note: str = "") -> None:
        async with self.database.write() as session:
            event = await self._event(session)
            await service.move(
                session,
                event,
                to,
                actor=Actor.resident(event.reporter_id),
                desk=await self.desk_of(session),
                note=note,
            )

    async def _event(self, session: object) -> Event:
        return await session.scalar(select(Event).where(Event.number == self.number))

    async def event(self) -> Event:
        async with self.database.read() as session:
            return await self._event(session)

    async def told(self, conversation_id: int | None = None) -> list[str]:
        """What the resident was told, each by its first line."""
        async with self.database.read() as session:
            rows = await session.scalars(
                select(Message)
                .where(
                    Message.conversation_id == (conversation_id or self.conversation_id),
                    Message.author != Author.RESIDENT,
                )
                .order_by(Message.sequence)
            )
            return [row.text.splitlines()[0] for row in rows]

    async def steps(self) -> list[tuple[EventState | None, EventState | None]]:
        async with self.database.read() as session:
            rows = await session.scalars(select(History).where(History.kind == HistoryKind.TRANSITION).order_by(History.id))
            return [(row.from_state, row.to_state) for row in rows]


@pytest.fixture
def story(database: Database, city: SmallCity, desk_of: DeskFactory, clock: FakeClock) -> Story:
    return Story(database, city, desk_of, clock)


async def test_from_report_to_closing_every_step_is_told_in_order(story: Story) -> None:
    await story.file()
    await story.work()
    await story.step("member1", S.IN_PROGRESS)
    await story.step("member1", S.HANDLED, "灯泡换好了，您晚上看看")
    await story.resident_step(S.CLOSED)
    number = story.number
    assert await story.told() == [
        f"【已受理】路灯故障（{number}）",
        f"【已派遣】{number} 已派给宫涵社区第一网格（网格员member1员）。",
        f"【处置中】{number} 有人在办了：宫涵社区第一网格（网格员member1员）。",
        f"【已处置】路灯故障（{number}）",
        f"路灯故障（{number}）解决了吗？72小时内没回话，就按办结处理。",
    ]
    assert await story.steps() == [
        (None, S.REPORTED),
        (S.REPORTED, S.ACCEPTED),
        (S.ACCEPTED, S.DISPATCHED),
        (S.DISPATCHED, S.IN_PROGRESS),
        (S.IN_PROGRESS, S.HANDLED),
        (S.HANDLED, S.VERIFYING),
        (S.VERIFYING, S.CLOSED),
    ]


async def test_the_due_time_counts_working_hours(story: Story) -> None:
    """16 hours from Tuesday 10:00: 7.5 on Tuesday, 8.5 of Wednesday's 9 (8:30 to 17:30)."""
    await story.file()
    await story.work()
    event = await story.event()
    assert event.due_at.astimezone(ZoneInfo("Asia/Shanghai")).strftime("%m-%d %H:%M") == "11-25 17:00"


async def test_where_no_single_handler_fits_the_street_centre_decides(story: Story) -> None:
    await story.file(item="drainage")
    await story.work()
    event = await story.event()
    assert (event.state, event.handler, event.handler_code) == (S.ACCEPTED, HandlerKind.STREET, "s1")
    await story.step("street1", S.DISPATCHED, handler=(HandlerKind.DEPARTMENT, "water"))
    await story.step("water1", S.IN_PROGRESS)
    await story.step("water1", S.HANDLED, "管道疏通了")
    assert (await story.event()).state is S.VERIFYING


async def test_unsolved_reopens_one_level_higher(story: Story) -> None:
    await story.file()
    await story.work()
    levels = []
    for who in ("member1", "community1", "street1", "district1"):
        event = await story.event()
        levels.append(event.handler)
        await story.step(who, S.IN_PROGRESS)
        await story.step(who, S.HANDLED, "办了")
        await story.resident_step(S.REOPENED, "还是不亮")
        await story.work()
    assert levels == [HandlerKind.GRID, HandlerKind.COMMUNITY, HandlerKind.STREET, HandlerKind.DISTRICT]
    assert (await story.event()).reopened == 4


async def test_what_climbed_is_dispatched_from_where_it_lies_or_above_only(story: Story) -> None:
    await story.file()
    await story.work()
    story.clock.advance(days=7)
    await story.work()
    story.clock.advance(days=7)
    await story.work()
    assert (await story.event()).level is HandlerKind.STREET
    with pytest.raises(Forbidden):
        await story.step("community1", S.DISPATCHED, handler=(HandlerKind.COMMUNITY, "c1"))
    await story.step("street1", S.DISPATCHED, handler=(HandlerKind.STREET, "s1"))
    await story.step("street1", S.IN_PROGRESS)
    await story.step("street1", S.HANDLED, "办了")
    await story.resident_step(S.REOPENED, "还是不亮")
    for who in ("community1", "street1"):
        with pytest.raises(Forbidden):
            await story.step(who, S.DISPATCHED, handler=(HandlerKind.STREET, "s1"))
    await story.work()
    assert (await story.event()).level is HandlerKind.DISTRICT
    with pytest.raises(Forbidden):
        await story.step("street1", S.DISPATCHED, handler=(HandlerKind.STREET, "s1"))
    await story.step("district1", S.DISPATCHED, handler=(HandlerKind.DEPARTMENT, "water"))


async def test_silence_closes_after_the_published_time_and_says_so(story: Story) -> None:
    await story.file()
    await story.work()
    await story.step("member1", S.IN_PROGRESS)
    await story.step("member1", S.HANDLED, "办了")
    story.clock.advance(hours=71)
    await story.work()
    assert (await story.event()).state is S.VERIFYING
    story.clock.advance(hours=2)
    await story.work()
    assert (await story.event()).state is S.CLOSED
    async with story.database.read() as session:
        last = await session.scalar(select(Message).order_by(Message.id.desc()).limit(1))
        assert "72小时没收到您的回话" in last.text
    await story.resident_step(S.REOPENED)


async def test_what_is_late_climbs_until_the_district(story: Story) -> None:
    await story.file()
    await story.work()
    levels = []
    for _ in range(6):
        story.clock.advance(days=7)
        await story.work()
        levels.append((await story.event()).level.value)
    assert levels == ["community", "street", "district", "district", "district", "district"]
    assert sum(line.startswith("【超期升级】") for line in await story.told()) == 3


async def test_who_reports_does_not_handle_and_who_handles_does_not_verify(story: Story) -> None:
    async with story.database.write() as session:
        event = await service.file_event(
            session,
            Report(description="巡查发现路灯不亮", area_code="g1", address="1号楼", item_code="streetlight"),
            desk=await story.desk_of(session),
            reporter_staff_id=story.city.scopes["head1"].staff_id,
        )
        story.number = event.number
    await story.work()
    with pytest.raises(Forbidden):
        await story.step("head1", S.IN_PROGRESS)
    await story.step("member1", S.IN_PROGRESS)
    await story.step("member1", S.HANDLED, "换了灯泡")
    with pytest.raises(Forbidden):
        await story.step("head1", S.CLOSED)
    await story.step("community1", S.CLOSED)


async def test_the_handler_does_not_verify_as_a_manager(story: Story) -> None:
    await story.file(item="drainage")
    await story.work()
    await story.step("street1", S.DISPATCHED, handler=(HandlerKind.STREET, "s1"))
    await story.step("street1", S.IN_PROGRESS)
    await story.step("street1", S.HANDLED, "办了")
    with pytest.raises(Forbidden):
        await story.step("street1", S.CLOSED)
    await story.step("street2", S.CLOSED)


async def test_words_are_required_where_the_resident_needs_them(story: Story) -> None:
    await story.file()
    await story.work()
    await story.step("member1", S.IN_PROGRESS)
    with pytest.raises(BadInput):
        await story.step("member1", S.HANDLED, "   ")
    assert (await story.event()).state is S.IN_PROGRESS


async def test_several_departments_work_on_one_event(story: Story) -> None:
    await story.file(item="garbage")
    await story.work()
    await story.step("housing1", S.IN_PROGRESS)
    async with story.database.write() as session:
        event, desk = await story._event(session), await story.desk_of(session)
        await service.call_in(session, event, "water", actor=Actor.staff(story.city.scopes["housing1"]), desk=desk)
    with pytest.raises(Conflict):
        await story.step("housing1", S.HANDLED, "清了")
    async with story.database.write() as session:
        event, desk = await story._event(session), await story.desk_of(session)
        with pytest.raises(Conflict):
            await service.call_in(session, event, "water", actor=Actor.staff(story.city.scopes["street1"]), desk=desk)
    async with story.database.write() as session:
        event, desk = await story._event(session), await story.desk_of(session)
        await service.give_result(
            session, event, actor=Actor.staff(story.city.scopes["water1"]), desk=desk, result="水沟冲洗完毕"
        )
    await story.step("housing1", S.HANDLED, "清了")
    async with story.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Assignment)) == 2


async def test_a_strangers_number_tells_nothing(story: Story) -> None:
    await story.file()
    async with story.database.write() as session:
        stranger = await resident(session, "stranger", now=story.clock.now())
        for number in (story.number, "0000-0000"):
            with pytest.raises(NotFound) as caught:
                await service.by_number(session, number, resident_id=stranger.resident_id)
            assert caught.value.sentence == "没有查到这个编号，请核对一下是不是您自己上报的。"


async def test_a_neighbour_is_offered_the_event_joins_once_and_is_told(story: Story) -> None:
    await story.file()
    async with story.database.write() as session:
        desk = await story.desk_of(session)
        neighbour = await resident(session, "neighbour", now=story.clock.now())
        for item, area, count in (("streetlight", "g1", 1), ("streetlight", "g2", 0), ("garbage", "g1", 0)):
            found = await service.similar(
                session, area_code=area, item_code=item, building=None, resident_id=neighbour.resident_id, desk=desk
            )
            assert len(found) == count
        for _ in range(2):
            await service.join(session, story.number, conversation=neighbour, desk=desk)
    await story.work()
    assert (await story.told(neighbour.id))[0].startswith("【已受理】")
    async with story.database.read() as session:
        supports = select(func.count()).select_from(History).where(History.kind == HistoryKind.SUPPORT)
        assert await session.scalar(supports) == 1
    await story.step("member1", S.IN_PROGRESS)
    await story.step("member1", S.HANDLED, "报事人张阿姨家门口的灯换好了")
    async with story.database.read() as session:
        for conversation_id, name in ((story.conversation_id, "张阿姨"), (neighbour.id, "某阿姨")):
            texts = await session.scalars(select(Message.text).where(Message.conversation_id == conversation_id))
            assert f"报事人{name}家门口的灯换好了" in "".join(texts)


async def test_a_neighbour_reads_neither_the_reporter_s_name_nor_which_room_it_is(story: Story) -> None:
    await story.file()
    async with story.database.write() as session:
        event, desk = await story._event(session), await story.desk_of(session)
        event.description, event.address = "我叫王小明，2单元501漏水", "城东街道宫涵社区3号楼2单元501室"
        neighbour = await resident(session, "neighbour", now=story.clock.now())
        for resident_id, words, address in (
            (event.reporter_id, event.description, event.address),
            (neighbour.resident_id, "我叫某某，2单元漏水", "城东街道宫涵社区3号楼2单元"),
        ):
            page = await views.page(session, event, resident_id=resident_id, desk=desk)
            assert (page["text"], page["description"], page["address"]) == (words, words, address)


async def test_another_building_is_another_matter(story: Story) -> None:
    event = await story.file()
    async with story.database.write() as session:
        (await session.get_one(Event, event.id)).place = {"building": "3"}
        neighbour = await resident(session, "neighbour", now=story.clock.now())
        desk = await story.desk_of(session)
        for building, count in (("3", 1), (None, 1), ("5", 0)):
            found = await service.similar(
                session,
                area_code="g1",
                item_code="streetlight",
                building=building,
                resident_id=neighbour.resident_id,
                desk=desk,
            )
            assert len(found) == count


async def correct(story: Story, who: int | None = None, **changed: object) -> None:
    async with story.database.write() as session:
        event = await story._event(session)
        said = {"description": "5号楼门口路灯不亮", "area_code": "g1", "address": "宫涵社区5号楼", "item_code": "streetlight"}
        report = Report(**(said | changed))
        desk = await story.desk_of(session)
        await service.correct(session, event, report, resident_id=who or event.reporter_id, desk=desk)


async def test_a_correction_stands_in_the_history_and_is_told_to_whoever_has_the_event(story: Story) -> None:
    await story.file()
    await story.work()
    await correct(story)
    event = await story.event()
    assert (event.state, event.description, event.address) == (S.DISPATCHED, "5号楼门口路灯不亮", "宫涵社区5号楼")
    async with story.database.read() as session:
        row = await session.scalar(select(History).where(History.kind == HistoryKind.CORRECTION))
        told = await session.scalars(select(StaffNotice.staff_id).where(StaffNotice.text.startswith("居民更正：宫涵社区5号楼")))
        assert sorted(told) == sorted(story.city.scopes[name].staff_id for name in ("member1", "head1"))
        found = await session.scalar(select(func.count()).select_from(Event).where(containing("5号楼")))
    assert (row.resident_id, row.note.splitlines()[1]) == (event.reporter_id, "地点：宫涵社区3号楼 → 宫涵社区5号楼")
    assert found == 1


async def test_a_place_in_another_grid_gives_the_event_to_the_people_there(story: Story) -> None:
    await story.file()
    await story.work()
    await correct(story, area_code="g2")
    assert (await story.event()).handler is None
    assert await story.work() == 1
    event = await story.event()
    assert (event.state, event.handler_code) == (S.DISPATCHED, "g2")
    assert (await story.told())[-1] == f"【已派遣】{story.number} 已派给宫涵社区第二网格（网格员member2员）。"
    assert await story.work() == 0


async def test_another_matter_goes_to_the_desk_of_that_matter(story: Story) -> None:
    await story.file()
    await story.work()
    await correct(story, item_code="garbage")
    await story.work()
    assert (await story.event()).handler_code == "housing"
    await correct(story, item_code=None)  # nobody's by the duty matrix: the street decides
    await story.work()
    event = await story.event()
    assert (event.state, event.handler, event.handler_code) == (S.ACCEPTED, HandlerKind.STREET, "s1")


async def test_nobody_else_corrects_and_nothing_that_is_worked_on_or_joined(story: Story) -> None:
    await story.file()
    async with story.database.write() as session:
        neighbour = await resident(session, "neighbour", now=story.clock.now())
    with pytest.raises(Forbidden):
        await correct(story, neighbour.resident_id)
    await story.work()
    await story.step("member1", S.IN_PROGRESS)
    with pytest.raises(Conflict):
        await correct(story)
    first = story.number
    await story.file(area="g2")
    async with story.database.write() as session:
        await service.join(session, story.number, conversation=neighbour, desk=await story.desk_of(session))
    with pytest.raises(Conflict):
        await correct(story, area_code="g2")
    story.number = first
    assert (await story.event()).address == "宫涵社区3号楼"


async def test_only_the_reporter_withdraws_and_only_before_it_is_handled(story: Story) -> None:
    await story.file()
    await story.work()
    async with story.database.write() as session:
        desk, neighbour = await story.desk_of(session), await resident(session, "neighbour", now=story.clock.now())
        event = await service.join(session, story.number, conversation=neighbour, desk=desk)
        with pytest.raises(Forbidden):
            await service.withdraw(session, event, resident_id=neighbour.resident_id, desk=desk)
    await story.step("member1", S.IN_PROGRESS)
    async with story.database.write() as session:
        event = await story._event(session)
        with pytest.raises(Conflict):
            await service.withdraw(session, event, resident_id=event.reporter_id, desk=await story.desk_of(session))


async def test_what_was_just_filed_is_known_for_some_minutes_and_while_it_is_open(story: Story) -> None:
    async def just_filed() -> str | None:
        async with story.database.read() as session:
            event = await service.just_filed(session, story.conversation_id, desk=await story.desk_of(session))
            return event.number if event else None

    await story.file()
    first = story.number
    assert await just_filed() == first
    story.clock.advance(minutes=9)
    await story.file(item="drainage")
    assert await just_filed() == story.number != first
    await story.resident_step(S.WITHDRAWN)
    assert await just_filed() == first
    story.clock.advance(minutes=2)
    assert await just_filed() is None


async def test_an_old_event_is_not_offered(story: Story) -> None:
    await story.file()
    story.clock.advance(days=15)
    async with story.database.write() as session:
        neighbour = await resident(session, "neighbour", now=story.clock.now())
        found = await service.similar(
            session,
            area_code="g1",
            item_code="streetlight",
            building=None,
            resident_id=neighbour.resident_id,
            desk=await story.desk_of(session),
        )
    assert found == []


async def test_urging_counts_once_a_day(story: Story) -> None:
    await story.file()
    await story.work()

    async def urge() -> None:
        async with story.database.write() as session:
            event = await story._event(session)
            await service.urge(session, event, resident_id=event.reporter_id, desk=await story.desk_of(session))

    await urge()
    with pytest.raises(TooMany):
        await urge()
    story.clock.advance(days=1)
    await urge()
    async with story.database.read() as session:
        told = await session.scalars(select(StaffNotice.text).where(StaffNotice.text.startswith("居民催办")))
        assert len(list(told)) == 4  # the grid member and the head, twice


async def test_two_people_deciding_at_once_leave_one_decision(story: Story) -> None:
    await story.file()
    await story.work()
    await story.step("member1", S.IN_PROGRESS)
    results = await asyncio.gather(*(story.step("member1", S.HANDLED, f"第{n}次") for n in range(8)), return_exceptions=True)
    assert sum(result is None for result in results) == 1
    assert all(result is None or isinstance(result, LinlitongError) for result in results)
    assert (await story.steps()).count((S.IN_PROGRESS, S.HANDLED)) == 1


async def test_every_pair_of_states_is_decided_by_the_table(story: Story) -> None:
    """Every step that the table does not have is refused, whoever asks; 10 by 10 states, all hands."""
    await story.file()
    await story.work()
    everyone = [Actor.system(), *(Actor.staff(scope) for scope in story.city.scopes.values())]
    for before in S:
        for after in S:
            for actor in everyone:
                async with story.database.write() as session:
                    event = await story._event(session)
                    event.state = before
                    await session.flush()
                    hands = await service.hands_of(session, event, actor)
                    if allowed(before, after, hands):
                        await session.rollback()
                        continue
                    with pytest.raises((Conflict, Forbidden)):
                        await service.move(session, event, after, actor=actor, desk=await story.desk_of(session))
                    await session.rollback()


def test_the_table_has_no_way_out_of_an_end_but_reopening() -> None:
    assert {pair for pair in TABLE if pair[0] in FINAL} == {(S.CLOSED, S.REOPENED)}
    assert set(TABLE) >= NOTE_REQUIRED
    assert all(hands <= set(Hand) for hands in TABLE.values())


def test_a_number_is_checked_by_its_last_digit() -> None:
    for _ in range(200):
        number = new_number()
        digits = number.replace("-", "")
        assert read_number(f"编号{digits[:4]} {digits[4:]}办得怎样") == number
        for place in range(8):
            wrong = digits[:place] + str((int(digits[place]) + 1) % 10) + digits[place + 1 :]
            assert read_number(wrong) is None
    assert check_digit("7992739871") == "3"
