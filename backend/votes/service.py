"""The life of a vote: made, frozen and announced, voted in, ended, opened. See docs/votes.md for what each step promises."""

import asyncio
import base64
import binascii
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, exists, func, insert, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Conversation
from backend.db import lock, wake
from backend.errors import BadInput, Conflict, Forbidden, LinlitongError, NotFound
from backend.grids.models import Area
from backend.outbox import service as outbox
from backend.staff.scope import VOTE_ROLES, Scope
from backend.votes import box, closing
from backend.votes.booth import Booth
from backend.votes.electorate import fingerprint
from backend.votes.models import (
    Vote,
    VoteBallot,
    VoteEnvelope,
    VoteKeyholder,
    VoteLog,
    VoteMatch,
    VoteState,
    VoteUnit,
)
from backend.votes.rules import ABSTAIN, NO, RULES, YES, Amount, Basis, Kind, Question, Rule, RuleName, quorum_met

OPTIONS_AT_MOST = 20
SMALLEST_PART = 5
ASSESSMENT_LIMIT = 4000
PARTS_AT_MOST = 20_000  # units up to which the turnout is told by part: each look asks for every unit's slot
ID, SEALED = 16, 80
DECISION = ((YES, "同意"), (NO, "反对"))


class Frozen(Conflict):
    code = "vote_frozen"
    sentence = "投票已经公布，内容和名单都不能再改。要改，请先撤销这次投票，说明理由后重新发起。"


@dataclass(frozen=True)
class Draft:
    """What a vote is made of; see Vote for the fields."""

    title: str
    question: str
    kind: Kind
    rule: RuleName
    basis: Basis
    starts_at: datetime
    ends_at: datetime
    options: Sequence[str] = ()
    most: int = 1
    seats: int = 1
    public: bool = False
    extension_days: int = 0
    paper_desk: str = ""
    attachments: Sequence[str] = ()
    listed_matter: bool = False
    assessment: str = ""
    keyholders: Sequence[str] = field(default_factory=tuple)
    keys_needed: int = 2


def _line(text: str, limit: int, what: str, *, empty: bool = False) -> str:
    """One clean line. Raises BadInput for markup, unseen characters, too much, or nothing."""
    text = text.strip()
    if not text and not empty:
        raise BadInput(f"请填写{what}。", fields=[what])
    if len(text) > limit:
        raise BadInput(f"{what}太长了，最多 {limit} 个字。", fields=[what])
    if any(mark in text for mark in "<>{}[]`\\") or any(unicodedata.category(letter).startswith("C") for letter in text):
        raise BadInput(f"{what}里不能有尖括号、花括号、方括号这类符号，也不能换行。", fields=[what])
    return text


def check(draft: Draft, *, now: datetime) -> list[dict[str, str]]:
    """The options as {id, title}. Raises BadInput with one sentence for the first thing that is wrong."""
    _line(draft.title, 60, "标题")
    if not draft.question.strip() or len(draft.question) > 2000:
        raise BadInput("请写清楚要表决什么，最多 2000 个字。", fields=["question"])
    if draft.ends_at <= draft.starts_at:
        raise BadInput("结束时间要晚于开始时间。", fields=["ends_at"])
    if draft.ends_at <= now:
        raise BadInput("结束时间已经过去了，请重新填写。", fields=["ends_at"])
    if (draft.rule, draft.basis) not in RULES:
        raise BadInput("这条规则不能按这种投票单位计票，请重新选择。", fields=["rule", "basis"])
    if RULES[(draft.rule, draft.basis)].by_area and not draft.public:
        raise BadInput("按面积计票会看出是谁投的，只能公开投票，请勾选“公开投票”。", fields=["public"])
    if not 0 <= draft.extension_days <= 30:
        raise BadInput("延长的天数在 0 到 30 之间。", fields=["extension_days"])
    holders = [_line(name, 32, "监票人姓名") for name in draft.keyholders]
    if len(set(holders)) != len(holders):
        raise BadInput("监票人不能重名。", fields=["keyholders"])
    if not 1 <= draft.keys_needed <= len(holders) <= 7:
        raise BadInput("监票人要有 1 到 7 位，开箱需要的人数不能超过监票人数。", fields=["keyholders"])
    if draft.kind is Kind.DECISION:
        return [{"id": option, "title": title} for option, title in DECISION]
    titles = [_line(title, 40, "选项") for title in draft.options]
    if not 2 <= len(titles) <= OPTIONS_AT_MOST:
        raise BadInput(f"选项要有 2 到 {OPTIONS_AT_MOST} 个。", fields=["options"])
    if len(set(titles)) != len(titles) or "弃权" in titles:
        raise BadInput("选项不能重复，“弃权”不用写，系统会加上。", fields=["options"])
    if not 1 <= draft.seats < len(titles) or not 1 <= draft.most <= len(titles):
        raise BadInput("当选名额要少于选项数，每票最多选几项不能超过选项数。", fields=["seats", "most"])
    return [{"id": str(place), "title": title} for place, title in enumerate(titles, 1)]


