"""The talk about subsidies, for the actions."""

from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations import service as conversations
from backend.conversations.models import Conversation
from backend.events.routes import effect
from backend.events.service import Desk
from backend.house import DESK
from backend.subsidies import applications, dialogue
from backend.subsidies.schemas import HeardBody
from backend.subsidies.talk import Heard
from backend.web import DATABASE, SENTENCES, VAULT, body_of

routes = web.RouteTableDef()


@routes.post("/internal/v1/subsidies/talk")
async def hear(request: web.Request) -> web.Response:
    """{taken, over, replies: [{text, buttons}]}; ``taken`` is false when the message was meant for somebody else."""
    body = await body_of(request, HeardBody)

    async def work(session: AsyncSession, conversation: Conversation, desk: Desk) -> dict[str, Any]:
        return await dialogue.hear(session, conversation, Heard(**body.model_dump()), desk=desk, vault=request.app[VAULT])

    return await effect(request, work)


@routes.get("/internal/v1/subsidies/question")
async def question(request: web.Request) -> web.Response:
    """What is asked now: {text, buttons}."""
    async with request.app[DATABASE].read() as session:
        conversation = await conversations.by_tracker_key(session, request.query.get("conversation", ""))
        desk = await request.app[DESK](session)
        said = await dialogue.question(session, conversation, desk=desk, vault=request.app[VAULT])
    return web.json_response({"text": said.text, "buttons": said.buttons})


@routes.get("/internal/v1/subsidies/applications")
async def list_applications(request: web.Request) -> web.Response:
    """The resident's applications, newest first: {applications: [{number, name, state}]}."""
    say = request.app[SENTENCES].say
    async with request.app[DATABASE].read() as session:
        conversation = await conversations.by_tracker_key(session, request.query.get("conversation", ""))
        found = await applications.of_conversation(session, conversation)
        cards = [
            {
                "number": one.number,
                "name": (await applications.kind_of(session, one)).name,
                "state": say(f"utter_name_subsidy_state_{one.state.value}").text,
            }
            for one in found
        ]
    return web.json_response({"applications": cards})
