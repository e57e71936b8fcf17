"""From a conversation: a report, an application or a ballot for the resident, which only they confirm."""

from dataclasses import dataclass
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from backend.api.operations import id_in
from backend.console.pages import Visit, on_conversation, page
from backend.conversations.models import Conversation
from backend.errors import BadInput, Conflict
from backend.events.models import Event
from backend.events.service import Desk
from backend.grids import service as grids
from backend.grids.models import Area, Level
from backend.house import BOOTH, DESK
from backend.intake.routes import READERS
from backend.proposals import drafting, service
from backend.proposals.drafting import Draft
from backend.proposals.service import Wanted
from backend.staff import conversations as talks
from backend.staff import events as work
from backend.staff.schemas import CodeAndName
from backend.web import CLOCK, DATABASE, VAULT

routes = web.RouteTableDef()
PLACES = (Level.STREET, Level.COMMUNITY, Level.GRID)


@dataclass
class Block:
    """One report on the page: the fields as they stand there, and the event that the resident will be asked about first."""

    matter: str = ""
    grid: str = ""
    address: str = ""
    item: str = ""
    photos: frozenset[str] = frozenset()
    use: bool = True
    neighbour: Event | None = None


async def read_drafts(request: web.Request, visit: Visit) -> list[Draft]:
    """What the conversation says, read before anything is written. Raises Conflict unless the asker holds it."""
    async with request.app[DATABASE].read() as session:
        row = await talks.by_id(session, visit.signed.scope, id_in(request))
        if row.staff_id != visit.signed.scope.staff_id:
            raise Conflict("请先接待这段对话，再帮居民办。", code="not_holder")
        return await drafting.drafts(session, row, request.app[READERS], now=request.app[CLOCK].now())


@routes.get("/conversations/{conversation_id}/event")
@page
async def event_page(visit: Visit) -> web.StreamResponse:
    """The reports as they were read out of the conversation; after 修改, the one that is to be changed."""
    drafts = await read_drafts(visit.request, visit)
    async with visit.request.app[DATABASE].read() as session:
        row = await talks.by_id(session, visit.signed.scope, id_in(visit.request))
        changed = next((one for one in await service.listed(session, row) if one.state == "changed"), None)
        shown = [changed.content] if changed else [one.as_dict() for one in drafts]
        desk = await visit.request.app[DESK](session)
        blocks = [await _block(session, row, one, desk=desk) for one in shown]
        return await _show(session, visit, row, drafts, blocks, changed=changed is not None)


async def _block(session: AsyncSession, row: Conversation, shown: dict[str, Any], *, desk: Desk) -> Block:
    area = await session.get(Area, shown["area_code"]) if shown["area_code"] else None
    content = {
        "unplaced": area is None or area.level is not Level.GRID,
        "place": shown.get("place") or shown.get("parts") or {},
    }
    return Block(
        matter=shown["matter"],
        grid=f"{area.code} {await work.area_name(session, area)}" if area else "",
        address=shown["address"],
        item=shown["item_code"] or "",
        photos=frozenset(shown["photos"]),
        neighbour=await service.neighbour(session, shown | content, resident_id=row.resident_id, desk=desk),
    )


async def _show(
    session: AsyncSession, visit: Visit, row: Conversation, drafts: list[Draft], blocks: list[Block], *, changed: bool
) -> web.StreamResponse:
    named = [await session.get(Area, block.grid.partition(" ")[0]) for block in blocks]
    return await visit.show(
        session,
        "proposal_event.html",
        conversation_id=row.id,
        blocks=blocks,
        changed=changed,
        most=drafting.MOST_MATTERS,
        photos=_photos(drafts),
        places=await _places(session, visit, [area for area in named if area]),
        items=await work.admitted_items(session),
    )


def _photos(drafts: list[Draft]) -> list[str]:
    return list(dict.fromkeys(key for draft in drafts for key in draft.photos))


async def _places(session: AsyncSession, visit: Visit, named: list[Area]) -> list[CodeAndName]:
    """The grids of the asker's area, and around the places that were understood whatever may be chosen instead."""
    found = {one.code: one for one in await work.grids_within(session, visit.signed.scope)}
    for area in named:
        for one in await grids.ancestors(session, area.code):
            if one.level in PLACES:
                found.setdefault(one.code, CodeAndName(code=one.code, name=await work.area_name(session, one)))
    return list(found.values())


@routes.post("/conversations/{conversation_id}/event")
@page
async def propose_event(visit: Visit) -> web.StreamResponse:
    """Send the reports, or show the page again with room for one more."""
    form = await visit.form()
    drafts = await read_drafts(visit.request, visit)
    photos = _photos(drafts)
    blocks = [
        Block(
            form[f"matter-{n}"],
            form[f"grid-{n}"],
            form[f"address-{n}"],
            form[f"item-{n}"],
            frozenset(key for number, key in enumerate(photos) if form[f"photo-{n}-{number}"]),
            use=n == 0 or bool(form[f"use-{n}"]),
        )
        for n in range(drafting.MOST_MATTERS)
        if f"matter-{n}" in form.fields
    ]
    changed = form["changed"] == "yes"
    if form["as"] == "more":
        async with visit.request.app[DATABASE].read() as session:
            row = await talks.by_id(session, visit.signed.scope, id_in(visit.request))
            return await _show(session, visit, row, drafts, [*blocks, Block()][: drafting.MOST_MATTERS], changed=changed)
    wanted = [
        Wanted(
            block.matter,
            block.grid.partition(" ")[0],
            block.address,
            block.item or None,
            sorted(block.photos, key=photos.index),
        )
        for block in blocks
        if block.use
    ]

    async def act(session: AsyncSession, row: Conversation) -> None:
        desk = await visit.request.app[DESK](session)
        await service.propose_events(session, row, visit.signed.scope, drafts, wanted, also=changed, desk=desk)

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
