"""The page on which staff link their own Telegram to their account."""

from aiohttp import web

from backend.console.pages import Visit, page, see
from backend.errors import NotFound
from backend.staff.scope import DESK_ROLES
from backend.staff_chat import linking
from backend.web import CLOCK, DATABASE, SETTINGS

routes = web.RouteTableDef()


async def show(visit: Visit, code: str = "") -> web.StreamResponse:
    """The page; a new code stands on it once."""
    if visit.signed.scope.role not in DESK_ROLES:
        raise NotFound("您没有值班台。")
    async with visit.request.app[DATABASE].read() as session:
        chat = await linking.of_staff(session, visit.signed.scope.staff_id)
        minutes = int(linking.VALID.total_seconds() // 60)
        settings = visit.request.app[SETTINGS]
        quiet = (settings.quiet_from, settings.quiet_until)
        return await visit.show(session, "telegram.html", chat=chat, code=code, valid=minutes, quiet=quiet)


@routes.get("/telegram")
@page
async def telegram_page(visit: Visit) -> web.StreamResponse:
    return await show(visit)


@routes.post("/telegram/code")
@page
async def new_code(visit: Visit) -> web.StreamResponse:
    await visit.form()
    app = visit.request.app
    async with app[DATABASE].write() as session:
        code = await linking.new_code(session, visit.signed.scope, now=app[CLOCK].now())
    return await show(visit, code)


@routes.post("/telegram/nights")
@page
async def set_nights(visit: Visit) -> web.StreamResponse:
    form = await visit.form()
    async with visit.request.app[DATABASE].write() as session:
        chat = await linking.of_staff(session, visit.signed.scope.staff_id)
        if chat is not None:
            chat.nights = form["nights"] == "yes"
    return see("/telegram")


@routes.post("/telegram/unlink")
@page
async def unlink(visit: Visit) -> web.StreamResponse:
    await visit.form()
    async with visit.request.app[DATABASE].write() as session:
        await linking.unlink(session, visit.signed.scope.staff_id)
    return see("/telegram")
