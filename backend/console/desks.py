"""A desk's own page: its hours, the days that differ, its quick answers."""

from collections.abc import Awaitable, Callable
from datetime import date, time

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from backend.console.forms import Form
from backend.console.pages import Visit, page, see
from backend.desk import answers, hours, leading
from backend.desk.models import DeskHours
from backend.errors import BadInput, NotFound
from backend.events.service import Desk
from backend.grids import service as grids
from backend.house import DESK
from backend.staff.scope import DESK_ROLES
from backend.web import DATABASE

routes = web.RouteTableDef()
DAYS = {"closed": False, "open": True, "": None}


@routes.get("/desks")
@page
async def my_desk(visit: Visit) -> web.StreamResponse:
    scope = visit.signed.scope
    if scope.role not in DESK_ROLES or not scope.area_code:
        raise NotFound("您没有值班台。")
    return see(f"/desks/{scope.area_code}")


@routes.get("/desks/{code}")
@page
async def desk_page(visit: Visit) -> web.StreamResponse:
    async with visit.request.app[DATABASE].read() as session:
        scope = visit.signed.scope
        area = await leading.seen_area(session, scope, visit.request.match_info["code"])
        desk = await visit.request.app[DESK](session)
        calendar = await hours.calendar_of(session, desk.calendar, area.code)
        found = await answers.of_area(session, area.code)
        chain = await grids.ancestors(session, area.code)
        return await visit.show(
            session,
            "desk_settings.html",
            area=area,
            names={one.code: one.name for one in chain},
            leads=leading.leads(scope, area),
            above=chain[1] if len(chain) > 1 and scope.covers(chain[1].path) else None,
            below=await leading.below(session, area) if leading.leads(scope, area) else [],
            own_hours=await session.get(DeskHours, area.code),
            hours=await hours.hours_in_words(session, calendar, area.code),
            calendar=calendar,
            days=await hours.days_of(session, area.code, since=desk.today),
            today=desk.today,
            own=[one for one in found if one.area_code == area.code],
            inherited=[one for one in found if one.area_code != area.code],
            placeholders=list(answers.PLACEHOLDERS),
        )


async def on_desk(visit: Visit, act: Callable[[AsyncSession, Form, str, Desk], Awaitable[object]]) -> web.StreamResponse:
    """Change the desk in one transaction and show it again."""
    form = await visit.form(phones=False)
    code = visit.request.match_info["code"]
    async with visit.request.app[DATABASE].write() as session:
        await act(session, form, code, await visit.request.app[DESK](session))
    return see(f"/desks/{code}")


def _time(text: str) -> time | None:
    try:
        return time.fromisoformat(text) if text else None
    except ValueError:
        raise BadInput("请填时间，如 8:30。") from None


@routes.post("/desks/{code}/hours")
@page
async def set_hours(visit: Visit) -> web.StreamResponse:
    async def act(session: AsyncSession, form: Form, code: str, _desk: Desk) -> None:
        own = form["own"] == "yes"
        opens, closes = (_time(form[name]) if own else None for name in ("opens", "closes"))
        if own and (opens is None or closes is None):
            raise BadInput("请填上班和下班时间。", fields=["opens", "closes"])
        await hours.set_hours(session, visit.signed.scope, code, opens=opens, closes=closes, weekends=form["weekends"] == "yes")

    return await on_desk(visit, act)


@routes.post("/desks/{code}/days")
@page
async def set_day(visit: Visit) -> web.StreamResponse:
    async def act(session: AsyncSession, form: Form, code: str, desk: Desk) -> None:
        try:
            day = date.fromisoformat(form["day"])
            working = DAYS[form["working"]]
        except (ValueError, KeyError):
            raise BadInput("请选日期，再选开还是不开。", fields=["day"]) from None
        await hours.set_day(session, visit.signed.scope, code, day, working, desk=desk)

    return await on_desk(visit, act)


@routes.post("/desks/{code}/answers")
@page
async def add_answer(visit: Visit) -> web.StreamResponse:
    async def act(session: AsyncSession, form: Form, code: str, desk: Desk) -> None:
        await answers.save(session, visit.signed.scope, code, title=form["title"], text=form["text"], now=desk.now)

    return await on_desk(visit, act)


@routes.post(r"/desks/{code}/answers/{answer_id:\d{1,18}}")
@page
async def change_answer(visit: Visit) -> web.StreamResponse:
    """Change an answer, or take it away where the form says so."""
    answer_id = int(visit.request.match_info["answer_id"])

    async def act(session: AsyncSession, form: Form, code: str, desk: Desk) -> None:
        scope = visit.signed.scope
        if form["as"] == "remove":
            await answers.remove(session, scope, code, answer_id)
        else:
            title, text = form["title"], form["text"]
            await answers.save(session, scope, code, title=title, text=text, answer_id=answer_id, now=desk.now)

    return await on_desk(visit, act)
