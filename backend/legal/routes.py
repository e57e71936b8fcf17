"""Consults, for the actions."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations import service as conversations
from backend.conversations.models import Conversation
from backend.errors import BadInput
from backend.events.routes import effect
from backend.events.service import Desk
from backend.house import DESK
from backend.legal import service, views
from backend.legal.areas import AREA_NAMES
from backend.legal.law import Law
from backend.legal.models import Consult, ConsultState
from backend.legal.schemas import ContactAnswer, FileConsult, FollowUp, Question, Stars
from backend.vault import service as keeping
from backend.vault.models import Secret
from backend.web import DATABASE, SETTINGS, body_of

routes = web.RouteTableDef()
LAW = web.AppKey("law", Law)


@routes.post("/internal/v1/consults/read")
async def read(request: web.Request) -> web.Response:
    """What a question's words tell: {area, area_name, urgent, articles: [{article, text}], already, answered}:
    the open consult with the same question, and the latest one that may be followed up."""
    body = await body_of(request, Question)
    law = request.app[LAW]
    async with request.app[DATABASE].read() as session:
        conversation = await conversations.by_tracker_key(session, request.query.get("conversation", ""))
        desk = await request.app[DESK](session)
        found = await law.shown(session, body.text, at=desk.today)
        still_open = await service.of_resident(session, conversation.resident_id, only_open=True)
    reading = law.read(body.text)
    same = next((consult for consult in still_open if service.alike(consult.question, body.text)), None)
    answered = next((consult for consult in still_open if consult.state is ConsultState.ANSWERED), None)
    return web.json_response(
        {
            "area": reading.area.value,
            "area_name": AREA_NAMES[reading.area],
            "urgent": reading.urgent.value if reading.urgent else None,
            "articles": [{"article": one.article, "text": one.text} for one in found],
            "already": views.card(same) if same else None,
            "answered": views.card(answered) if answered else None,
        }
    )


@routes.post("/internal/v1/consults")
async def file_consult(request: web.Request) -> web.Response:
    body = await body_of(request, FileConsult)

    async def work(session: AsyncSession, conversation: Conversation, desk: Desk) -> dict[str, Any]:
        reading = request.app[LAW].read(body.question)
        consult, already = await service.file(
            session, conversation, body.question, reading=reading, media=body.media, desk=desk
        )
        return views.card(consult) | {"already": already}

    return await effect(request, work, status=201)


@routes.get("/internal/v1/consults")
async def list_consults(request: web.Request) -> web.Response:
    """The consults of a conversation's resident, newest first: {consults: [card]}."""
    async with request.app[DATABASE].read() as session:
        conversation = await conversations.by_tracker_key(session, request.query.get("conversation", ""))
        consults = await service.of_resident(session, conversation.resident_id)
    return web.json_response({"consults": [views.card(consult) for consult in consults]})


async def on_consult(request: web.Request, act: Callable[[AsyncSession, Consult, Desk], Awaitable[None]]) -> web.Response:
    """Do something to one of the resident's own consults and answer its card."""

    async def work(session: AsyncSession, conversation: Conversation, desk: Desk) -> dict[str, Any]:
        consult = await service.own(session, request.match_info["number"], resident_id=conversation.resident_id)
        await act(session, consult, desk)
        return views.card(consult)

    return await effect(request, work)


@routes.post(r"/internal/v1/consults/{number:\d{4}-\d{4}}/followup")
async def follow_up(request: web.Request) -> web.Response:
    body = await body_of(request, FollowUp)

    async def act(session: AsyncSession, consult: Consult, desk: Desk) -> None:
        hours = request.app[SETTINGS].consult_claim_hours
        await service.follow_up(session, consult, body.text, media=body.media, hours=hours, desk=desk)

    return await on_consult(request, act)


@routes.post(r"/internal/v1/consults/{number:\d{4}-\d{4}}/end")
async def end(request: web.Request) -> web.Response:
    async def act(session: AsyncSession, consult: Consult, desk: Desk) -> None:
        await service.end(session, consult, desk=desk)

    return await on_consult(request, act)


@routes.post(r"/internal/v1/consults/{number:\d{4}-\d{4}}/rating")
async def rate(request: web.Request) -> web.Response:
    body = await body_of(request, Stars)

    async def act(session: AsyncSession, consult: Consult, desk: Desk) -> None:
        await service.rate(session, consult, body.stars, desk=desk)

    return await on_consult(request, act)


@routes.post(r"/internal/v1/consults/{number:\d{4}-\d{4}}/contact")
async def share_contact(request: web.Request) -> web.Response:
    body = await body_of(request, ContactAnswer)

    async def act(session: AsyncSession, consult: Consult, desk: Desk) -> None:
        items = await keeping.of_message(session, body.message_id) if body.agree and body.message_id else {}
        phone = items.get(Secret.PHONE)
        if body.agree and (phone is None or phone.resident_id != consult.resident_id):
            raise BadInput("这里没有看到电话号码。", code="no_phone")
        await service.share_contact(session, consult, phone_id=phone.id if phone else None, desk=desk)

    return await on_consult(request, act)