def may_manage(scope: Scope, area_path: str) -> bool:
    return scope.role in VOTE_ROLES and scope.covers(area_path)


async def by_number(session: AsyncSession, number: str, *, scope: Scope | None = None) -> Vote:
    """The vote. Raises NotFound, also when it lies outside ``scope``."""
    vote = await session.scalar(select(Vote).where(Vote.number == number))
    if vote is None or (scope is not None and not may_manage(scope, vote.area_path)):
        raise NotFound("没有找到这次投票。", code="vote_unknown")
    return vote


async def in_scope(session: AsyncSession, scope: Scope) -> list[Vote]:
    """The votes that this staff member may run, newest first."""
    if scope.role not in VOTE_ROLES or not scope.path:
        return []
    rows = await session.scalars(
        select(Vote).where(Vote.area_path.startswith(scope.path, autoescape=True)).order_by(Vote.id.desc()).limit(200)
    )
    return list(rows)


def log(session: AsyncSession, vote: Vote, what: str, *, now: datetime, scope: Scope | None = None, **details: Any) -> None:
    """Write down what was done; ``refused=True`` for what was asked and not done."""
    session.add(
        VoteLog(
            vote_id=vote.id,
            what=what,
            refused=bool(details.pop("refused", False)),
            staff_id=scope.staff_id if scope else None,
            details=details,
            at=now,
        )
    )


async def create(session: AsyncSession, draft: Draft, *, area_code: str, scope: Scope, booth: Booth) -> Vote:
    """A new vote in state DRAFT. Raises BadInput, or Forbidden for an area outside ``scope``."""
    options = check(draft, now=booth.now)
    area = await session.get(Area, area_code)
    if area is None or not may_manage(scope, area.path):
        raise Forbidden("您不能在这个区域发起投票。")
    vote = Vote(
        number=await _free_number(session),
        state=VoteState.DRAFT,
        area_code=area.code,
        area_path=area.path,
        title=draft.title.strip(),
        question=draft.question.strip(),
        kind=draft.kind,
        options=options,
        most=draft.most,
        seats=draft.seats,
        basis=draft.basis,
        rule=draft.rule,
        public=draft.public,
        starts_at=draft.starts_at,
        ends_at=draft.ends_at,
        extension_days=draft.extension_days,
        paper_desk=_line(draft.paper_desk, 200, "纸质票领取点", empty=True),
        attachments=list(draft.attachments),
        listed_matter=draft.listed_matter,
        assessment=draft.assessment.strip()[:ASSESSMENT_LIMIT],
        keys_needed=draft.keys_needed,
        created_by=scope.staff_id,
        created_at=booth.now,
    )
    session.add(vote)
    await session.flush()
    session.add_all(VoteKeyholder(vote_id=vote.id, name=name.strip()) for name in draft.keyholders)
    log(session, vote, "created", now=booth.now, scope=scope)
    return vote


async def _free_number(session: AsyncSession) -> str:
    while True:
        number = f"TP-{secrets.randbelow(900_000) + 100_000}"
        if not await session.scalar(select(exists().where(Vote.number == number))):
            return number


def rule_of(vote: Vote) -> Rule:
    return RULES[(vote.rule, vote.basis)]


def question_of(vote: Vote) -> Question:
    return Question(vote.kind, tuple(option["id"] for option in vote.options), vote.most, vote.seats)


