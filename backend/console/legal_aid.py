"""The coordinator's page of applications for legal aid."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from backend.console.legal import NUMBER, law_page
from backend.console.pages import Visit, see
from backend.errors import BadInput
from backend.events.service import Desk
from backend.house import DESK
from backend.legal.models import Consult
from backend.legal.veil import veiled
from backend.legal_aid import service
from backend.legal_aid.models import LegalAid, Paper
from backend.web import DATABASE

routes = web.RouteTableDef()


@routes.get("/legal/aid")
@law_page
async def aid_page(visit: Visit) -> web.StreamResponse:
    async with visit.request.app[DATABASE].read() as session:
        return await visit.show(
            session,
            "legal_aid.html",
            applications=await service.listed(session, visit.signed.scope),
            groups=service.GROUP_NAMES,
            paper_names={paper.value: name for paper, name in service.PAPER_NAMES.items()},
            aid_states=service.STATE_NAMES,
            veiled=veiled,
        )


async def on_application(
    visit: Visit, act: Callable[[AsyncSession, LegalAid, Consult, Desk], Awaitable[None]]
) -> web.StreamResponse:
    async with visit.request.app[DATABASE].write() as session:
        desk = await visit.request.app[DESK](session)
        aid, consult = await service.by_number(session, visit.signed.scope, visit.request.match_info["number"])
        await act(session, aid, consult, desk)
    return see("/legal/aid")


@routes.post(rf"/legal/aid/{NUMBER}/papers")
@law_page
async def receive(visit: Visit) -> web.StreamResponse:
    form = await visit.form()
    if form["paper"] not in list(Paper):
        raise BadInput(fields=["paper"])

    async def act(session: AsyncSession, aid: LegalAid, consult: Consult, desk: Desk) -> None:
        await service.receive(session, visit.signed.scope, aid, consult, Paper(form["paper"]), desk=desk)

    return await on_application(visit, act)


@routes.post(rf"/legal/aid/{NUMBER}/decision")
@law_page
async def decide(visit: Visit) -> web.StreamResponse:
    form = await visit.form()
    if form["decision"] not in ("grant", "refuse"):
        raise BadInput(fields=["decision"])

    async def act(session: AsyncSession, aid: LegalAid, consult: Consult, desk: Desk) -> None:
        grant = form["decision"] == "grant"
        await service.decide(session, visit.signed.scope, aid, consult, grant=grant, reason=form["reason"], desk=desk)

    return await on_application(visit, act)
