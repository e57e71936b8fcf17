"""A dispute's life: filed or proposed, given to a mediator, agreed, or one rung higher, and in the end the court.

人民调解法 (2011): free of charge (article 4), only as both sides want it (article 3), the mediator chosen or named
(article 19), agreement written down (articles 28, 29), confirmed by a court within thirty days (article 33;
民事诉讼法 article 205). Thirty days for a rung: 人民调解委员会工作规则, a month.
"""

from datetime import timedelta

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue import service as catalogue
from backend.catalogue.models import HandlerKind
from backend.conversations.models import Conversation
from backend.conversations.service import readable
from backend.db import lock
from backend.errors import BadInput, Conflict, Forbidden, NotFound, TooMany
from backend.events.numbers import new_number
from backend.events.service import Desk
from backend.grids.models import Area, Level
from backend.legal.service import alike
from backend.mediation import pushes, sittings
from backend.mediation.desks import MEDIATION_ROLES, area_of_rung, tell_desk, visible
from backend.mediation.ladder import ITEMS, LADDERS, Kind, Matter, route_of
from backend.mediation.models import (
    Answer,
    Mediation,
    MediationParty,
    MediationState,
    Mediator,
    Origin,
    Side,
)
from backend.mediation.trail import NOTE_LIMIT, note
from backend.staff.models import Role
from backend.staff.scope import Scope

MOST_OPEN = 5
SHORTEST, LONGEST = 4, 2000
NAME_LIMIT = 64
RUNG_DAYS = 30
CONFIRM_DAYS = 30
OFFERED = 5
UNDER_WAY = (MediationState.PROPOSED, MediationState.OPEN)
_AREAS = (Level.GRID, Level.COMMUNITY, Level.STREET, Level.DISTRICT)


class TooManyOpen(TooMany):
    code = "too_many_mediations"
    sentence = f"您有 {MOST_OPEN} 件调解还没结束，先等等结果，或者撤回一件再申请。"


async def _new(
    session: AsyncSession,
    text: str,
    *,
    area_code: str,
    matter: Matter,
    kind: Kind,
    origin: Origin,
    source_number: str,
    state: MediationState,
    desk: Desk,
) -> Mediation:
    area = await session.get(Area, area_code)
    if area is None or area.level not in _AREAS:
        raise BadInput("请说清楚在哪个街道或社区。", fields=["area_code"])
    text = readable(text)[:LONGEST]
    if len(text) < SHORTEST:
        raise BadInput("请把事情说得再具体一点。", fields=["text"])
    mediation = Mediation(
        number=new_number(),
        origin=origin,
        source_number=source_number,
        matter=matter,
        text=text,
        area_code=area.code,
        area_path=area.path,
        route=route_of(matter, kind),
        state=state,
        created_at=desk.now,
    )
    session.add(mediation)
    await session.flush()
    return mediation


async def file(
    session: AsyncSession,
    conversation: Conversation,
    text: str,
    *,
    area_code: str,
    matter: Matter,
    kind: Kind,
    origin: Origin,
    source_number: str,
    desk: Desk,
) -> tuple[Mediation, bool]:
    """A resident asks for mediation; returns it, and whether the same one was under way already.

    Raises BadInput for words too short or a place that is none, TooManyOpen.
    """
    await lock(session, conversation)
    if (known := await same(session, conversation.resident_id, text, source_number)) is not None:
        return known, True
    mine = await asked_for(session, conversation.resident_id)
    if len(mine) >= MOST_OPEN:
        raise TooManyOpen
    mediation = await _new(
        session,
        text,
        area_code=area_code,
        matter=matter,
        kind=kind,
        origin=origin,
        source_number=source_number,
        state=MediationState.OPEN,
        desk=desk,
    )
    applicant = MediationParty(
        mediation_id=mediation.id,
        side=Side.APPLICANT,
        resident_id=conversation.resident_id,
        conversation_id=conversation.id,
        answer=Answer.AGREED,
    )
    session.add_all([applicant, MediationParty(mediation_id=mediation.id, side=Side.RESPONDENT)])
    note(session, mediation, "filed", desk, side=Side.APPLICANT)
    await _enter(session, mediation, desk)
    return mediation, False