def electorate_of(vote: Vote) -> Amount:
    return Amount(vote.electorate_number, vote.electorate_area)


def width_of(vote: Vote) -> int:
    return box.width_of(option["id"] for option in vote.options)


def _draft_only(vote: Vote) -> None:
    if vote.state is not VoteState.DRAFT:
        raise Frozen


async def set_electorate(
    session: AsyncSession, vote: Vote, units: Sequence[dict[str, Any]], *, scope: Scope, booth: Booth, source: str = "file"
) -> None:
    """Replace who may vote; ``source`` is a file or the register. Raises Frozen once the vote is announced."""
    await lock(session, vote)
    _draft_only(vote)
    await session.execute(delete(VoteUnit).where(VoteUnit.vote_id == vote.id))
    if units:
        await session.execute(insert(VoteUnit), [unit | {"vote_id": vote.id, "told": ""} for unit in units])
    vote.electorate_number = len(units)
    vote.electorate_area = sum(unit["area"] for unit in units)
    log(session, vote, "electorate", now=booth.now, scope=scope, number=len(units), source=source)


async def hand_key(session: AsyncSession, vote: Vote, holder_id: int, *, scope: Scope, booth: Booth) -> tuple[str, str]:
    """Make the phrase of a keyholder: (name, phrase). It is shown this once. Again only before the vote is announced."""
    await lock(session, vote)
    _draft_only(vote)
    holder = await session.get(VoteKeyholder, holder_id)
    if holder is None or holder.vote_id != vote.id:
        raise NotFound("没有这位监票人。")
    phrase = box.new_phrase()
    holder.public_key, holder.handed_by = box.holder_public_key(phrase), scope.staff_id
    log(session, vote, "key_handed", now=booth.now, scope=scope, holder=holder.name)
    return holder.name, phrase


async def keyholders(session: AsyncSession, vote: Vote) -> list[VoteKeyholder]:
    return list(await session.scalars(select(VoteKeyholder).where(VoteKeyholder.vote_id == vote.id).order_by(VoteKeyholder.id)))


def assess(vote: Vote, conclusion: str) -> None:
    """Put the conclusion of the risk assessment into a draft; nothing happens to it later, or where none is given."""
    if conclusion.strip() and vote.state is VoteState.DRAFT:
        vote.assessment = conclusion.strip()[:ASSESSMENT_LIMIT]


async def announce(session: AsyncSession, vote: Vote, *, scope: Scope, booth: Booth) -> None:
    """Freeze the vote and publish the electorate's fingerprint; ballots are taken from ``starts_at`` on.

    Raises Conflict when something is missing: the electorate, a keyholder's phrase, the risk assessment of a listed matter.
    """
    await lock(session, vote)
    _draft_only(vote)
    if vote.ends_at <= booth.now:
        raise Conflict("结束时间已经过去了，请重新发起。", code="vote_over")
    if not vote.electorate_number:
        raise Conflict("还没有导入投票名单。", code="no_electorate")
    if rule_of(vote).by_area and not vote.electorate_area:
        raise Conflict("名单里没有面积，不能按面积计票。", code="no_area")
    if vote.listed_matter and not vote.assessment:
        raise Conflict("这是要先做风险评估（一评）的事项，请先填写评估结论再公布。", code="no_assessment")
    holders = await keyholders(session, vote)
    if any(holder.public_key is None for holder in holders):
        raise Conflict("还有监票人没有领开箱码。", code="no_keys")
    vote.public_key, vote.wraps = box.new_box(
        {holder.id: holder.public_key for holder in holders if holder.public_key}, vote.keys_needed
    )
    units = [row async for rows in closing.units_of(session, vote, "code", "name", "area") for row in rows]
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("ANALYZE vote_unit"))  # else the planner may read a whole city to find one unit
    vote.fingerprint = await asyncio.to_thread(fingerprint, [(code, name, area) for _, code, name, area in units])
    vote.secret_check = booth.places.check(vote.number)
    vote.state, vote.announced_at = VoteState.OPEN, booth.now
    tell_all(session, vote)
    log(session, vote, "announced", now=booth.now, scope=scope, fingerprint=vote.fingerprint)


