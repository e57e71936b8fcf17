"""The console's pages for deliberations: make, announce, read what was said, sum up, publish, make a vote or an event of it."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.console.forms import Form
from backend.console.pages import Visit, page, see
from backend.console.votes import areas_within, check_role, draft_of, moment_in
from backend.deliberation import service
from backend.deliberation.models import Deliberation, DeliberationLog, Refusal
from backend.errors import BadInput, Conflict, NotFound
from backend.events.service import Desk
from backend.house import BOOTH, DESK
from backend.media.routes import serve
from backend.staff import events as work
from backend.web import CLOCK, DATABASE, SETTINGS

routes = web.RouteTableDef()
NUMBER = r"{number:YS-\d{6}}"
VOTE_DAYS = 7

Act = Callable[[AsyncSession, Deliberation, Desk], Awaitable[Any]]


@routes.get("/deliberations")
@page
async def deliberations_page(visit: Visit) -> web.StreamResponse:
    check_role(visit)
    async with visit.request.app[DATABASE].read() as session:
        return await visit.show(session, "deliberations.html", found=await service.in_scope(session, visit.signed.scope))


@routes.get("/deliberations/new")
@page
async def new_page(visit: Visit) -> web.StreamResponse:
    check_role(visit)
    async with visit.request.app[DATABASE].read() as session:
        return await visit.show(session, "deliberation_new.html", areas=await areas_within(session, visit.signed.scope))


@routes.post("/deliberations")
@page
async def make(visit: Visit) -> web.StreamResponse:
    form = await visit.form()
    check_role(visit)
    draft = service.Draft(
        title=form["title"],
        background=form["background"],
        starts_at=moment_in(visit, form, "starts_at", "开始时间"),
        ends_at=moment_in(visit, form, "ends_at", "结束时间"),
        attachments=form.photos,
    )
    async with visit.request.app[DATABASE].write() as session:
        one = await service.create(
            session, draft, area_code=form["area"], scope=visit.signed.scope, now=visit.request.app[CLOCK].now()
        )
    return see(f"/deliberations/{one.number}")


@routes.get(f"/deliberations/{NUMBER}")
@page
async def one_page(visit: Visit) -> web.StreamResponse:
    app = visit.request.app
    local = app[CLOCK].now().astimezone(app[SETTINGS].zone)

    def field(at: datetime) -> str:
        return at.strftime("%Y-%m-%dT%H:%M")

    async with app[DATABASE].read() as session:
        one = await service.by_number(session, visit.request.match_info["number"], scope=visit.signed.scope)
        trail = await session.scalars(
            select(DeliberationLog)
            .where(DeliberationLog.deliberation_id == one.id)
            .order_by(DeliberationLog.id.desc())
            .limit(100)
        )
        rows = list(trail)
        return await visit.show(
            session,
            "deliberation.html",
            one=one,
            said=await service.statements(session, one),
            attendance=await service.attendance(session, one),
            became=await service.became(session, one),
            refusals=list(Refusal),
            items=await work.admitted_items(session),
            trail=rows,
            names=await work.staff_names(session, {row.staff_id for row in rows}),
            vote_starts=field(local + timedelta(days=1)),
            vote_ends=field(local + timedelta(days=1 + VOTE_DAYS)),
        )


@routes.get(f"/deliberations/{NUMBER}/attachments/{{key}}")
@page
async def attachment(visit: Visit) -> web.StreamResponse:
    """A photo of the topic, for whoever may run it."""
    number, key = visit.request.match_info["number"], visit.request.match_info["key"]
    async with visit.request.app[DATABASE].read() as session:
        one = await service.by_number(session, number, scope=visit.signed.scope)
    if key not in one.attachments:
        raise NotFound
    return await serve(visit.request, key)


async def on_one(visit: Visit, what: str, act: Act) -> web.Response:
    """Do something to the deliberation in one transaction; what its state forbids is written down, and then refused."""
    app, number, scope = visit.request.app, visit.request.match_info["number"], visit.signed.scope
    try:
        async with app[DATABASE].write() as session:
            desk = await app[DESK](session)
            await act(session, await service.by_number(session, number, scope=scope), desk)
    except Conflict as refused:
        async with app[DATABASE].write() as session:
            one = await service.by_number(session, number, scope=scope)
            service.log(session, one, what, now=app[CLOCK].now(), scope=scope, refused=True, code=refused.code)
        raise
    return see(f"/deliberations/{number}")


@routes.post(f"/deliberations/{NUMBER}/announce")
@page
async def announce(visit: Visit) -> web.StreamResponse:
    await visit.form()

    async def act(session: AsyncSession, one: Deliberation, desk: Desk) -> None:
        await service.announce(session, one, scope=visit.signed.scope, now=desk.now)

    return await on_one(visit, "announced", act)


@routes.post(f"/deliberations/{NUMBER}/statements/" + r"{statement:\d{1,18}}")
@page
async def moderate(visit: Visit) -> web.StreamResponse:
    """Make a statement public, or refuse it with ``refusal``."""
    form = await visit.form()
    refusal = _refusal(form)

    async def act(session: AsyncSession, one: Deliberation, desk: Desk) -> None:
        statement = int(visit.request.match_info["statement"])
        await service.moderate(session, one, statement, refusal=refusal, scope=visit.signed.scope, desk=desk)

    return await on_one(visit, "refused" if refusal else "public", act)


def _refusal(form: Form) -> Refusal | None:
    if form["public"] == "1":
        return None
    try:
        return Refusal(form["refusal"])
    except ValueError:
        raise BadInput("请选一个不公开的理由。", fields=["refusal"]) from None


@routes.post(f"/deliberations/{NUMBER}/publication")
@page
async def publish(visit: Visit) -> web.StreamResponse:
    form = await visit.form()

    async def act(session: AsyncSession, one: Deliberation, desk: Desk) -> None:
        await service.publish(
            session,
            one,
            summary=form["summary"],
            resolution=form["resolution"],
            scope=visit.signed.scope,
            now=desk.now,
        )

    return await on_one(visit, "published", act)


@routes.post(f"/deliberations/{NUMBER}/cancel")
@page
async def cancel(visit: Visit) -> web.StreamResponse:
    form = await visit.form()

    async def act(session: AsyncSession, one: Deliberation, desk: Desk) -> None:
        await service.cancel(session, one, reason=form["reason"], scope=visit.signed.scope, now=desk.now)

    return await on_one(visit, "cancelled", act)


@routes.post(f"/deliberations/{NUMBER}/vote")
@page
async def make_vote(visit: Visit) -> web.StreamResponse:
    """A vote draft over the resolution; look there next."""
    form, made = await visit.form(), list[str]()
    draft = draft_of(visit, form)

    async def act(session: AsyncSession, one: Deliberation, _desk: Desk) -> None:
        booth = visit.request.app[BOOTH]()
        made.append((await service.make_vote(session, one, draft, scope=visit.signed.scope, booth=booth)).number)

    await on_one(visit, "became_vote", act)
    return see(f"/votes/{made[0]}")


@routes.post(f"/deliberations/{NUMBER}/event")
@page
async def make_event(visit: Visit) -> web.StreamResponse:
    form = await visit.form()

    async def act(session: AsyncSession, one: Deliberation, desk: Desk) -> None:
        await service.make_event(session, one, item_code=form["item"], scope=visit.signed.scope, desk=desk)

    return await on_one(visit, "became_event", act)
