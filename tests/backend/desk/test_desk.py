"""Who waits for a person is passed on until somebody comes, knows their place, and has one responsible person at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from backend.clock import FakeClock
from backend.conversations import service as conversations
from backend.conversations.models import Conversation, Holder, Message, MessageKind, TurnState
from backend.db import Database
from backend.desk import clerk, hours, service
from backend.desk.figures import Figures, desk_figures
from backend.desk.models import Transfer, Visit
from backend.desk.service import Patience
from backend.errors import BadInput, Conflict
from backend.events.models import Event, EventState
from backend.events.service import Desk, Report, file_event
from backend.house import DeskFactory, desk_factory
from backend.outbox import service as outbox
from backend.outbox.models import Delivery
from backend.settings import Settings
from backend.staff import conversations as talks
from backend.staff import service as accounts
from backend.staff.models import Staff, StaffNotice
from tests.support.small_city import SmallCity, build, resident
from wording import Sentences

PATIENCE = Patience(grid=5, community=10)
Row = Callable[[Conversation], Awaitable[Conversation]]


@pytest.fixture
def desk_of(clock: FakeClock, sentences: Sentences, tmp_path: Path) -> DeskFactory:
    return desk_factory(Settings(home=tmp_path), clock, sentences)


@pytest.fixture
async def city(database: Database) -> SmallCity:
    async with database.write() as session:
        return await build(session)


class Play:
    """What the tests do with one database and clock."""

    def __init__(self, database: Database, clock: FakeClock, desk_of: DeskFactory, city: SmallCity) -> None:
        self.database, self.clock, self.desk_of, self.city = database, clock, desk_of, city

    async def waits(self, name: str, *, grid: str | None = None, reason: str = "", in_form: bool = False) -> int:
        async with self.database.write() as session:
            row = await resident(session, name, now=self.clock.now())
            await conversations.ask_for_person(session, row, now=self.clock.now(), area_code="c1")
            desk = await self.desk_of(session)
            await service.begin(session, row, desk=desk, patience=PATIENCE, grid=grid, reason=reason, in_form=in_form)
            return row.id

    async def clerk(self) -> None:
        await clerk.run_once(self.database, self.desk_of, PATIENCE)

    async def act(self, conversation_id: int, work: Callable[..., Awaitable[object]]) -> None:
        """``work(session, row, desk)`` in a transaction."""
        async with self.database.write() as session:
            await work(session, await session.get_one(Conversation, conversation_id), await self.desk_of(session))

    async def claim(self, conversation_id: int, who: str) -> None:
        async def work(session: object, row: Conversation, desk: Desk) -> None:
            await talks.claim(session, self.city.scopes[who], row, sentences=desk.sentences, now=desk.now)

        await self.act(conversation_id, work)

    async def give_back(self, conversation_id: int, who: str) -> None:
        async def work(session: object, row: Conversation, desk: Desk) -> None:
            await talks.give_back(session, self.city.scopes[who], row, sentences=desk.sentences, now=desk.now)

        await self.act(conversation_id, work)

    async def says(self, name: str, text: str, kind: MessageKind = MessageKind.TEXT) -> Message:
        async with self.database.write() as session:
            heard = conversations.Inbound("web", f"{text}{self.clock.now()}", name, kind, text=text)
            accepted = await conversations.accept(session, heard, now=self.clock.now())
            desk = await self.desk_of(session)
            await service.hear(session, accepted, sentences=desk.sentences, now=desk.now)
            return accepted.message

    async def told(self, conversation_id: int) -> list[str]:
        async with self.database.read() as session:
            return [m.text for m in await conversations.feed(session, conversation_id, after=1, limit=100)]

    async def notices(self, who: str) -> list[str]:
        async with self.database.read() as session:
            mine = StaffNotice.staff_id == self.city.scopes[who].staff_id
            return list(await session.scalars(select(StaffNotice.text).where(mine).order_by(StaffNotice.id)))

    async def visit(self, conversation_id: int) -> Visit:
        async with self.database.read() as session:
            return (
                await session.scalars(
                    select(Visit).where(Visit.conversation_id == conversation_id).order_by(Visit.id.desc()).limit(1)
                )
            ).one()


@pytest.fixture
def play(database: Database, clock: FakeClock, desk_of: DeskFactory, city: SmallCity) -> Play:
    return Play(database, clock, desk_of, city)


async def test_nobody_comes_and_the_next_desk_above_is_asked_and_the_resident_told(play: Play) -> None:
    one = await play.waits("a", grid="g1")
    assert (await play.visit(one)).area_code == "g1"
    assert await play.notices("member1") == await play.notices("head1") == ["有居民在等人工"]
    assert await play.notices("community1") == []
    play.clock.advance(minutes=4, seconds=59)
    await play.clerk()
    assert await play.told(one) == []
    play.clock.advance(seconds=1)
    await play.clerk()
    await play.clerk()
    assert await play.told(one) == ["刚才那边一时没人接，已经替您转到宫涵社区，下一个就是您。让您久等了。"]
    assert await play.notices("community1") == ["有居民在等人工"]
    play.clock.advance(minutes=10)
    await play.clerk()
    assert (await play.told(one))[1:] == ["刚才那边一时没人接，已经替您转到城东街道，下一个就是您。让您久等了。"]
    play.clock.advance(minutes=300)
    await play.clerk()
    assert len(await play.told(one)) == 2
    assert ((await play.visit(one)).climbs, (await play.visit(one)).area_code) == (2, "s1")


async def test_who_was_claimed_climbs_no_more(play: Play) -> None:
    one = await play.waits("a", grid="g1")
    await play.claim(one, "member1")
    play.clock.advance(minutes=60)
    await play.clerk()
    assert await play.told(one) == ["工作人员member1员来了，下面由member1员跟您说。"]


async def test_minutes_count_while_the_desk_is_open_only(play: Play) -> None:
    play.clock.advance(hours=7, minutes=27)  # 17:27, three minutes before closing
    one = await play.waits("a", grid="g1")
    play.clock.advance(hours=10)
    await play.clerk()
    assert await play.told(one) == []
    play.clock.advance(hours=5, minutes=5)  # 8:32 the next morning
    await play.clerk()
    assert len(await play.told(one)) == 1


async def test_a_conversation_that_got_to_the_desk_some_other_way_is_found_by_the_clerk(play: Play) -> None:
    async with play.database.write() as session:
        row = await resident(session, "a", now=play.clock.now())
        await conversations.ask_for_person(session, row, now=play.clock.now(), area_code="c1")
    await play.clerk()
    await play.clerk()
    assert await play.notices("community1") == ["有居民在等人工"]
    assert (await play.visit(row.id)).asked_at == play.clock.now()


async def test_the_place_in_the_queue_is_told_when_it_changes_and_not_too_often(play: Play) -> None:
    ids = []
    for n in range(4):
        ids.append(await play.waits(f"r{n}"))
        play.clock.advance(seconds=1)
    last = ids[-1]
    assert (await play.visit(last)).told_ahead == 3
    await play.claim(ids[0], "community1")
    await play.clerk()
    assert await play.told(last) == []  # told less than two minutes ago
    play.clock.advance(minutes=2)
    await play.claim(ids[1], "community1")
    await play.clerk()
    await play.clerk()
    assert await play.told(last) == ["排队往前动了，前面还有 1 位。"]
    play.clock.advance(minutes=3)
    await play.clerk()
    assert len(await play.told(last)) == 1  # nothing has changed


async def test_the_time_that_is_told_comes_from_the_latest_waits_or_is_not_told(play: Play) -> None:
    async def usual() -> int | None:
        async with play.database.read() as session:
            return await service.usual_minutes(session, "g1", now=play.clock.now())

    for n, minutes in enumerate((1, 2, 4, 6)):
        one = await play.waits(f"r{n}")
        play.clock.advance(minutes=minutes)
        await play.claim(one, "community1")
    assert await usual() is None
    one = await play.waits("r9")
    play.clock.advance(minutes=9)
    await play.claim(one, "community1")
    assert await usual() == 4
    play.clock.advance(hours=24 * 31)
    assert await usual() is None


async def test_who_wants_a_person_no_longer_leaves_the_queue_and_those_behind_move_up(play: Play) -> None:
    first = await play.waits("first")
    play.clock.advance(seconds=5)
    second = await play.waits("second")
    async with play.database.write() as session:
        row = await session.get_one(Conversation, first)
        assert await service.ahead(session, await session.get_one(Conversation, second)) == 1
        assert await conversations.no_person(session, row, now=play.clock.now())
        await service.withdraw(session, row, now=play.clock.now())
        assert not await conversations.no_person(session, row, now=play.clock.now())
    async with play.database.read() as session:
        assert await service.ahead(session, await session.get_one(Conversation, second)) == 0
        assert await service.open_of(session, first) is None
        assert (await session.get_one(Conversation, first)).holder is Holder.BOT


async def test_a_transfer_leaves_the_first_responder_responsible_until_it_is_accepted(play: Play) -> None:
    one = await play.waits("a")
    await play.claim(one, "community1")
    to = f"staff:{play.city.scopes['street1'].staff_id}"

    async def offer(session: object, row: Conversation, desk: Desk) -> None:
        scope = play.city.scopes["community1"]
        with pytest.raises(BadInput):
            await talks.offer(session, scope, row, to=to, reason=" ", now=desk.now)
        with pytest.raises(BadInput):
            await talks.offer(session, scope, row, to="staff:999999", reason="要查档案", now=desk.now)
        with pytest.raises(Conflict):
            await talks.offer(session, play.city.scopes["street1"], row, to="area:c1", reason="要查档案", now=desk.now)
        await talks.offer(session, scope, row, to=to, reason="要查档案", now=desk.now)
        with pytest.raises(Conflict):
            await talks.offer(session, scope, row, to="area:s1", reason="再转一次", now=desk.now)

    await play.act(one, offer)
    assert await play.notices("street1") == ["community1员请您接手一段对话：要查档案"]

    async def still_mine(session: object, row: Conversation, desk: Desk) -> None:
        await talks.reply(session, play.city.scopes["community1"], row, text="您稍等", note=False, now=desk.now)
        with pytest.raises(Conflict):
            await talks.reply(session, play.city.scopes["street1"], row, text="我来", note=False, now=desk.now)
        with pytest.raises(Conflict):
            await service.accept(session, row, scope=play.city.scopes["street2"], desk=desk)

    await play.act(one, still_mine)

    async def accept(session: object, row: Conversation, desk: Desk) -> None:
        await service.accept(session, row, scope=play.city.scopes["street1"], desk=desk)

    await play.act(one, accept)

    async def now_theirs(session: object, row: Conversation, desk: Desk) -> None:
        await talks.reply(session, play.city.scopes["street1"], row, text="我看到了", note=False, now=desk.now)
        with pytest.raises(Conflict):
            await talks.reply(session, play.city.scopes["community1"], row, text="我再说一句", note=False, now=desk.now)

    await play.act(one, now_theirs)
    assert await play.told(one) == [
        "工作人员community1员来了，下面由community1员跟您说。",
        "您稍等",
        "下面由street1员接着跟您说，前面说过的street1员都看得到，不用再讲一遍。",
        "我看到了",
    ]
    assert "要查档案" not in str(await play.told(one))
    visit = await play.visit(one)
    assert visit.staff_id == play.city.scopes["community1"].staff_id  # the first responder


async def test_of_two_who_accept_at_once_one_gets_it(play: Play) -> None:
    one = await play.waits("a")
    await play.claim(one, "community1")

    async def offer(session: object, row: Conversation, desk: Desk) -> None:
        await talks.offer(session, play.city.scopes["community1"], row, to="area:s1", reason="归街道", now=desk.now)

    await play.act(one, offer)

    async def accept(who: str) -> None:
        async def work(session: object, row: Conversation, desk: Desk) -> None:
            await service.accept(session, row, scope=play.city.scopes[who], desk=desk)

        await play.act(one, work)

    results = await asyncio.gather(accept("street1"), accept("street2"), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["Conflict", "NoneType"]
    assert sum("接着跟您说" in text for text in await play.told(one)) == 1


async def test_a_form_that_was_under_way_is_taken_up_again_by_a_turn_that_nobody_sees(play: Play) -> None:
    one, other = await play.waits("a", in_form=True), await play.waits("b")
    for conversation_id in (one, other):
        await play.claim(conversation_id, "community1")
        await play.give_back(conversation_id, "community1")
    async with play.database.write() as session:
        turns = await conversations.claim_turns(
            session, worker="w", limit=10, sentences=(await play.desk_of(session)).sentences, now=play.clock.now()
        )
    assert [(turn.conversation.id, turn.as_dict()["text"], turn.watch) for turn in turns] == [(one, "/resume", False)]
    assert len(await play.told(one)) == len(await play.told(other)) == 2


async def test_how_it_was_is_asked_once_the_person_has_gone_and_typing_it_is_enough(play: Play) -> None:
    one = await play.waits("a")
    await play.claim(one, "community1")
    await play.give_back(one, "community1")
    visit = await play.visit(one)
    message = await play.says("a", "很满意，谢谢小吕")
    assert message.turn_state is TurnState.DONE
    assert (await play.visit(one)).stars == 5
    assert (await play.told(one))[-1] == "记下了，谢谢您告诉我们。"
    stranger = await play.waits("b")
    await play.says("b", f'/rate_person{{"visit": "{visit.id}", "stars": "1"}}', MessageKind.BUTTON)
    assert (await play.visit(one)).stars == 5
    assert (await play.visit(stranger)).stars is None
    assert (await play.says("a", "路灯坏了")).turn_state is TurnState.PENDING  # everything else goes on to the assistant


async def test_an_event_that_was_reopened_twice_brings_a_person(play: Play) -> None:
    async with play.database.write() as session:
        row = await resident(session, "a", now=play.clock.now())
        desk = await play.desk_of(session)
        event = await file_event(session, Report("灯坏", "g1", "3号楼", item_code="streetlight"), desk=desk, conversation=row)
        event.state, event.reopened = EventState.DISPATCHED, 1
    await play.clerk()
    async with play.database.write() as session:
        (await session.get_one(Event, event.id)).reopened = 2
    await play.clerk()
    await play.clerk()
    visit = await play.visit(row.id)
    assert (visit.reason, visit.event_id) == ("reopened_twice", event.id)
    assert sum("两次都没办好" in text for text in await play.told(row.id)) == 1
    assert "居民的事重开了两次，请主动联系" in await play.notices("member1")
    async with play.database.read() as session:
        assert (await session.get_one(Conversation, row.id)).holder is Holder.WAITING


async def test_a_threat_of_self_harm_comes_first_and_is_told_as_such(play: Play) -> None:
    first = await play.waits("a")
    play.clock.advance(seconds=5)
    second = await play.waits("b")
    async with play.database.write() as session:
        row = await session.get_one(Conversation, second)
        await service.begin(session, row, desk=await play.desk_of(session), patience=PATIENCE, reason="self_harm")
    async with play.database.read() as session:
        cards = await talks.on_desk(session, play.city.scopes["community1"])
    assert [(card.conversation_id, card.reason) for card in cards] == [(second, "self_harm"), (first, "")]
    assert (await play.notices("community1"))[-1] == "【紧急】居民的话里有轻生的意思，请马上接待"


async def test_danger_while_a_person_talks_is_answered_at_once_and_marked(play: Play, sentences: Sentences) -> None:
    one = await play.waits("a")
    await play.claim(one, "community1")
    ids = [(await play.says("a", text)).id for text in ("家里着火了", "火更大了")]
    for message_id in ids:
        async with play.database.write() as session:
            (turn,) = await conversations.claim_turns(session, worker="w", limit=10, sentences=sentences, now=play.clock.now())
            assert (turn.message.id, turn.watch, turn.pressed) == (message_id, True, None)
        async with play.database.write() as session:
            written = await conversations.finish_turn(
                session,
                await conversations.ending(session, message_id),
                replies=[],
                sentences=sentences,
                now=play.clock.now(),
                watched=True,
                danger=True,
            )
            assert not written
    warning = sentences.say("utter_danger_with_person").text
    assert (await play.told(one)).count(warning) == 1  # not twice within ten minutes
    async with play.database.read() as session:
        page = await talks.page(session, play.city.scopes["community1"], await session.get_one(Conversation, one))
    assert [m.text for m in page.messages if m.danger] == ["家里着火了", "火更大了"]


async def test_words_that_were_only_watched_are_answered_when_the_person_has_gone_meanwhile(
    play: Play, sentences: Sentences
) -> None:
    one = await play.waits("a")
    await play.claim(one, "community1")
    message = await play.says("a", "路灯坏了")
    async with play.database.write() as session:
        await conversations.claim_turns(session, worker="w", limit=10, sentences=sentences, now=play.clock.now())
    await play.give_back(one, "community1")
    async with play.database.write() as session:
        await conversations.finish_turn(
            session,
            await conversations.ending(session, message.id),
            replies=[],
            sentences=sentences,
            now=play.clock.now(),
            watched=True,
        )
    async with play.database.write() as session:
        (turn,) = await conversations.claim_turns(session, worker="w", limit=10, sentences=sentences, now=play.clock.now())
    assert (turn.message.id, turn.watch) == (message.id, False)


async def test_the_figures_come_from_the_visits_of_one_s_own_desks(play: Play) -> None:
    async def figures(who: str) -> Figures:
        async with play.database.read() as session:
            zone = (await play.desk_of(session)).zone
            return await desk_figures(session, play.city.scopes[who], days=7, now=play.clock.now(), zone=zone)

    empty = await figures("community1")
    assert (empty.waiting, empty.longest, empty.in_time, empty.satisfied, len(empty.days)) == (0, None, None, None, 7)
    late = await play.waits("late", grid="g1")
    play.clock.advance(minutes=6)
    await play.clerk()  # climbs to the community
    for n, minutes in enumerate((2, 4)):
        one = await play.waits(f"r{n}")
        play.clock.advance(minutes=minutes)
        await play.claim(one, "community1")
        await play.give_back(one, "community1")
        await play.says(f"r{n}", "满意" if n else "不满意")
    told = await figures("community1")
    assert (told.waiting, told.longest, told.asked, told.claimed, told.minutes) == (1, 12, 3, 2, 3.0)
    assert (told.in_time, told.rated, told.satisfied) == (pytest.approx(2 / 3), 2, 0.5)
    assert [(day.asked, day.claimed, day.minutes) for day in told.days][-1] == (3, 2, 3.0)
    assert (await figures("member2")).asked == 0
    assert late


async def test_who_waited_too_long_at_the_last_desk_with_people_was_not_received_in_time(play: Play) -> None:
    async with play.database.write() as session:
        await session.execute(update(Staff).where(Staff.role == "street").values(disabled_at=play.clock.now()))
    one = await play.waits("a")
    play.clock.advance(minutes=11)
    await play.clerk()
    visit = await play.visit(one)
    assert (visit.area_code, visit.climbs, visit.climb_at) == ("c1", 0, None)
    await play.claim(one, "community1")
    two = await play.waits("b")
    await play.claim(two, "community1")
    async with play.database.read() as session:
        zone = (await play.desk_of(session)).zone
        told = await desk_figures(session, play.city.scopes["community1"], days=7, now=play.clock.now(), zone=zone)
    assert (told.claimed, told.in_time) == (2, 0.5)


async def test_a_resident_whose_person_s_account_was_closed_waits_again_and_is_told(play: Play) -> None:
    one = await play.waits("a", in_form=True)
    await play.claim(one, "community1")
    await play.clerk()
    assert (await _holder(play, one)) is Holder.STAFF
    async with play.database.write() as session:
        staff = (await session.scalars(select(Staff).where(Staff.username == "community1"))).one()
        await accounts.disable(session, staff, now=play.clock.now())
    await play.clerk()
    assert (await _holder(play, one)) is Holder.WAITING
    assert (await play.told(one))[-1] == (
        "刚才接待您的同事有事走开了，我请别的同事接着来，说过的话他们都看得到。下一个就是您，您稍等。"
    )
    visit = await play.visit(one)
    assert (visit.claimed_at, visit.in_form) == (None, True)
    play.clock.advance(minutes=10)
    await play.clerk()
    assert (await play.visit(one)).area_code == "s1", "it climbs as any other"
    await play.claim(one, "street1")
    assert (await _holder(play, one)) is Holder.STAFF


async def _holder(play: Play, conversation_id: int) -> Holder:
    async with play.database.read() as session:
        return (await session.get_one(Conversation, conversation_id)).holder


async def test_a_conversation_that_is_deleted_leaves_its_visit_for_the_figures_and_no_reasons(play: Play) -> None:
    one = await play.waits("a")
    await play.claim(one, "community1")

    async def offer(session: object, row: Conversation, desk: Desk) -> None:
        await talks.offer(session, play.city.scopes["community1"], row, to="area:s1", reason="他欠了钱", now=desk.now)

    await play.act(one, offer)
    await play.give_back(one, "community1")
    async with play.database.write() as session:
        for table in (Delivery, Message):
            await session.execute(delete(table).where(table.conversation_id == one))
        await session.execute(update(StaffNotice).values(conversation_id=None))
        await session.execute(delete(Conversation).where(Conversation.id == one))
    async with play.database.read() as session:
        assert list(await session.scalars(select(Visit.conversation_id))) == [None]
        assert list(await session.scalars(select(Transfer.id))) == []


async def test_a_desk_has_hours_and_days_of_its_own(play: Play) -> None:
    async with play.database.write() as session:
        city = (await play.desk_of(session)).calendar
        scope, desk = play.city.scopes["street1"], await play.desk_of(session)
        await hours.set_hours(session, scope, "s1", opens=time(9), closes=time(20), weekends=True)
        await hours.set_day(session, scope, "c1", date(2026, 11, 25), working=False, desk=desk)
        with pytest.raises(BadInput):
            await hours.set_hours(session, scope, "c1", opens=time(9), closes=time(9), weekends=False)
        own = await hours.calendar_of(session, city, "g1")
        district = await hours.calendar_of(session, city, "d1")
    saturday = datetime(2026, 11, 28, 11, 0, tzinfo=UTC)  # 19:00
    assert (own.is_open(saturday), district.is_open(saturday), city.is_open(saturday)) == (True, False, False)
    wednesday = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
    assert (own.is_open(wednesday), district.is_open(wednesday)) == (False, True)
    assert own.next_opening(wednesday) == datetime(2026, 11, 26, 1, 0, tzinfo=UTC)


async def test_at_night_pushes_wait_and_answers_pass(play: Play) -> None:
    quiet = outbox.Quiet(time(22), time(7), (await _desk(play)).zone)
    async with play.database.write() as session:
        row = await resident(session, "a", now=play.clock.now())

    async def push(text: str, **more: object) -> None:
        async with play.database.write() as session:
            mine = await session.get_one(Conversation, row.id)
            await outbox.say(session, mine, now=play.clock.now(), text=text, **more)

    async def sent() -> list[str]:
        """What goes out now, one after the other."""
        texts = []
        while True:
            async with play.database.write() as session:
                claimed = await outbox.claim(session, worker="w", channels=["web"], limit=5, now=play.clock.now(), quiet=quiet)
                for delivery, message in claimed:
                    texts.append(message.text)
                    await outbox.record(
                        session, delivery.id, worker="w", outcome=outbox.Outcome("delivered"), now=play.clock.now()
                    )
            if not claimed:
                return texts

    play.clock.advance(hours=11, minutes=59)  # 21:59
    await push("傍晚的通知")
    assert await sent() == ["傍晚的通知"]
    play.clock.advance(minutes=1)
    await push("夜里的通知")
    assert await sent() == []
    await push("夜里的急事", urgent=True)
    await push("回您的话", in_reply_to=1)
    assert await sent() == ["夜里的急事", "回您的话"]
    play.clock.advance(hours=8, minutes=59)  # 6:59
    await push("清早的通知")
    assert await sent() == []
    play.clock.advance(minutes=1)
    await push("上班前的通知")
    assert await sent() == ["夜里的通知", "清早的通知", "上班前的通知"]


async def _desk(play: Play) -> Desk:
    async with play.database.read() as session:
        return await play.desk_of(session)


async def test_what_follows_a_message_within_ten_minutes_counts_as_its_answer(play: Play) -> None:
    quiet = outbox.Quiet(time(22), time(7), (await _desk(play)).zone)
    play.clock.advance(hours=13)  # 23:00
    async with play.database.write() as session:
        row = await resident(session, "a", now=play.clock.now())
        await outbox.say(session, row, now=play.clock.now(), text="已受理")
    play.clock.advance(minutes=9)
    async with play.database.write() as session:
        assert len(await outbox.claim(session, worker="w", channels=["web"], limit=5, now=play.clock.now(), quiet=quiet)) == 1
