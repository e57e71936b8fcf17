"""Reading and guide answers, for the actions."""

from aiohttp import web

from backend.conversations import service as conversations
from backend.grids import service as grids
from backend.grids.models import Level
from backend.house import DESK
from backend.intake import filed, guide, service
from backend.intake.schemas import GuideBody, ReadBody
from backend.intake.service import Readers
from backend.settings import Settings
from backend.web import DATABASE, body_of

routes = web.RouteTableDef()
READERS = web.AppKey("readers", Readers)


def readers_of(settings: Settings) -> Readers:
    """What reads residents' words in this installation; nothing is loaded before it is needed."""
    return Readers(settings.home / "models" / "triage-items.npz")


@routes.post("/internal/v1/intake/read")
async def read(request: web.Request) -> web.Response:
    body = await body_of(request, ReadBody)
    async with request.app[DATABASE].read() as session:
        answer = await service.read(
            session,
            request.app[READERS],
            text=body.text,
            pin=body.location,
            earlier_pin=body.pin,
            parts=body.parts,
            choice=body.choice,
        )
    return web.json_response(answer)


@routes.get("/internal/v1/intake/filed")
async def last_filed(request: web.Request) -> web.Response:
    """The report of that ``number``, else the conversation's last open one, to be put right: {report: {...} or null}."""
    async with request.app[DATABASE].read() as session:
        conversation = await conversations.by_tracker_key(session, request.query.get("conversation", ""))
        report = await filed.latest(
            session,
            request.app[READERS],
            resident_id=conversation.resident_id,
            number=request.query.get("number"),
            desk=await request.app[DESK](session),
        )
    return web.json_response({"report": report})


@routes.get("/internal/v1/intake/streets")
async def streets(request: web.Request) -> web.Response:
    """The city's streets, to choose from where no place was understood: {streets: [{area_code, label, place}]}."""
    async with request.app[DATABASE].read() as session:
        found = await grids.at_level(session, Level.STREET)
    return web.json_response({"streets": [{"area_code": a.code, "label": a.name, "place": {"street": a.name}} for a in found]})


@routes.post("/internal/v1/intake/guide")
async def answer_guide(request: web.Request) -> web.Response:
    body = await body_of(request, GuideBody)
    async with request.app[DATABASE].read() as session:
        conversation = await conversations.by_tracker_key(session, request.query.get("conversation", ""))
        answer = await guide.answer(
            session,
            request.app[READERS],
            text=body.text,
            parts=body.parts,
            item_code=body.item_code,
            area_code=conversation.last_area_code,
            desk=await request.app[DESK](session),
        )
    return web.json_response(answer)
