"""Mediations, for the actions."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations import service as conversations
from backend.conversations.models import Conversation
from backend.events.routes import effect
from backend.events.service import Desk
from backend.house import DESK
from backend.legal.routes import LAW
from backend.mediation import intake, joining, pushes, service, sittings, views
from backend.mediation.ladder import KIND_NAMES, MATTER_NAMES, Kind, route_of, said
from backend.mediation.models import Mediation, MediationParty, Side
from backend.mediation.schemas import ChosenMediator, Code, Coming, FileMediation, Words
from backend.web import DATABASE, body_of

routes = web.RouteTableDef()
PATH = r"/internal/v1/mediations/{number:\d{4}-\d{4}}"

Step = Callable[[AsyncSession, Mediation, MediationParty, Conversation, Desk], Awaitable[dict[str, Any] | None]]


@routes.post("/internal/v1/mediations/read")
async def read(request: web.Request) -> web.Response:
    """What a dispute's words tell: {text, title, kind, kind_name, ladder, never, area_code, kinds, already}; ``kinds`` has
    every kind with its name and its ladder, ``already`` the same dispute's number while it is under way."""
    body = await body_of(request, Words)
    async with request.app[DATABASE].read() as session:
        conversation = await conversations.by_tracker_key(session, request.query.get("conversation", ""))
        found = await intake.dispute(session, request.app[LAW], body.text, body.number, resident_id=conversation.resident_id)
        same = await service.same(session, conversation.resident_id, found.text, found.source_number)
    return web.json_response(
        {
            "text": found.text,
            "title": MATTER_NAMES[found.matter],
            "kind": found.kind.value,
            "never": found.never,
            "area_code": found.area_code,
            "kinds": {kind.value: {"name": KIND_NAMES[kind], "ladder": said(route_of(found.matter, kind))} for kind in Kind},
            "already": same.number if same else None,
        }
    )


@routes.post("/internal/v1/mediations")
async def file_mediation(request: web.Request) -> web.Response:
    body = await body_of(request, FileMediation)

    async def work(session: AsyncSession, conversation: Conversation, desk: Desk) -> dict[str, Any]:
        found = await intake.dispute(session, request.app[LAW], body.text, body.number, resident_id=conversation.resident_id)
        intake.check(found)
        mediation, already = await service.file(
            session,
            conversation,
            found.text,
            area_code=body.area_code,
            matter=found.matter,
            kind=body.kind or found.kind,
            origin=found.origin,
            source_number=found.source_number,
            desk=desk,
        )
        party = (await pushes.parties_of(session, mediation))[Side.APPLICANT]
        return await views.offering(session, mediation, party, desk=desk) | {"already": already}

    return await effect(request, work, status=201)


@routes.get("/internal/v1/mediations")
async def list_mediations(request: web.Request) -> web.Response:
    """The mediations of a conversation's resident, newest first: {mediations: [card]}."""
    async with request.app[DATABASE].read() as session:
        conversation = await conversations.by_tracker_key(session, request.query.get("conversation", ""))
        desk = await request.app[DESK](session)
        cards = await views.of_resident(session, conversation.resident_id, desk=desk)
    return web.json_response({"mediations": cards})


async def on_mediation(request: web.Request, act: Step, *, side: Side | None = None) -> web.Response:
    """Do something to one of the resident's own mediations and answer its card, with what ``act`` adds."""

    async def work(session: AsyncSession, conversation: Conversation, desk: Desk) -> dict[str, Any]:
        number = request.match_info["number"]
        mediation, party = await service.own(session, number, resident_id=conversation.resident_id, side=side)
        more = await act(session, mediation, party, conversation, desk)
        return await views.offering(session, mediation, party, desk=desk) | (more or {})

    return await effect(request, work)


@routes.post(f"{PATH}/accept")
async def accept(request: web.Request) -> web.Response:
    async def act(
        session: AsyncSession, mediation: Mediation, _party: MediationParty, _conversation: Conversation, desk: Desk
    ) -> None:
        await service.accept(session, mediation, desk=desk)

    return await on_mediation(request, act, side=Side.APPLICANT)


@routes.post(f"{PATH}/mediator")
async def choose_mediator(request: web.Request) -> web.Response:
    body = await body_of(request, ChosenMediator)

    async def act(
        session: AsyncSession, mediation: Mediation, _party: MediationParty, _conversation: Conversation, desk: Desk
    ) -> None:
        await service.choose_mediator(session, mediation, body.mediator, desk=desk)

    return await on_mediation(request, act, side=Side.APPLICANT)


@routes.post(f"{PATH}/invitation")
async def invite(request: web.Request) -> web.Response:
    async def act(
        session: AsyncSession, mediation: Mediation, _party: MediationParty, _conversation: Conversation, desk: Desk
    ) -> dict[str, Any]:
        return {"code": await joining.invite(session, mediation, desk=desk), "days": joining.CODE_DAYS}

    return await on_mediation(request, act, side=Side.APPLICANT)


@routes.post("/internal/v1/mediations/codes")
async def join(request: web.Request) -> web.Response:
    """What the other party's code invites to, or their answer to it: the card."""
    body = await body_of(request, Code)

    async def work(session: AsyncSession, conversation: Conversation, desk: Desk) -> dict[str, Any]:
        resident_id = conversation.resident_id
        mediation, party = await joining.of_code(session, body.code, resident_id=resident_id, desk=desk)
        if body.agree is not None:
            await joining.answer(session, mediation, party, conversation, agree=body.agree, desk=desk)
        return await views.offering(session, mediation, party, desk=desk)

    return await effect(request, work)


@routes.post(f"{PATH}/sitting")
async def answer_sitting(request: web.Request) -> web.Response:
    body = await body_of(request, Coming)

    async def act(
        session: AsyncSession, mediation: Mediation, party: MediationParty, _conversation: Conversation, desk: Desk
    ) -> None:
        await sittings.answer(session, mediation, party.side, coming=body.coming, desk=desk)

    return await on_mediation(request, act)


@routes.post(f"{PATH}/withdraw")
async def withdraw(request: web.Request) -> web.Response:
    async def act(
        session: AsyncSession, mediation: Mediation, party: MediationParty, _conversation: Conversation, desk: Desk
    ) -> None:
        await service.withdraw(session, mediation, desk=desk, side=party.side)

    return await on_mediation(request, act)
