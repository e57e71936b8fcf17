"""Subsidies in the staff HTTP API: the yearly re-check, residents' objections, and the end of a grant."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Literal

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from backend.api.operations import Call, id_in, operation
from backend.api.schemas import Query
from backend.errors import NotFound
from backend.events.service import Desk
from backend.house import DESK
from backend.staff.schemas import Shape
from backend.subsidies import applications, grants, objections, recheck, review
from backend.subsidies.models import CheckState, CheckWhat, SubsidyApplication, SubsidyCampaign, SubsidyCheck
from backend.web import DATABASE


class CampaignCard(Shape):
    """``counts`` by state, of the grants that you may see."""

    campaign_id: int
    kind: str
    name: str
    what: CheckWhat
    photo: bool
    area_code: str
    answer_by: date
    counts: dict[CheckState, int]


class CampaignList(Shape):
    campaigns: list[CampaignCard]


class NewCampaign(Shape):
    """``answer_by`` is the last day; ``photo``: an answer needs one."""

    kind: str = Field(max_length=32)
    answer_by: date
    photo: bool = False


class CheckCard(Shape):
    """One grant; the name is masked. ``reachable``: it has a chat."""

    check_id: int
    number: str
    person: str
    area: str
    reachable: bool
    state: CheckState
    answer: Literal["", "same", "changed", "gone"]
    told_at: datetime | None
    answered_at: datetime | None
    visited_at: datetime | None
    visit_note: str
    reason: str
    decided_at: datetime | None
    photos: int


class CampaignPage(Shape):
    """``before`` is what to ask for next, null at the end."""

    campaign: CampaignCard
    checks: list[CheckCard]
    before: int | None


class CheckQuery(Query):
    """``before``: checks with a smaller id."""

    state: CheckState = CheckState.ASKED
    before: int | None = Field(None, ge=1, le=10**17)


class Visit(Shape):
    answer: Literal["same", "changed", "gone"]
    note: str = Field(min_length=1, max_length=500)


class WithReason(Shape):
    reason: str = Field(min_length=1, max_length=500)


class ObjectionCard(Shape):
    """Who objected is not said. ``answer`` is "" while it waits."""

    objection_id: int
    text: str
    at: datetime
    answer: Literal["", "taken", "dismissed"]
    note: str
    answered_at: datetime | None


class ObjectionList(Shape):
    number: str
    state: str
    objections: list[ObjectionCard]


class ObjectionAnswer(Shape):
    """``taken``: the last level looks again; else it is dismissed. ``note`` is told to whoever objected."""

    taken: bool
    note: str = Field(min_length=1, max_length=500)


class Stop(Shape):
    """``on``: nothing is paid for periods that begin after this day."""

    reason: Literal["death", "recheck", "moved", "not_wanted", "other"]
    on: date
    note: str = Field(min_length=1, max_length=500)


class PaymentCard(Shape):
    period: str
    amount_fen: int
    state: str
    batch: str | None


class GrantPage(Shape):
    """``next_from`` is the first day of the next period; ``overpaid`` are the periods paid after the end."""

    number: str
    begins: date
    next_from: date | None
    ends_on: date | None
    ended: str
    payments: list[PaymentCard]
    overpaid: list[str]


def _campaign(campaign: SubsidyCampaign, name: str, counts: dict[CheckState, int]) -> CampaignCard:
    return CampaignCard(
        campaign_id=campaign.id,
        kind=campaign.kind,
        name=name,
        what=campaign.what,
        photo=campaign.photo,
        area_code=campaign.area_code,
        answer_by=campaign.answer_by,
        counts=counts,
    )


def _check(check: SubsidyCheck, *, number: str, name: str, area: str, reachable: bool) -> CheckCard:
    return CheckCard(
        check_id=check.id,
        number=number,
        person=name,
        area=area,
        reachable=reachable,
        state=check.state,
        answer=check.answer,
        told_at=check.told_at,
        answered_at=check.answered_at,
        visited_at=check.visited_at,
        visit_note=check.visit_note,
        reason=check.reason,
        decided_at=check.decided_at,
        photos=len(check.media),
    )


@operation("GET", "/api/v1/subsidies/campaigns", answer=CampaignList)
async def list_subsidy_campaigns(call: Call) -> CampaignList:
    """The yearly re-checks in your part of the city, the newest first."""
    async with call.request.app[DATABASE].read() as session:
        found = await recheck.campaigns(session, call.signed.scope)
    return CampaignList(campaigns=[_campaign(*one) for one in found])


@operation("POST", "/api/v1/subsidies/campaigns", status=201, body=NewCampaign, answer=CampaignCard)
async def make_subsidy_campaign(call: Call) -> CampaignCard:
    """Ask for every living grant of a kind in your area."""
    body, scope = call.body, call.signed.scope
    async with call.request.app[DATABASE].write() as session:
        desk = await call.request.app[DESK](session)
        made = await recheck.make(session, scope, body.kind, answer_by=body.answer_by, photo=body.photo, desk=desk)
        ((campaign, name, counts),) = await recheck.campaigns(session, scope, only=made.id)
    return _campaign(campaign, name, counts)


@operation("GET", "/api/v1/subsidies/campaigns/{campaign_id}", query=CheckQuery, answer=CampaignPage)
async def read_subsidy_campaign(call: Call) -> CampaignPage:
    """The grants of a re-check in one state, the newest first."""
    scope, query = call.signed.scope, call.query
    async with call.request.app[DATABASE].read() as session:
        number = id_in(call.request, "campaign_id")
        campaign, rows = await recheck.listed(session, scope, number, state=query.state, before=query.before)
        ((_, name, counts),) = await recheck.campaigns(session, scope, only=campaign.id)
    return CampaignPage(
        campaign=_campaign(campaign, name, counts),
        checks=[_check(**row) for row in rows],
        before=rows[-1]["check"].id if len(rows) == recheck.PAGE else None,
    )


async def _on_check(call: Call, act: Callable[[AsyncSession, SubsidyCheck, Desk], Awaitable[None]]) -> CheckCard:
    async with call.request.app[DATABASE].write() as session:
        desk = await call.request.app[DESK](session)
        check = await session.get(SubsidyCheck, id_in(call.request, "check_id"))
        if check is None:
            raise NotFound
        await act(session, check, desk)
        application = await session.get_one(SubsidyApplication, check.application_id)
        area = await recheck.area_name(session, application)
        reachable = application.conversation_id is not None
        return _check(check, number=application.number, name=application.name_masked, area=area, reachable=reachable)


@operation("POST", "/api/v1/subsidies/checks/{check_id}/visit", body=Visit, answer=CheckCard)
async def record_subsidy_visit(call: Call) -> CheckCard:
    """What was found at a visit."""

    async def act(session: AsyncSession, check: SubsidyCheck, desk: Desk) -> None:
        await recheck.visited(session, check, call.body.answer, note=call.body.note, scope=call.signed.scope, desk=desk)

    return await _on_check(call, act)


@operation("POST", "/api/v1/subsidies/checks/{check_id}/suspension", body=WithReason, answer=CheckCard)
async def suspend_subsidy(call: Call) -> CheckCard:
    """Stop its payments after the last day, until they are resumed."""

    async def act(session: AsyncSession, check: SubsidyCheck, desk: Desk) -> None:
        await recheck.suspend(session, check, reason=call.body.reason, scope=call.signed.scope, desk=desk)

    return await _on_check(call, act)


@operation("POST", "/api/v1/subsidies/checks/{check_id}/resumption", body=WithReason, answer=CheckCard)
async def resume_subsidy(call: Call) -> CheckCard:
    """Let its payments go on."""

    async def act(session: AsyncSession, check: SubsidyCheck, desk: Desk) -> None:
        await recheck.resume(session, check, reason=call.body.reason, scope=call.signed.scope, desk=desk)

    return await _on_check(call, act)


async def _objections(session: AsyncSession, row: SubsidyApplication) -> ObjectionList:
    return ObjectionList(
        number=row.number,
        state=row.state.value,
        objections=[
            ObjectionCard(
                objection_id=one.id,
                text=one.text,
                at=one.at,
                answer=one.answer,
                note=one.note,
                answered_at=one.answered_at,
            )
            for one in await objections.of(session, row)
        ],
    )


@operation("GET", "/api/v1/subsidies/applications/{number}/objections", answer=ObjectionList)
async def list_subsidy_objections(call: Call) -> ObjectionList:
    """What residents say against a published application, the oldest first."""
    async with call.request.app[DATABASE].read() as session:
        row, _ = await review.page(session, call.signed.scope, call.request.match_info["number"])
        return await _objections(session, row)


@operation(
    "POST",
    "/api/v1/subsidies/applications/{number}/objections/{objection_id}/answer",
    body=ObjectionAnswer,
    answer=ObjectionList,
)
async def answer_subsidy_objection(call: Call) -> ObjectionList:
    """Take an objection up, or dismiss it; whoever objected is told."""
    body, scope = call.body, call.signed.scope
    async with call.request.app[DATABASE].write() as session:
        desk = await call.request.app[DESK](session)
        row, _ = await review.page(session, scope, call.request.match_info["number"])
        objection_id = id_in(call.request, "objection_id")
        await objections.answer(session, row, objection_id, taken=body.taken, note=body.note, scope=scope, desk=desk)
        return await _objections(session, row)


async def _grant(session: AsyncSession, row: SubsidyApplication) -> GrantPage:
    grant = await grants.of(session, row)
    if grant is None:
        raise NotFound
    found = await grants.payments_of(session, row)
    return GrantPage(
        number=row.number,
        begins=grant.begins,
        next_from=grant.next_from,
        ends_on=grant.ends_on,
        ended=grant.ended,
        payments=[PaymentCard(period=p.period, amount_fen=p.amount_fen, state=p.state.value, batch=p.batch) for p in found],
        overpaid=[payment.period for payment in grants.overpaid(grant, found)],
    )


@operation("GET", "/api/v1/subsidies/applications/{number}/grant", answer=GrantPage)
async def read_subsidy_grant(call: Call) -> GrantPage:
    """What an approved application is paid, period after period."""
    async with call.request.app[DATABASE].read() as session:
        row, _ = await review.page(session, call.signed.scope, call.request.match_info["number"])
        return await _grant(session, row)


@operation("POST", "/api/v1/subsidies/applications/{number}/stop", body=Stop, answer=GrantPage)
async def stop_subsidy_grant(call: Call) -> GrantPage:
    """End the payments for good; the resident is told."""
    body, scope = call.body, call.signed.scope
    async with call.request.app[DATABASE].write() as session:
        desk = await call.request.app[DESK](session)
        row, _ = await review.page(session, scope, call.request.match_info["number"])
        await applications.stop(session, row, reason=body.reason, on=body.on, note=body.note, scope=scope, desk=desk)
        return await _grant(session, row)
