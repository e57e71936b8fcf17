"""Events for the actions (by conversation) and for the resident's page (by channel account)."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue import service as catalogue
from backend.conversations import service as conversations
from backend.conversations.models import Conversation
from backend.errors import BadInput, NotFound
from backend.events import service, views
from backend.events.models import Event, EventState
from backend.events.schemas import RefusalBody, ReportBody, Stars, Supplement, Verdict
from backend.events.service import Actor, Desk
from backend.house import DESK
from backend.idempotency import once
from backend.web import CLOCK, DATABASE, body_of

routes = web.RouteTableDef()

Work = Callable[[AsyncSession, Conversation, Desk], Awaitable[dict[str, Any]]]


def key_of(request: web.Request) -> str:
    """The request's Idempotency-Key. Raises BadInput when there is none."""
    key = request.headers.get("Idempotency-Key", "")
    if not key or len(key) > 150:
        raise BadInput(code="idempotency_key_missing")
    return key


async def effect(request: web.Request, work: Work, *, status: int = 200) -> web.Response:
    """Run ``work`` once for the request's Idempotency-Key, in one transaction, for the named conversation."""
    key = key_of(request)

    async def in_transaction(session: AsyncSession) -> dict[str, Any]:
        conversation = await conversations.by_tracker_key(session, request.query.get("conversation", ""))
        return await work(session, conversation, await request.app[DESK](session))

    answer = await once(request.app[DATABASE], f"{request.path} {key}", request.app[CLOCK].now(), in_transaction)
    return web.json_response(answer, status=status)


@routes.post("/internal/v1/events")
async def file_event(request: web.Request) -> web.Response:
    body = await body_of(request, ReportBody)

    async def work(session: AsyncSession, conversation: Conversation, desk: Desk) -> dict[str, Any]:
        report = service.Report(**body.model_dump(exclude={"message_id"}))
        event = await service.file_event(session, report, desk=desk, conversation=conversation, message_id=body.message_id)
        return await views.card(session, event, resident_id=conversation.resident_id, desk=desk)

    return await effect(request, work, status=201)


@routes.get("/internal/v1/events")
async def list_events(request: web.Request) -> web.Response:
    """The events of a conversation's resident, newest first: {events: [card]}."""
    async with request.app[DATABASE].read() as session:
        conversation = await conversations.by_tracker_key(session, request.query.get("conversation", ""))
        desk = await request.app[DESK](session)
        events = await service.of_resident(session, conversation.resident_id)
        cards = [await views.card(session, event, resident_id=conversation.resident_id, desk=desk) for event in events]
    return web.json_response({"events": cards})


@routes.get("/internal/v1/events/similar")
async def similar(request: web.Request) -> web.Response:
    """Open events of the same item in the same grid: {events: [card with ``mine``]}."""
    async with request.app[DATABASE].read() as session:
        conversation = await conversations.by_tracker_key(session, request.query.get("conversation", ""))
        desk = await request.app[DESK](session)
        found = await service.similar(
            session,
            area_code=request.query.get("area_code", ""),
            item_code=request.query.get("item_code", ""),
            building=request.query.get("building"),
            resident_id=conversation.resident_id,
            desk=desk,
        )
        cards = [await views.card(session, event, resident_id=conversation.resident_id, desk=desk) for event in found]
    return web.json_response({"events": cards})


@routes.get("/internal/v1/events/just-filed")
async def just_filed(request: web.Request) -> web.Response:
    """What was filed from this conversation minutes ago: {event: {number, item_code} or null}."""
    async with request.app[DATABASE].read() as session:
        conversation = await conversations.by_tracker_key(session, request.query.get("conversation", ""))
        event = await service.just_filed(session, conversation.id, desk=await request.app[DESK](session))
    return web.json_response({"event": {"number": event.number, "item_code": event.item_code} if event else None})


@routes.get(r"/internal/v1/events/{number:\d{4}-\d{4}}")
async def one_event(request: web.Request) -> web.Response:
    async with request.app[DATABASE].read() as session:
        conversation = await conversations.by_tracker_key(session, request.query.get("conversation", ""))
        event = await service.by_number(session, request.match_info["number"], resident_id=conversation.resident_id)
        answer = await views.page(session, event, resident_id=conversation.resident_id, desk=await request.app[DESK](session))
    return web.json_response({"event": answer})


async def on_event(
    request: web.Request, act: Callable[[AsyncSession, Event, Conversation, Desk], Awaitable[None]]
) -> web.Response:
    """Do something to one of the resident's own events and answer its card."""

    async def work(session: AsyncSession, conversation: Conversation, desk: Desk) -> dict[str, Any]:
        event = await service.by_number(session, request.match_info["number"], resident_id=conversation.resident_id)
        await act(session, event, conversation, desk)
        return await views.card(session, event, resident_id=conversation.resident_id, desk=desk)

    return await effect(request, work)


