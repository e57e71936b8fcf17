"""Mediations as staff see them: the queue's lines and the whole page."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.events.service import Desk
from backend.grids.models import Area
from backend.mediation import phones, pushes, service, sittings
from backend.mediation.desks import may_act
from backend.mediation.ladder import LADDERS, MATTER_NAMES, said
from backend.mediation.models import Mediation, MediationParty, MediationState, Mediator
from backend.mediation.schemas import (
    MediationCard,
    MediationPage,
    MediatorCard,
    PartyCard,
    RoomCard,
    SittingCard,
    StepCard,
)
from backend.mediation.trail import history_of
from backend.mediation.views import ORIGIN_NAMES, STATE_NAMES
from backend.residents.models import Resident
from backend.staff.scope import Scope


async def card(session: AsyncSession, scope: Scope, mediation: Mediation, *, desk: Desk) -> MediationCard:
    """One line of the queue."""
    rung = mediation.rung
    mediator = await session.get(Mediator, mediation.mediator_id) if mediation.mediator_id else None
    planned = await sittings.planned(session, mediation)
    area = await session.get_one(Area, mediation.area_code)
    parent = await session.get(Area, area.parent_code) if area.parent_code else None
    within = area.name if parent is None or area.name.startswith(parent.name) else parent.name + area.name
    return MediationCard(
        number=mediation.number,
        matter=mediation.matter,
        matter_name=MATTER_NAMES[mediation.matter],
        kind=rung.kind,
        rung=rung.name,
        ladder=said(mediation.route, mediation.step),
        state=mediation.state,
        state_name="等居民同意" if mediation.state is MediationState.PROPOSED else STATE_NAMES[mediation.state],
        origin=mediation.origin,
        origin_name=ORIGIN_NAMES[mediation.origin],
        source_number=mediation.source_number,
        area=within,
        text=mediation.text,
        mediator=pushes.mediator_label(mediator) if mediator else "",
        sitting_at=planned.starts_at if planned else None,
        due_at=mediation.due_at,
        late=mediation.due_at is not None and mediation.due_at <= desk.now,
        created_at=mediation.created_at,
        mine=may_act(scope, mediation),
    )


async def page(session: AsyncSession, scope: Scope, mediation: Mediation, *, desk: Desk) -> MediationPage:
    """Everything about one mediation, and what this person may do now."""
    short = await card(session, scope, mediation, desk=desk)
    ladder = LADDERS[mediation.route]
    areas = {area.code: area.name for area in await session.scalars(select(Area).where(Area.code.in_(codes_of(mediation))))}
    parties = sorted((await pushes.parties_of(session, mediation)).items())
    return MediationPage(
        **short.model_dump(),
        parties=[await _party(session, mediation, party) for _, party in parties],
        mediator_id=mediation.mediator_id,
        mediators=[
            MediatorCard(mediator_id=m.id, name=m.name, title=m.title, area=areas[m.area_code])
            for m in (await service.mediators(session, mediation) if short.mine else [])
        ],
        rooms=[
            RoomCard(code=room.code, name=room.name, address=room.address)
            for room in (await sittings.rooms(session, mediation) if short.mine else [])
        ],
        sittings=[
            SittingCard(
                rung=ladder[sitting.step].name,
                room=room.code,
                starts_at=sitting.starts_at,
                ends_at=sitting.ends_at,
                state=sitting.state,
                mediator=pushes.mediator_label(mediator),
                place=sittings.said_place(room),
                minutes=sitting.minutes,
            )
            for sitting, mediator, room in await sittings.of_mediation(session, mediation)
        ],
        may_agree=short.mine and await sittings.was_held(session, mediation),
        agreement=mediation.agreement,
        history=[
            StepCard(step=row.step, rung=ladder[row.rung].name, at=row.at, who=who, side=row.side, note=row.note)
            for row, who in await history_of(session, mediation)
        ],
    )


def codes_of(mediation: Mediation) -> list[str]:
    """The areas that hold the dispute, from the city down."""
    return mediation.area_path.rstrip("/").split("/")


async def _party(session: AsyncSession, mediation: Mediation, party: MediationParty) -> PartyCard:
    resident = await session.get(Resident, party.resident_id) if party.resident_id else None
    return PartyCard(
        side=party.side,
        name=party.name or (resident.display_name if resident else ""),
        phone=await phones.masked_of(session, mediation, party.side),
        in_chat=party.conversation_id is not None,
        answer=party.answer,
        given_at=party.given_at,
    )