def tell_all(session: AsyncSession, vote: Vote) -> None:
    """Let the clerk tell everyone what has become of the vote."""
    vote.telling = f"{vote.state.value}{'+' if vote.state is VoteState.OPEN and vote.extended else ''}"
    wake(session, "votes")


def _matched_codes(vote: Vote, resident_id: int) -> Select[tuple[str]]:
    return select(VoteMatch.unit_code).where(
        VoteMatch.resident_id == resident_id,
        VoteMatch.ended_at.is_(None),
        VoteMatch.area_code == vote.area_code,
        VoteMatch.basis == vote.basis,
        VoteMatch.vote_id.is_(None) | (VoteMatch.vote_id == vote.id),
    )


async def units_for(session: AsyncSession, vote: Vote, resident_id: int) -> list[VoteUnit]:
    """The units of this vote that the resident may vote for, as its voter or as a proxy.

    Two questions, each answered from an index whatever the planner knows of a city's electorate.
    """
    codes = await session.scalars(_matched_codes(vote, resident_id))
    units = await session.scalars(
        select(VoteUnit).where(VoteUnit.vote_id == vote.id, VoteUnit.code.in_(set(codes))).order_by(VoteUnit.id)
    )
    return list(units)


def check_open(vote: Vote, *, booth: Booth) -> None:
    """Raises Conflict, with the sentence for a voter, unless ballots are taken now."""
    match vote.state:
        case VoteState.CANCELLED:
            raise Conflict(f"“{vote.title}”已经撤销，不能投了。", code="vote_cancelled")
        case VoteState.DRAFT:
            raise Conflict("这次投票还没有开始。", code="vote_not_begun")
        case VoteState.ENDED | VoteState.DECIDED:
            raise Conflict(f"“{vote.title}”已经结束，不能再投了。", code="vote_over")
    if booth.now < vote.starts_at:
        raise Conflict("这次投票还没有开始。", code="vote_not_begun")
    if booth.now >= vote.ends_at:
        raise Conflict(f"“{vote.title}”已经结束，不能再投了。", code="vote_over")
    if booth.places.check(vote.number) != vote.secret_check:
        raise Conflict("投票箱出了点问题，暂时不能投，请稍后再试。", code="vote_secret")


def pack(envelope: box.Envelope, body: bytes) -> str:
    """A sealed ballot in letters: envelope id, sealed envelope key, body."""
    return base64.urlsafe_b64encode(envelope.id + envelope.sealed + body).decode()


@dataclass(frozen=True)
class Cast:
    """A sealed ballot that a resident puts in for a unit; ``ballot`` as ``pack`` made it."""

    number: str
    unit_id: int
    resident_id: int
    ballot: str


async def cast(session: AsyncSession, number: str, *, unit_id: int, resident_id: int, ballot: str, booth: Booth) -> bool:
    """Put a sealed ballot into the unit's slot; returns whether it replaced an earlier one. Until the end the last counts.

    Raises Conflict (not open, a paper ballot lies there), Forbidden (not this resident's unit), BadInput (not a ballot).
    """
    (done,) = await cast_together(session, [Cast(number, unit_id, resident_id, ballot)], booth=booth)
    if isinstance(done, LinlitongError):
        raise done
    return done.changed


@dataclass(frozen=True)
class Put:
    """A ballot lies in the box of the vote with this title; ``changed``: it replaced an earlier one."""

    title: str
    changed: bool


async def cast_together(session: AsyncSession, casts: Sequence[Cast], *, booth: Booth) -> list[Put | LinlitongError]:
    """What became of each, in one set of statements for all; see ``cast``. No unit may stand in it twice."""
    numbers = sorted({one.number for one in casts})
    rows = await session.scalars(select(Vote).where(Vote.number.in_(numbers)).order_by(Vote.id).with_for_update(read=True))
    votes = {vote.number: vote for vote in rows}
    units = await _units_spoken_for(session, casts)
    done: list[Put | LinlitongError] = [_paper_lies_there()] * len(casts)
    ballots: dict[str, dict[bytes, tuple[int, bytes]]] = {}
    for place, one in enumerate(casts):
        try:
            vote = _vote_for(votes, one, units, booth=booth)
            ballots.setdefault(one.number, {})[booth.places.slot(one.number, one.unit_id)] = place, _unpacked(vote, one.ballot)
        except LinlitongError as refused:
            done[place] = refused
    for number, there in sorted(ballots.items()):
        replaced, taken = await _put(session, votes[number], {slot: raw for slot, (_, raw) in there.items()}, paper=False)
        for slot, (place, _) in there.items():
            if slot in taken:
                done[place] = Put(votes[number].title, slot in replaced)
    return done


