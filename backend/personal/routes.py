"""A resident asks for their data, or that it be deleted."""

from typing import Any

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Conversation
from backend.events.routes import effect
from backend.events.service import Desk
from backend.personal import service
from backend.personal.models import Wish
from backend.web import body_of

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
