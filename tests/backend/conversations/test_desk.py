"""A person takes the conversation: one speaker at a time, and the resident is told of both changes."""

import asyncio

import pytest
from sqlalchemy import select

from backend.clock import FakeClock
from backend.conversations import service
from backend.conversations.models import Conversation, Holder, MessageKind
from backend.db import Database
from backend.errors import Conflict
from tests.support.small_city import build, resident
from wording import Sentences


@pytest.fixture
async def waiting(database: Database, clock: FakeClock) -> Conversation:
    async with database.write() as session:
        await build(session)
        conversation = await resident(session, "r", now=clock.now())
        assert await service.ask_for_person(session, conversation, now=clock.now(), area_code="c1")
        assert not await service.ask_for_person(session, conversation, now=clock.now(), area_code="c1")
        return conversation


async def take(database: Database, clock: FakeClock, sentences: Sentences, conversation: Conversation, who: int) -> None:
    async with database.write() as session:
        mine = await session.get_one(Conversation, conversation.id)
        await service.claim_conversation(
            session, mine, staff_id=who, staff_name=f"员工{who}", sentences=sentences, now=clock.now()
        )


async def told(database: Database, conversation: Conversation) -> list[str]:
    async with database.read() as session:
        return [m.text for m in await service.feed(session, conversation.id, after=1, limit=50)]


async def test_two_staff_at_once_and_one_gets_it(
    database: Database, clock: FakeClock, sentences: Sentences, waiting: Conversation
) -> None:
    results = await asyncio.gather(
        *(take(database, clock, sentences, waiting, who) for who in range(1, 7)), return_exceptions=True
    )
    assert [type(result) for result in results].count(type(None)) == 1
    winner = results.index(None) + 1
    assert all(r is None or (isinstance(r, Conflict) and r.details["staff_id"] == winner) for r in results)
    assert await told(database, waiting) == [f"工作人员员工{winner}来了，下面由员工{winner}跟您说。"]


async def test_notes_stay_inside_and_words_go_out(
    database: Database, clock: FakeClock, sentences: Sentences, waiting: Conversation
) -> None:
    await take(database, clock, sentences, waiting, 1)
    async with database.write() as session:
        mine = await session.get_one(Conversation, waiting.id)
        note = await service.reply(session, mine, staff_id=1, text="这位大爷耳背", note=True, now=clock.now())
        assert note.kind is MessageKind.NOTE
        await service.reply(session, mine, staff_id=1, text="您好，我来看看", note=False, now=clock.now())
        with pytest.raises(Conflict):
            await service.reply(session, mine, staff_id=2, text="我也说", note=False, now=clock.now())
    assert (await told(database, waiting))[1:] == ["您好，我来看看"]


async def test_giving_back_is_told_and_the_bot_speaks_again(
    database: Database, clock: FakeClock, sentences: Sentences, waiting: Conversation
) -> None:
    await take(database, clock, sentences, waiting, 1)
    async with database.write() as session:
        mine = await session.get_one(Conversation, waiting.id)
        with pytest.raises(Conflict):
            await service.give_back(session, mine, staff_id=2, sentences=sentences, now=clock.now())
        await service.give_back(session, mine, staff_id=1, sentences=sentences, now=clock.now())
    assert (await told(database, waiting))[-1] == sentences.say("utter_person_left").text
    async with database.read() as session:
        holder = await session.scalar(select(Conversation.holder).where(Conversation.id == waiting.id))
    assert holder is Holder.BOT
