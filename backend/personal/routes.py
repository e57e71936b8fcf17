"""A resident asks how everything stands, for their data, or that it be deleted."""

from typing import Any

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations import service as conversations
from backend.conversations.models import Conversation
from backend.events.routes import effect
from backend.events.service import Desk
from backend.house import DESK
from backend.personal import service, standing
from backend.personal.models import Wish
from backend.web import DATABASE, body_of

routes = web.RouteTableDef()


class WishBody(BaseModel):
    wish: Wish


@routes.post("/internal/v1/personal")
async def ask(request: web.Request) -> web.Response:
    """{new}: false when the same is being done already."""
    body = await body_of(request, WishBody)

    async def work(session: AsyncSession, conversation: Conversation, desk: Desk) -> dict[str, Any]:
        return {"new": await service.ask(session, conversation, body.wish, now=desk.now)}

    return await effect(request, work, status=202)


@routes.get("/internal/v1/standing")
async def stand(request: web.Request) -> web.Response:
    """{events, applications, consults, opinions, mediations} of a conversation's resident, as cards, newest first."""
    async with request.app[DATABASE].read() as session:
        conversation = await conversations.by_tracker_key(session, request.query.get("conversation", ""))
        answer = await standing.of_conversation(session, conversation, desk=await request.app[DESK](session))
    return web.json_response(answer)
