"""Mediations' pages: the list of a desk, one mediation with what may be done now, and entering one."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.console.forms import Form
from backend.console.pages import Visit, on_conversation, page, see
from backend.conversations.models import Conversation
from backend.errors import BadInput, Forbidden
from backend.events.service import Desk
from backend.grids.models import Area, Level
from backend.house import DESK
from backend.mediation import board, desks, joining, phones, proposals, service, sittings
from backend.mediation.desks import MEDIATION_ROLES
from backend.mediation.ladder import KIND_NAMES, MATTER_NAMES
from backend.mediation.models import Mediation, Origin, Side
from backend.mediation.schemas import NewMediation
from backend.mediation.sittings import LENGTHS
from backend.mediation.views import ORIGIN_NAMES
from backend.staff.models import Role
from backend.web import DATABASE, SETTINGS, VAULT

routes = web.RouteTableDef()
NUMBER = r"{number:\d{4}-\d{4}}"
REFERRED = (Origin.COUNTER, Origin.COURT, Origin.PROCURATORATE, Origin.POLICE, Origin.PETITION)
NAMES = {"kind_names": KIND_NAMES, "matter_names": MATTER_NAMES, "origin_names": ORIGIN_NAMES, "referred": REFERRED}
MediationWork = Callable[[AsyncSession, Mediation, Desk], Awaitable[object]]
Filled = TypeVar("Filled", bound=BaseModel)


def mediation_page(
    work: Callable[[Visit], Awaitable[web.StreamResponse]],
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A page for the desks that mediate."""

    async def handle(visit: Visit) -> web.StreamResponse:
        if visit.signed.scope.role not in MEDIATION_ROLES:
            raise Forbidden
        return await work(visit)

    return page(handle)


@routes.get("/mediations")
@mediation_page
async def list_page(visit: Visit) -> web.StreamResponse:
    scope = visit.signed.scope
    async with visit.request.app[DATABASE].read() as session:
        desk = await visit.request.app[DESK](session)
        found = {over: await service.listed(session, scope, over=over, limit=50 if over else 200) for over in (False, True)}
        cards = {over: [await board.card(session, scope, one, desk=desk) for one in rows] for over, rows in found.items()}
        return await visit.show(
            session,
            "mediations.html",
            live={"mediations": ""},
            under_way=cards[False],
            over=cards[True],
            figures=await service.figures(session, scope),
            areas=await _areas(session, visit),
            **NAMES,
        )


async def _areas(session: AsyncSession, visit: Visit) -> list[Area]:
    """The communities and streets in which this person may enter a mediation."""
    scope = visit.signed.scope
    if scope.role is Role.DEPARTMENT or not scope.path:
        return []
    query = select(Area).where(
        Area.path.startswith(scope.path, autoescape=True), Area.level.in_([Level.STREET, Level.COMMUNITY])
    )
    return list(await session.scalars(query.order_by(Area.path)))


@routes.post("/mediations")
@mediation_page
async def enter(visit: Visit) -> web.StreamResponse:
    """A dispute from the counter or from another house; or the event that the form names."""
    form = await visit.form()
    names = ("event", "text", "area_code", "matter", "origin", "applicant", "respondent")
    body = _filled(NewMediation, {name: form[name] for name in names if form[name]})
    async with visit.request.app[DATABASE].write() as session:
        desk = await visit.request.app[DESK](session)
        mediation = await proposals.propose(session, visit.signed.scope, body, desk=desk)
        for side in Side:
            if form[f"{side.value}_phone"]:
                await keeper(visit, form, f"{side.value}_phone")(session, mediation, side, desk)
        number = mediation.number
    return see(f"/mediations/{number}")


def keeper(visit: Visit, form: Form, field: str) -> Callable[[AsyncSession, Mediation, Side, Desk], Awaitable[None]]:
    """What writes down the phone in a field of the form as that of a side."""

    async def keep(session: AsyncSession, mediation: Mediation, side: Side, desk: Desk) -> None:
        vault, found = visit.request.app[VAULT], form.found.get(field, [])
        await phones.keep(session, visit.signed.scope, mediation, side, found, vault=vault, desk=desk)

    return keep


