"""Opening the box: the keyholders' phrases, every ballot read, counted, published; what was sealed is destroyed.

A city's box is opened by several processes at once, one for each core; see docs/performance.md for what it costs.
"""

import hashlib
import json
import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from operator import itemgetter
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.db import lock
from backend.errors import BadInput, Conflict
from backend.staff.scope import Scope
from backend.votes import box, closing, service
from backend.votes.booth import Booth
from backend.votes.models import Vote, VoteBallot, VoteEnvelope, VotePublished, VoteState
from backend.votes.rules import Amount, Count, Decision, Question, Rule, count, decide

FORMAT = "linlitong-vote-1"
SEALED = ("ballots", "electorate", "format", "rule", "turnout", "vote")
PAGE = 5_000
BIG = 20_000  # ballots from which more than one process opens them
AT_ONCE = 40_000  # ballots that a process is given


@dataclass(frozen=True)
class Closed:
    """A closed box as it was read, with what it takes to open and count it.

    ``units`` tell whose slot one is in a public vote, and are None in a secret one; ``strangers`` are slots of nobody's.
    """

    number: str
    wraps: list[dict[str, Any]]
    public_key: bytes
    holders: dict[int, bytes]
    closed_box: str
    envelopes: list[tuple[bytes, bytes]]
    ballots: list[closing.Ballot]
    strangers: set[bytes]
    units: dict[bytes, tuple[str, int]] | None
    rule: Rule
    question: Question
    electorate: Amount
    paper: int
    header: dict[str, Any]


@dataclass(frozen=True)
class Counted:
    """What was in the box; ``pages`` as they are published."""

    pages: list[str]
    counted: Count
    decision: Decision
    invalid: int
    closed_box: str
    seal: str
    turnout: dict[str, int]


async def read_box(session: AsyncSession, vote: Vote, *, booth: Booth) -> Closed:
    """Read everything that opening takes. Raises Conflict unless the vote has ended and is not opened yet."""
    if vote.state is not VoteState.ENDED or vote.public_key is None:
        raise Conflict("投票还没有结束，或者已经开过箱了。", code="not_ended")
    if booth.places.check(vote.number) != vote.secret_check:
        raise Conflict("投票箱的密钥文件不对，请找系统管理员。", code="vote_secret")
    units: dict[bytes, tuple[str, int]] | None = {} if vote.public else None
    if units is not None:
        slot_of = booth.places.slots(vote.number)
        async for rows in closing.units_of(session, vote, "code", "area"):
            units |= {slot_of(unit_id): (code, area) for unit_id, code, area in rows}
    envelopes = await session.execute(select(VoteEnvelope.id, VoteEnvelope.sealed).where(VoteEnvelope.vote_id == vote.id))
    ballots: list[closing.Ballot] = []
    async for part in closing.ballots_of(session, vote):
        ballots += part
    paper = await session.scalar(
        select(func.count()).select_from(VoteBallot).where(VoteBallot.vote_id == vote.id, VoteBallot.paper.is_(True))
    )
    return Closed(
        number=vote.number,
        wraps=vote.wraps,
        public_key=vote.public_key,
        holders={h.id: h.public_key for h in await service.keyholders(session, vote) if h.public_key},
        closed_box=vote.closed_box,
        envelopes=[(row.id, row.sealed) for row in envelopes],
        ballots=ballots,
        strangers=await closing.strangers_of(session, vote, booth=booth),
        units=units,
        rule=service.rule_of(vote),
        question=service.question_of(vote),
        electorate=service.electorate_of(vote),
        paper=paper or 0,
        header=header_of(vote),
    )


def header_of(vote: Vote) -> dict[str, Any]:
    """What is published of a vote beside its ballots: {format, vote, rule, electorate}."""
    return {
        "format": FORMAT,
        "vote": {
            "number": vote.number,
            "title": vote.title,
            "question": vote.question,
            "kind": vote.kind.value,
            "options": vote.options,
            "most": vote.most,
            "seats": vote.seats,
            "basis": vote.basis.value,
            "rule": vote.rule.value,
            "public": vote.public,
            "starts_at": vote.starts_at.isoformat(),
            "ends_at": vote.ends_at.isoformat(),
        },
        "rule": service.rule_of(vote).as_dict(),
        "electorate": {
            "number": vote.electorate_number,
            "area": vote.electorate_area,
            "fingerprint": vote.fingerprint,
            "closed_box": vote.closed_box,
        },
    }


def page_of(ballots: Sequence[tuple[str, tuple[str, ...], str | None, int]]) -> str:
    """Ballots (receipt, choice, unit, area) as they stand in the published file, with commas between them."""
    said = {choice: compact(list(choice)) for choice in {ballot[1] for ballot in ballots}}
    return ",".join(
        f'{{"choice":{said[choice]},"receipt":"{receipt}"}}'
        if unit is None
        else compact({"area": area, "choice": list(choice), "receipt": receipt, "unit": unit})
        for receipt, choice, unit, area in ballots
    )