async def propose(
    session: AsyncSession,
    scope: Scope,
    text: str,
    *,
    area_code: str,
    matter: Matter,
    kind: Kind,
    origin: Origin,
    applicant: str,
    respondent: str,
    conversation: Conversation | None,
    source_number: str,
    desk: Desk,
) -> Mediation:
    """Staff give a dispute to mediation. A resident in the chat is asked first; who stands at the counter has agreed.

    Raises Forbidden outside their area, Conflict when the event or consult has one under way, BadInput.
    """
    area = await session.get(Area, area_code)
    if scope.role not in MEDIATION_ROLES - {Role.DEPARTMENT} or area is None or not scope.covers(area.path):
        raise Forbidden("这个地方不在您的辖区。", code="not_your_area")
    if source_number and await of_source(session, source_number):
        raise Conflict("这件事已经在调解了。", code="under_way")
    if conversation is None and not applicant.strip():
        raise BadInput("请写上申请人的姓名。", fields=["applicant"])
    mediation = await _new(
        session,
        text,
        area_code=area_code,
        matter=matter,
        kind=kind,
        origin=origin,
        source_number=source_number,
        state=MediationState.PROPOSED if conversation else MediationState.OPEN,
        desk=desk,
    )
    session.add_all(
        [
            MediationParty(
                mediation_id=mediation.id,
                side=Side.APPLICANT,
                name=applicant.strip()[:NAME_LIMIT],
                resident_id=conversation.resident_id if conversation else None,
                conversation_id=conversation.id if conversation else None,
                answer=Answer.WAITING if conversation else Answer.AGREED,
            ),
            MediationParty(mediation_id=mediation.id, side=Side.RESPONDENT, name=respondent.strip()[:NAME_LIMIT]),
        ]
    )
    note(session, mediation, "proposed" if conversation else "entered", desk, staff_id=scope.staff_id)
    await session.flush()
    if conversation:
        await pushes.tell(session, mediation, "utter_mediation_proposed", desk=desk, only=Side.APPLICANT)
    else:
        await _enter(session, mediation, desk)
    return mediation


async def accept(session: AsyncSession, mediation: Mediation, *, desk: Desk) -> None:
    """The applicant agrees to what staff proposed; agreeing again changes nothing. Raises Conflict."""
    if mediation.state is MediationState.OPEN:
        return
    if mediation.state is not MediationState.PROPOSED:
        raise Conflict("这件调解已经结束了。", code="over")
    (await pushes.parties_of(session, mediation))[Side.APPLICANT].answer = Answer.AGREED
    mediation.state = MediationState.OPEN
    note(session, mediation, "accepted", desk, side=Side.APPLICANT)
    await _enter(session, mediation, desk)


async def _enter(session: AsyncSession, mediation: Mediation, desk: Desk) -> None:
    """Come to the present rung: its department, its time, its desk told."""
    mediation.mediator_id, mediation.late_told_at = None, None
    mediation.due_at = desk.now + timedelta(days=RUNG_DAYS)
    mediation.department_code = None
    item = ITEMS.get(mediation.matter)
    if mediation.rung.kind is Kind.ADMINISTRATIVE and item:
        handler = await catalogue.handler_for(session, item, mediation.area_path)
        if handler and handler[0] is HandlerKind.DEPARTMENT:
            mediation.department_code = handler[1]
    await session.flush()
    await tell_desk(session, mediation, f"待调解 {mediation.number}（{pushes.values_of(mediation)['title']}）", desk)


# Whom it concerns


async def of_resident(session: AsyncSession, resident_id: int) -> list[Mediation]:
    """The mediations a resident is a party of, the newest first."""
    rows = await session.scalars(
        select(Mediation)
        .join(MediationParty, MediationParty.mediation_id == Mediation.id)
        .where(MediationParty.resident_id == resident_id)
        .order_by(Mediation.id.desc())
        .limit(50)
    )
    return list(rows)


async def asked_for(session: AsyncSession, resident_id: int) -> list[Mediation]:
    """Those under way that the resident asked for; what others drew them into does not count."""
    rows = await session.scalars(
        select(Mediation)
        .join(MediationParty, MediationParty.mediation_id == Mediation.id)
        .where(
            MediationParty.resident_id == resident_id,
            MediationParty.side == Side.APPLICANT,
            Mediation.state.in_(UNDER_WAY),
        )
        .order_by(Mediation.id)
    )
    return list(rows)


async def same(session: AsyncSession, resident_id: int, text: str, source_number: str) -> Mediation | None:
    """The same dispute of this resident that is under way: of the same event or consult, or in the same words."""
    for known in await asked_for(session, resident_id):
        if (source_number and known.source_number == source_number) or alike(known.text, text):
            return known
    return None


async def own(
    session: AsyncSession, number: str, *, resident_id: int, side: Side | None = None
) -> tuple[Mediation, MediationParty]:
    """A resident's own mediation, locked, and the side they are on. Raises NotFound, Forbidden for the other side's step."""
    row = (
        await session.execute(
            select(Mediation, MediationParty)
            .join(MediationParty, MediationParty.mediation_id == Mediation.id)
            .where(Mediation.number == number, MediationParty.resident_id == resident_id)
        )
    ).first()
    if row is None:
        raise NotFound("没有查到这个编号的调解，请核对一下。")
    mediation, party = row
    if side is not None and party.side is not side:
        raise Forbidden("这一步要由申请调解的一方来办。", code="not_applicant")
    await lock(session, mediation)
    return mediation, party