@routes.post(r"/internal/v1/events/{number:\d{4}-\d{4}}/urge")
async def urge(request: web.Request) -> web.Response:
    async def act(session: AsyncSession, event: Event, conversation: Conversation, desk: Desk) -> None:
        await service.urge(session, event, resident_id=conversation.resident_id, desk=desk)

    return await on_event(request, act)


@routes.post(r"/internal/v1/events/{number:\d{4}-\d{4}}/supplement")
async def supplement(request: web.Request) -> web.Response:
    body = await body_of(request, Supplement)

    async def act(session: AsyncSession, event: Event, conversation: Conversation, desk: Desk) -> None:
        await service.supplement(
            session, event, resident_id=conversation.resident_id, text=body.text, photos=body.photos, desk=desk
        )

    return await on_event(request, act)


@routes.post(r"/internal/v1/events/{number:\d{4}-\d{4}}/correction")
async def correct(request: web.Request) -> web.Response:
    body = await body_of(request, ReportBody)

    async def act(session: AsyncSession, event: Event, conversation: Conversation, desk: Desk) -> None:
        report = service.Report(**body.model_dump(exclude={"message_id"}))
        await service.correct(session, event, report, resident_id=conversation.resident_id, desk=desk)

    return await on_event(request, act)


@routes.post(r"/internal/v1/events/{number:\d{4}-\d{4}}/withdraw")
async def withdraw(request: web.Request) -> web.Response:
    async def act(session: AsyncSession, event: Event, conversation: Conversation, desk: Desk) -> None:
        await service.withdraw(session, event, resident_id=conversation.resident_id, desk=desk)

    return await on_event(request, act)


@routes.post(r"/internal/v1/events/{number:\d{4}-\d{4}}/verdict")
async def verdict(request: web.Request) -> web.Response:
    body = await body_of(request, Verdict)

    async def act(session: AsyncSession, event: Event, conversation: Conversation, desk: Desk) -> None:
        to = EventState.CLOSED if body.solved else EventState.REOPENED
        actor = Actor.resident(conversation.resident_id)
        await service.move(session, event, to, actor=actor, desk=desk, note=body.note)

    return await on_event(request, act)


@routes.post(r"/internal/v1/events/{number:\d{4}-\d{4}}/rating")
async def rate(request: web.Request) -> web.Response:
    body = await body_of(request, Stars)

    async def act(session: AsyncSession, event: Event, conversation: Conversation, desk: Desk) -> None:
        await service.rate(session, event, resident_id=conversation.resident_id, stars=body.stars, desk=desk)

    return await on_event(request, act)


@routes.post(r"/internal/v1/events/{number:\d{4}-\d{4}}/join")
async def join(request: web.Request) -> web.Response:
    async def work(session: AsyncSession, conversation: Conversation, desk: Desk) -> dict[str, Any]:
        event = await service.join(session, request.match_info["number"], conversation=conversation, desk=desk)
        return await views.card(session, event, resident_id=conversation.resident_id, desk=desk)

    return await effect(request, work)


@routes.post("/internal/v1/refusals")
async def refuse(request: web.Request) -> web.Response:
    body = await body_of(request, RefusalBody)

    async def work(session: AsyncSession, _conversation: Conversation, desk: Desk) -> dict[str, Any]:
        await catalogue.count_refusal(session, body.item_code, desk.today)
        return {"ok": True}

    return await effect(request, work)


async def _account(request: web.Request, session: AsyncSession) -> Conversation:
    conversation = await conversations.find(
        session, channel=request.query.get("channel", ""), address=request.query.get("address", "")
    )
    if conversation is None:
        raise NotFound
    return conversation


@routes.get("/internal/v1/residents/events")
async def my_events(request: web.Request) -> web.Response:
    async with request.app[DATABASE].read() as session:
        conversation = await conversations.find(
            session, channel=request.query.get("channel", ""), address=request.query.get("address", "")
        )
        desk = await request.app[DESK](session)
        resident_id = conversation.resident_id if conversation else 0
        events = await service.of_resident(session, resident_id)
        cards = [await views.card(session, event, resident_id=resident_id, desk=desk) for event in events]
    return web.json_response({"events": cards})


@routes.get(r"/internal/v1/residents/events/{number:\d{4}-\d{4}}")
async def my_event(request: web.Request) -> web.Response:
    async with request.app[DATABASE].read() as session:
        conversation = await _account(request, session)
        event = await service.by_number(session, request.match_info["number"], resident_id=conversation.resident_id)
        answer = await views.page(session, event, resident_id=conversation.resident_id, desk=await request.app[DESK](session))
    return web.json_response({"event": answer})
