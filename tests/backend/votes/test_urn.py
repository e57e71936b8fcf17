"""Ballots that arrive together share a transaction: each has its own answer, its own refusal, and its own idempotency."""

import asyncio

import pytest
from sqlalchemy import func, select

from backend.db import Database
from backend.errors import Conflict, Forbidden
from backend.votes import box, service, urn
from backend.votes.models import VoteBallot
from tests.backend.votes.hall import Hall


async def sealed(hall: Hall, number: str, place: int, choice: str, *, key: str, conversation: str) -> urn.Envelope:
    """A ballot of the unit 3-<place> as an action sends it."""
    vote, unit = await hall.get(number), await hall.unit(number, f"3-{place}")
    assert vote.public_key
    envelope, slot = box.new_envelope(vote.public_key), hall.booth.places.slot(number, unit.id)
    body = box.seal(envelope, (choice,), service.width_of(vote), vote=number, slot=slot)
    return urn.Envelope(key, conversation, number, unit.id, service.pack(envelope, body))


async def test_ballots_that_arrive_together_are_all_in_the_box_and_the_wrong_ones_among_them_are_not(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await hall.vote(12)
    people = [await hall.matched(number, f"3-{place}") for place in range(1, 13)]
    await hall.paper(number, "3-12", "no")
    envelopes = [
        await sealed(hall, number, place, "yes", key=f"k{place}", conversation=people[place - 1].tracker_key)
        for place in range(1, 13)
    ]
    stranger = await sealed(hall, number, 1, "no", key="stranger", conversation=people[1].tracker_key)
    again = await sealed(hall, number, 2, "no", key="again", conversation=people[1].tracker_key)
    transactions = []
    together = urn.put_together

    async def counted(session, batch, **more):
        transactions.append(len(batch))
        return await together(session, batch, **more)

    monkeypatch.setattr(urn, "put_together", counted)
    door = urn.Urn(hall.database, hall.booth_of)
    first, *answers = await asyncio.gather(
        *(door.put(one) for one in [*envelopes, stranger, again, envelopes[2]]), return_exceptions=True
    )
    assert first == {"title": "三号楼加装电梯", "changed": False, "receipt": f"【{number}/{envelopes[0].unit_id}】"}
    assert [answer["changed"] for answer in answers[:10]] == [False] * 10
    assert (type(answers[10]), answers[10].code) == (Conflict, "paper_ballot")
    assert (type(answers[11]), answers[11].code) == (Forbidden, "not_in_electorate")
    assert (answers[12]["changed"], answers[13]) == (True, answers[1])
    assert await door.put(envelopes[4]) == answers[3]
    assert len(transactions) <= 4, "what waits goes together, but for a unit and a key that come twice"
    async with hall.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(VoteBallot)) == 12
    await hall.ends(number)
    result = (await hall.opens(number)).result
    assert [result["counts"][option]["number"] for option in ("yes", "no")] == [10, 2]


async def test_two_processes_with_the_same_ballots_at_once_put_each_in_once(hall: Hall) -> None:
    number = await hall.vote(20)
    people = [await hall.matched(number, f"3-{place}") for place in range(1, 21)]
    envelopes = [
        await sealed(hall, number, place, "yes", key=f"k{place}", conversation=people[place - 1].tracker_key)
        for place in range(1, 21)
    ]
    one, other = urn.Urn(hall.database, hall.booth_of), urn.Urn(hall.database, hall.booth_of)
    puts = [door.put(envelope) for door, some in ((one, envelopes), (other, envelopes[::-1])) for envelope in some]
    answers = await asyncio.gather(*puts)
    assert [answer["changed"] for answer in answers] == [False] * 40
    assert answers[:20] == answers[:19:-1]
    async with hall.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(VoteBallot)) == 20


async def test_whoever_waits_is_answered_when_the_database_is_away(hall: Hall) -> None:
    number = await hall.vote(2)
    person = await hall.matched(number, "3-1")
    envelopes = [await sealed(hall, number, place, "yes", key=f"k{place}", conversation=person.tracker_key) for place in (1, 2)]
    away = Database(f"sqlite+aiosqlite:///{hall.home}/no-such-folder/a.db")
    door = urn.Urn(away, hall.booth_of)
    async with asyncio.timeout(5):
        answers = await asyncio.gather(*(door.put(one) for one in envelopes), return_exceptions=True)
        assert [isinstance(answer, Exception) for answer in answers] == [True, True]
        with pytest.raises(Exception, match="open database"):
            await door.put(envelopes[0])
    await away.close()
