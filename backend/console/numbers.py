"""The phone numbers that a reporter left in the chat, and the personal numbers in the notes of an event: masked, and one in
full for whoever says why.
"""

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from backend.console.pages import Visit, page
from backend.errors import NotFound
from backend.events import withheld
from backend.events.models import Event
from backend.staff import events as work
from backend.vault import service as vaults
from backend.vault.models import Secret, VaultItem
from backend.web import CLOCK, DATABASE, VAULT

routes = web.RouteTableDef()
PATH = r"/events/{number:\d{4}-?\d{4}}/phones"


async def _phones(session: AsyncSession, visit: Visit) -> tuple[Event, list[VaultItem], list[VaultItem]]:
    """The event, its reporter's phones, the newest first, none of somebody who reported anonymously; and its notes' numbers."""
    event = await work.by_number(session, visit.signed.scope, visit.request.match_info["number"])
    noted = await withheld.of(session, event)
    if event.reporter_id is None or event.anonymous:
        return event, [], noted
    return event, await vaults.of_resident(session, event.reporter_id, Secret.PHONE), noted


async def _show(visit: Visit, uncovered: dict[int, str]) -> web.StreamResponse:
    async with visit.request.app[DATABASE].read() as session:
        event, items, noted = await _phones(session, visit)
        return await visit.show(session, "phones.html", event=event, items=items, noted=noted, uncovered=uncovered)


@routes.get(PATH)
@page
async def phones(visit: Visit) -> web.StreamResponse:
    return await _show(visit, {})


@routes.post(PATH)
@page
async def uncover(visit: Visit) -> web.StreamResponse:
    """Show one number in full; who, when and why is kept."""
    form = await visit.form()
    app = visit.request.app
    async with app[DATABASE].write() as session:
        _, items, noted = await _phones(session, visit)
        item = next((item for item in (*items, *noted) if str(item.id) == form["item"]), None)
        if item is None:
            raise NotFound
        staff_id, now = visit.signed.scope.staff_id, app[CLOCK].now()
        _, value = await vaults.uncover(session, app[VAULT], item.id, staff_id=staff_id, reason=form["reason"], now=now)
    return await _show(visit, {item.id: value})