async def _units_spoken_for(session: AsyncSession, casts: Sequence[Cast]) -> set[tuple[int, int, int]]:
    """(resident, vote, unit) wherever a resident of ``casts`` may vote for the unit that they named.

    Two questions, each answered from an index whatever the planner knows of a city's electorate.
    """
    found = await session.execute(
        select(VoteMatch.resident_id, VoteMatch.area_code, VoteMatch.basis, VoteMatch.unit_code, VoteMatch.vote_id).where(
            VoteMatch.resident_id.in_({one.resident_id for one in casts}), VoteMatch.ended_at.is_(None)
        )
    )
    matches = {tuple(row) for row in found}
    asked = await session.execute(
        select(VoteUnit.id, VoteUnit.code, VoteUnit.vote_id, Vote.area_code, Vote.basis)
        .join(Vote, Vote.id == VoteUnit.vote_id)
        .where(VoteUnit.id.in_({one.unit_id for one in casts}))
    )
    units = {row.id: row for row in asked}
    spoken = set()
    for one in casts:
        if (unit := units.get(one.unit_id)) is None:
            continue
        holds = (one.resident_id, unit.area_code, unit.basis, unit.code)
        if (*holds, None) in matches or (*holds, unit.vote_id) in matches:
            spoken.add((one.resident_id, unit.vote_id, unit.id))
    return spoken


def _vote_for(votes: dict[str, Vote], one: Cast, spoken: set[tuple[int, int, int]], *, booth: Booth) -> Vote:
    vote = votes.get(one.number)
    if vote is None:
        raise NotFound("没有找到这次投票。", code="vote_unknown")
    check_open(vote, booth=booth)
    if (one.resident_id, vote.id, one.unit_id) not in spoken:
        raise Forbidden("您不在这次投票的名单里，或者还没有核对身份。", code="not_in_electorate")
    return vote