@routes.post("/conversations/{conversation_id}/mediation")
@mediation_page
async def propose_from_talk(visit: Visit) -> web.StreamResponse:
    """The event of a resident whose conversation is held, given to mediation; they are asked in the chat at once."""
    form = await visit.form()

    async def act(session: AsyncSession, row: Conversation) -> None:
        desk = await visit.request.app[DESK](session)
        if form["event"] not in {event.number for event in await proposals.of_talk(session, visit.signed.scope, row)}:
            raise BadInput("请从列出来的事件里选。", fields=["event"])
        await proposals.propose(session, visit.signed.scope, NewMediation(event=form["event"]), desk=desk)

    return await on_conversation(visit, act)


def _filled(schema: type[Filled], fields: dict[str, object]) -> Filled:
    try:
        return schema.model_validate(fields)
    except ValidationError as error:
        raise BadInput(fields=sorted({".".join(str(part) for part in e["loc"]) for e in error.errors()})) from None


@routes.get(rf"/mediations/{NUMBER}")
@mediation_page
async def mediation_page_of(visit: Visit) -> web.StreamResponse:
    return await show_mediation(visit, {})


async def show_mediation(visit: Visit, uncovered: dict[Side, str]) -> web.StreamResponse:
    """The page; ``uncovered`` are the numbers that are shown in full, for this answer only."""
    scope = visit.signed.scope
    async with visit.request.app[DATABASE].read() as session:
        desk = await visit.request.app[DESK](session)
        mediation = await desks.by_number(session, scope, visit.request.match_info["number"])
        return await visit.show(
            session,
            "mediation.html",
            live={"mediation": mediation.number},
            mediation=await board.page(session, scope, mediation, desk=desk),
            lengths=LENGTHS,
            uncovered=uncovered,
            **NAMES,
        )


async def on_mediation(visit: Visit, act: MediationWork, *, acting: bool = True) -> web.StreamResponse:
    """Change the mediation in one transaction and show it again."""
    number = visit.request.match_info["number"]
    async with visit.request.app[DATABASE].write() as session:
        desk = await visit.request.app[DESK](session)
        mediation = await desks.by_number(session, visit.signed.scope, number, acting=acting)
        await act(session, mediation, desk)
    return see(f"/mediations/{number}")


@routes.post(rf"/mediations/{NUMBER}/party")
@mediation_page
async def enter_party(visit: Visit) -> web.StreamResponse:
    form = await visit.form()
    keep = keeper(visit, form, "phone")

    async def act(session: AsyncSession, mediation: Mediation, desk: Desk) -> None:
        agreed = bool(form["agreed"])
        await joining.enter(session, visit.signed.scope, mediation, name=form["name"], agreed=agreed, desk=desk)
        if form["phone"]:
            await keep(session, mediation, Side.RESPONDENT, desk)

    return await on_mediation(visit, act)


def _side(form: Form) -> Side:
    if form["side"] not in list(Side):
        raise BadInput(fields=["side"])
    return Side(form["side"])


@routes.post(rf"/mediations/{NUMBER}/phone")
@mediation_page
async def write_phone(visit: Visit) -> web.StreamResponse:
    form = await visit.form()
    side, keep = _side(form), keeper(visit, form, "phone")

    async def act(session: AsyncSession, mediation: Mediation, desk: Desk) -> None:
        await keep(session, mediation, side, desk)

    return await on_mediation(visit, act)


@routes.post(rf"/mediations/{NUMBER}/phone/look")
@mediation_page
async def look_at_phone(visit: Visit) -> web.StreamResponse:
    """The page with one number in full, once; who looked and why stays written down."""
    form = await visit.form()
    side, app, scope = _side(form), visit.request.app, visit.signed.scope
    async with app[DATABASE].write() as session:
        desk = await app[DESK](session)
        mediation = await desks.by_number(session, scope, visit.request.match_info["number"], acting=True)
        shown = await phones.look(session, scope, mediation, side, reason=form["reason"], vault=app[VAULT], desk=desk)
    return await show_mediation(visit, {side: shown})


