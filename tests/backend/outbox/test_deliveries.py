"""A delivery ends delivered, failed with a reason, or aside for a person to see; never silently."""

import asyncio

import pytest

from backend.clock import FakeClock
from backend.conversations import service as conversations
from backend.conversations.models import Conversation, MessageKind
from backend.db import Database
from backend.outbox import service
from backend.outbox.models import Delivery, DeliveryState
from backend.outbox.service import Outcome
from backend.residents.models import Account
from tests.support.small_city import resident


class Post:
    """One conversation with messages to deliver."""

    def __init__(self, database: Database, clock: FakeClock) -> None:
        self.database, self.clock = database, clock

    async def write(self, *texts: str) -> None:
        async with self.database.write() as session:
            conversation = await resident(session, "r", now=self.clock.now())
            for text in texts:
                await service.say(session, conversation, now=self.clock.now(), text=text)

    async def claim(self, worker: str = "w") -> list[tuple[Delivery, str]]:
        async with self.database.write() as session:
            claimed = await service.claim(session, worker=worker, channels=["web"], limit=10, now=self.clock.now())
            return [(delivery, message.text) for delivery, message in claimed]

    async def record(self, delivery: Delivery, outcome: Outcome, worker: str = "w") -> DeliveryState:
        async with self.database.write() as session:
            found = await service.record(session, delivery.id, worker=worker, outcome=outcome, now=self.clock.now())
            return found.state


@pytest.fixture
async def post(database: Database, clock: FakeClock) -> Post:
    post = Post(database, clock)
    await post.write("一", "二")
    return post


async def test_they_go_out_one_at_a_time_in_order(post: Post) -> None:
    ((first, text),) = await post.claim()
    assert text == "一"
    assert await post.claim() == []
    assert await post.record(first, Outcome("delivered", "x1")) is DeliveryState.DELIVERED
    assert [text for _, text in await post.claim()] == ["二"]


async def test_two_workers_at_once_never_get_the_same(post: Post) -> None:
    claims = await asyncio.gather(*(post.claim(f"w{number}") for number in range(8)))
    assert sorted(text for claim in claims for _, text in claim) == ["一"]


async def test_a_retry_waits_longer_each_time_and_is_put_aside_in_the_end(post: Post, clock: FakeClock) -> None:
    states = []
    for pause in (*service.PAUSES, 0):
        ((delivery, text),) = await post.claim()
        assert text == "一"
        states.append(await post.record(delivery, Outcome("retry", reason="network")))
        if pause:
            assert await post.claim() == []
        clock.advance(seconds=pause)
    assert states == [DeliveryState.QUEUED] * len(service.PAUSES) + [DeliveryState.ASIDE]
    assert [text for _, text in await post.claim()] == ["二"]


async def test_the_channels_own_pause_is_kept(post: Post, clock: FakeClock) -> None:
    ((delivery, _),) = await post.claim()
    await post.record(delivery, Outcome("retry", retry_after=40))
    clock.advance(seconds=39)
    assert await post.claim() == []
    clock.advance(seconds=2)
    assert [text for _, text in await post.claim()] == ["一"]


async def test_a_late_answer_of_a_lost_worker_changes_nothing(post: Post, clock: FakeClock) -> None:
    ((delivery, _),) = await post.claim("w1")
    clock.advance(seconds=31)
    ((again, _),) = await post.claim("w2")
    assert again.id == delivery.id
    assert await post.record(delivery, Outcome("failed", reason="late"), worker="w1") is DeliveryState.SENDING
    assert await post.record(again, Outcome("delivered"), worker="w2") is DeliveryState.DELIVERED


async def test_who_blocked_us_is_known_until_they_write_again(post: Post, database: Database, clock: FakeClock) -> None:
    ((delivery, _),) = await post.claim()
    assert await post.record(delivery, Outcome("blocked", reason="forbidden")) is DeliveryState.HELD
    clock.advance(seconds=3600)
    async with database.write() as session:
        account = await session.get_one(Account, 1)
        assert account.blocked_at is not None
        conversation = await session.get_one(Conversation, delivery.conversation_id)
        await service.say(session, conversation, now=clock.now(), text="later")
    assert await post.claim() == []
    async with database.write() as session:
        back = conversations.Inbound(channel="web", external_id="9", address="r", kind=MessageKind.TEXT, text="在吗")
        await conversations.accept(session, back, now=clock.now())
    async with database.read() as session:
        assert (await session.get_one(Account, 1)).blocked_at is None
    ((again, _),) = await post.claim()
    assert again.id == delivery.id
    assert await post.record(again, Outcome("delivered")) is DeliveryState.DELIVERED
    ((then, text),) = await post.claim()
    assert text == "二"
    assert await post.record(then, Outcome("delivered")) is DeliveryState.DELIVERED
    assert [text for _, text in await post.claim()] == ["later"]


async def test_what_did_not_arrive_is_counted(post: Post, database: Database) -> None:
    ((delivery, _),) = await post.claim()
    await post.record(delivery, Outcome("failed", reason="chat not found"))
    async with database.read() as session:
        assert await service.undelivered(session) == {"queued": 1, "sending": 0, "failed": 1, "aside": 0, "held": 0}