def _unpacked(vote: Vote, ballot: str) -> bytes:
    try:
        raw = base64.b64decode(ballot.encode(), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raw = b""
    if len(raw) != ID + SEALED + box.NONCE + width_of(vote) + 16:
        raise BadInput("这张选票的按钮已经失效，请说“投票”，重新选。", code="not_a_ballot")
    return raw


def _paper_lies_there() -> Conflict:
    return Conflict("这一户已经交了纸质票，以纸质票为准，线上不能再投。", code="paper_ballot")


async def _put(session: AsyncSession, vote: Vote, ballots: dict[bytes, bytes], *, paper: bool) -> tuple[set[bytes], set[bytes]]:
    """Put ballots into their slots: (the slots where one lay before, those where this one lies now).

    Slots are taken in their order, so that two processes never wait for each other.
    """
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    slots = sorted(ballots)
    there = VoteBallot.slot.in_(slots)
    before = set(await session.scalars(select(VoteBallot.slot).where(VoteBallot.vote_id == vote.id, there)))
    envelopes = {ballots[slot][:ID]: ballots[slot][ID : ID + SEALED] for slot in slots}
    await session.execute(
        dialect.insert(VoteEnvelope.__table__).on_conflict_do_nothing(),
        [{"vote_id": vote.id, "id": key, "sealed": envelopes[key]} for key in sorted(envelopes)],
    )
    put = dialect.insert(VoteBallot.__table__)
    put = put.on_conflict_do_update(
        index_elements=["vote_id", "slot"],
        set_={"envelope": put.excluded.envelope, "body": put.excluded.body, "paper": put.excluded.paper},
        where=None if paper else VoteBallot.__table__.c.paper.is_(False),
    )
    rows = [
        {"vote_id": vote.id, "slot": slot, "envelope": ballots[slot][:ID], "body": ballots[slot][ID + SEALED :], "paper": paper}
        for slot in slots
    ]
    lies = await session.scalars(put.returning(VoteBallot.__table__.c.slot), rows)
    wake(session, "console")
    return before, set(lies)


async def unit_by_code(session: AsyncSession, vote: Vote, code: str) -> VoteUnit:
    """Raises NotFound for a code that is not in the electorate."""
    unit = await session.scalar(select(VoteUnit).where(VoteUnit.vote_id == vote.id, VoteUnit.code == code.strip()))
    if unit is None:
        raise NotFound("名单里没有这一户，请核对户号。", code="not_in_electorate")
    return unit


async def enter_paper(
    session: AsyncSession, vote: Vote, *, code: str, choice: tuple[str, ...], scope: Scope, booth: Booth
) -> VoteUnit:
    """Enter a paper ballot: it replaces the unit's online ballot and blocks another; its voters are told.

    Raises as ``cast`` does, and BadInput for a choice that the ballot does not allow.
    """
    await session.refresh(vote, with_for_update={"read": True})
    check_open(vote, booth=booth)
    unit = await unit_by_code(session, vote, code)
    if not question_of(vote).allows(choice) or vote.public_key is None:
        raise BadInput("这张票填得不合规则，请核对后再录。", fields=["choice"])
    envelope = box.new_envelope(vote.public_key)
    slot = booth.places.slot(vote.number, unit.id)
    body = box.seal(envelope, choice, width_of(vote), vote=vote.number, slot=slot)
    await _put(session, vote, {slot: envelope.id + envelope.sealed + body}, paper=True)
    log(session, vote, "paper", now=booth.now, scope=scope, unit=unit.code)
    said = booth.sentences.say("utter_vote_paper", title=vote.title, unit=unit.code)
    for conversation in await voices(session, vote, unit):
        await outbox.say(session, conversation, now=booth.now, text=said.text, buttons=said.buttons)
    return unit


async def voices(session: AsyncSession, vote: Vote, unit: VoteUnit) -> list[Conversation]:
    """The conversations of those who may vote for the unit."""
    rows = await session.scalars(
        select(Conversation)
        .join(VoteMatch, VoteMatch.conversation_id == Conversation.id)
        .where(
            VoteMatch.area_code == vote.area_code,
            VoteMatch.basis == vote.basis,
            VoteMatch.unit_code == unit.code,
            VoteMatch.ended_at.is_(None),
            VoteMatch.vote_id.is_(None) | (VoteMatch.vote_id == vote.id),
        )
        .order_by(VoteMatch.id)
    )
    return list(dict.fromkeys(rows))


async def has_voted(session: AsyncSession, vote: Vote, unit_id: int, *, booth: Booth) -> bool:
    """Whether a ballot lies in the unit's slot."""
    slot = booth.places.slot(vote.number, unit_id)
    found = await session.scalar(
        select(func.count()).select_from(VoteBallot).where(VoteBallot.vote_id == vote.id, VoteBallot.slot == slot)
    )
    return bool(found)


async def receipt_of(session: AsyncSession, vote: Vote, unit_id: int, *, booth: Booth) -> str | None:
    """The receipt of the unit's present ballot; None when there is none, or the box has been opened."""
    slot = booth.places.slot(vote.number, unit_id)
    body = await session.scalar(select(VoteBallot.body).where(VoteBallot.vote_id == vote.id, VoteBallot.slot == slot))
    return booth.places.receipt(slot, body) if body else None


@dataclass(frozen=True)
class Turnout:
    """How many take part so far, of how many, and whether that is enough. ``parts``: part to (taking part, of)."""

    taking_part: Amount
    electorate: Amount
    paper: int
    enough: bool
    parts: dict[str, tuple[int, int]]


async def turnout(session: AsyncSession, vote: Vote, *, booth: Booth, by_part: bool = False) -> Turnout:
    """The turnout, never the tally. Parts with fewer than SMALLEST_PART units are put together, or left out; of more than
    PARTS_AT_MOST units no parts are told."""
    number = await session.scalar(select(func.count()).select_from(VoteBallot).where(VoteBallot.vote_id == vote.id)) or 0
    paper = (
        await session.scalar(
            select(func.count()).select_from(VoteBallot).where(VoteBallot.vote_id == vote.id, VoteBallot.paper.is_(True))
        )
        or 0
    )
    area, parts = 0, {}
    if vote.state is VoteState.DECIDED:
        taking_part = Amount(vote.result["turnout"]["number"], vote.result["turnout"]["area"])
        paper = vote.result["turnout"]["paper"]
    else:
        by_part = by_part and vote.electorate_number <= PARTS_AT_MOST
        if number and (vote.electorate_area or by_part):
            slots = set(await session.scalars(select(VoteBallot.slot).where(VoteBallot.vote_id == vote.id)))
            area, parts = await _present(session, vote, slots, booth=booth)
        taking_part = Amount(number, area)
    enough = quorum_met(rule_of(vote), electorate_of(vote), taking_part)
    return Turnout(taking_part, electorate_of(vote), paper, enough, _large(parts))


async def _present(
    session: AsyncSession, vote: Vote, slots: set[bytes], *, booth: Booth
) -> tuple[int, dict[str, tuple[int, int]]]:
    area, parts, slot_of = 0, dict[str, tuple[int, int]](), booth.places.slots(vote.number)
    async for rows in closing.units_of(session, vote, "part", "area"):
        for unit_id, part, size in rows:
            present = slot_of(unit_id) in slots
            area += size if present else 0
            there, of = parts.get(part, (0, 0))
            parts[part] = (there + present, of + 1)
    return area, parts


def _large(parts: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Parts of at least SMALLEST_PART units. When exactly one is left out, the smallest other goes too: otherwise the
    difference to the whole would tell."""
    kept = {part: amounts for part, amounts in parts.items() if part and amounts[1] >= SMALLEST_PART}
    hidden = sum(of for part, (_, of) in parts.items() if part not in kept)
    if kept and 0 < hidden < SMALLEST_PART:
        del kept[min(kept, key=lambda part: (kept[part][1], part))]
    return dict(sorted(kept.items()))


async def cancel(session: AsyncSession, vote: Vote, *, reason: str, scope: Scope, booth: Booth) -> None:
    """Stop the vote for good, with a reason that everyone reads; its ballots are destroyed unread."""
    await lock(session, vote)
    if vote.state in (VoteState.DECIDED, VoteState.CANCELLED):
        raise Conflict("这次投票已经结束，不能撤销。", code="vote_over")
    if not reason.strip():
        raise BadInput("撤销要写明理由，居民会看到。", fields=["reason"])
    announced = vote.state is not VoteState.DRAFT
    vote.state, vote.reason, vote.ended_at, vote.wraps = VoteState.CANCELLED, reason.strip()[:500], booth.now, []
    await session.execute(delete(VoteBallot).where(VoteBallot.vote_id == vote.id))
    await session.execute(delete(VoteEnvelope).where(VoteEnvelope.vote_id == vote.id))
    if announced:
        tell_all(session, vote)
    log(session, vote, "cancelled", now=booth.now, scope=scope, reason=vote.reason)


async def end(session: AsyncSession, vote: Vote, *, booth: Booth) -> None:
    """Close the slot of the box when its time has come: extended once if the quorum is missed and that was announced,
    else ENDED, with a fingerprint of the box as it lies there. A vote that has ended stays so, whatever the clock says.
    """
    await lock(session, vote)
    if vote.state is not VoteState.OPEN or booth.now < vote.ends_at:
        return
    present = await turnout(session, vote, booth=booth)
    if not present.enough and vote.extension_days and not vote.extended:
        vote.extended, vote.ends_at = True, vote.ends_at + timedelta(days=vote.extension_days)
        if vote.ends_at > booth.now:
            tell_all(session, vote)
            log(session, vote, "extended", now=booth.now, until=vote.ends_at.isoformat())
            return
    await closing.close(session, vote, booth=booth)
    vote.state, vote.ended_at = VoteState.ENDED, booth.now
    tell_all(session, vote)
    log(session, vote, "ended", now=booth.now, box=vote.closed_box)


def titles_of(vote: Vote) -> dict[str, str]:
    """Option ids to what they are called, 弃权 among them."""
    return {option["id"]: option["title"] for option in vote.options} | {ABSTAIN: "弃权"}