def compact(value: Any) -> str:
    """JSON as the seal is made of it."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def file_of(pages: Sequence[str], rest: dict[str, Any]) -> str:
    """The published file: its ballots, then everything else."""
    return f'{{"ballots":[{",".join(pages)}],{compact(rest)[1:]}'


def seal_of(pages: Sequence[str], rest: dict[str, Any]) -> str:
    """The SHA-256 of what is published, but for the result and the seal itself; scripts/recount.py computes the same.

    ``ballots`` is the first of the SEALED names, so that the file itself can be sealed.
    """
    return hashlib.sha256(file_of(pages, {name: rest[name] for name in SEALED[1:]}).encode()).hexdigest()


@contextmanager
def _hands(ballots: int) -> Iterator[Callable[..., Iterator[Any]]]:
    """``map`` of several processes where that is worth their start. They import this room's cryptography and nothing else."""
    if ballots < BIG:
        yield map
        return
    with ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool.map


def open_and_count(closed: Closed, phrases: list[str], *, booth: Booth) -> Counted:
    """Open with the phrases and count. Touches no database; takes seconds for a city, so run it in a thread.

    Raises BadInput when the phrases do not open it, Conflict when the box is not as it was closed.
    """
    try:
        private = box.unwrap(closed.public_key, closed.wraps, closed.holders, phrases)
    except box.WrongKeys:
        raise BadInput("开箱码不对，或者人数不够。", code="wrong_keys") from None
    digest = hashlib.sha256()
    parts = [closed.ballots[start : start + AT_ONCE] for start in range(0, len(closed.ballots), AT_ONCE)]
    for part in parts:
        digest.update(b"".join(chain.from_iterable(part)))
    if digest.hexdigest() != closed.closed_box:
        raise Conflict("票箱里的选票与封箱时不一致，不能开箱，请立即报告。", code="box_changed")
    with _hands(len(closed.ballots)) as each:
        some = -(-len(closed.envelopes) // (4 * (os.cpu_count() or 1))) or 1
        sealed = [closed.envelopes[start : start + some] for start in range(0, len(closed.envelopes), some)]
        keys = {key: value for opened in each(partial(box.open_envelopes, private), sealed) for key, value in opened.items()}
        work = partial(box.open_ballots, keys=keys, vote=closed.number, places=booth.places)
        opened = chain.from_iterable(each(work, parts))
        rows = sorted(_valid(closed, opened), key=itemgetter(0))
    counted = count(closed.question, Counter((choice, area) for _, choice, _, area in rows))
    turnout = {"number": counted.taking_part.number, "area": counted.taking_part.area, "paper": closed.paper}
    pages = [page_of(rows[start : start + PAGE]) for start in range(0, len(rows), PAGE)]
    return Counted(
        pages,
        counted,
        decide(closed.rule, closed.question, closed.electorate, counted),
        len(closed.ballots) - len(rows),
        closed.closed_box,
        seal_of(pages, closed.header | {"turnout": turnout}),
        turnout,
    )


def _valid(
    closed: Closed, opened: Iterator[tuple[str, bytes] | None]
) -> Iterator[tuple[str, tuple[str, ...], str | None, int]]:
    """(receipt, choice, unit, area) of the ballots that count. From no unit's slot, not what was put there, or not what the
    question allows: those are invalid, and how many is said."""
    known: dict[bytes, tuple[str, ...] | None] = {}
    for (slot, _, _), ballot in zip(closed.ballots, opened, strict=True):
        if ballot is None or slot in closed.strangers:
            continue
        receipt, plain = ballot
        if plain not in known:
            choice = box.choice_in(plain)
            known[plain] = choice if choice and closed.question.allows(choice) else None
        choice = known[plain]
        if choice is None:
            continue
        unit, area = closed.units[slot] if closed.units is not None else (None, 0)
        yield receipt, choice, unit, area


async def publish(session: AsyncSession, vote: Vote, found: Counted, *, scope: Scope, booth: Booth) -> None:
    """Write the opened ballots in the order of their receipts, destroy the sealed ones and every wrapped key, and tell
    everyone. Raises Conflict when somebody was quicker."""
    await lock(session, vote)
    if vote.state is not VoteState.ENDED or vote.closed_box != found.closed_box:
        raise Conflict("已经有人开过箱了。", code="not_ended")
    session.add_all(VotePublished(vote_id=vote.id, place=place, ballots=page) for place, page in enumerate(found.pages))
    await session.execute(delete(VoteBallot).where(VoteBallot.vote_id == vote.id))
    await session.execute(delete(VoteEnvelope).where(VoteEnvelope.vote_id == vote.id))
    vote.wraps, vote.seal, vote.state, vote.decided_at = [], found.seal, VoteState.DECIDED, booth.now
    vote.result = {
        "outcome": found.decision.outcome.value,
        "winners": list(found.decision.winners),
        "counts": {option: {"number": a.number, "area": a.area} for option, a in found.counted.options.items()},
        "steps": list(found.decision.steps),
        "turnout": found.turnout,
        "invalid": found.invalid,
    }
    service.tell_all(session, vote)
    service.log(session, vote, "decided", now=booth.now, scope=scope, seal=vote.seal)


async def published(session: AsyncSession, vote: Vote) -> str:
    """The file that is published of a decided vote; scripts/recount.py reads it. Raises Conflict before that."""
    if vote.state is not VoteState.DECIDED:
        raise Conflict("这次投票还没有结果。", code="not_decided")
    pages = await session.scalars(
        select(VotePublished.ballots).where(VotePublished.vote_id == vote.id).order_by(VotePublished.place)
    )
    result = {name: vote.result[name] for name in ("outcome", "winners", "counts", "steps", "invalid")}
    rest = header_of(vote) | {"turnout": vote.result["turnout"], "result": result, "seal": vote.seal}
    return file_of(list(pages), rest)
