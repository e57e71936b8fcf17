"""The legal desk's pages: queue, consult, the volunteer's own profile, and the coordinator's list of volunteers."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from backend.console.forms import Form
from backend.console.pages import Visit, page, see
from backend.errors import BadInput, Forbidden, NotFound
from backend.events.service import Desk
from backend.house import DESK
from backend.legal import service, volunteers
from backend.legal.areas import AREA_NAMES, LawArea
from backend.legal.law import NEAREST
from backend.legal.models import Consult, Contact, VolunteerState
from backend.legal.routes import LAW
from backend.legal.veil import veiled
from backend.legal.views import STATE_NAMES
from backend.media.routes import serve
from backend.residents.models import Resident
from backend.staff.models import Role
from backend.staff.scope import LAW_ROLES
from backend.web import CLOCK, DATABASE, SETTINGS, VAULT

routes = web.RouteTableDef()
NUMBER = r"{number:\d{4}-\d{4}}"
LIVE = {"legal": ""}
NAMES = {"area_names": AREA_NAMES, "consult_states": STATE_NAMES, "veiled": veiled, "volunteer_state": VolunteerState}


def law_page(work: Callable[[Visit], Awaitable[web.StreamResponse]]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A page for the legal desk's own people."""

    async def handle(visit: Visit) -> web.StreamResponse:
        if visit.signed.scope.role not in LAW_ROLES:
            raise Forbidden
        return await work(visit)

    return page(handle)


@routes.get("/legal")
@law_page
async def queue(visit: Visit) -> web.StreamResponse:
    scope = visit.signed.scope
    async with visit.request.app[DATABASE].read() as session:
        return await visit.show(
            session,
            "legal_queue.html",
            live=LIVE,
            profile=await volunteers.of_staff(session, scope.staff_id),
            consults=await service.listed(session, scope),
            over=await service.over(session, scope),
            figures=await service.figures(session) if scope.role is Role.LAW_COORDINATOR else None,
            **NAMES,
        )


@routes.get(rf"/legal/consults/{NUMBER}")
@law_page
async def consult_page(visit: Visit) -> web.StreamResponse:
    return await show_consult(visit)


async def show_consult(
    visit: Visit, *, written: str = "", unknown: list[str] | None = None, phone: str = ""
) -> web.StreamResponse:
    """The consult with what may be done now; ``written`` is an answer that was held back for its ``unknown`` articles,
    ``phone`` the resident's, uncovered for this answer only.
    """
    app, scope = visit.request.app, visit.signed.scope
    async with app[DATABASE].read() as session:
        consult = await service.by_number(session, scope, visit.request.match_info["number"])
        index = await app[LAW].index(session)
        today = app[CLOCK].now().astimezone(app[SETTINGS].zone).date()
        mine = consult.volunteer_id == scope.staff_id
        agreed = mine and consult.contact is Contact.AGREED
        resident = await session.get_one(Resident, consult.resident_id) if agreed else None
        return await visit.show(
            session,
            "legal_consult.html",
            live={"consult": consult.number},
            consult=consult,
            mine=mine and consult.state.value in ("claimed", "answered"),
            agreed=agreed,
            name=resident.display_name if resident else "",
            phone=phone,
            shown=(lambda text: text) if agreed else veiled,
            words=await service.words_of(session, consult),
            history=await service.history_of(session, consult),
            articles=index.nearest(consult.question, NEAREST, at=today),
            library=len(index.entries),
            written=written,
            unknown=unknown or [],
            **NAMES,
        )


async def on_consult(
    visit: Visit, act: Callable[[AsyncSession, Consult, Desk], Awaitable[None]], *, then: str = ""
) -> web.StreamResponse:
    """Change the consult in one transaction and show it again."""
    async with visit.request.app[DATABASE].write() as session:
        desk = await visit.request.app[DESK](session)
        consult = await service.by_number(session, visit.signed.scope, visit.request.match_info["number"], locked=True)
        await act(session, consult, desk)
    return see(then or f"/legal/consults/{consult.number}")


@routes.post(rf"/legal/consults/{NUMBER}/claim")
@law_page
async def claim(visit: Visit) -> web.StreamResponse:
    await visit.form()
    hours = visit.request.app[SETTINGS].consult_claim_hours

    async def act(session: AsyncSession, consult: Consult, desk: Desk) -> None:
        await service.claim(session, visit.signed.scope, consult, hours=hours, desk=desk)

    return await on_consult(visit, act)


@routes.post(rf"/legal/consults/{NUMBER}/answers")
@law_page
async def answer(visit: Visit) -> web.StreamResponse:
    """Send the answer; one that names articles which are not in the library is shown again with them marked."""
    form = await visit.form()
    law = visit.request.app[LAW]

    async def act(session: AsyncSession, consult: Consult, desk: Desk) -> None:
        unknown = (await law.index(session)).unknown_in(form["text"], at=desk.today)
        sure = form["sure"] == "、".join(unknown)
        await service.answer(session, visit.signed.scope, consult, form["text"], unknown=unknown, sure=sure, desk=desk)

    try:
        return await on_consult(visit, act)
    except service.UnknownArticles as error:
        return await show_consult(visit, written=form["text"], unknown=list(error.details["articles"]))  # type: ignore[call-overload]


