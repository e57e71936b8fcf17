"""The console's pages for opinions: the list, one opinion, answering it and handing it on."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue.models import HandlerKind
from backend.console.pages import PAGE_SIZE, Visit, page, see
from backend.errors import BadInput, Forbidden, NotFound
from backend.events.service import Desk
from backend.house import DESK
from backend.media.routes import serve
from backend.opinions import handling, pages
from backend.opinions.models import Opinion
from backend.opinions.topics import topics
from backend.staff import events as work
from backend.staff.scope import LAW_ROLES
from backend.web import CLOCK, DATABASE

routes = web.RouteTableDef()
NUMBER = r"{number:Y\d{4}-\d{4}}"
TABS = ("mine", "all", "late", "over")


def opinion_page(
    work_: Callable[[Visit], Awaitable[web.StreamResponse]],
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A page for everyone but the legal desk's people, who have no opinions to answer."""

    async def handle(visit: Visit) -> web.StreamResponse:
        if visit.signed.scope.role in LAW_ROLES:
            raise Forbidden
        return await work_(visit)

    return page(handle)


@routes.get("/opinions")
@opinion_page
async def listed(visit: Visit) -> web.StreamResponse:
    scope, now, asked = visit.signed.scope, visit.request.app[CLOCK].now(), visit.request.query
    tab = asked.get("tab", "mine" if scope.desk else "all")
    tab = tab if tab in TABS else "all"
    number = int(asked["page"]) if asked.get("page", "").isdecimal() and len(asked["page"]) < 6 else 1
    number = max(number, 1)
    async with visit.request.app[DATABASE].read() as session:
        found, total = await handling.matching(session, scope, tab=tab, now=now, page=number, page_size=PAGE_SIZE)
        return await visit.show(
            session,
            "opinions.html",
            live={"opinions": ""},
            tab=tab,
            cards=await pages.cards(session, found, now),
            counts=await handling.counts(session, scope, now=now),
            page=number,
            pages=max(1, -(-total // PAGE_SIZE)),
        )


@routes.get(f"/opinions/{NUMBER}")
@opinion_page
async def one(visit: Visit) -> web.StreamResponse:
    now = visit.request.app[CLOCK].now()
    async with visit.request.app[DATABASE].read() as session:
        opinion = await handling.by_number(session, visit.signed.scope, visit.request.match_info["number"])
        shown = await pages.page(session, visit.signed.scope, opinion, now)
        return await visit.show(
            session,
            "opinion.html",
            live={"opinion": opinion.number},
            opinion=shown,
            topics=await topics(session),
            items=await work.admitted_items(session) if shown.may_answer else [],
        )


async def on_opinion(visit: Visit, act: Callable[[AsyncSession, Opinion, Desk], Awaitable[object]]) -> web.StreamResponse:
    """Change the opinion in one transaction and show it again, or the list where it is not theirs to see any more."""
    async with visit.request.app[DATABASE].write() as session:
        desk = await visit.request.app[DESK](session)
        opinion = await handling.by_number(session, visit.signed.scope, visit.request.match_info["number"], locked=True)
        await act(session, opinion, desk)
    return see(f"/opinions/{opinion.number}")


@routes.post(f"/opinions/{NUMBER}/answer")
@opinion_page
async def answer(visit: Visit) -> web.StreamResponse:
    form = await visit.form()

    async def act(session: AsyncSession, opinion: Opinion, desk: Desk) -> None:
        await handling.answer(session, opinion, form["text"], scope=visit.signed.scope, desk=desk)

    return await on_opinion(visit, act)


@routes.post(f"/opinions/{NUMBER}/correction")
@opinion_page
async def correct(visit: Visit) -> web.StreamResponse:
    form = await visit.form()

    async def act(session: AsyncSession, opinion: Opinion, desk: Desk) -> None:
        await handling.correct(session, opinion, form["text"], scope=visit.signed.scope, desk=desk)

    return await on_opinion(visit, act)


@routes.post(f"/opinions/{NUMBER}/owner")
@opinion_page
async def hand_on(visit: Visit) -> web.StreamResponse:
    form = await visit.form()
    kind, _, code = form["to"].partition(":")
    if kind not in set(HandlerKind):
        raise BadInput("请选择转给谁。", fields=["to"])

    async def act(session: AsyncSession, opinion: Opinion, desk: Desk) -> None:
        to = (HandlerKind(kind), code)
        await handling.hand_on(session, opinion, to, reason=form["reason"], scope=visit.signed.scope, desk=desk)

    return await on_opinion(visit, act)


@routes.post(f"/opinions/{NUMBER}/event")
@opinion_page
async def become_event(visit: Visit) -> web.StreamResponse:
    form = await visit.form()

    async def act(session: AsyncSession, opinion: Opinion, desk: Desk) -> None:
        item = form["item"] or None
        await handling.become_event(session, opinion, form["text"], item_code=item, scope=visit.signed.scope, desk=desk)

    return await on_opinion(visit, act)


@routes.post(f"/opinions/{NUMBER}/deliberation")
@opinion_page
async def become_deliberation(visit: Visit) -> web.StreamResponse:
    form = await visit.form()
    days = form["days"]
    if not days.isdecimal() or not 1 <= len(days) <= 2 or int(days) == 0:
        raise BadInput("请填议事的天数。", fields=["days"])

    async def act(session: AsyncSession, opinion: Opinion, desk: Desk) -> None:
        more = {"title": form["title"], "days": int(days)}
        await handling.become_deliberation(session, opinion, form["text"], scope=visit.signed.scope, desk=desk, **more)

    return await on_opinion(visit, act)


@routes.post(f"/opinions/{NUMBER}/topic")
@opinion_page
async def set_topic(visit: Visit) -> web.StreamResponse:
    form = await visit.form()

    async def act(session: AsyncSession, opinion: Opinion, desk: Desk) -> None:
        await handling.set_topic(session, opinion, form["topic"], scope=visit.signed.scope, desk=desk)

    return await on_opinion(visit, act)


@routes.post(f"/opinions/{NUMBER}/private")
@opinion_page
async def keep_private(visit: Visit) -> web.StreamResponse:
    form = await visit.form()

    async def act(session: AsyncSession, opinion: Opinion, desk: Desk) -> None:
        await handling.keep_private(session, opinion, reason=form["reason"], scope=visit.signed.scope, desk=desk)

    return await on_opinion(visit, act)


@routes.get(f"/opinions/{NUMBER}/media/{{key}}")
@opinion_page
async def media(visit: Visit) -> web.StreamResponse:
    """A photo that came with the opinion."""
    async with visit.request.app[DATABASE].read() as session:
        opinion = await handling.by_number(session, visit.signed.scope, visit.request.match_info["number"])
    if visit.request.match_info["key"] not in opinion.media:
        raise NotFound
    return await serve(visit.request, visit.request.match_info["key"])
