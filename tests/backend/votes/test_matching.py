"""Whose the vote is: slips, throttled guessing, staff, proxies."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from backend.conversations.models import Author, Message
from backend.conversations.typed import button_meant
from backend.errors import Conflict, Forbidden, LinlitongError, NotFound
from backend.media import service as media
from backend.vault.models import Secret
from backend.vault.service import Vault
from backend.votes import cards, door, matching, service
from backend.votes.electorate import PHONE
from backend.votes.models import VoteCode, VoteLog
from tests.backend.votes.hall import Hall, unit
from tests.support.small_city import resident
from wording import Sentences


async def slips(hall: Hall, number: str) -> dict[str, str]:
    """Codes by unit."""
    async with hall.database.write() as session:
        vote = await service.by_number(session, number)
        made = await matching.make_codes(session, vote, scope=hall.scope, booth=hall.booth)
    return {unit: code for unit, _, code in made}


async def use(hall: Hall, conversation: Any, code: str) -> str:
    """The unit that the code matched, or the code of the error."""
    try:
        return (await matching.use_code(hall.database, conversation.id, code, booth=hall.booth)).unit.code
    except LinlitongError as error:
        return error.code


async def test_a_slip_matches_once_however_it_is_typed(hall: Hall) -> None:
    number = await hall.vote(2)
    code = (await slips(hall, number))["3-1"]
    first, second = await hall.resident("first"), await hall.resident("second")
    assert await use(hall, first, f" {code[:5].lower()}-{code[5:]} ") == "3-1"
    assert await use(hall, first, code) == "3-1"  # the same resident again: the answer was lost on the way
    assert await use(hall, second, code) == "code_used"
    await hall.casts(first, number, "3-1", "yes")
    with pytest.raises(Forbidden):
        await hall.casts(second, number, "3-1", "yes")


async def test_two_who_send_one_slip_at_the_same_moment_are_not_both_matched(hall: Hall) -> None:
    number = await hall.vote(1)
    code = (await slips(hall, number))["3-1"]
    people = [await hall.resident(f"p{n}") for n in range(5)]
    answers = await asyncio.gather(*(use(hall, person, code) for person in people))
    assert sorted(answers) == ["3-1", *["code_used"] * 4]


async def test_guessing_is_throttled_even_for_the_right_code_and_all_at_once(hall: Hall) -> None:
    number = await hall.vote(1)
    code = (await slips(hall, number))["3-1"]
    person = await hall.resident("guesser")
    answers = await asyncio.gather(*(use(hall, person, f"ABCDEFGH{n:02}".replace("0", "X")) for n in range(12)))
    assert answers.count("wrong_code") <= 5
    assert set(answers) == {"wrong_code", "too_many_codes"}
    assert await use(hall, person, code) == "too_many_codes"
    hall.clock.advance(hours=1, minutes=1)
    assert await use(hall, person, code) == "3-1"


async def test_new_slips_make_the_old_ones_worthless_and_the_record_holds_none(hall: Hall) -> None:
    number = await hall.vote(1)
    old, new = (await slips(hall, number))["3-1"], (await slips(hall, number))["3-1"]
    async with hall.database.read() as session:
        hashes = list(await session.scalars(select(VoteCode.hash)))
    assert len(hashes) == 1
    assert new not in hashes[0]
    person = await hall.resident("p")
    assert [await use(hall, person, old), await use(hall, person, new)] == ["wrong_code", "3-1"]


async def test_a_slip_after_the_end_is_worthless(hall: Hall) -> None:
    number = await hall.vote(1)
    code = (await slips(hall, number))["3-1"]
    await hall.ends(number)
    assert await use(hall, await hall.resident("p"), code) == "vote_over"


async def test_a_slip_typed_alone_is_taken_for_one_and_other_words_are_not() -> None:
    assert door.slip_in("投票码 k7mpx-2vdh9") == "K7MPX2VDH9"
    assert door.slip_in("K7MPX2VDH9。") == "K7MPX2VDH9"
    for text in ("我要投票", "KMPXQVDHRZ", "2345678923", "4827-1936", "K7MPX2VDH", "K7MPX2VDH99", "hello world"):
        assert door.slip_in(text) is None, text


async def test_a_match_holds_for_the_next_vote_of_the_community_and_basis(hall: Hall) -> None:
    first = await hall.vote(1)
    code = (await slips(hall, first))["3-1"]
    person = await hall.resident("p")
    await use(hall, person, code)
    second = await hall.vote(1, title="小区大门改造")
    await hall.work()
    assert "小区大门改造" in (await hall.told(person))[-1]
    assert not await hall.casts(person, second, "3-1", "no")


async def test_a_proxy_votes_only_with_consent_for_one_vote_and_the_last_ballot_counts(hall: Hall) -> None:
    number = await hall.vote(2)
    owner, friend = await hall.matched(number, "3-1"), await hall.resident("friend")
    unit_id = (await hall.unit(number, "3-1")).id
    async with hall.database.write() as session:
        vote = await service.by_number(session, number)
        with pytest.raises(NotFound):
            await matching.consent(session, vote, resident_id=friend.resident_id, unit_id=unit_id, booth=hall.booth)
        code = await matching.consent(session, vote, resident_id=owner.resident_id, unit_id=unit_id, booth=hall.booth)
    assert await use(hall, friend, code) == "3-1"
    assert "您委托的人" in (await hall.told(owner))[-1]
    assert not await hall.casts(friend, number, "3-1", "yes")
    assert await hall.casts(owner, number, "3-1", "no")
    async with hall.database.write() as session:
        vote = await service.by_number(session, number)
        assert await matching.revoke(session, vote, resident_id=owner.resident_id, unit_id=unit_id, booth=hall.booth)
    with pytest.raises(Forbidden):
        await hall.casts(friend, number, "3-1", "yes")
    await hall.ends(number)
    assert (await hall.opens(number)).result["counts"]["no"]["number"] == 1
    other = await hall.vote(2, title="另一次")
    with pytest.raises(Forbidden):
        await hall.casts(friend, other, "3-1", "yes")


async def test_a_proxy_code_that_was_taken_back_is_worthless(hall: Hall) -> None:
    number = await hall.vote(1)
    owner = await hall.matched(number, "3-1")
    unit_id = (await hall.unit(number, "3-1")).id
    async with hall.database.write() as session:
        vote = await service.by_number(session, number)
        code = await matching.consent(session, vote, resident_id=owner.resident_id, unit_id=unit_id, booth=hall.booth)
        await matching.revoke(session, vote, resident_id=owner.resident_id, unit_id=unit_id, booth=hall.booth)
    assert await use(hall, await hall.resident("friend"), code) == "wrong_code"


async def test_each_matched_resident_gets_the_card_once_when_the_vote_begins(hall: Hall) -> None:
    async with hall.database.write() as session:
        plan = await media.store(
            session,
            hall.home / "media",
            b"jpeg",
            mime="image/jpeg",
            size=(1, 1),
            resident_id=None,
            now=hall.clock.now(),
        )
    number = await hall.vote(3, starts_at=hall.clock.now(), attachments=[plan.key])
    people = [await hall.matched(number, f"3-{n}") for n in (1, 2)]
    await hall.work()
    await hall.work()
    async with hall.database.read() as session:
        sent = list(await session.scalars(select(Message.payload).where(Message.author == Author.SYSTEM)))
    assert [payload.get("media") for payload in sent] == [[plan.key], [plan.key]], "with its attachments"
    for person in people:
        told = [text for text in await hall.told(person) if "【投票】" in text]
        assert len(told) == 1
        assert "不记名" in told[0]
        assert "今天" not in told[0].split("截止")[0][-3:]


async def test_what_is_open_for_me_is_listed_the_soonest_end_first(hall: Hall) -> None:
    late = await hall.vote(1, title="后结束", ends_at=hall.clock.now().replace(day=30))
    soon = await hall.vote(1, title="先结束", ends_at=hall.clock.now().replace(day=26))
    person = await hall.matched(late, "3-1")
    async with hall.database.read() as session:
        found = await cards.open_for(session, person.resident_id, booth=hall.booth)
    assert [(vote.number, unit.code) for vote, unit in found] == [(soon, "3-1"), (late, "3-1")]
    await hall.ends(soon)
    async with hall.database.read() as session:
        found = await cards.open_for(session, person.resident_id, booth=hall.booth)
    assert [vote.number for vote, _ in found] == [late]


async def test_codes_are_not_printed_before_the_announcement(hall: Hall) -> None:
    number = await hall.vote(1, announce=False)
    with pytest.raises(Conflict, match="not_open"):
        await slips(hall, number)


@pytest.mark.parametrize(
    ("typed", "payload"),
    [("发送我的手机号", '/vouch_phone{"sent":"no"}'), ("用手机号核对", "/vouch_phone"), ("我的手机号是多少", None)],
)
def test_to_type_that_a_number_is_sent_sends_none(sentences: Sentences, typed: str, payload: str | None) -> None:
    button = button_meant(typed, sentences.say("utter_commands").buttons)
    assert (button["payload"] if button else None) == payload


async def test_a_number_that_the_messenger_vouches_for_matches_where_it_says_who_it_is(hall: Hall) -> None:
    vault = Vault({"a": b"1" * 32}, b"2" * 32)
    mine, ours, taken = ("13900000001", "13900000002", "13900000003")
    units = [unit(place) for place in range(1, 5)]
    for place, phone in enumerate((mine, ours, ours, taken)):
        units[place]["phone"] = vault.hash(Secret.PHONE, phone)[:PHONE]
    number = await hall.vote(units)
    await hall.matched(number, "3-4", "somebody")
    for phone, found in (
        (f"+86{mine}", ["3-1"]),
        (ours, []),
        (taken, []),
        ("13900000009", []),
        ("abc", []),
        (f"86 {mine}", ["3-1"]),
    ):
        async with hall.database.write() as session:
            person = await resident(session, phone[-11:].strip(), now=hall.clock.now())
            await hall.door.vouch(session, person, phone)
        async with hall.database.read() as session:
            vote = await service.by_number(session, number)
            there = await service.units_for(session, vote, person.resident_id)
        assert (phone, [one.code for one in there]) == (phone, found)
    async with hall.database.read() as session:
        log = list(await session.scalars(select(VoteLog.details).where(VoteLog.what == "matched")))
    assert log == [{"unit": "3-1", "phone": True}]
