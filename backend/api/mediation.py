"""Mediations under /api/v1: what the console's pages do, for programs."""

from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncSession

from backend.api.operations import Call, operation
from backend.api.schemas import Query
from backend.events.service import Desk
from backend.house import DESK
from backend.mediation import board, desks, joining, phones, proposals, service, sittings
from backend.mediation.models import Mediation, Side
from backend.mediation.schemas import (
    Agreement,
    MediationList,
    MediationPage,
    Minutes,
    MovedSitting,
    NewMediation,
    NewMediator,
    NewPhone,
    NewSitting,
    OtherParty,
    Paper,
    PhoneInFull,
    PhoneLook,
    Reason,
)
from backend.web import DATABASE, VAULT

MediationWork = Callable[[AsyncSession, Mediation, Desk], Awaitable[object]]
PATH = "/api/v1/mediations/{number}"


class MediationQuery(Query):
    """``over``: those that have ended instead of those under way."""

    over: bool = False


@operation("GET", "/api/v1/mediations", query=MediationQuery, answer=MediationList)
async def list_mediations(call: Call) -> MediationList:
    """The mediations in your scope: the most pressing first, at most 200."""
    scope = call.signed.scope
    async with call.request.app[DATABASE].read() as session:
        desk = await call.request.app[DESK](session)
        found = await service.listed(session, scope, over=call.query.over)
        cards = [await board.card(session, scope, mediation, desk=desk) for mediation in found]
        return MediationList(mediations=cards, figures=await service.figures(session, scope))


@operation("POST", "/api/v1/mediations", status=201, body=NewMediation, answer=MediationPage)
async def propose_mediation(call: Call) -> MediationPage:
    """Give a dispute to mediation; the reporter of an event is asked first."""
    scope = call.signed.scope
    async with call.request.app[DATABASE].write() as session:
        desk = await call.request.app[DESK](session)
        mediation = await proposals.propose(session, scope, call.body, desk=desk)
        await session.flush()
        return await board.page(session, scope, mediation, desk=desk)


@operation("GET", "/api/v1/mediations/{number}", answer=MediationPage)
async def read_mediation(call: Call) -> MediationPage:
    """One mediation with its parties, sittings, history, and whom and what you may choose."""
    scope = call.signed.scope
    async with call.request.app[DATABASE].read() as session:
        desk = await call.request.app[DESK](session)
        mediation = await desks.by_number(session, scope, call.request.match_info["number"])
        return await board.page(session, scope, mediation, desk=desk)


async def _on_mediation(call: Call, act: MediationWork, *, acting: bool = True) -> MediationPage:
    scope = call.signed.scope
    async with call.request.app[DATABASE].write() as session:
        desk = await call.request.app[DESK](session)
        mediation = await desks.by_number(session, scope, call.request.match_info["number"], acting=acting)
        await act(session, mediation, desk)
        await session.flush()
        return await board.page(session, scope, mediation, desk=desk)


@operation("POST", PATH + "/party", body=OtherParty, answer=MediationPage)
async def enter_other_party(call: Call) -> MediationPage:
    """Write down who the other party is, whether they have agreed, and where they can be called."""
    body = call.body

    async def act(session: AsyncSession, mediation: Mediation, desk: Desk) -> None:
        await joining.enter(session, call.signed.scope, mediation, name=body.name, agreed=body.agreed, desk=desk)
        if body.phone:
            await _keep_phone(call, session, mediation, Side.RESPONDENT, desk)

    return await _on_mediation(call, act)


async def _keep_phone(call: Call, session: AsyncSession, mediation: Mediation, side: Side, desk: Desk) -> None:
    found = call.found.get("phone", [])
    await phones.keep(session, call.signed.scope, mediation, side, found, vault=call.request.app[VAULT], desk=desk)


@operation("POST", PATH + "/phone", body=NewPhone, answer=MediationPage)
async def write_phone(call: Call) -> MediationPage:
    """Write down where a party can be called; the number is shown masked."""

    async def act(session: AsyncSession, mediation: Mediation, desk: Desk) -> None:
        await _keep_phone(call, session, mediation, call.body.side, desk)

    return await _on_mediation(call, act)


