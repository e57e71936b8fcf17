"""Opening the box: the keyholders' phrases, every ballot read, counted, published; what was sealed is destroyed."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.db import lock
from backend.errors import BadInput, Conflict
from backend.staff.scope import Scope
from backend.votes import box, service
from backend.votes.booth import Booth
from backend.votes.models import OpenedBallot, Vote, VoteBallot, VoteEnvelope, VoteState, VoteUnit
from backend.votes.rules import Amount, Count, Decision, Question, Rule, count, decide

FORMAT = "linlitong-vote-1"
SEALED = ("format", "vote", "rule", "electorate", "turnout", "ballots")
CHUNK = 20_000


@dataclass(frozen=True)
class Closed:
    """A closed box as it was read, with what it takes to open and count it."""

    number: str
    public: bool
    wraps: list[dict[str, Any]]
    public_key: bytes
    holders: dict[int, bytes]
    closed_box: str
    envelopes: dict[bytes, bytes]
    ballots: Sequence[tuple[bytes, bytes, bytes]]
    units: dict[bytes, tuple[str | None, int]]
    rule: Rule
    question: Question
    electorate: Amount
    paper: int
    header: dict[str, Any]


@dataclass(frozen=True)
class Counted:
    """What was in the box. ``rows`` are (receipt, choice, unit, area) in the order of receipts."""

    rows: list[tuple[str, tuple[str, ...], str | None, int]]
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
    rows = await session.execute(select(VoteUnit.id, VoteUnit.code, VoteUnit.area).where(VoteUnit.vote_id == vote.id))
    units = {
        booth.places.slot(vote.number, unit_id): (code, area) if vote.public else (None, 0) for unit_id, code, area in rows
    }
    envelopes = await session.execute(select(VoteEnvelope.id, VoteEnvelope.sealed).where(VoteEnvelope.vote_id == vote.id))
    ballots = await session.execute(
        select(VoteBallot.slot, VoteBallot.envelope, VoteBallot.body)
        .where(VoteBallot.vote_id == vote.id)
        .order_by(VoteBallot.slot)
    )
    paper = await session.scalar(
        select(func.count()).select_from(VoteBallot).where(VoteBallot.vote_id == vote.id, VoteBallot.paper.is_(True))
    )
    return Closed(
        number=vote.number,
        public=vote.public,
        wraps=vote.wraps,
        public_key=vote.public_key,
        holders={h.id: h.public_key for h in await service.keyholders(session, vote) if h.public_key},
        closed_box=vote.closed_box,
        envelopes={row.id: row.sealed for row in envelopes},
        ballots=[(slot, envelope, body) for slot, envelope, body in ballots],
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


def as_published(receipt: str, choice: Sequence[str], unit: str | None, area: int) -> dict[str, Any]:
    """A ballot in the published list."""
    return {"receipt": receipt, "choice": list(choice)} | ({} if unit is None else {"unit": unit, "area": area})


def seal_of(bundle: dict[str, Any]) -> str:
    """The SHA-256 of what is published, but for the result and the seal itself; scripts/recount.py computes the same."""
    text = json.dumps({name: bundle[name] for name in SEALED}, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def open_and_count(closed: Closed, phrases: list[str], *, booth: Booth) -> Counted:
    """Open with the phrases and count. Touches no database; takes seconds for a city, so run it in a thread.

    Raises BadInput when the phrases do not open it, Conflict when the box is not as it was closed.
    """
    try:
        private = box.unwrap(closed.public_key, closed.wraps, closed.holders, phrases)
    except box.WrongKeys:
        raise BadInput("开箱码不对，或者人数不够。", code="wrong_keys") from None
    digest = hashlib.sha256()
    for slot, envelope, body in closed.ballots:
        digest.update(slot + envelope + body)
    if digest.hexdigest() != closed.closed_box:
        raise Conflict("票箱里的选票与封箱时不一致，不能开箱，请立即报告。", code="box_changed")
    keys, vote = box.open_envelopes(private, closed.envelopes), closed.number.encode()
    receipt_of, allows = booth.places.receipt, closed.question.allows
    rows: list[tuple[str, tuple[str, ...], str | None, int]] = []
    known: dict[tuple[str, ...], bool] = {}
    for slot, envelope, body in closed.ballots:
        key, unit_area = keys.get(envelope), closed.units.get(slot)
        choice = box.open_ballot(key, body, vote=vote, slot=slot) if key and unit_area else None
        if choice is None or unit_area is None:
            continue  # from no unit's slot, or not what was put there: counted as invalid and said so
        valid = known.get(choice)
        if valid is None:
            valid = known[choice] = allows(choice)
        if not valid:
            continue
        unit, area = unit_area
        rows.append((receipt_of(slot, body), choice, unit, area))
    rows.sort()
    counted = count(closed.question, ((choice, area) for _, choice, _, area in rows))
    turnout = {"number": counted.taking_part.number, "area": counted.taking_part.area, "paper": closed.paper}
    bundle = closed.header | {"turnout": turnout, "ballots": [as_published(*row) for row in rows]}
    return Counted(
        rows,
        counted,
        decide(closed.rule, closed.question, closed.electorate, counted),
        len(closed.ballots) - len(rows),
        closed.closed_box,
        seal_of(bundle),
        turnout,
    )


async def publish(session: AsyncSession, vote: Vote, found: Counted, *, scope: Scope, booth: Booth) -> None:
    """Write the opened ballots in the order of their receipts, destroy the sealed ones and every wrapped key, and tell
    everyone. Raises Conflict when somebody was quicker."""
    await lock(session, vote)
    if vote.state is not VoteState.ENDED or vote.closed_box != found.closed_box:
        raise Conflict("已经有人开过箱了。", code="not_ended")
    for start in range(0, len(found.rows), CHUNK):
        await session.execute(
            insert(OpenedBallot),
            [
                {"vote_id": vote.id, "receipt": receipt, "choice": ",".join(choice), "unit": unit, "area": area}
                for receipt, choice, unit, area in found.rows[start : start + CHUNK]
            ],
        )
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


async def bundle(session: AsyncSession, vote: Vote) -> dict[str, Any]:
    """Everything that is published of a decided vote; scripts/recount.py reads it. Raises Conflict before that."""
    if vote.state is not VoteState.DECIDED:
        raise Conflict("这次投票还没有结果。", code="not_decided")
    rows = await session.execute(
        select(OpenedBallot.receipt, OpenedBallot.choice, OpenedBallot.unit, OpenedBallot.area)
        .where(OpenedBallot.vote_id == vote.id)
        .order_by(OpenedBallot.receipt)
    )
    ballots = [as_published(receipt, choice.split(","), unit, area) for receipt, choice, unit, area in rows]
    return header_of(vote) | {
        "turnout": vote.result["turnout"],
        "ballots": ballots,
        "result": {name: vote.result[name] for name in ("outcome", "winners", "counts", "steps", "invalid")},
        "seal": vote.seal,
    }
