"""A vote's life on both databases: freezing, one ballot each, paper, the end, the box, the recount."""

import asyncio
import copy
import json
import random
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, inspect, select, text, update

from backend.db import Base
from backend.errors import BadInput, Conflict, Forbidden, LinlitongError
from backend.media import models as _media  # noqa: F401  a table that others point to
from backend.votes import box, closing, opening, service
from backend.votes.electorate import fingerprint, read_electorate, units_of
from backend.votes.models import VoteAttendance, VoteBallot, VoteEnvelope, VoteLog, VotePublished, VoteState, VoteUnit
from backend.votes.rules import Basis, Kind, RuleName
from scripts import recount
from tests.backend.votes.hall import Hall, unit

OWNERS = {"rule": RuleName.OWNERS, "basis": Basis.DWELLING, "public": True}


async def rows(hall: Hall, model: type[Base]) -> int:
    async with hall.database.read() as session:
        return await session.scalar(select(func.count()).select_from(model)) or 0


async def test_a_vote_from_the_first_ballot_to_the_recount(hall: Hall, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    number = await hall.vote(5)
    people = {place: await hall.matched(number, f"3-{place}") for place in range(1, 5)}
    for place, choice in {1: "yes", 2: "yes", 3: "no", 4: "yes"}.items():
        assert not await hall.casts(people[place], number, f"3-{place}", choice)
    receipt = await hall.receipt(number, "3-3")
    vote = await hall.ends(number)
    assert (vote.state, await rows(hall, VotePublished)) == (VoteState.ENDED, 0)
    vote = await hall.opens(number)
    assert vote.result["outcome"] == "passed"
    assert {o: c["number"] for o, c in vote.result["counts"].items()} == {"yes": 3, "no": 1, "abstain": 0}
    await hall.work()
    assert "【投票结果】三号楼加装电梯：通过。" in (await hall.told(people[1]))[-1]
    assert vote.seal in (await hall.told(people[1]))[-1]

    file = tmp_path / "vote.json"
    file.write_text(json.dumps(await hall.bundle(number), ensure_ascii=False))
    assert recount.main([str(file), "--seal", vote.seal, "--receipt", receipt]) == 0
    said = capsys.readouterr().out
    assert f"回执 {receipt}：反对" in said
    assert "核对无误" in said
    assert recount.main([str(file), "--receipt", "ABCD"]) == 1


async def test_every_change_to_what_was_published_is_found(hall: Hall) -> None:
    number = await hall.vote(9, kind=Kind.SEVERAL, options=("银杏", "香樟", "桂花"), most=2)
    for place in range(1, 8):
        person = await hall.matched(number, f"3-{place}")
        await hall.casts(person, number, f"3-{place}", ("1", "1,2", "2", "3", "2,3", "abstain", "1,3")[place - 1])
    await hall.ends(number)
    seal = (await hall.opens(number)).seal
    bundle = await hall.bundle(number)
    assert recount.problems(bundle, seal) == []
    dice = random.Random(7)
    for trial in range(300):
        changed = copy.deepcopy(bundle)
        ballots, place = changed["ballots"], dice.randrange(len(bundle["ballots"]))
        match trial % 6:
            case 0:
                other = [c for c in (["1"], ["2"], ["3"], ["1", "2"], ["abstain"]) if c != ballots[place]["choice"]]
                ballots[place]["choice"] = dice.choice(other)
            case 1:
                del ballots[place]
            case 2:
                ballots.append({"receipt": f"{trial:016}", "choice": ["1"]})
            case 3:
                ballots[place]["receipt"] = f"{trial:016}"
            case 4:
                changed["electorate"]["number"] += dice.choice((-1, 1))
            case 5:
                changed["rule"]["passing"] = [1, dice.randint(3, 9), False]
        assert recount.problems(changed), trial
        # and when whoever did it also makes the file agree with itself, the seal that was sent out still tells
        changed["turnout"]["number"] = len(ballots)
        counts, outcome, winners = recount.tally(changed)
        amounts = {o: {"number": n, "area": a} for o, (n, a) in counts.items()}
        changed["result"] |= {"counts": amounts, "outcome": outcome, "winners": winners}
        changed["seal"] = recount.seal_of(changed)
        assert any("不是当时公布的那一份" in sentence for sentence in recount.problems(changed, seal)), trial


async def test_once_announced_nothing_can_be_changed_and_the_fingerprint_is_of_the_list(hall: Hall) -> None:
    number = await hall.vote(3)
    vote = await hall.get(number)
    assert vote.fingerprint == fingerprint([("3-2", "户2", 0), ("3-1", "户1", 0), ("3-3", "户3", 0)])
    assert vote.fingerprint != fingerprint([("3-2", "户2", 0), ("3-1", "户1", 1), ("3-3", "户3", 0)])
    async with hall.database.write() as session:
        row = await service.by_number(session, number)
        with pytest.raises(service.Frozen):
            await service.set_electorate(session, row, [unit(1)], scope=hall.scope, booth=hall.booth)
    async with hall.database.write() as session:
        row = await service.by_number(session, number)
        with pytest.raises(service.Frozen):
            await service.hand_key(session, row, 1, scope=hall.scope, booth=hall.booth)
    assert await rows(hall, VoteUnit) == 3


async def test_the_last_ballot_counts_and_its_receipt_is_new(hall: Hall) -> None:
    number = await hall.vote(1)
    person = await hall.matched(number, "3-1")
    assert not await hall.casts(person, number, "3-1", "yes")
    first = await hall.receipt(number, "3-1")
    assert await hall.casts(person, number, "3-1", "no")
    second = await hall.receipt(number, "3-1")
    assert first != second
    await hall.ends(number)
    await hall.opens(number)
    assert [b["receipt"] for b in (await hall.bundle(number))["ballots"]] == [second]
    assert (await hall.bundle(number))["ballots"][0]["choice"] == ["no"]
    assert await hall.receipt(number, "3-1") is None


async def test_a_paper_ballot_replaces_the_online_one_blocks_another_and_the_voter_is_told(hall: Hall) -> None:
    number = await hall.vote(2)
    person = await hall.matched(number, "3-1")
    await hall.casts(person, number, "3-1", "yes")
    await hall.paper(number, "3-1", "no")
    assert "纸质票已经录入" in (await hall.told(person))[-1]
    with pytest.raises(Conflict, match="paper_ballot"):
        await hall.casts(person, number, "3-1", "yes")
    await hall.paper(number, "3-2", "no")
    await hall.ends(number)
    vote = await hall.opens(number)
    assert vote.result["counts"]["no"]["number"] == 2
    assert vote.result["turnout"] == {"number": 2, "area": 0, "paper": 2}


async def test_a_paper_ballot_that_says_nothing_allowed_changes_nothing(hall: Hall) -> None:
    number = await hall.vote(2)
    for choice in (("maybe",), ("yes", "no"), ()):
        with pytest.raises(BadInput):
            await hall.paper(number, "3-1", *choice)
    with pytest.raises(LinlitongError, match="not_in_electorate"):
        await hall.paper(number, "9-9", "yes")
    assert await rows(hall, VoteBallot) == 0


@pytest.mark.timeout(300)
async def test_a_hundred_ballots_of_one_unit_at_once_leave_exactly_one(hall: Hall) -> None:
    """The thousand trials are `linlitong bench votes`; here two, with a hundred each."""
    number = await hall.vote(2)
    said = []
    for trial in range(1, 3):
        person = await hall.matched(number, f"3-{trial}")
        pressed = [await hall.presses(person, number, f"3-{trial}", ("yes", "no", "abstain")[n % 3]) for n in range(3)]
        said.append((person, [json.loads(message.text.removeprefix("/cast_ballot")) for message in pressed]))

    async def put(person: Any, ballot: dict[str, str]) -> bool:
        async with hall.database.write() as session:
            return await service.cast(
                session,
                number,
                unit_id=int(ballot["unit"]),
                resident_id=person.resident_id,
                ballot=ballot["ballot"],
                booth=hall.booth,
            )

    for trial, (person, ballots) in enumerate(said, 1):
        replaced = await asyncio.gather(*(put(person, ballots[n % 3]) for n in range(100)))
        assert len(replaced) == 100
        assert await rows(hall, VoteBallot) == trial
    await hall.ends(number)
    vote = await hall.opens(number)
    assert sum(count["number"] for count in vote.result["counts"].values()) == 2


async def test_who_took_part_and_what_was_voted_share_no_key_no_order_and_no_time(hall: Hall) -> None:
    async with hall.database.engine.connect() as connection:
        columns = await connection.run_sync(
            lambda sync: {t: {c["name"] for c in inspect(sync).get_columns(t)} for t in inspect(sync).get_table_names()}
        )
    assert columns["vote_ballot"] == {"vote_id", "slot", "envelope", "body", "paper"}
    assert columns["vote_attendance"] == {"vote_id", "units", "strangers", "mark"}
    assert columns["vote_published"] == {"vote_id", "place", "ballots"}
    number = await hall.vote(16)
    order = []
    for place in range(1, 17):
        person = await hall.matched(number, f"3-{place}")
        await hall.casts(person, number, f"3-{place}", "yes" if place <= 8 else "no")
        order.append(hall.booth.places.slot(number, (await hall.unit(number, f"3-{place}")).id))
    async with hall.database.read() as session:
        lying = [bytes(slot) for slot in await session.scalars(text("SELECT slot FROM vote_ballot"))]
        assert sorted(lying) == sorted(order)
        if hall.database.sqlite:  # PostgreSQL's pages keep the order of writing until the box is opened: docs/adr/0004
            assert lying == sorted(order)
    await hall.ends(number)
    async with hall.database.read() as session:
        there = await closing.who_took_part(session, await service.by_number(session, number))
    assert there == [(f"3-{place}", f"户{place}", True) for place in range(1, 17)]
    await hall.opens(number)
    opened = (await hall.bundle(number))["ballots"]
    assert [one["receipt"] for one in opened] == sorted(one["receipt"] for one in opened)
    assert Counter(tuple(one["choice"]) for one in opened) == {("yes",): 8, ("no",): 8}
    assert {tuple(one) for one in opened} == {("choice", "receipt")}
    assert (await rows(hall, VoteBallot), await rows(hall, VoteEnvelope)) == (0, 0)
    assert (await hall.get(number)).wraps == []


async def everything_stored(hall: Hall) -> str:
    """Every value of every table, as text."""
    async with hall.database.read() as session:
        found = [await session.execute(table.select()) for table in Base.metadata.sorted_tables]
        return "\n".join(str(row) for rows in found for row in rows)


async def test_nothing_in_the_database_tells_a_choice_before_the_box_is_opened(hall: Hall) -> None:
    number = await hall.vote(3, kind=Kind.ONE, options=("甲乙丙丁方案", "戊己庚辛方案"))
    for place, choice in ((1, "1"), (2, "2"), (3, "1")):
        person = await hall.matched(number, f"3-{place}")
        stored = await hall.presses(person, number, f"3-{place}", choice)
        assert "choice" not in stored.text
        assert stored.payload["title"] == "（选票已密封）"
        await hall.casts(person, number, f"3-{place}", choice)
        assert await hall.receipt(number, f"3-{place}") not in await everything_stored(hall)
    async with hall.database.read() as session:
        bodies = [bytes(body) for body in await session.scalars(select(VoteBallot.body))]
    assert len({len(body) for body in bodies}) == 1  # the length tells nothing either
    assert len(set(bodies)) == 3
    hidden = hall.booth.places.secret.hex()
    assert hidden not in await everything_stored(hall)
    for phrase in hall.phrases:
        assert phrase not in await everything_stored(hall)


async def test_what_is_typed_to_a_ballot_is_sealed_too(hall: Hall) -> None:
    number = await hall.vote(1, kind=Kind.SEVERAL, options=("银杏", "香樟", "桂花"), most=2)
    person = await hall.matched(number, "3-1")
    await hall.work()
    assert "最多选 2 项" in (await hall.told(person))[-1]
    for said in ("1 3", "选2、3", "银杏"):
        stored = await hall.sends(person, said)
        assert (stored.kind.value, "ballot" in stored.text, said in stored.text) == ("button", True, False)
    assert (await hall.sends(person, "几点下班")).kind.value == "text"


async def test_fewer_keyholders_than_needed_open_nothing(hall: Hall) -> None:
    number = await hall.vote(2)
    person = await hall.matched(number, "3-1")
    await hall.casts(person, number, "3-1", "yes")
    with pytest.raises(Conflict, match="not_ended"):
        await hall.opens(number)
    await hall.ends(number)
    for phrases in ([], hall.phrases[:1], [hall.phrases[0]] * 2, [hall.phrases[0], "ABCD-" * 6]):
        with pytest.raises(BadInput, match="wrong_keys"):
            await hall.opens(number, phrases)
    typed = [hall.phrases[2].lower().replace("-", " "), hall.phrases[0]]  # any two, in any order, however they are typed
    assert (await hall.opens(number, typed)).state is VoteState.DECIDED


async def test_a_box_that_was_touched_after_it_was_closed_is_not_opened(hall: Hall) -> None:
    number = await hall.vote(3)
    for place in (1, 2):
        await hall.casts(await hall.matched(number, f"3-{place}"), number, f"3-{place}", "yes")
    await hall.ends(number)
    async with hall.database.write() as session:
        await session.delete((await session.scalars(select(VoteBallot))).first())
    with pytest.raises(Conflict, match="box_changed"):
        await hall.opens(number)


async def test_ballots_moved_or_made_up_in_the_database_are_found_and_not_counted(hall: Hall) -> None:
    number = await hall.vote(5)
    for place in (1, 2, 3):
        await hall.casts(await hall.matched(number, f"3-{place}"), number, f"3-{place}", "yes")
    async with hall.database.write() as session:
        ballots = list(await session.scalars(select(VoteBallot)))
        copy_of = ballots[0]
        empty = hall.booth.places.slot(number, (await hall.unit(number, "3-4")).id)
        for slot in (empty, b"no unit lies here"):
            session.add(VoteBallot(vote_id=copy_of.vote_id, slot=slot, envelope=copy_of.envelope, body=copy_of.body))
    await hall.ends(number)
    vote = await hall.opens(number)
    assert (vote.result["invalid"], vote.result["counts"]["yes"]["number"]) == (2, 3)


async def test_a_ballot_made_up_in_the_database_is_found_though_the_record_of_it_was_wiped(
    hall: Hall,
) -> None:
    number = await hall.vote(3)
    await hall.casts(await hall.matched(number, "3-1"), number, "3-1", "yes")
    vote = await hall.get(number)
    assert vote.public_key
    envelope = box.new_envelope(vote.public_key)  # whoever has the database has the key that seals
    body = box.seal(envelope, ("no",), service.width_of(vote), vote=number, slot=b"no unit lies here")
    async with hall.database.write() as session:
        session.add(VoteEnvelope(vote_id=vote.id, id=envelope.id, sealed=envelope.sealed))
        session.add(VoteBallot(vote_id=vote.id, slot=b"no unit lies here", envelope=envelope.id, body=body))
    await hall.ends(number)
    async with hall.database.write() as session:
        await session.execute(update(VoteAttendance).values(strangers=b""))
    result = (await hall.opens(number)).result
    assert (result["invalid"], result["counts"]["no"]["number"], result["counts"]["yes"]["number"]) == (1, 0, 1)


async def test_a_big_box_is_opened_by_several_processes_and_says_the_same(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "BIG", 4)
    monkeypatch.setattr(opening, "AT_ONCE", 2)
    monkeypatch.setattr(closing, "PART", 2)
    number = await hall.vote(6)
    for place in range(1, 6):
        person = await hall.matched(number, f"3-{place}")
        await hall.casts(person, number, f"3-{place}", "yes" if place <= 3 else "no")
    receipt = await hall.receipt(number, "3-5")
    await hall.ends(number)
    vote = await hall.opens(number)
    bundle = await hall.bundle(number)
    assert recount.problems(bundle, vote.seal) == []
    assert next(one["choice"] for one in bundle["ballots"] if one["receipt"] == receipt) == ["no"]


async def test_a_missed_quorum_extends_once_if_that_was_announced(hall: Hall) -> None:
    number = await hall.vote(3, extension_days=2)
    person = await hall.matched(number, "3-1")
    await hall.casts(person, number, "3-1", "yes")
    ends_at = (await hall.get(number)).ends_at
    vote = await hall.ends(number)
    assert (vote.state, vote.extended, vote.ends_at - ends_at) == (VoteState.OPEN, True, timedelta(days=2))
    assert "【投票延期】" in (await hall.told(person))[-1]
    vote = await hall.ends(number)
    assert vote.state is VoteState.ENDED
    vote = await hall.opens(number)
    assert vote.result["outcome"] == "no_quorum"
    await hall.work()
    assert "不作决定" in (await hall.told(person))[-1]


async def test_a_vote_that_has_its_quorum_is_not_extended(hall: Hall) -> None:
    number = await hall.vote(1, extension_days=2)
    await hall.casts(await hall.matched(number, "3-1"), number, "3-1", "no")
    assert (await hall.ends(number)).state is VoteState.ENDED


async def test_a_tie_is_said(hall: Hall) -> None:
    number = await hall.vote(2, rule=RuleName.CONSULTATION)
    for place, choice in ((1, "yes"), (2, "no")):
        person = await hall.matched(number, f"3-{place}")
        await hall.casts(person, number, f"3-{place}", choice)
    await hall.ends(number)
    assert (await hall.opens(number)).result["outcome"] == "tie"
    await hall.work()
    assert "票数相同" in (await hall.told(person))[-1]


async def test_a_cancelled_vote_says_why_and_its_ballots_are_gone_unread(hall: Hall) -> None:
    number = await hall.vote(2)
    person = await hall.matched(number, "3-1")
    await hall.casts(person, number, "3-1", "yes")
    async with hall.database.write() as session:
        vote = await service.by_number(session, number)
        with pytest.raises(BadInput):
            await service.cancel(session, vote, reason="  ", scope=hall.scope, booth=hall.booth)
        await service.cancel(session, vote, reason="方案有变", scope=hall.scope, booth=hall.booth)
    await hall.work()
    assert "【投票撤销】" in (await hall.told(person))[-1]
    assert "方案有变" in (await hall.told(person))[-1]
    assert await rows(hall, VoteBallot) == 0
    with pytest.raises(Conflict, match="vote_cancelled"):
        await hall.casts(person, number, "3-1", "no")


async def test_a_listed_matter_does_not_open_without_its_risk_assessment(hall: Hall) -> None:
    number = await hall.vote(2, announce=False, listed_matter=True)
    async with hall.database.write() as session:
        vote = await service.by_number(session, number)
        with pytest.raises(Conflict, match="no_assessment"):
            await service.announce(session, vote, scope=hall.scope, booth=hall.booth)
    assert (await hall.get(number)).state is VoteState.DRAFT
    async with hall.database.write() as session:
        vote = await service.by_number(session, number)
        vote.assessment = "低风险，同意实施"
        await service.announce(session, vote, scope=hall.scope, booth=hall.booth)
    assert (await hall.get(number)).state is VoteState.OPEN


async def test_the_clock_jumps_and_no_ballot_comes_before_or_after_its_time(hall: Hall) -> None:
    start = hall.clock.now() + timedelta(days=1)
    number = await hall.vote(2, starts_at=start, ends_at=start + timedelta(days=1))
    person = await hall.matched(number, "3-1")
    with pytest.raises(Conflict, match="vote_not_begun"):
        await hall.casts(person, number, "3-1", "yes")
    hall.clock.advance(days=1)
    await hall.casts(person, number, "3-1", "yes")
    hall.clock.advance(days=30)  # far beyond the end, and the clerk has not looked yet
    with pytest.raises(Conflict, match="vote_over"):
        await hall.casts(person, number, "3-1", "no")
    await hall.work()
    hall.clock.advance(days=-30)  # back into the open hours: what has ended stays so
    with pytest.raises(Conflict, match="vote_over"):
        await hall.casts(person, number, "3-1", "no")
    assert (await hall.opens(number)).result["counts"]["yes"]["number"] == 1


async def test_someone_who_is_not_in_it_cannot_vote(hall: Hall) -> None:
    number = await hall.vote(2)
    stranger = await hall.resident("stranger")
    with pytest.raises(Forbidden, match="not_in_electorate"):
        await hall.casts(stranger, number, "3-1", "yes")
    mine = await hall.matched(number, "3-2")
    with pytest.raises(Forbidden, match="not_in_electorate"):  # a neighbour's
        await hall.casts(mine, number, "3-1", "yes")
    assert await rows(hall, VoteBallot) == 0


@pytest.mark.parametrize("choice", ["maybe", "yes,no", "", "3"])
async def test_a_button_that_says_something_else_leaves_no_ballot(hall: Hall, choice: str) -> None:
    number = await hall.vote(1)
    person = await hall.matched(number, "3-1")
    with pytest.raises(BadInput, match="not_a_ballot"):
        await hall.casts(person, number, "3-1", choice)
    assert await rows(hall, VoteBallot) == 0


async def test_turnout_is_shown_without_a_tally_and_small_parts_are_not_told_apart(hall: Hall) -> None:
    units = [unit(n, part="一单元") for n in range(1, 8)] + [unit(n, part="二单元") for n in range(11, 17)]
    units += [unit(n, part="三单元") for n in range(21, 24)]
    number = await hall.vote(units)
    for code in ("3-1", "3-2", "3-11", "3-21"):
        await hall.casts(await hall.matched(number, code), number, code, "yes")
    async with hall.database.read() as session:
        seen = await service.turnout(session, await service.by_number(session, number), booth=hall.booth, by_part=True)
    assert (seen.taking_part.number, seen.electorate.number, seen.enough) == (4, 16, False)
    assert seen.parts == {"一单元": (2, 7)}  # 三单元 has three; with 二单元 hidden too, nobody can subtract it


async def test_owners_votes_are_public_weighted_and_add_up_an_owners_dwellings(hall: Hall, tmp_path: Path) -> None:
    file = tmp_path / "owners.csv"
    file.write_text(
        "unit,name,part,area_m2,owner,phone\n3-101,张,,89.37,,\n3-102,李,,120,L,\n3-103,李,,60.5,L,\n3-104,王,,90,,\n"
    )
    table = read_electorate(file, weighted=True)
    assert table.problems == []
    units = units_of(table, weighted=True)
    assert [(u["code"], u["area"]) for u in units] == [("3-101", 893_700), ("3-102", 1_805_000), ("3-104", 900_000)]
    with pytest.raises(BadInput, match="bad_input"):
        await hall.vote(units, rule=RuleName.OWNERS, basis=Basis.DWELLING)
    number = await hall.vote(units, **OWNERS)
    for code, choice in (("3-101", "yes"), ("3-102", "no"), ("3-104", "yes")):
        await hall.casts(await hall.matched(number, code), number, code, choice)
    async with hall.database.read() as session:
        seen = await service.turnout(session, await service.by_number(session, number), booth=hall.booth)
    assert (seen.taking_part.area, seen.enough) == (3_598_700, True)
    await hall.ends(number)
    vote = await hall.opens(number)
    assert vote.result["outcome"] == "rejected"  # two of three owners, but less than half of the area
    bundle = await hall.bundle(number)
    assert {b["unit"]: b["choice"] for b in bundle["ballots"]} == {"3-101": ["yes"], "3-102": ["no"], "3-104": ["yes"]}
    assert recount.problems(bundle, vote.seal) == []


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("3-101,,,80,,\n3-101,,,90,,\n", "重复"),
        ("3-101,,,0,,\n", "大于 0"),
        ("3-101,,,,,\n", "不能为空"),
        ("3-101,,,-3,,\n", "大于 0"),
        ("3-101,,,八十,,\n", "平方米"),
        ("3-101,,,80.12345,,\n", "四位小数"),
        ("<b>,,,80,,\n", "户号只能用"),
        ("", "没有投票户"),
    ],
)
def test_a_wrong_electorate_file_is_refused_with_its_reason(tmp_path: Path, lines: str, reason: str) -> None:
    file = tmp_path / "units.csv"
    file.write_text("unit,name,part,area_m2,owner,phone\n" + lines)
    problems = read_electorate(file, weighted=True).problems
    assert len(problems) == 1
    assert reason in problems[0].reason


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"ends_at": timedelta(days=-1)}, "结束时间要晚于开始时间"),
        ({"ends_at": timedelta(0)}, "结束时间要晚于开始时间"),
        ({"title": "<script>"}, "尖括号"),
        ({"title": ""}, "请填写标题"),
        ({"kind": Kind.ONE, "options": ("好", "<b>坏</b>")}, "选项里不能有"),
        ({"kind": Kind.ONE, "options": ("好", "好")}, "不能重复"),
        ({"kind": Kind.ONE, "options": ("好",)}, "选项要有 2"),
        ({"keyholders": ()}, "监票人"),
        ({"rule": RuleName.OWNERS}, "不能按这种投票单位"),
    ],
)
async def test_a_wrong_draft_is_refused_in_one_sentence_and_nothing_is_written(
    hall: Hall, more: dict[str, Any], sentence: str
) -> None:
    if isinstance(more.get("ends_at"), timedelta):
        more = more | {"ends_at": hall.clock.now() + more["ends_at"]}
    with pytest.raises(BadInput) as refused:
        await hall.vote(2, **more)
    assert sentence in refused.value.sentence
    assert await rows(hall, VoteLog) == 0