@routes.post(rf"/mediations/{NUMBER}/mediator")
@mediation_page
async def name_mediator(visit: Visit) -> web.StreamResponse:
    form = await visit.form()

    async def act(session: AsyncSession, mediation: Mediation, desk: Desk) -> None:
        chosen = _number(form, "mediator")
        await service.choose_mediator(session, mediation, chosen, desk=desk, scope=visit.signed.scope)

    return await on_mediation(visit, act)


def _number(form: Form, name: str) -> int:
    value = form[name]
    if not value.isascii() or not value.isdecimal() or len(value) > 15:
        raise BadInput(fields=[name])
    return int(value)


@routes.post(rf"/mediations/{NUMBER}/sitting")
@mediation_page
async def plan_sitting(visit: Visit) -> web.StreamResponse:
    form = await visit.form()
    starts_at = _starts_at(visit, form)

    async def act(session: AsyncSession, mediation: Mediation, desk: Desk) -> None:
        await sittings.book(
            session,
            visit.signed.scope,
            mediation,
            room_code=form["room"],
            starts_at=starts_at,
            minutes=_number(form, "minutes"),
            desk=desk,
        )

    return await on_mediation(visit, act)


def _starts_at(visit: Visit, form: Form) -> datetime:
    try:
        local = datetime.fromisoformat(f"{form['day']}T{form['time']}")
    except ValueError:
        raise BadInput("请填写日期和时间。", fields=["day", "time"]) from None
    return local.replace(tzinfo=visit.request.app[SETTINGS].zone)


@routes.post(rf"/mediations/{NUMBER}/sitting/move")
@mediation_page
async def move_sitting(visit: Visit) -> web.StreamResponse:
    form = await visit.form()
    starts_at = _starts_at(visit, form)

    async def act(session: AsyncSession, mediation: Mediation, desk: Desk) -> None:
        await sittings.move(
            session,
            visit.signed.scope,
            mediation,
            room_code=form["room"],
            starts_at=starts_at,
            minutes=_number(form, "minutes"),
            reason=form["reason"],
            desk=desk,
        )

    return await on_mediation(visit, act)


@routes.post(rf"/mediations/{NUMBER}/sitting/cancel")
@mediation_page
async def cancel_sitting(visit: Visit) -> web.StreamResponse:
    form = await visit.form()

    async def act(session: AsyncSession, mediation: Mediation, desk: Desk) -> None:
        await sittings.cancel(session, visit.signed.scope, mediation, form["reason"], desk=desk)

    return await on_mediation(visit, act)


@routes.post(rf"/mediations/{NUMBER}/minutes")
@mediation_page
async def write_minutes(visit: Visit) -> web.StreamResponse:
    form = await visit.form()

    async def act(session: AsyncSession, mediation: Mediation, desk: Desk) -> None:
        await sittings.hold(session, visit.signed.scope, mediation, form["minutes"], desk=desk)

    return await on_mediation(visit, act)


@routes.post(rf"/mediations/{NUMBER}/outcome")
@mediation_page
async def outcome(visit: Visit) -> web.StreamResponse:
    """An agreement, or none: then one rung higher."""
    form = await visit.form()

    async def act(session: AsyncSession, mediation: Mediation, desk: Desk) -> None:
        match form["outcome"]:
            case "agreed":
                await service.agree(session, visit.signed.scope, mediation, form["text"], desk=desk)
            case "failed":
                await service.fail(session, visit.signed.scope, mediation, form["text"], desk=desk)
            case _:
                raise BadInput(fields=["outcome"])

    return await on_mediation(visit, act)


@routes.post(rf"/mediations/{NUMBER}/papers")
@mediation_page
async def give_paper(visit: Visit) -> web.StreamResponse:
    side = _side(await visit.form())

    async def act(session: AsyncSession, mediation: Mediation, desk: Desk) -> None:
        await service.give_paper(session, visit.signed.scope, mediation, side, desk=desk)

    return await on_mediation(visit, act, acting=False)
