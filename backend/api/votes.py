"""Votes in the staff HTTP API; imported by routes.py for its entries in the table of operations."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from aiohttp import web
from pydantic import AwareDatetime, Field
from sqlalchemy.ext.asyncio import AsyncSession

from backend.api.operations import Call, operation
from backend.house import BOOTH
from backend.staff import conversations as talks
from backend.staff.schemas import Shape
from backend.votes import closing, matching, opening, service
from backend.votes.booth import Booth
from backend.votes.desk import VoteDesk
from backend.votes.models import Vote, VoteState
from backend.votes.rules import Basis, Kind, RuleName
from backend.web import DATABASE, SETTINGS, VAULT

Act = Callable[[AsyncSession, Vote, Booth], Awaitable[object]]


class VoteCard(Shape):
    number: str
    title: str
    state: VoteState
    area_code: str
    starts_at: datetime
    ends_at: datetime


class VoteList(Shape):
    votes: list[VoteCard]


class Option(Shape):
    id: str
    title: str


class Holder(Shape):
    """``has_key``: their phrase was handed out."""

    holder_id: int
    name: str
    has_key: bool


class Taking(Shape):
    """Numbers of ballots; areas in square centimetres, 0 where areas do not count."""

    number: int
    area: int
    of_number: int
    of_area: int
    paper: int
    enough: bool


class VotePage(Shape):
    """``result`` is {} until it is decided: outcome, winners, counts, steps, turnout, invalid."""

    number: str
    title: str
    question: str
    state: VoteState
    area_code: str
    kind: Kind
    options: list[Option]
    most: int
    seats: int
    basis: Basis
    rule: RuleName
    public: bool
    starts_at: datetime
    ends_at: datetime
    extension_days: int
    extended: bool
    paper_desk: str
    listed_matter: bool
    assessment: str
    keys_needed: int
    keyholders: list[Holder]
    turnout: Taking
    fingerprint: str
    closed_box: str
    seal: str
    result: dict[str, Any]
    reason: str


class VoteDraft(Shape):
    """``options`` for all kinds but a decision, ``most`` for several, ``attachments`` as photo keys."""

    title: str = Field(min_length=1, max_length=200)
    question: str = Field(min_length=1, max_length=10_000)
    kind: Kind
    rule: RuleName
    basis: Basis
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    options: list[str] = Field(default_factory=list, max_length=100)
    most: int = Field(1, ge=1, le=100)
    seats: int = Field(1, ge=1, le=100)
    public: bool = False
    extension_days: int = 0
    paper_desk: str = Field("", max_length=400)
    attachments: list[str] = Field(default_factory=list, max_length=20)
    listed_matter: bool = False
    assessment: str = Field("", max_length=4000)
    keyholders: list[str] = Field(min_length=1, max_length=20)
    keys_needed: int = 2

    def draft(self) -> service.Draft:
        """As the service makes a vote of it."""
        return service.Draft(**{name: value for name, value in self if name != "area_code"})


class NewVote(VoteDraft):
    area_code: str = Field(min_length=1, max_length=32)


class Electorate(Shape):
    """``csv``: a file's text with the columns unit, name, part, area_m2, owner, phone."""

    csv: str = Field(min_length=1)


class KeyWanted(Shape):
    holder_id: int


class Key(Shape):
    """It is shown this once."""

    name: str
    phrase: str


class Announcement(Shape):
    """``assessment``: the conclusion of a listed matter's risk assessment, where the draft has none."""

    assessment: str = Field("", max_length=4000)


class Slip(Shape):
    unit: str
    name: str
    code: str


class Slips(Shape):
    slips: list[Slip]


class Paper(Shape):
    unit: str = Field(min_length=1, max_length=64)
    choice: list[str] = Field(min_length=1, max_length=100)


class Match(Shape):
    unit: str = Field(min_length=1, max_length=64)
    conversation_id: int


class Unit(Shape):
    unit: str = Field(min_length=1, max_length=64)


class VoteCancellation(Shape):
    reason: str = Field(min_length=1, max_length=2000)


