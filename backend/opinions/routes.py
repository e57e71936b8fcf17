"""Opinions, for the actions."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations import service as conversations
from backend.conversations.models import Conversation
from backend.events.pushes import desk_name
from backend.events.routes import effect
from backend.events.service import Desk
from backend.grids import service as grids
from backend.grids.models import Area, Level
from backend.house import DESK
from backend.intake import service as intake
from backend.intake.routes import READERS
from backend.opinions import service, views
from backend.opinions.models import Opinion
from backend.opinions.schemas import FileOpinion, Publicity, ReadOpinion, Stars
from backend.web import DATABASE, body_of

routes = web.RouteTableDef()
NUMBER = r"{number:Y\d{4}-\d{4}}"
WHOLE_CITY = re.compile(r"全市|整个市|市里|全城|不是哪个|没有?具体|都一样|不限")
# Openings of a suggestion that say nothing by themselves.
OPENING = re.compile(
    r"(您好|你好|喂|请问|我们?|俺|咱们?|想|要|来|给|跟|向|你们?|您|社区|街道|政府|单位|领导|这里|这边|提|反映|反馈|说|讲|写|发|有|一?条|一?个|些|点|几句|小小?|"
    r"建议|意见|想法|看法|表扬|感谢信?|一下|可以|吗|么|呢|吧|啊|的|了|话|请|把)+"
)
SHORTEST = 3


def has_words(text: str) -> bool:
    """Whether a text says something besides that somebody wants to suggest something."""
    return len(re.sub(r"[\W_]+", "", OPENING.sub("", text))) >= SHORTEST


@routes.post("/internal/v1/opinions/read")
async def read(request: web.Request) -> web.Response:
    """What a suggestion's words tell: {words, place, home, city, whole_city, owner, days, similar}.

    ``words``: there are some; ``place`` is what they or the pin name as {area_code, label, address}, or null; ``home`` the
    resident's community and ``city`` the whole city in the same form; ``whole_city``: that is what was named. Who answers,
    within how many working ``days``, and ``similar`` opinions are for the place, else the one settled on before, the home, the
    city.
    """
    body = await body_of(request, ReadOpinion)
    async with request.app[DATABASE].read() as session:
        conversation = await conversations.by_tracker_key(session, request.query.get("conversation", ""))
        desk, resident_id = await request.app[DESK](session), conversation.resident_id
        place = await _place(session, request.app[READERS], body)
        city = (await grids.at_level(session, Level.CITY))[0]
        home = await session.get(Area, conversation.last_area_code) if conversation.last_area_code else None
        settled = await session.get(Area, body.area_code) if body.area_code else None
        whole_city = bool(WHOLE_CITY.search(body.text))
        area = await session.get_one(Area, place["area_code"]) if place else settled or (city if whole_city else home or city)
        topic = await service.topic_for(session, body.text)
        similar = await service.similar(session, body.text, area_code=area.code, resident_id=resident_id)
        answer = {
            "words": has_words(body.text),
            "place": place,
            "home": _whole(home) if home else None,
            "city": _whole(city),
            "whole_city": whole_city,
            "owner": await desk_name(session, *await service.find_owner(session, topic, area)),
            "days": topic.due_days,
            "similar": await views.cards(session, similar, resident_id=resident_id, desk=desk),
        }
    return web.json_response(answer)


async def _place(session: AsyncSession, readers: intake.Readers, body: ReadOpinion) -> dict[str, Any] | None:
    reader = await readers.address(session)
    said = reader.read(body.text).place()
    if not said and body.location is None:
        return None
    found = await intake.place_of(session, reader.gazetteer, said, pin=body.location)
    return {name: found[name] for name in ("area_code", "label", "address")} if found["area_code"] else None


def _whole(area: Area) -> dict[str, Any]:
    return {"area_code": area.code, "label": area.name, "address": ""}


@routes.post("/internal/v1/opinions")
async def file_opinion(request: web.Request) -> web.Response:
    body = await body_of(request, FileOpinion)

    async def work(session: AsyncSession, conversation: Conversation, desk: Desk) -> dict[str, Any]:
        opinion = await service.file(
            session,
            conversation,
            body.text,
            area_code=body.area_code,
            address=body.address,
            public=body.public,
            media=body.media,
            desk=desk,
        )
        return await views.card(session, opinion, resident_id=conversation.resident_id, desk=desk)

    return await effect(request, work, status=201)


@routes.get("/internal/v1/opinions")
async def list_opinions(request: web.Request) -> web.Response:
    """{mine: [card], around: [card], area}: the resident's own and seconded ones, and the public ones around them that wait."""
    async with request.app[DATABASE].read() as session:
        conversation = await conversations.by_tracker_key(session, request.query.get("conversation", ""))
        desk, resident_id = await request.app[DESK](session), conversation.resident_id
        home = await session.get(Area, conversation.last_area_code) if conversation.last_area_code else None
        mine = await service.of_resident(session, resident_id)
        around = await service.listed(session, conversation.last_area_code)
        return web.json_response(
            {
                "mine": await views.cards(session, mine, resident_id=resident_id, desk=desk),
                "around": await views.cards(session, around, resident_id=resident_id, desk=desk),
                "area": home.name if home else "",
            }
        )


