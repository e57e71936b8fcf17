"""Votes for the actions (by conversation) and, once decided, for everyone."""

from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations import service as conversations
from backend.conversations.models import Conversation
from backend.errors import NotFound
from backend.events.routes import effect, key_of
from backend.events.service import Desk
from backend.house import BOOTH
from backend.residents.models import Account
from backend.votes import cards, matching, opening, service
from backend.votes.models import Vote, VoteState, VoteUnit
from backend.votes.schemas import BallotBody, CodeBody, UnitBody
from backend.votes.urn import Envelope, Urn
from backend.web import DATABASE, body_of
from wording import Said

routes = web.RouteTableDef()
URN = web.AppKey("urn", Urn)
NUMBER = r"{number:TP-\d{6}}"
VOUCHING = frozenset(("telegram",))  # channels that know whose number it is


def as_dict(said: Said) -> dict[str, Any]:
    return {"text": said.text, "buttons": said.buttons}


async def card_of(session: AsyncSession, request: web.Request, vote: Vote, unit: VoteUnit) -> dict[str, Any]:
    """{number, title, unit, unit_id, voted, card: {text, buttons}}"""
    booth = request.app[BOOTH]()
    voted = await service.has_voted(session, vote, unit.id, booth=booth)
    return {
        "number": vote.number,
        "title": vote.title,
        "unit": unit.code,
        "unit_id": unit.id,
        "voted": voted,
        "card": as_dict(cards.ballot(vote, unit, booth=booth, voted=voted)),
    }


@routes.get("/internal/v1/votes")
async def list_votes(request: web.Request) -> web.Response:
    """{open: [card_of], recent: [{number, title, news: {text, buttons}}], vouches} for a conversation's resident; ``vouches``:
    the channel can vouch for their phone number."""
    async with request.app[DATABASE].read() as session:
        booth = request.app[BOOTH]()
        conversation = await conversations.by_tracker_key(session, request.query.get("conversation", ""))
        found = await cards.open_for(session, conversation.resident_id, booth=booth)
        return web.json_response(
            {
                "open": [await card_of(session, request, vote, unit) for vote, unit in found],
                "recent": [
                    {"number": vote.number, "title": vote.title, "news": as_dict(cards.news(vote, booth=booth))}
                    for vote in await cards.recent_for(session, conversation.resident_id)
                ],
                "vouches": (await session.get_one(Account, conversation.account_id)).channel in VOUCHING,
            }
        )


@routes.get(f"/internal/v1/votes/{NUMBER}")
async def one_vote(request: web.Request) -> web.Response:
    """{number, title, state, open: [card_of], news: {text, buttons} or null}; for those who may vote in it."""
    async with request.app[DATABASE].read() as session:
        booth = request.app[BOOTH]()
        conversation = await conversations.by_tracker_key(session, request.query.get("conversation", ""))
        vote = await service.by_number(session, request.match_info["number"])
        units = await service.units_for(session, vote, conversation.resident_id)
        if vote.state is VoteState.DRAFT or not units:
            raise NotFound("没有查到这次投票，或者您不在名单里。", code="vote_unknown")
        taking = vote.state is VoteState.OPEN and vote.starts_at <= booth.now < vote.ends_at
        return web.json_response(
            {
                "number": vote.number,
                "title": vote.title,
                "state": vote.state.value,
                "open": [await card_of(session, request, vote, unit) for unit in units] if taking else [],
                "news": as_dict(cards.news(vote, booth=booth)) if vote.state is not VoteState.OPEN else None,
            }
        )


@routes.post(f"/internal/v1/votes/{NUMBER}/ballots")
async def cast(request: web.Request) -> web.Response:
    """{title, changed, receipt}: the receipt is a placeholder that is filled in on the way to the resident."""
    body, key = await body_of(request, BallotBody), key_of(request)
    conversation, number = request.query.get("conversation", ""), request.match_info["number"]
    envelope = Envelope(f"{request.path} {key}", conversation, number, body.unit, body.ballot)
    return web.json_response(await request.app[URN].put(envelope))


@routes.post("/internal/v1/votes/codes")
async def use_code(request: web.Request) -> web.Response:
    """A slip's code matches the conversation's resident: card_of with ``proxy``. The same code again answers the same."""
    body = await body_of(request, CodeBody)
    database, booth = request.app[DATABASE], request.app[BOOTH]()
    async with database.read() as session:
        conversation = await conversations.by_tracker_key(session, request.query.get("conversation", ""))
    matched = await matching.use_code(database, conversation.id, body.code, booth=booth)
    async with database.read() as session:
        return web.json_response(
            await card_of(session, request, matched.vote, matched.unit)
            | {"proxy": matched.proxy, "begun": booth.now >= matched.vote.starts_at}
        )


@routes.post(f"/internal/v1/votes/{NUMBER}/proxy")
async def consent(request: web.Request) -> web.Response:
    """The voter's consent to a proxy: {title, unit, code}."""
    body = await body_of(request, UnitBody)

    async def work(session: AsyncSession, conversation: Conversation, _desk: Desk) -> dict[str, Any]:
        vote = await service.by_number(session, request.match_info["number"])
        resident = conversation.resident_id
        code = await matching.consent(session, vote, resident_id=resident, unit_id=body.unit, booth=request.app[BOOTH]())
        unit = await session.get_one(VoteUnit, body.unit)
        return {"title": vote.title, "unit": unit.code, "code": code}

    return await effect(request, work)


@routes.post(f"/internal/v1/votes/{NUMBER}/proxy/revoke")
async def revoke(request: web.Request) -> web.Response:
    """Take the consent back: {title, unit, had_proxy}."""
    body = await body_of(request, UnitBody)

    async def work(session: AsyncSession, conversation: Conversation, _desk: Desk) -> dict[str, Any]:
        vote = await service.by_number(session, request.match_info["number"])
        had = await matching.revoke(
            session, vote, resident_id=conversation.resident_id, unit_id=body.unit, booth=request.app[BOOTH]()
        )
        unit = await session.get_one(VoteUnit, body.unit)
        return {"title": vote.title, "unit": unit.code, "had_proxy": had}

    return await effect(request, work)


@routes.get(f"/internal/v1/votes/{NUMBER}/published")
async def published(request: web.Request) -> web.Response:
    """The published file of a decided vote; scripts/recount.py reads it."""
    async with request.app[DATABASE].read() as session:
        vote = await service.by_number(session, request.match_info["number"])
        return web.Response(text=await opening.published(session, vote), content_type="application/json")
