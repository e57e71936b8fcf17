"""Deliberations for the actions (by conversation), and the published resolutions."""

from typing import Any

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations import service as conversations
from backend.conversations.models import Conversation
from backend.deliberation import cards, service
from backend.deliberation.models import Deliberation, DeliberationState, Participant
from backend.deliberation.schemas import SpeechBody, StanceBody
from backend.errors import NotFound
from backend.events.routes import effect
from backend.events.service import Desk
from backend.house import DESK
from backend.web import DATABASE, body_of, number_in

routes = web.RouteTableDef()
NUMBER = r"{number:YS-\d{6}}"
STATEMENT = r"{statement:\d{1,18}}"
LISTED = 5


async def card_of(session: AsyncSession, one: Deliberation, resident_id: int, *, desk: Desk) -> dict[str, Any]:
    """{number, title, state, open, participant, card: {text, buttons}}"""
    participant = await service.participant(session, one, resident_id) is not None
    card = cards.card(
        one,
        desk=desk,
        mine=await service.of_resident(session, one, resident_id),
        public=await service.public_count(session, one),
        participant=participant,
        became=[(kind.value, number) for kind, number in await service.became(session, one)],
    )
    return {
        "number": one.number,
        "title": one.title,
        "state": one.state.value,
        "open": service.takes_part(one, now=desk.now),
        "participant": participant,
        "card": cards.as_dict(card),
    }


async def _next(session: AsyncSession, one: Deliberation, resident_id: int, *, desk: Desk, after: int) -> dict[str, Any] | None:
    found = await service.next_to_judge(session, one, resident_id, after=after)
    return cards.as_dict(cards.to_judge(one, found, desk=desk)) if found else None


@routes.get("/internal/v1/deliberations")
async def list_deliberations(request: web.Request) -> web.Response:
    """{open: [card_of], past: [card_of]} for those that the conversation's resident was asked to."""
    async with request.app[DATABASE].read() as session:
        desk = await request.app[DESK](session)
        conversation = await conversations.by_tracker_key(session, request.query.get("conversation", ""))
        resident = conversation.resident_id
        rows = await session.scalars(
            select(Deliberation)
            .join(Participant, Participant.deliberation_id == Deliberation.id)
            .where(Participant.resident_id == resident, Deliberation.state != DeliberationState.DRAFT)
            .order_by(Deliberation.ends_at.desc(), Deliberation.id)
            .limit(2 * LISTED)
        )
        found = [await card_of(session, one, resident, desk=desk) for one in rows]
    answer = {"open": [one for one in found if one["open"]][::-1][:LISTED], "past": [one for one in found if not one["open"]]}
    return web.json_response(answer)


@routes.get(f"/internal/v1/deliberations/{NUMBER}")
async def one_deliberation(request: web.Request) -> web.Response:
    """card_of; a draft is not there yet."""
    async with request.app[DATABASE].read() as session:
        desk = await request.app[DESK](session)
        conversation = await conversations.by_tracker_key(session, request.query.get("conversation", ""))
        one = await service.by_number(session, request.match_info["number"])
        if one.state is DeliberationState.DRAFT:
            raise NotFound("没有找到这次议事。", code="deliberation_unknown")
        return web.json_response(await card_of(session, one, conversation.resident_id, desk=desk))


@routes.get(f"/internal/v1/deliberations/{NUMBER}/next")
async def next_statement(request: web.Request) -> web.Response:
    """{title, statement: {text, buttons} or null}: the next one above ``after`` on which the resident has not said anything."""
    async with request.app[DATABASE].read() as session:
        desk = await request.app[DESK](session)
        conversation = await conversations.by_tracker_key(session, request.query.get("conversation", ""))
        one = await service.by_number(session, request.match_info["number"])
        after = number_in(request, "after", 0, high=2**62)
        found = await _next(session, one, conversation.resident_id, desk=desk, after=after)
        open_ = service.takes_part(one, now=desk.now)
        return web.json_response({"title": one.title, "statement": found if open_ else None})


@routes.post(f"/internal/v1/deliberations/{NUMBER}/join")
async def join(request: web.Request) -> web.Response:
    """The resident says that they live there: card_of."""

    async def work(session: AsyncSession, conversation: Conversation, desk: Desk) -> dict[str, Any]:
        one = await service.by_number(session, request.match_info["number"])
        await service.join(session, one, conversation, now=desk.now)
        return await card_of(session, one, conversation.resident_id, desk=desk)

    return await effect(request, work)


@routes.post(f"/internal/v1/deliberations/{NUMBER}/statements")
async def speak(request: web.Request) -> web.Response:
    """{title, statement}: the id of what was said; it waits for staff."""
    body = await body_of(request, SpeechBody)

    async def work(session: AsyncSession, conversation: Conversation, desk: Desk) -> dict[str, Any]:
        one = await service.by_number(session, request.match_info["number"])
        said = await service.speak(session, one, conversation, body.text, desk=desk)
        return {"title": one.title, "statement": said.id}

    return await effect(request, work, status=201)


@routes.post(f"/internal/v1/statements/{STATEMENT}/stance")
async def judge(request: web.Request) -> web.Response:
    """{number, title, said: {text, buttons}, next: {text, buttons} or null}"""
    body, statement_id = await body_of(request, StanceBody), int(request.match_info["statement"])

    async def work(session: AsyncSession, conversation: Conversation, desk: Desk) -> dict[str, Any]:
        resident = conversation.resident_id
        said = await service.judge(session, statement_id, resident_id=resident, stance=body.stance, now=desk.now)
        counts = await service.counts(session, [said.id])
        one = await session.get_one(Deliberation, said.deliberation_id)
        following = await _next(session, one, resident, desk=desk, after=said.id)
        answer = cards.judged(body.stance, counts[said.id], desk=desk)
        return {"number": one.number, "title": one.title, "said": cards.as_dict(answer), "next": following}

    return await effect(request, work)


@routes.post(f"/internal/v1/statements/{STATEMENT}/withdrawal")
async def withdraw(request: web.Request) -> web.Response:
    """{number, title}"""
    statement_id = int(request.match_info["statement"])

    async def work(session: AsyncSession, conversation: Conversation, desk: Desk) -> dict[str, Any]:
        said = await service.withdraw(session, statement_id, resident_id=conversation.resident_id, now=desk.now)
        one = await session.get_one(Deliberation, said.deliberation_id)
        return {"number": one.number, "title": one.title}

    return await effect(request, work)
