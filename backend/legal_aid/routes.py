"""Applications for legal aid, for the actions."""

from typing import Any

from aiohttp import web
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Conversation
from backend.events.routes import effect
from backend.events.service import Desk
from backend.house import DESK
from backend.legal import service as legal
from backend.legal_aid import service
from backend.legal_aid.models import Group, Paper
from backend.localtime import say_moment
from backend.web import DATABASE, body_of

routes = web.RouteTableDef()


class Application(BaseModel):
    """``declared``: the resident has accepted the declaration that was shown for this group."""

    group: Group
    missing: list[Paper] = Field(default_factory=list, max_length=2)
    declared: bool


@routes.get(r"/internal/v1/legal-aid/declaration/{group:\w{1,16}}")
async def declaration(request: web.Request) -> web.Response:
    """{declaration}: the words to accept."""
    body = Application.model_validate({"group": request.match_info["group"], "declared": False})
    async with request.app[DATABASE].read() as session:
        desk = await request.app[DESK](session)
    return web.json_response({"declaration": service.declaration(desk, body.group)})


@routes.post(r"/internal/v1/consults/{number:\d{4}-\d{4}}/legal-aid")
async def apply(request: web.Request) -> web.Response:
    """{number, already, state_name, due, missing, cure_by}; the times in local words."""
    body = await body_of(request, Application)

    async def work(session: AsyncSession, conversation: Conversation, desk: Desk) -> dict[str, Any]:
        consult = await legal.own(session, request.match_info["number"], resident_id=conversation.resident_id)
        service.check_declared(body.declared)
        aid, already = await service.apply(session, consult, group=body.group, missing=body.missing, desk=desk)
        return {
            "number": consult.number,
            "already": already,
            "state_name": service.STATE_NAMES[aid.state],
            "due": say_moment(aid.decide_by, now=desk.now, zone=desk.zone),
            "missing": service.papers(aid.missing),
            "cure_by": say_moment(aid.cure_by, now=desk.now, zone=desk.zone) if aid.cure_by else "",
        }

    return await effect(request, work, status=201)
