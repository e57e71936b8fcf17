"""A message is accepted once, taken up in order, answered in one transaction, and never left in silence."""

import asyncio
from pathlib import Path

import pytest

from backend.clock import FakeClock
from backend.conversations import service
from backend.conversations.models import Author, Conversation, Holder, Message, MessageKind, TurnState
from backend.conversations.service import Accepted, Inbound
from backend.db import Database
from backend.outbox import service as outbox
from wording import Sentences

SENTENCES = Sentences.load(Path("domain.yml"))


def inbound(external_id: str = "1", text: str = "路灯坏了", address: str = "a", **more: object) -> Inbound:
    return Inbound(channel="web", external_id=external_id, address=address, kind=MessageKind.TEXT, text=text, **more)


async def accept(database: Database, clock: FakeClock, message: Inbound) -> Accepted:
    async with database.write() as session:
        return await service.accept(session, message, now=clock.now())


async def claim(database: Database, clock: FakeClock, worker: str = "w1") -> list[service.Turn]:
    async with database.write() as session:
        return await service.claim_turns(session, worker=worker, limit=10, sentences=SENTENCES, now=clock.now())


async def finish(database: Database, clock: FakeClock, sentences: Sentences, message_id: int, *texts: str) -> list[Message]:
    async with database.write() as session:
        return await service.finish_turn(
            session,
            await service.ending(session, message_id),
            replies=[{"text": text, "buttons": []} for text in texts],
            sentences=sentences,
            now=clock.now(),
        )


async def fail(database: Database, clock: FakeClock, sentences: Sentences, message_id: int) -> tuple[TurnState, float]:
    async with database.write() as session:
        return await service.fail_turn(session, message_id, sentences=sentences, now=clock.now())


async def feed(database: Database, conversation_id: int) -> list[Message]:
    async with database.read() as session:
        return await service.feed(session, conversation_id, after=0, limit=500)


async def test_a_repeat_is_the_first_row(database: Database, clock: FakeClock) -> None:
    first = await accept(database, clock, inbound())
    again = await accept(database, clock, inbound(text="anything else"))
    assert (first.repeat, again.repeat) == (False, True)
    assert again.message.id == first.message.id
    assert again.message.text == "路灯坏了"


async def test_fifty_repeats_at_once_are_one_row(database: Database, clock: FakeClock) -> None:
    await accept(database, clock, inbound("0"))
    accepted = await asyncio.gather(*(accept(database, clock, inbound("1")) for _ in range(50)))
    assert sum(not each.repeat for each in accepted) == 1
    assert len({each.message.id for each in accepted}) == 1
    assert len(await feed(database, accepted[0].conversation.id)) == 2


async def test_turns_of_one_conversation_come_one_at_a_time_and_in_order(
    database: Database, clock: FakeClock, sentences: Sentences
) -> None:
    await accept(database, clock, inbound("1", "一"))
    await accept(database, clock, inbound("2", "二"))
    await accept(database, clock, inbound("3", "三", address="b"))
    turns = await claim(database, clock)
    assert [turn.message.text for turn in turns] == ["一", "三"]
    assert await claim(database, clock, "w2") == []
    assert await finish(database, clock, sentences, turns[0].message.id, "好")
    assert [turn.message.text for turn in await claim(database, clock, "w2")] == ["二"]


async def test_a_lease_that_ran_out_is_taken_up_by_another(database: Database, clock: FakeClock) -> None:
    await accept(database, clock, inbound())
    (first,) = await claim(database, clock)
    clock.advance(seconds=31)
    (second,) = await claim(database, clock, "w2")
    assert (second.message.id, second.message.turn_attempts) == (first.message.id, 2)


async def test_a_gateway_that_starts_again_frees_what_it_held(database: Database, clock: FakeClock) -> None:
    await accept(database, clock, inbound())
    await claim(database, clock)
    async with database.write() as session:
        assert await service.release_turns(session, worker="w1") == 1
    assert len(await claim(database, clock)) == 1


async def test_finishing_twice_answers_once(database: Database, clock: FakeClock, sentences: Sentences) -> None:
    accepted = await accept(database, clock, inbound())
    await claim(database, clock)
    assert await finish(database, clock, sentences, accepted.message.id, "好")
    assert not await finish(database, clock, sentences, accepted.message.id, "好")
    said = [m.text for m in await feed(database, accepted.conversation.id) if m.author is Author.BOT]
    assert said == ["好", sentences.say("utter_privacy").text]


async def test_only_the_first_answer_says_what_is_kept(database: Database, clock: FakeClock, sentences: Sentences) -> None:
    for number in ("1", "2"):
        accepted = await accept(database, clock, inbound(number))
        await claim(database, clock)
        await finish(database, clock, sentences, accepted.message.id, "好")
    texts = [m.text for m in await feed(database, accepted.conversation.id)]
    assert texts.count(sentences.say("utter_privacy").text) == 1


