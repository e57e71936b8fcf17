"""Subscriptions, for the actions."""

from typing import Any

from aiohttp import web
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from backend.broadcasts import service
from backend.conversations import service as conversations
from backend.conversations.models import Conversation
from backend.events.routes import effect
from backend.events.service import Desk
from backend.legal.areas import AREA_NAMES
from backend.web import DATABASE, body_of

routes = web.RouteTableDef()


class Topic(BaseModel):
    topic: str = Field(max_length=32)


@routes.get("/internal/v1/subscriptions")
async def topics(request: web.Request) -> web.Response:
    """{topics: [{topic, name, subscribed}]}."""
    async with request.app[DATABASE].read() as session:
        conversation = await conversations.by_tracker_key(session, request.query.get("conversation", ""))
        mine = await service.topics_of(session, conversation.resident_id)
    rows = [{"topic": one.value, "name": AREA_NAMES[one], "subscribed": one in mine} for one in service.TOPICS]
    return web.json_response({"topics": rows})


@routes.post("/internal/v1/subscriptions")
async def subscribe(request: web.Request) -> web.Response:
    body = await body_of(request, Topic)

    async def work(session: AsyncSession, conversation: Conversation, desk: Desk) -> dict[str, Any]:
        topic = await service.subscribe(session, conversation, body.topic, now=desk.now)
        return {"topic": topic.value, "name": AREA_NAMES[topic]}

    return await effect(request, work)


@routes.post("/internal/v1/subscriptions/stop")
async def stop(request: web.Request) -> web.Response:
    async def work(session: AsyncSession, conversation: Conversation, desk: Desk) -> dict[str, Any]:
        return {"stopped": await service.stop(session, conversation, now=desk.now)}

    return await effect(request, work)


@routes.post(r"/internal/v1/broadcasts/{broadcast_id:\d{1,18}}/open")
async def open_broadcast(request: web.Request) -> web.Response:
    async def work(session: AsyncSession, conversation: Conversation, desk: Desk) -> dict[str, Any]:
        found = await service.open_copy(
            session, int(request.match_info["broadcast_id"]), resident_id=conversation.resident_id, now=desk.now
        )
        return {"title": found.title, "text": found.text}

    return await effect(request, work)
