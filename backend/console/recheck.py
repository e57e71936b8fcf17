"""The console's pages about the yearly re-check: campaigns, who has not answered, visits, suspension and resumption."""

from datetime import date

from aiohttp import web

from backend.console.pages import Visit, page, see
from backend.errors import BadInput, NotFound
from backend.house import DESK
from backend.media.routes import serve
from backend.subsidies import recheck, service
from backend.subsidies.models import CheckState, SubsidyCheck
from backend.web import CLOCK, DATABASE, SETTINGS

routes = web.RouteTableDef()
CAMPAIGN = r"/subsidies/campaigns/{campaign:\d{1,18}}"
CHECK = r"/subsidies/checks/{check:\d{1,18}}"


@routes.get("/subsidies/campaigns")
@page
async def campaigns(visit: Visit) -> web.StreamResponse:
    """The campaigns of this person's part of the city; whoever may make one finds the form."""
    scope = visit.signed.scope
    async with visit.request.app[DATABASE].read() as session:
        _, catalogue = await service.in_force(session)
        return await visit.show(
            session,
            "campaigns.html",
            campaigns=await recheck.campaigns(session, scope),
            kinds=[kind for kind in catalogue.kinds.values() if kind.recheck] if scope.role in recheck.MAKERS else [],
            today=_today(visit),
        )


def _today(visit: Visit) -> date:
    app = visit.request.app
    return app[CLOCK].now().astimezone(app[SETTINGS].zone).date()


@routes.post("/subsidies/campaigns")
@page
async def make(visit: Visit) -> web.StreamResponse:
    form = await visit.form()
    try:
        answer_by = date.fromisoformat(form["answer_by"])
    except ValueError:
        raise BadInput("请填截止日期。", fields=["answer_by"]) from None
    async with visit.request.app[DATABASE].write() as session:
        desk = await visit.request.app[DESK](session)
        photo = form["photo"] == "1"
        made = await recheck.make(session, visit.signed.scope, form["kind"], answer_by=answer_by, photo=photo, desk=desk)
    return see(f"/subsidies/campaigns/{made.id}")


@routes.get(CAMPAIGN)
@page
async def one(visit: Visit) -> web.StreamResponse:
    """The grants of a campaign in one state, first those without an answer."""
    asked = visit.request.query
    state = next((s for s in CheckState if s.value == asked.get("state")), CheckState.ASKED)
    before = asked.get("before", "")
    scope = visit.signed.scope
    async with visit.request.app[DATABASE].read() as session:
        campaign, rows = await recheck.listed(
            session,
            scope,
            int(visit.request.match_info["campaign"]),
            state=state,
            before=int(before) if before.isascii() and before.isdecimal() and len(before) < 18 else None,
        )
        ((_, name, counts),) = await recheck.campaigns(session, scope, only=campaign.id)
        return await visit.show(
            session,
            "campaign.html",
            campaign=campaign,
            name=name,
            counts=counts,
            rows=rows,
            tab=state,
            tabs=list(CheckState),
            more=len(rows) == recheck.PAGE,
            over=_today(visit) > campaign.answer_by,
            may_decide=scope.role in recheck.MAKERS,
        )


@routes.post(CHECK)
@page
async def act(visit: Visit) -> web.StreamResponse:
    """A visit's result, or a decision: ``what`` is visit, suspend or resume."""
    form = await visit.form()
    scope, note = visit.signed.scope, form["note"]
    async with visit.request.app[DATABASE].write() as session:
        desk = await visit.request.app[DESK](session)
        check = await session.get(SubsidyCheck, int(visit.request.match_info["check"]))
        if check is None:
            raise NotFound
        match form["what"]:
            case "visit":
                await recheck.visited(session, check, form["answer"], note=note, scope=scope, desk=desk)
            case "suspend":
                await recheck.suspend(session, check, reason=note, scope=scope, desk=desk)
            case "resume":
                await recheck.resume(session, check, reason=note, scope=scope, desk=desk)
            case _:
                raise BadInput(code="unknown_step")
    return see(f"/subsidies/campaigns/{check.campaign_id}?state={check.state.value}")


@routes.get(CHECK + "/media/{key}")
@page
async def photo(visit: Visit) -> web.StreamResponse:
    key = visit.request.match_info["key"]
    async with visit.request.app[DATABASE].read() as session:
        check = await session.get(SubsidyCheck, int(visit.request.match_info["check"]))
        if check is None or key not in check.media:
            raise NotFound
        await recheck.check_within(session, check, visit.signed.scope, recheck.VISITORS)
    return await serve(visit.request, key)