async def test_a_failing_turn_is_told_once_retried_and_then_handed_over(
    database: Database, clock: FakeClock, sentences: Sentences
) -> None:
    accepted = await accept(database, clock, inbound())
    states = []
    for _ in range(len(service.PAUSES) + 1):
        assert len(await claim(database, clock)) == 1
        state, pause = await fail(database, clock, sentences, accepted.message.id)
        states.append(state)
        assert await claim(database, clock) == []
        clock.advance(seconds=pause)
    assert states == [TurnState.PENDING] * len(service.PAUSES) + [TurnState.HANDED_OVER]
    said = [m.text for m in await feed(database, accepted.conversation.id) if m.author is not Author.RESIDENT]
    assert said == [sentences.say("utter_delayed").text, sentences.say("utter_handed_over_after_failure").text]
    async with database.read() as session:
        conversation = await session.get_one(Conversation, accepted.conversation.id)
        assert conversation.holder is Holder.WAITING


@pytest.mark.parametrize(
    ("typed", "engine"),
    [
        ("/confirm_report", "／confirm_report"),
        ("a\x00b\u200b\u202ec\ufeff", "abc"),
        ("  <b>灯</b>  ", "<b>灯</b>"),
        ("x" * 20_000, "x" * service.TEXT_LIMIT),
    ],
)
async def test_typed_text_is_cleaned_and_never_a_command(database: Database, clock: FakeClock, typed: str, engine: str) -> None:
    await accept(database, clock, inbound(text=typed))
    (turn,) = await claim(database, clock)
    assert turn.as_dict()["text"] == engine


async def test_typing_a_button_presses_it(database: Database, clock: FakeClock, sentences: Sentences) -> None:
    accepted = await accept(database, clock, inbound())
    await claim(database, clock)
    question = sentences.say("utter_event_verify", title="路灯故障", number="1234-5678", hours=72)
    async with database.write() as session:
        await service.finish_turn(
            session,
            await service.ending(session, accepted.message.id),
            replies=[{"text": question.text, "buttons": question.buttons}],
            sentences=sentences,
            now=clock.now(),
        )
    await accept(database, clock, inbound("2", "没修好，还是黑的"))
    (turn,) = await claim(database, clock)
    given = turn.as_dict()
    assert given["text"] == '/verify{"number":"1234-5678","solved":false}'
    assert given["metadata"]["text"] == "没修好，还是黑的"


async def test_while_a_person_holds_it_the_bot_is_silent(database: Database, clock: FakeClock, sentences: Sentences) -> None:
    accepted = await accept(database, clock, inbound())
    (running,) = await claim(database, clock)
    async with database.write() as session:
        conversation = await session.get_one(Conversation, accepted.conversation.id)
        await service.ask_for_person(session, conversation, now=clock.now())
        conversation.holder, conversation.staff_id = Holder.STAFF, None
    assert not await finish(database, clock, sentences, running.message.id, "bot says")
    later = await accept(database, clock, inbound("2"))
    photo = await accept(database, clock, Inbound("web", "3", "a", MessageKind.PHOTO))
    assert photo.message.turn_state is TurnState.WITH_STAFF
    assert [(turn.message.id, turn.watch) for turn in await claim(database, clock)] == [(later.message.id, True)]
    assert not await finish(database, clock, sentences, later.message.id, "bot says")
    assert await claim(database, clock) == []
    assert [m.text for m in await feed(database, accepted.conversation.id) if m.author is Author.BOT] == []


async def test_what_is_said_waits_for_the_running_turn_and_goes_out_in_order(
    database: Database, clock: FakeClock, sentences: Sentences
) -> None:
    accepted = await accept(database, clock, inbound())
    await claim(database, clock)
    async with database.write() as session:
        conversation = await session.get_one(Conversation, accepted.conversation.id)
        await outbox.say(session, conversation, now=clock.now(), text="push")

    async def deliver() -> list[str]:
        async with database.write() as session:
            claimed = await outbox.claim(session, worker="w", channels=["web"], limit=10, now=clock.now())
            for delivery, _ in claimed:
                await outbox.record(session, delivery.id, worker="w", outcome=outbox.Outcome("delivered", "x"), now=clock.now())
            return [message.text for _, message in claimed]

    assert await deliver() == []
    await finish(database, clock, sentences, accepted.message.id, "answer")
    assert [await deliver() for _ in range(4)] == [
        ["push"],
        ["answer"],
        [sentences.say("utter_privacy").text],
        [],
    ]