async def of_source(session: AsyncSession, source_number: str) -> Mediation | None:
    """The mediation under way that came from an event or a consult."""
    return await session.scalar(
        select(Mediation).where(Mediation.source_number == source_number, Mediation.state.in_(UNDER_WAY)).limit(1)
    )


async def listed(
    session: AsyncSession, scope: Scope, *, over: bool = False, limit: int = 200, offset: int = 0
) -> list[Mediation]:
    """The visible ones under way, the most pressing first; or those that are over, the latest first."""
    query = select(Mediation).where(visible(scope))
    if over:
        query = query.where(Mediation.state.not_in(UNDER_WAY)).order_by(Mediation.ended_at.desc(), Mediation.id.desc())
    else:
        query = query.where(Mediation.state.in_(UNDER_WAY)).order_by(Mediation.due_at.is_(None), Mediation.due_at, Mediation.id)
    return list(await session.scalars(query.limit(limit).offset(offset)))


async def figures(session: AsyncSession, scope: Scope) -> dict[str, int]:
    """How many of the visible ones there are in each state, and how many were agreed on each rung (``agreed_0`` …)."""
    rows = await session.execute(
        select(Mediation.state, Mediation.step, func.count()).where(visible(scope)).group_by(Mediation.state, Mediation.step)
    )
    counts = {state.value: 0 for state in MediationState}
    for state, step, count in rows:
        counts[state.value] += count
        if state is MediationState.AGREED:
            counts[f"agreed_{step}"] = count
    return counts


# Mediators


async def mediators(session: AsyncSession, mediation: Mediation) -> list[Mediator]:
    """Those of this rung: of its kind, from its area and the one above, the nearest first."""
    codes = mediation.area_path.rstrip("/").split("/")
    rung = await area_of_rung(session, mediation)
    depth = codes.index(rung.code)
    rows = await session.scalars(
        select(Mediator)
        .where(
            Mediator.active,
            Mediator.kind == mediation.rung.kind,
            or_(Mediator.matter.is_(None), Mediator.matter == mediation.matter),
            Mediator.area_code.in_(codes),
        )
        .order_by(Mediator.id)
    )
    near = [m for m in rows if depth - 1 <= codes.index(m.area_code) <= depth]
    return sorted(near, key=lambda mediator: -codes.index(mediator.area_code))


async def choose_mediator(
    session: AsyncSession,
    mediation: Mediation,
    mediator_id: int,
    *,
    desk: Desk,
    scope: Scope | None = None,
) -> Mediator | None:
    """The applicant, or staff (``scope``), choose; 0 leaves it to the desk. Once a sitting is planned nobody may.

    Raises BadInput for one who is not offered, Conflict.
    """
    if mediation.state is not MediationState.OPEN:
        raise Conflict("这件调解不在进行中。", code="not_open")
    if await sittings.planned(session, mediation) is not None:
        raise Conflict("时间已经约好了，要换调解员先改期。", code="sitting_planned")
    who = {"staff_id": scope.staff_id if scope else None, "side": None if scope else Side.APPLICANT}
    if mediator_id == 0:
        mediation.mediator_id = None
        note(session, mediation, "mediator_left_open", desk, **who)
        await tell_desk(session, mediation, f"调解 {mediation.number}：请安排调解员", desk)
        return None
    chosen = next((m for m in await mediators(session, mediation) if m.id == mediator_id), None)
    if chosen is None:
        raise BadInput("这位调解员现在请不了，请另选一位。", code="not_offered", fields=["mediator"])
    mediation.mediator_id = chosen.id
    note(session, mediation, "mediator_chosen", desk, text=pushes.mediator_label(chosen), **who)
    if scope is None:
        await tell_desk(session, mediation, f"调解 {mediation.number}：居民选了{chosen.name}，请约时间", desk)
    else:
        await pushes.tell(session, mediation, "utter_mediation_mediator", desk=desk, mediator=pushes.mediator_label(chosen))
    return chosen


# How it ends


