"""Deliberations in the staff HTTP API; imported by routes.py for its entries in the table of operations."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from pydantic import AwareDatetime, Field
from sqlalchemy.ext.asyncio import AsyncSession

from backend.api.operations import Call, id_in, operation
from backend.api.votes import VoteDraft
from backend.deliberation import service
from backend.deliberation.models import Deliberation, DeliberationState, OutcomeKind, Refusal, StatementState
from backend.events.service import Desk
from backend.house import BOOTH, DESK
from backend.staff.schemas import Shape
from backend.web import CLOCK, DATABASE

Work = Callable[[AsyncSession, Deliberation, Desk], Awaitable[object]]


class DeliberationCard(Shape):
    """``waiting``: statements that staff have not read yet."""

    number: str
    title: str
    state: DeliberationState
    area_code: str
    starts_at: datetime
    ends_at: datetime
    waiting: int


class DeliberationList(Shape):
    deliberations: list[DeliberationCard]


class StatementCard(Shape):
    """``declared``: nothing in the record ties its author to the area."""

    statement_id: int
    text: str
    state: StatementState
    refusal: Refusal | None
    declared: bool
    support: int
    oppose: int
    at: datetime


class Became(Shape):
    kind: OutcomeKind
    number: str


class DeliberationPage(Shape):
    """``asked``, ``spoke`` and ``judged`` are numbers of residents."""

    number: str
    title: str
    state: DeliberationState
    area_code: str
    background: str
    attachments: list[str]
    starts_at: datetime
    ends_at: datetime
    asked: int
    spoke: int
    judged: int
    statements: list[StatementCard]
    summary: str
    resolution: str
    reason: str
    became: list[Became]


class NewDeliberation(Shape):
    title: str = Field(min_length=1, max_length=200)
    background: str = Field(min_length=1, max_length=10_000)
    area_code: str = Field(min_length=1, max_length=32)
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    attachments: list[str] = Field(default_factory=list, max_length=20, description="Keys of photos")


class Moderation(Shape):
    """Without ``refusal`` the statement becomes public."""

    refusal: Refusal | None = None


class Publication(Shape):
    summary: str = Field(min_length=1, max_length=10_000)
    resolution: str = Field(min_length=1, max_length=10_000)


class Cancellation(Shape):
    reason: str = Field(min_length=1, max_length=2000)


class Carrying(Shape):
    item_code: str | None = Field(None, max_length=32)


async def page(session: AsyncSession, one: Deliberation) -> DeliberationPage:
    attendance = await service.attendance(session, one)
    return DeliberationPage(
        number=one.number,
        title=one.title,
        state=one.state,
        area_code=one.area_code,
        background=one.background,
        attachments=one.attachments,
        starts_at=one.starts_at,
        ends_at=one.ends_at,
        asked=attendance.asked,
        spoke=attendance.spoke,
        judged=attendance.judged,
        statements=[
            StatementCard(
                statement_id=row.statement.id,
                text=row.statement.text,
                state=row.statement.state,
                refusal=row.statement.refusal,
                declared=row.declared,
                support=row.counts.support,
                oppose=row.counts.oppose,
                at=row.statement.at,
            )
            for row in await service.statements(session, one)
        ],
        summary=one.summary,
        resolution=one.resolution,
        reason=one.reason,
        became=[Became(kind=kind, number=number) for kind, number in await service.became(session, one)],
    )


async def _on_one(call: Call, act: Work) -> DeliberationPage:
    async with call.request.app[DATABASE].write() as session:
        desk = await call.request.app[DESK](session)
        one = await service.by_number(session, call.request.match_info["number"], scope=call.signed.scope)
        await act(session, one, desk)
        await session.flush()
        return await page(session, one)


@operation("GET", "/api/v1/deliberations", answer=DeliberationList)
async def list_deliberations(call: Call) -> DeliberationList:
    """The deliberations in your scope, newest first."""
    async with call.request.app[DATABASE].read() as session:
        found = await service.in_scope(session, call.signed.scope)
        return DeliberationList(
            deliberations=[
                DeliberationCard(
                    number=one.number,
                    title=one.title,
                    state=one.state,
                    area_code=one.area_code,
                    starts_at=one.starts_at,
                    ends_at=one.ends_at,
                    waiting=waiting,
                )
                for one, waiting in found
            ]
        )


@operation("POST", "/api/v1/deliberations", status=201, body=NewDeliberation, answer=DeliberationPage)
async def make_deliberation(call: Call) -> DeliberationPage:
    """A new deliberation, as a draft."""
    body = call.body
    draft = service.Draft(body.title, body.background, body.starts_at, body.ends_at, body.attachments)
    async with call.request.app[DATABASE].write() as session:
        now = call.request.app[CLOCK].now()
        one = await service.create(session, draft, area_code=body.area_code, scope=call.signed.scope, now=now)
        return await page(session, one)


@operation("GET", "/api/v1/deliberations/{number}", answer=DeliberationPage)
async def read_deliberation(call: Call) -> DeliberationPage:
    """One deliberation with everything that was said and not withdrawn."""
    async with call.request.app[DATABASE].read() as session:
        return await page(session, await service.by_number(session, call.request.match_info["number"], scope=call.signed.scope))


@operation("POST", "/api/v1/deliberations/{number}/announcement", answer=DeliberationPage)
async def announce_deliberation(call: Call) -> DeliberationPage:
    """Announce it; the people of the area are invited when it begins."""

    async def act(session: AsyncSession, one: Deliberation, desk: Desk) -> None:
        await service.announce(session, one, scope=call.signed.scope, now=desk.now)

    return await _on_one(call, act)


@operation(
    "POST", "/api/v1/deliberations/{number}/statements/{statement_id}/moderation", body=Moderation, answer=DeliberationPage
)
async def moderate_statement(call: Call) -> DeliberationPage:
    """Make a statement public, or refuse it for a reason; its author is told."""

    async def act(session: AsyncSession, one: Deliberation, desk: Desk) -> None:
        statement = id_in(call.request, "statement_id")
        await service.moderate(session, one, statement, refusal=call.body.refusal, scope=call.signed.scope, desk=desk)

    return await _on_one(call, act)


@operation("POST", "/api/v1/deliberations/{number}/publication", body=Publication, answer=DeliberationPage)
async def publish_resolution(call: Call) -> DeliberationPage:
    """Publish the summary and the resolution; everyone who was asked is told."""

    async def act(session: AsyncSession, one: Deliberation, desk: Desk) -> None:
        body, scope = call.body, call.signed.scope
        await service.publish(session, one, summary=body.summary, resolution=body.resolution, scope=scope, now=desk.now)

    return await _on_one(call, act)


@operation("POST", "/api/v1/deliberations/{number}/cancellation", body=Cancellation, answer=DeliberationPage)
async def cancel_deliberation(call: Call) -> DeliberationPage:
    """Stop it with a reason; everyone who was asked is told."""

    async def act(session: AsyncSession, one: Deliberation, desk: Desk) -> None:
        await service.cancel(session, one, reason=call.body.reason, scope=call.signed.scope, now=desk.now)

    return await _on_one(call, act)


@operation("POST", "/api/v1/deliberations/{number}/vote", status=201, body=VoteDraft, answer=DeliberationPage)
async def vote_on_resolution(call: Call) -> DeliberationPage:
    """Make a vote draft over the resolution, in the same area; ``became`` has its number."""

    async def act(session: AsyncSession, one: Deliberation, _desk: Desk) -> None:
        booth = call.request.app[BOOTH]()
        await service.make_vote(session, one, call.body.draft(), scope=call.signed.scope, booth=booth)

    return await _on_one(call, act)


@operation("POST", "/api/v1/deliberations/{number}/event", status=201, body=Carrying, answer=DeliberationPage)
async def carry_out_resolution(call: Call) -> DeliberationPage:
    """Make an event of the resolution; ``became`` has its number."""

    async def act(session: AsyncSession, one: Deliberation, desk: Desk) -> None:
        await service.make_event(session, one, item_code=call.body.item_code, scope=call.signed.scope, desk=desk)

    return await _on_one(call, act)
