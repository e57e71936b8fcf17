"""From a conversation: a report, an application or a ballot for the resident, which only they confirm."""

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from backend.api.operations import id_in
from backend.console.pages import Visit, on_conversation, page
from backend.conversations.models import Conversation
from backend.errors import BadInput, Conflict
from backend.grids import service as grids
from backend.grids.models import Area, Level
from backend.house import BOOTH, DESK
from backend.intake.routes import READERS
from backend.proposals import drafting, service
from backend.proposals.drafting import Draft
from backend.staff import conversations as talks
from backend.staff import events as work
from backend.staff.schemas import CodeAndName
from backend.web import CLOCK, DATABASE, VAULT

routes = web.RouteTableDef()
PLACES = (Level.STREET, Level.COMMUNITY, Level.GRID)


async def read_draft(request: web.Request, visit: Visit) -> Draft:
    """What the conversation says, read before anything is written. Raises Conflict unless the asker holds it."""
    async with request.app[DATABASE].read() as session:
        row = await talks.by_id(session, visit.signed.scope, id_in(request))
        if row.staff_id != visit.signed.scope.staff_id:
            raise Conflict("请先接待这段对话，再帮居民办。", code="not_holder")
        return await drafting.draft(session, row, request.app[READERS], now=request.app[CLOCK].now())


@routes.get("/conversations/{conversation_id}/event")
@page
async def event_page(visit: Visit) -> web.StreamResponse:
    """The report as it was read out of the conversation; after 修改, as it was proposed."""
    draft = await read_draft(visit.request, visit)
    async with visit.request.app[DATABASE].read() as session:
        row = await talks.by_id(session, visit.signed.scope, id_in(visit.request))
        last = next((one for one in await service.listed(session, row) if one.state == "changed"), None)
        shown = draft.as_dict() | (last.content if last else {})
        area = await session.get(Area, shown["area_code"]) if shown["area_code"] else None
        return await visit.show(
            session,
            "proposal_event.html",
            conversation_id=row.id,
            shown=shown,
            photos=draft.photos,
            place=f"{area.code} {await work.area_name(session, area)}" if area else "",
            places=await _places(session, visit, area),
            items=await work.admitted_items(session),
        )


async def _places(session: AsyncSession, visit: Visit, area: Area | None) -> list[CodeAndName]:
    """The grids of the asker's area, and around the place that was understood whatever may be chosen instead."""
    found = {one.code: one for one in await work.grids_within(session, visit.signed.scope)}
    for one in await grids.ancestors(session, area.code) if area else []:
        if one.level in PLACES:
            found.setdefault(one.code, CodeAndName(code=one.code, name=await work.area_name(session, one)))
    return list(found.values())


@routes.post("/conversations/{conversation_id}/event")
@page
async def propose_event(visit: Visit) -> web.StreamResponse:
    form = await visit.form()
    draft = await read_draft(visit.request, visit)
    code, _, _ = form["grid"].partition(" ")

    async def act(session: AsyncSession, row: Conversation) -> None:
        await service.propose_event(
            session,
            row,
            visit.signed.scope,
            draft,
            matter=form["matter"],
            area_code=code,
            address=form["address"],
            item_code=form["item"] or None,
            photos=[key for number, key in enumerate(draft.photos) if form[f"photo-{number}"]],
            desk=await visit.request.app[DESK](session),
        )

    return await on_conversation(visit, act)


@routes.post("/conversations/{conversation_id}/offers")
@page
async def offer(visit: Visit) -> web.StreamResponse:
    """A subsidy or a vote, as ``subsidy:CODE`` or ``vote:NUMBER``."""
    form = await visit.form()
    app = visit.request.app
    kind, _, target = form["what"].partition(":")

    async def act(session: AsyncSession, row: Conversation) -> None:
        desk = await app[DESK](session)
        if kind == "subsidy":
            await service.propose_subsidy(session, row, visit.signed.scope, target, desk=desk, vault=app[VAULT])
        elif kind == "vote":
            await service.propose_vote(session, row, visit.signed.scope, target, desk=desk, booth=app[BOOTH]())
        else:
            raise BadInput("请选择办什么。", fields=["what"])

    return await on_conversation(visit, act)


@routes.post(r"/conversations/{conversation_id}/proposals/{proposal_id:\d{1,18}}/withdraw")
@page
async def withdraw(visit: Visit) -> web.StreamResponse:
    await visit.form()

    async def act(session: AsyncSession, row: Conversation) -> None:
        desk = await visit.request.app[DESK](session)
        await service.withdraw(session, row, visit.signed.scope, int(visit.request.match_info["proposal_id"]), desk=desk)

    return await on_conversation(visit, act)
