"""The coordinator's page of 普法推送: what is planned, what was sent, and how it was received."""

from datetime import datetime

from aiohttp import web

from backend.broadcasts import service
from backend.console.legal import law_page
from backend.console.pages import Visit, see
from backend.errors import BadInput
from backend.legal.areas import AREA_NAMES
from backend.web import CLOCK, DATABASE, SETTINGS

routes = web.RouteTableDef()


@routes.get("/legal/broadcasts")
@law_page
async def broadcasts_page(visit: Visit) -> web.StreamResponse:
    app = visit.request.app
    async with app[DATABASE].read() as session:
        return await visit.show(
            session,
            "legal_broadcasts.html",
            broadcasts=await service.listed(session, visit.signed.scope),
            subscribers=await service.subscribers(session),
            topics=service.TOPICS,
            area_names=AREA_NAMES,
            soon=app[CLOCK].now().astimezone(app[SETTINGS].zone).strftime("%Y-%m-%dT%H:%M"),
        )


@routes.post("/legal/broadcasts")
@law_page
async def plan(visit: Visit) -> web.StreamResponse:
    form = await visit.form(phones=False)
    app = visit.request.app
    try:
        due_at = datetime.fromisoformat(form["due_at"])
    except ValueError:
        raise BadInput("请填推送时间。", fields=["due_at"]) from None
    if due_at.tzinfo is None:
        due_at = due_at.replace(tzinfo=app[SETTINGS].zone)
    async with app[DATABASE].write() as session:
        await service.plan(
            session,
            visit.signed.scope,
            topic=form["topic"],
            title=form["title"],
            text=form["text"],
            due_at=due_at,
            now=app[CLOCK].now(),
        )
    return see("/legal/broadcasts")


@routes.post(r"/legal/broadcasts/{broadcast_id:\d{1,18}}/cancel")
@law_page
async def cancel(visit: Visit) -> web.StreamResponse:
    await visit.form()
    async with visit.request.app[DATABASE].write() as session:
        await service.cancel(session, visit.signed.scope, int(visit.request.match_info["broadcast_id"]))
    return see("/legal/broadcasts")
