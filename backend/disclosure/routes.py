"""公开, for the actions (by conversation) and for the public page."""

from typing import Any

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations import service as conversations
from backend.conversations.models import Conversation
from backend.disclosure import service
from backend.disclosure.models import Disclosure
from backend.disclosure.schemas import MOST_PAGES, SEARCH_LIMIT, Search, Wish
from backend.errors import BadInput
from backend.events.routes import effect
from backend.events.service import Desk
from backend.grids import service as grids
from backend.grids.models import Area, Level
from backend.house import DESK
from backend.opinions.models import OpinionTopic
from backend.opinions.topics import topics
from backend.vault.numbers import take_out
from backend.web import CLOCK, DATABASE, SETTINGS, body_of, number_in

routes = web.RouteTableDef()


def card(entry: Disclosure, desk: Desk, *, areas: dict[str, str], names: dict[str, str]) -> dict[str, Any]:
    """{entry, kind, kind_name, number, title, text, topic, area, day, published_at}; ``day`` is local."""
    local = entry.published_at.astimezone(desk.zone)
    return {
        "entry": entry.id,
        "kind": entry.kind.value,
        "kind_name": desk.sentences.say(f"utter_name_disclosure_{entry.kind}").text,
        "number": entry.number,
        "title": entry.title,
        "text": entry.text,
        "topic": names[entry.topic_code],
        "area": areas[entry.area_code],
        "day": f"{local.month}月{local.day}日"
        if local.year == desk.today.year
        else f"{local.year}年{local.month}月{local.day}日",
        "published_at": entry.published_at.isoformat(),
    }


async def _cards(session: AsyncSession, entries: list[Disclosure], desk: Desk) -> list[dict[str, Any]]:
    codes = {entry.area_code for entry in entries}
    areas = dict((await session.execute(select(Area.code, Area.name).where(Area.code.in_(codes)))).all())
    names = dict((await session.execute(select(OpinionTopic.code, OpinionTopic.name))).all())
    return [card(entry, desk, areas=areas, names=names) for entry in entries]


@routes.get("/internal/v1/disclosure")
async def find(request: web.Request) -> web.Response:
    """{entries: [card], more, area, topics: [{code, name}], areas: [{code, name, depth}]}.

    ``q`` are words, ``area`` and ``topic`` codes, ``page`` counts from 1. With ``conversation`` and no area
    it is the resident's community, the whole city where that is not known.
    """
    query = request.query
    async with request.app[DATABASE].read() as session:
        area_code = query.get("area", "")
        if not area_code and "conversation" in query:
            area_code = (await conversations.by_tracker_key(session, query["conversation"])).last_area_code or ""
        size = number_in(request, "size", service.PAGE, low=1, high=service.PAGE)
        search = Search(
            q=query.get("q", "")[:SEARCH_LIMIT],
            area=area_code,
            topic=query.get("topic", ""),
            page=number_in(request, "page", 1, low=1, high=MOST_PAGES),
        )
        return web.json_response(await _found(request, session, search, size=size))


@routes.post("/internal/v1/disclosure/search")
async def search(request: web.Request) -> web.Response:
    """The same for the page 公开, posted, so that no address holds what was typed; and ``words``: it, its numbers masked."""
    body = await body_of(request, Search)
    today = request.app[CLOCK].now().astimezone(request.app[SETTINGS].zone).date()
    words, _ = take_out(body.q, today=today)
    async with request.app[DATABASE].read() as session:
        found = await _found(request, session, body.model_copy(update={"q": words}), size=service.PAGE)
    return web.json_response(found | {"words": words})


async def _found(request: web.Request, session: AsyncSession, search: Search, *, size: int) -> dict[str, Any]:
    desk = await request.app[DESK](session)
    found = await service.find(
        session, words=search.q, area_code=search.area, topic_code=search.topic, page=search.page, page_size=size
    )
    area = await session.get(Area, search.area) if search.area else None
    return {
        "entries": await _cards(session, found.entries, desk),
        "more": found.more,
        "area": area.name if area else "",
        "topics": [{"code": one.code, "name": one.name} for one in await topics(session)],
        "areas": await _steps(session, area),
    }


async def _steps(session: AsyncSession, area: Area | None) -> list[dict[str, Any]]:
    """What can be chosen from here: the way down to ``area``, and what lies right below it; the city's districts where none
    is chosen. ``depth`` is how far below the city."""
    way = list(reversed(await grids.ancestors(session, area.code))) if area else (await grids.at_level(session, Level.CITY))[:1]
    below = await session.scalars(select(Area).where(Area.parent_code == way[-1].code).order_by(Area.code)) if way else ()
    steps = [(place, depth) for depth, place in enumerate(way) if depth] + [(place, len(way)) for place in below]
    return [{"code": place.code, "name": place.name, "depth": depth} for place, depth in steps]


@routes.get(r"/internal/v1/disclosure/{entry:\d{1,18}}")
async def one(request: web.Request) -> web.Response:
    """{entry: card}"""
    async with request.app[DATABASE].read() as session:
        entry = await service.one(session, int(request.match_info["entry"]))
        desk = await request.app[DESK](session)
        return web.json_response({"entry": (await _cards(session, [entry], desk))[0]})


@routes.get("/internal/v1/disclosure/wishes")
async def wishes(request: web.Request) -> web.Response:
    """What can be subscribed to: {topics: [{code, name}], areas: [{level, name}]}, the areas from the community up."""
    async with request.app[DATABASE].read() as session:
        conversation = await conversations.by_tracker_key(session, request.query.get("conversation", ""))
        chain = await grids.ancestors(session, conversation.last_area_code) if conversation.last_area_code else []
        found = chain or await grids.at_level(session, Level.CITY)
        return web.json_response(
            {
                "topics": [{"code": topic.code, "name": topic.name} for topic in await topics(session)],
                "areas": [{"level": area.level.value, "name": area.name} for area in found],
            }
        )


@routes.post("/internal/v1/disclosure/wishes")
async def subscribe(request: web.Request) -> web.Response:
    """{topic, area}: the names of what was subscribed to; the topic is "" for all."""
    body = await body_of(request, Wish)

    async def work(session: AsyncSession, conversation: Conversation, desk: Desk) -> dict[str, Any]:
        area_code = body.area
        if area_code in set(Level):
            chain = await grids.ancestors(session, conversation.last_area_code) if conversation.last_area_code else []
            around = {area.level.value: area.code for area in chain or await grids.at_level(session, Level.CITY)}
            area_code = around.get(area_code, "")
        if not area_code:
            raise BadInput("还不知道您住哪儿，说一下社区名字，比如“订阅公开 宫涵社区”。", code="no_place")
        topic, area = await service.subscribe(session, conversation, topic_code=body.topic, area_code=area_code, now=desk.now)
        return {"topic": topic, "area": area}

    return await effect(request, work)


@routes.post("/internal/v1/disclosure/wishes/stop")
async def stop(request: web.Request) -> web.Response:
    """{stopped}: how many there were."""

    async def work(session: AsyncSession, conversation: Conversation, desk: Desk) -> dict[str, Any]:
        return {"stopped": await service.stop(session, conversation, now=desk.now)}

    return await effect(request, work)