class Phrases(Shape):
    phrases: list[str] = Field(min_length=1, max_length=7)


class Attendant(Shape):
    unit: str
    name: str
    took_part: bool


class Attendance(Shape):
    units: list[Attendant]


async def page(session: AsyncSession, vote: Vote, booth: Booth) -> VotePage:
    """One vote as staff see it: the turnout, never the tally before the end."""
    there = await service.turnout(session, vote, booth=booth)
    facts = {name: getattr(vote, name) for name in VotePage.model_fields if hasattr(vote, name)}
    return VotePage(
        **facts
        | {
            "options": [Option(**option) for option in vote.options],
            "keyholders": [
                Holder(holder_id=holder.id, name=holder.name, has_key=holder.public_key is not None)
                for holder in await service.keyholders(session, vote)
            ],
            "turnout": Taking(
                number=there.taking_part.number,
                area=there.taking_part.area,
                of_number=there.electorate.number,
                of_area=there.electorate.area,
                paper=there.paper,
                enough=there.enough,
            ),
        }
    )


def _desk(call: Call) -> VoteDesk:
    app = call.request.app
    return VoteDesk(app[DATABASE], app[BOOTH], app[VAULT], call.signed.scope, app[SETTINGS].zone)


def _number(call: Call) -> str:
    return call.request.match_info["number"]


async def _page(call: Call) -> VotePage:
    async with call.request.app[DATABASE].read() as session:
        vote = await service.by_number(session, _number(call), scope=call.signed.scope)
        return await page(session, vote, call.request.app[BOOTH]())


async def _on_vote(call: Call, what: str, act: Act) -> VotePage:
    await _desk(call).on_vote(_number(call), what, act)
    return await _page(call)


@operation("GET", "/api/v1/votes", answer=VoteList)
async def list_votes(call: Call) -> VoteList:
    """The votes in your scope, newest first."""
    async with call.request.app[DATABASE].read() as session:
        found = await service.in_scope(session, call.signed.scope)
    return VoteList(votes=[VoteCard(**{name: getattr(vote, name) for name in VoteCard.model_fields}) for vote in found])


@operation("POST", "/api/v1/votes", status=201, body=NewVote, answer=VotePage)
async def make_vote(call: Call) -> VotePage:
    """A new vote, as a draft."""
    async with call.request.app[DATABASE].write() as session:
        booth, body = call.request.app[BOOTH](), call.body
        vote = await service.create(session, body.draft(), area_code=body.area_code, scope=call.signed.scope, booth=booth)
        return await page(session, vote, booth)


@operation("GET", "/api/v1/votes/{number}", answer=VotePage)
async def read_vote(call: Call) -> VotePage:
    """One vote with its turnout, and its result once it is decided."""
    return await _page(call)


@operation("POST", "/api/v1/votes/{number}/electorate", body=Electorate, answer=VotePage)
async def import_vote_electorate(call: Call) -> VotePage:
    """Replace the electorate of a draft by that of a CSV file."""
    await _desk(call).import_electorate(_number(call), call.body.csv)
    return await _page(call)


@operation("POST", "/api/v1/votes/{number}/register", answer=VotePage)
async def draw_vote_electorate(call: Call) -> VotePage:
    """Draw the electorate of a draft from the register of dwellings."""
    await _desk(call).draw_electorate(_number(call))
    return await _page(call)


@operation("POST", "/api/v1/votes/{number}/keys", status=201, body=KeyWanted, answer=Key)
async def hand_vote_key(call: Call) -> Key:
    """Make a keyholder's phrase, this once; an earlier one is void. Only before the announcement."""

    async def act(session: AsyncSession, vote: Vote, booth: Booth) -> tuple[str, str]:
        return await service.hand_key(session, vote, call.body.holder_id, scope=call.signed.scope, booth=booth)

    name, phrase = await _desk(call).on_vote(_number(call), "key_handed", act)
    return Key(name=name, phrase=phrase)


