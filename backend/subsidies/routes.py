"""Subsidies for the actions, by conversation, and for the resident's page, by channel account."""

from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations import service as conversations
from backend.conversations.models import Conversation
from backend.errors import NotFound
from backend.events.routes import effect
from backend.events.service import Desk
from backend.house import DESK
from backend.idempotency import once
from backend.subsidies import applications, cards, dialogue, objections, talk
from backend.subsidies.schemas import HeardBody, ObjectionBody, PageBody
from backend.subsidies.talk import Brought, Heard
from backend.vault import numbers
from backend.vault import service as vaults
from backend.web import CLOCK, DATABASE, SENTENCES, SETTINGS, VAULT, body_of

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
    """The resident's applications, newest first: {applications: [card]}."""
    async with request.app[DATABASE].read() as session:
        conversation = await conversations.by_tracker_key(session, request.query.get("conversation", ""))
        desk = await request.app[DESK](session)
        found = await cards.of_conversation(session, conversation, desk=desk)
    return web.json_response({"applications": found})


# ---- for the resident's page, by channel account


async def _account(request: web.Request, session: AsyncSession) -> Conversation | None:
    query = request.query
    return await conversations.find(session, channel=query.get("channel", ""), address=query.get("address", ""))


@routes.get("/internal/v1/residents/subsidies")
async def mine(request: web.Request) -> web.Response:
    """{applications: [card]}: none for an account that is not known."""
    async with request.app[DATABASE].read() as session:
        conversation = await _account(request, session)
        desk = await request.app[DESK](session)
        found = await cards.of_conversation(session, conversation, desk=desk) if conversation else []
    return web.json_response({"applications": found})


@routes.get(r"/internal/v1/residents/subsidies/{number:B\d{4}-\d{4}}")
async def one_of_mine(request: web.Request) -> web.Response:
    """{application} with its papers and steps; 404 for anyone else's."""
    async with request.app[DATABASE].read() as session:
        conversation = await _account(request, session)
        application = await applications.by_number(session, request.match_info["number"])
        if conversation is None or application.conversation_id != conversation.id:
            raise NotFound
        answer = await cards.page(session, application, desk=await request.app[DESK](session))
    return web.json_response({"application": answer})


@routes.get("/internal/v1/residents/subsidies/talk")
async def where_it_stands(request: web.Request) -> web.Response:
    """What is asked now: {question: {text, buttons} | null}."""
    async with request.app[DATABASE].read() as session:
        conversation = await _account(request, session)
        said = None
        if conversation is not None and await talk.newest(session, conversation) is not None:
            desk = await request.app[DESK](session)
            said = await dialogue.question(session, conversation, desk=desk, vault=request.app[VAULT])
    return web.json_response({"question": {"text": said.text, "buttons": said.buttons} if said else None})


@routes.post("/internal/v1/residents/subsidies/talk")
async def hear_page(request: web.Request) -> web.Response:
    """What was written or pressed on the page, once for its ``once``: {replies, question, over}. Numbers go to the vault."""
    body = await body_of(request, PageBody)
    app = request.app
    now = app[CLOCK].now()
    text, found = numbers.take_out(body.text, today=now.astimezone(app[SETTINGS].zone).date())

    async def work(session: AsyncSession) -> dict[str, Any]:
        conversation = await conversations.opened(session, channel=body.channel, address=body.address, now=now)
        desk, vault = await app[DESK](session), app[VAULT]
        kept = await vaults.keep(session, vault, found, resident_id=conversation.resident_id, message_id=None, now=now)
        brought = Brought([[one.kind.value, one.problem] for one in found], {item.kind: item for item in kept})
        starting = not body.choice and (body.start or await talk.newest(session, conversation) is None)
        heard = Heard(text=text, choice=body.choice, media=body.media, starting=starting, brought=brought)
        answer = await dialogue.hear(session, conversation, heard, desk=desk, vault=vault)
        said = await dialogue.question(session, conversation, desk=desk, vault=vault)
        question = None if answer["over"] else {"text": said.text, "buttons": said.buttons}
        return {"replies": answer["replies"], "question": question, "over": answer["over"]}

    return web.json_response(await once(app[DATABASE], f"{request.path} {body.address[:64]} {body.once}", now, work))


@routes.get("/internal/v1/subsidies/published")
async def published(request: web.Request) -> web.Response:
    """公示, for everyone: {published: [{number, person, kind, amount, area, until}], more, kinds}; ``kind`` narrows it."""
    before = request.query.get("before", "")
    async with request.app[DATABASE].read() as session:
        found, more = await cards.published(
            session,
            kind=request.query.get("kind", "")[:32],
            before=int(before) if before.isascii() and before.isdecimal() and len(before) < 18 else None,
            desk=await request.app[DESK](session),
        )
        kinds = await cards.kinds(session)
    return web.json_response({"published": found, "more": more, "kinds": kinds})


@routes.post(r"/internal/v1/subsidies/published/{number:B\d{4}-\d{4}}/objections")
async def object_to(request: web.Request) -> web.Response:
    """A resident objects to what is published: {sentence}."""
    body = await body_of(request, ObjectionBody)
    now = request.app[CLOCK].now()
    text, _ = numbers.take_out(body.text, today=now.astimezone(request.app[SETTINGS].zone).date())
    async with request.app[DATABASE].write() as session:
        conversation = await conversations.opened(session, channel=body.channel, address=body.address, now=now)
        desk = await request.app[DESK](session)
        await objections.object_to(session, request.match_info["number"], conversation, text=text, desk=desk)
    return web.json_response({"sentence": request.app[SENTENCES].say("utter_subsidy_objection_filed").text}, status=201)