@routes.post(rf"/legal/consults/{NUMBER}/return")
@law_page
async def give_back(visit: Visit) -> web.StreamResponse:
    form = await visit.form()

    async def act(session: AsyncSession, consult: Consult, desk: Desk) -> None:
        await service.give_back(session, visit.signed.scope, consult, note=form["note"], desk=desk)

    return await on_consult(visit, act, then="/legal")


@routes.post(rf"/legal/consults/{NUMBER}/refusal")
@law_page
async def refuse(visit: Visit) -> web.StreamResponse:
    form = await visit.form()

    async def act(session: AsyncSession, consult: Consult, desk: Desk) -> None:
        await service.refuse(session, visit.signed.scope, consult, reason=form["reason"], desk=desk)

    return await on_consult(visit, act, then="/legal")


@routes.post(rf"/legal/consults/{NUMBER}/contact")
@law_page
async def ask_contact(visit: Visit) -> web.StreamResponse:
    await visit.form()

    async def act(session: AsyncSession, consult: Consult, desk: Desk) -> None:
        await service.ask_contact(session, visit.signed.scope, consult, desk=desk)

    return await on_consult(visit, act)


@routes.post(rf"/legal/consults/{NUMBER}/phone")
@law_page
async def show_phone(visit: Visit) -> web.StreamResponse:
    """The page with the phone in full, once; who looked stays written down."""
    await visit.form()
    app, shown = visit.request.app, ""
    async with app[DATABASE].write() as session:
        desk = await app[DESK](session)
        consult = await service.by_number(session, visit.signed.scope, visit.request.match_info["number"], locked=True)
        shown = await service.phone(session, app[VAULT], visit.signed.scope, consult, desk=desk)
    return await show_consult(visit, phone=shown)


@routes.post(rf"/legal/consults/{NUMBER}/area")
@law_page
async def set_area(visit: Visit) -> web.StreamResponse:
    form = await visit.form()
    if form["area"] not in list(LawArea):
        raise BadInput(fields=["area"])

    async def act(session: AsyncSession, consult: Consult, desk: Desk) -> None:
        await service.set_area(session, visit.signed.scope, consult, LawArea(form["area"]), desk=desk)

    return await on_consult(visit, act, then="/legal")


@routes.get(rf"/legal/consults/{NUMBER}/media/{{key}}")
@law_page
async def consult_media(visit: Visit) -> web.StreamResponse:
    """A photo or file of a visible consult."""
    key = visit.request.match_info["key"]
    async with visit.request.app[DATABASE].read() as session:
        consult = await service.by_number(session, visit.signed.scope, visit.request.match_info["number"])
        said = [word.media for word in await service.words_of(session, consult)]
    if not any(key in media for media in [consult.media, *said]):
        raise NotFound
    return await serve(visit.request, key)


@routes.get("/legal/profile")
@law_page
async def profile_page(visit: Visit) -> web.StreamResponse:
    async with visit.request.app[DATABASE].read() as session:
        profile = await volunteers.of_staff(session, visit.signed.scope.staff_id)
        return await visit.show(session, "legal_profile.html", profile=profile, **NAMES)


@routes.post("/legal/profile")
@law_page
async def write_profile(visit: Visit) -> web.StreamResponse:
    form = await visit.form()
    async with visit.request.app[DATABASE].write() as session:
        await volunteers.apply(
            session,
            visit.signed.scope,
            licence=form["licence"],
            areas=_ticked(form),
            hours=form["hours"],
            languages=form["languages"],
            now=visit.request.app[CLOCK].now(),
        )
    return see("/legal/profile")


def _ticked(form: Form) -> list[str]:
    return [area.value for area in LawArea if form[f"area_{area.value}"]]


@routes.get("/legal/volunteers")
@law_page
async def volunteers_page(visit: Visit) -> web.StreamResponse:
    async with visit.request.app[DATABASE].read() as session:
        listed = await volunteers.listed(session, visit.signed.scope)
        return await visit.show(session, "legal_volunteers.html", volunteers=listed, **NAMES)


@routes.post(r"/legal/volunteers/{staff_id:\d{1,18}}")
@law_page
async def decide(visit: Visit) -> web.StreamResponse:
    form = await visit.form()
    if form["decision"] not in ("approve", "refuse"):
        raise BadInput(fields=["decision"])
    async with visit.request.app[DATABASE].write() as session:
        await volunteers.decide(
            session,
            visit.signed.scope,
            int(visit.request.match_info["staff_id"]),
            approve=form["decision"] == "approve",
            reason=form["reason"],
            now=visit.request.app[CLOCK].now(),
        )
    return see("/legal/volunteers")