async def agree(session: AsyncSession, scope: Scope, mediation: Mediation, text: str, *, desk: Desk) -> list[Side]:
    """Record the agreement and give it to both sides; returns who has it in the chat. Raises BadInput, Conflict.

    Only after a sitting of this rung was held: an agreement is made by people who sat together.
    """
    text = readable(text)[:LONGEST]
    if len(text) < SHORTEST:
        raise BadInput("请写明协议内容。", fields=["text"])
    if not await sittings.was_held(session, mediation):
        raise Conflict("这一级还没有开过调解会，先记录调解会再写协议。", code="no_sitting_held")
    rung = mediation.rung
    mediation.state, mediation.agreement = MediationState.AGREED, text
    await _end(session, mediation, desk)
    note(session, mediation, "agreed", desk, staff_id=scope.staff_id, text=text)
    after = desk.sentences.say(f"utter_name_mediation_after_{rung.kind}", until=_day(desk, CONFIRM_DAYS)).text
    told = await pushes.tell(session, mediation, "utter_mediation_agreed", desk=desk, agreement=text, after=after)
    for side, party in (await pushes.parties_of(session, mediation)).items():
        if side in told:
            party.given_at = desk.now
    return told


def _day(desk: Desk, days: int) -> str:
    day = (desk.now + timedelta(days=days)).astimezone(desk.zone)
    return f"{day.year}年{day.month}月{day.day}日"


async def give_paper(session: AsyncSession, scope: Scope, mediation: Mediation, side: Side, *, desk: Desk) -> None:
    """A side that is not in the chat has the agreement on paper. Raises Conflict."""
    party = (await pushes.parties_of(session, mediation))[side]
    if mediation.state is not MediationState.AGREED or party.given_at is not None:
        raise Conflict("不用再交了。", code="given")
    party.given_at = desk.now
    note(session, mediation, "paper_given", desk, staff_id=scope.staff_id, text=party.name)


async def fail(session: AsyncSession, scope: Scope, mediation: Mediation, reason: str, *, desk: Desk) -> None:
    """No agreement on this rung: the next one, under the same number, or the court. Raises BadInput without a reason."""
    reason = readable(reason)[:NOTE_LIMIT]
    if not reason:
        raise BadInput("请写明为什么没谈成。", fields=["reason"])
    before = mediation.rung.name
    note(session, mediation, "failed", desk, staff_id=scope.staff_id, text=reason)
    await sittings.drop(session, mediation)
    mediation.step += 1
    if LADDERS[mediation.route][mediation.step].level is None:
        mediation.state = MediationState.COURT
        mediation.mediator_id = mediation.department_code = None
        await _end(session, mediation, desk)
        note(session, mediation, "to_court", desk)
        await pushes.tell(session, mediation, "utter_mediation_court", desk=desk)
        return
    await _enter(session, mediation, desk)
    note(session, mediation, "climbed", desk, text=mediation.rung.name)
    offered = (await mediators(session, mediation))[:OFFERED]
    buttons = [pushes.mediator_button(mediation, mediator) for mediator in offered]
    await pushes.tell(
        session, mediation, "utter_mediation_climbed", desk=desk, only=Side.APPLICANT, extra_buttons=buttons, before=before
    )
    if (await pushes.parties_of(session, mediation))[Side.RESPONDENT].answer is Answer.AGREED:
        await pushes.tell(session, mediation, "utter_mediation_climbed_other", desk=desk, only=Side.RESPONDENT, before=before)


async def withdraw(session: AsyncSession, mediation: Mediation, *, desk: Desk, side: Side) -> None:
    """A side does not want it (any more): nobody is made to. Doing it again changes nothing. Raises Conflict when agreed."""
    if mediation.state is MediationState.WITHDRAWN:
        return
    if mediation.state not in UNDER_WAY:
        raise Conflict("这件调解已经结束了。", code="over")
    parties = await pushes.parties_of(session, mediation)
    parties[side].answer = Answer.DECLINED
    await sittings.drop(session, mediation)
    mediation.state = MediationState.WITHDRAWN
    await _end(session, mediation, desk)
    note(session, mediation, "withdrawn", desk, side=side)
    await tell_desk(
        session, mediation, f"调解 {mediation.number}：{'申请人' if side is Side.APPLICANT else '对方'}不调解了", desk
    )
    for other, party in parties.items():
        if other is not side and party.answer is Answer.AGREED:
            await pushes.tell(session, mediation, "utter_mediation_other_left", desk=desk, only=other)


async def _end(session: AsyncSession, mediation: Mediation, desk: Desk) -> None:
    mediation.due_at, mediation.ended_at = None, desk.now
    await sittings.drop(session, mediation)


def too_late(desk: Desk) -> ColumnElement[bool]:
    return (Mediation.state == MediationState.OPEN) & (Mediation.due_at <= desk.now) & Mediation.late_told_at.is_(None)


async def tell_late(session: AsyncSession, mediation: Mediation, desk: Desk) -> None:
    """The desk is told, once for each rung, that its thirty days are over."""
    mediation.late_told_at = desk.now
    note(session, mediation, "late", desk)
    await tell_desk(session, mediation, f"超期：调解 {mediation.number} 在这一级满 {RUNG_DAYS} 天了", desk)