@operation("POST", PATH + "/phone/look", body=PhoneLook, answer=PhoneInFull)
async def look_at_phone(call: Call) -> PhoneInFull:
    """A party's number in full; who looked, when and why is kept."""
    app, scope, body = call.request.app, call.signed.scope, call.body
    async with app[DATABASE].write() as session:
        desk = await app[DESK](session)
        mediation = await desks.by_number(session, scope, call.request.match_info["number"], acting=True)
        shown = await phones.look(session, scope, mediation, body.side, reason=body.reason, vault=app[VAULT], desk=desk)
    return PhoneInFull(phone=shown)


@operation("POST", PATH + "/mediator", body=NewMediator, answer=MediationPage)
async def name_mediator(call: Call) -> MediationPage:
    """Name the mediator; both parties are told."""

    async def act(session: AsyncSession, mediation: Mediation, desk: Desk) -> None:
        await service.choose_mediator(session, mediation, call.body.mediator, desk=desk, scope=call.signed.scope)

    return await _on_mediation(call, act)


@operation("POST", PATH + "/sitting", body=NewSitting, answer=MediationPage)
async def plan_sitting(call: Call) -> MediationPage:
    """Plan the next sitting; 409 when mediator, room or a party has another one then."""
    body = call.body

    async def act(session: AsyncSession, mediation: Mediation, desk: Desk) -> None:
        await sittings.book(
            session,
            call.signed.scope,
            mediation,
            room_code=body.room,
            starts_at=body.starts_at,
            minutes=body.minutes,
            desk=desk,
        )

    return await _on_mediation(call, act)


@operation("POST", PATH + "/sitting/move", body=MovedSitting, answer=MediationPage)
async def move_sitting(call: Call) -> MediationPage:
    """Give the planned sitting another time or room in one step; both parties read the old and the new one."""
    body = call.body

    async def act(session: AsyncSession, mediation: Mediation, desk: Desk) -> None:
        await sittings.move(
            session,
            call.signed.scope,
            mediation,
            room_code=body.room,
            starts_at=body.starts_at,
            minutes=body.minutes,
            reason=body.reason,
            desk=desk,
        )

    return await _on_mediation(call, act)


@operation("POST", PATH + "/sitting/cancel", body=Reason, answer=MediationPage)
async def cancel_sitting(call: Call) -> MediationPage:
    """Call the planned sitting off; both parties are told the reason."""

    async def act(session: AsyncSession, mediation: Mediation, desk: Desk) -> None:
        await sittings.cancel(session, call.signed.scope, mediation, call.body.reason, desk=desk)

    return await _on_mediation(call, act)


@operation("POST", PATH + "/minutes", body=Minutes, answer=MediationPage)
async def write_minutes(call: Call) -> MediationPage:
    """Write up the sitting that was held."""

    async def act(session: AsyncSession, mediation: Mediation, desk: Desk) -> None:
        await sittings.hold(session, call.signed.scope, mediation, call.body.minutes, desk=desk)

    return await _on_mediation(call, act)


@operation("POST", PATH + "/agreement", body=Agreement, answer=MediationPage)
async def record_agreement(call: Call) -> MediationPage:
    """Record the agreement; both parties get it."""

    async def act(session: AsyncSession, mediation: Mediation, desk: Desk) -> None:
        await service.agree(session, call.signed.scope, mediation, call.body.text, desk=desk)

    return await _on_mediation(call, act)


@operation("POST", PATH + "/failure", body=Reason, answer=MediationPage)
async def record_failure(call: Call) -> MediationPage:
    """No agreement here: it goes one rung higher, or the court is named."""

    async def act(session: AsyncSession, mediation: Mediation, desk: Desk) -> None:
        await service.fail(session, call.signed.scope, mediation, call.body.reason, desk=desk)

    return await _on_mediation(call, act)


@operation("POST", PATH + "/papers", body=Paper, answer=MediationPage)
async def give_paper(call: Call) -> MediationPage:
    """A party that is not in the chat has the agreement on paper."""

    async def act(session: AsyncSession, mediation: Mediation, desk: Desk) -> None:
        await service.give_paper(session, call.signed.scope, mediation, call.body.side, desk=desk)

    return await _on_mediation(call, act, acting=False)