@routes.get(f"/internal/v1/opinions/{NUMBER}")
async def one_opinion(request: web.Request) -> web.Response:
    """{opinion: card}, for its author, who seconds it, and for everyone where it is public."""
    async with request.app[DATABASE].read() as session:
        conversation = await conversations.by_tracker_key(session, request.query.get("conversation", ""))
        desk, resident_id = await request.app[DESK](session), conversation.resident_id
        opinion = await service.readable_one(session, request.match_info["number"], resident_id=resident_id)
        return web.json_response({"opinion": await views.card(session, opinion, resident_id=resident_id, desk=desk)})


@routes.post(f"/internal/v1/opinions/{NUMBER}/support")
async def support(request: web.Request) -> web.Response:
    """附议: the card, with ``new``: whether it was counted now."""

    async def work(session: AsyncSession, conversation: Conversation, desk: Desk) -> dict[str, Any]:
        opinion, new = await service.support(session, request.match_info["number"], conversation=conversation, desk=desk)
        return await views.card(session, opinion, resident_id=conversation.resident_id, desk=desk) | {"new": new}

    return await effect(request, work)


async def on_own(request: web.Request, act: Callable[[AsyncSession, Opinion, Desk], Awaitable[None]]) -> web.Response:
    """Do something to one of the resident's own opinions and answer its card."""

    async def work(session: AsyncSession, conversation: Conversation, desk: Desk) -> dict[str, Any]:
        resident_id = conversation.resident_id
        opinion = await service.own(session, request.match_info["number"], resident_id=resident_id)
        await act(session, opinion, desk)
        return await views.card(session, opinion, resident_id=resident_id, desk=desk)

    return await effect(request, work)


@routes.post(f"/internal/v1/opinions/{NUMBER}/withdraw")
async def withdraw(request: web.Request) -> web.Response:
    async def act(session: AsyncSession, opinion: Opinion, desk: Desk) -> None:
        await service.withdraw(session, opinion, desk=desk)

    return await on_own(request, act)


@routes.post(f"/internal/v1/opinions/{NUMBER}/rating")
async def rate(request: web.Request) -> web.Response:
    body = await body_of(request, Stars)

    async def act(session: AsyncSession, opinion: Opinion, desk: Desk) -> None:
        await service.rate(session, opinion, body.stars, desk=desk)

    return await on_own(request, act)


@routes.post(f"/internal/v1/opinions/{NUMBER}/publicity")
async def set_public(request: web.Request) -> web.Response:
    body = await body_of(request, Publicity)

    async def act(session: AsyncSession, opinion: Opinion, desk: Desk) -> None:
        await service.set_public(session, opinion, public=body.public, desk=desk)

    return await on_own(request, act)