@operation("POST", "/api/v1/votes/{number}/announcement", body=Announcement, answer=VotePage)
async def announce_vote(call: Call) -> VotePage:
    """Freeze it and publish the electorate's fingerprint; voters are told when it begins."""
    await _desk(call).announce(_number(call), assessment=call.body.assessment)
    return await _page(call)


@operation("POST", "/api/v1/votes/{number}/codes", status=201, answer=Slips)
async def print_vote_codes(call: Call) -> Slips:
    """New slips for the whole electorate, this once; older unused ones are void."""

    async def act(session: AsyncSession, vote: Vote, booth: Booth) -> list[tuple[str, str, str]]:
        return await matching.make_codes(session, vote, scope=call.signed.scope, booth=booth)

    slips = await _desk(call).on_vote(_number(call), "codes", act)
    return Slips(slips=[Slip(unit=unit, name=name, code=code) for unit, name, code in slips])


@operation("POST", "/api/v1/votes/{number}/paper", body=Paper, answer=VotePage)
async def enter_paper_ballot(call: Call) -> VotePage:
    """Enter a paper ballot: option ids, or abstain. It replaces the unit's online ballot and blocks another."""

    async def act(session: AsyncSession, vote: Vote, booth: Booth) -> None:
        body = call.body
        await service.enter_paper(
            session, vote, code=body.unit, choice=tuple(body.choice), scope=call.signed.scope, booth=booth
        )

    return await _on_vote(call, "paper", act)


@operation("POST", "/api/v1/votes/{number}/matches", body=Match, answer=VotePage)
async def match_voter(call: Call) -> VotePage:
    """Let a resident whose identity was checked vote for a unit."""

    async def act(session: AsyncSession, vote: Vote, booth: Booth) -> None:
        scope, body = call.signed.scope, call.body
        conversation = await talks.by_id(session, scope, body.conversation_id)
        await matching.match_by_staff(session, vote, code=body.unit, conversation=conversation, scope=scope, booth=booth)

    return await _on_vote(call, "matched", act)


@operation("POST", "/api/v1/votes/{number}/matches/end", body=Unit, answer=VotePage)
async def unmatch_voter(call: Call) -> VotePage:
    """Let nobody vote online for a unit until they are matched anew."""

    async def act(session: AsyncSession, vote: Vote, booth: Booth) -> None:
        await matching.unmatch(session, vote, code=call.body.unit, scope=call.signed.scope, booth=booth)

    return await _on_vote(call, "matched", act)


@operation("POST", "/api/v1/votes/{number}/cancellation", body=VoteCancellation, answer=VotePage)
async def cancel_vote(call: Call) -> VotePage:
    """Stop it with a reason that everyone reads; its ballots are destroyed unread."""

    async def act(session: AsyncSession, vote: Vote, booth: Booth) -> None:
        await service.cancel(session, vote, reason=call.body.reason, scope=call.signed.scope, booth=booth)

    return await _on_vote(call, "cancelled", act)


@operation("POST", "/api/v1/votes/{number}/opening", body=Phrases, answer=VotePage)
async def open_vote_box(call: Call) -> VotePage:
    """Open the box of an ended vote with the keyholders' phrases, count, and publish."""
    await _desk(call).open_box(_number(call), call.body.phrases)
    return await _page(call)


@operation("GET", "/api/v1/votes/{number}/attendance", answer=Attendance)
async def read_vote_attendance(call: Call) -> Attendance:
    """Who took part; empty before the end."""
    async with call.request.app[DATABASE].read() as session:
        vote = await service.by_number(session, _number(call), scope=call.signed.scope)
        found = await closing.who_took_part(session, vote)
    return Attendance(units=[Attendant(unit=unit, name=name, took_part=took) for unit, name, took in found])


@operation("GET", "/api/v1/votes/{number}/published", media="application/json")
async def read_published_vote(call: Call) -> web.Response:
    """The file that is published of a decided vote; scripts/recount.py reads it."""
    async with call.request.app[DATABASE].read() as session:
        vote = await service.by_number(session, _number(call), scope=call.signed.scope)
        return web.Response(text=await opening.published(session, vote), content_type="application/json")
