"""The event's life. Every change goes through ``move`` or stands beside it in the history; nothing is overwritten."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue import service as catalogue
from backend.catalogue.models import Department, HandlerKind, Item
from backend.conversations.models import Conversation
from backend.db import lock, wake
from backend.errors import BadInput, Conflict, Forbidden, NotFound, TooMany
from backend.events import pushes
from backend.events.models import (
    ActorKind,
    Assignment,
    AssignmentState,
    Event,
    EventPhoto,
    EventState,
    History,
    HistoryKind,
    Supporter,
    Urge,
)
from backend.events.numbers import new_number
from backend.events.search import write_terms
from backend.events.transitions import BEFORE_WORK, FINAL, NOTE_REQUIRED, OPEN, WITH_A_HANDLER, Hand, allowed
from backend.grids import service as grids
from backend.grids.models import Area, Level
from backend.outbox.service import Quiet
from backend.staff import notices
from backend.staff.models import Role
from backend.staff.scope import DESKS, MANAGERS, Scope
from wording import Sentences

NOTE_LIMIT = 2000
URGENT = timedelta(hours=1)
HALF_HOUR = timedelta(minutes=30)
LADDER = (HandlerKind.GRID, HandlerKind.COMMUNITY, HandlerKind.STREET, HandlerKind.DISTRICT)
CLIMBING = WITH_A_HANDLER | {EventState.REOPENED}
LATE_AGAIN_HOURS = 8
SIMILAR = 20
JUST_FILED = timedelta(minutes=10)


@dataclass(frozen=True)
class Desk:
    """What the service needs to know of the house: when, where, how it is said, and the published times."""

    now: datetime
    zone: ZoneInfo
    sentences: Sentences
    calendar: Any
    verify_hours: int
    reopen_days: int
    duplicate_days: int
    quiet: Quiet
    sms: bool = False

    @property
    def today(self) -> date:
        """The local day."""
        return self.now.astimezone(self.zone).date()


@dataclass(frozen=True)
class Actor:
    """Who does something: a resident, a staff member with their scope, or the system."""

    kind: ActorKind
    resident_id: int | None = None
    scope: Scope | None = None

    @classmethod
    def system(cls) -> "Actor":
        return cls(ActorKind.SYSTEM)

    @classmethod
    def resident(cls, resident_id: int) -> "Actor":
        return cls(ActorKind.RESIDENT, resident_id=resident_id)

    @classmethod
    def staff(cls, scope: Scope) -> "Actor":
        return cls(ActorKind.STAFF, scope=scope)


@dataclass(frozen=True)
class Report:
    """What a confirmed summary holds."""

    description: str
    area_code: str
    address: str
    item_code: str | None = None
    place: dict[str, Any] = field(default_factory=dict)
    photos: list[str] = field(default_factory=list)
    anonymous: bool = False
    urgent: bool = False
    unplaced: bool = False
    latitude: float | None = None
    longitude: float | None = None


async def file_event(
    session: AsyncSession,
    report: Report,
    *,
    desk: Desk,
    conversation: Conversation | None = None,
    message_id: int | None = None,
    reporter_staff_id: int | None = None,
) -> Event:
    """Write a new event in state REPORTED and tell the grid's people. Raises BadInput for an item that is refused."""
    area = await session.get(Area, report.area_code)
    if area is None:
        raise BadInput("这个地点不在本市的网格里。", fields=["area_code"])
    item = await session.get(Item, report.item_code) if report.item_code else None
    if report.item_code and (item is None or not item.admitted):
        raise BadInput("这类事项不在受理范围内。", fields=["item_code"])
    event = Event(
        number=await _free_number(session),
        state=EventState.REPORTED,
        item_code=report.item_code,
        description=report.description.strip()[:4000],
        address=report.address[:200],
        place=report.place,
        area_code=area.code,
        area_path=area.path,
        unplaced=report.unplaced,
        latitude=report.latitude,
        longitude=report.longitude,
        anonymous=report.anonymous,
        urgent=report.urgent,
        reporter_id=conversation.resident_id if conversation else None,
        reporter_staff_id=reporter_staff_id,
        conversation_id=conversation.id if conversation else None,
        message_id=message_id,
        created_at=desk.now,
        updated_at=desk.now,
    )
    session.add(event)
    await session.flush()
    await write_terms(session, event)
    await add_photos(session, event, report.photos)
    _record(
        session,
        event,
        HistoryKind.TRANSITION,
        Actor(ActorKind.STAFF if reporter_staff_id else ActorKind.RESIDENT, resident_id=event.reporter_id),
        at=desk.now,
        to_state=EventState.REPORTED,
        staff_id=reporter_staff_id,
        photos=report.photos,
    )
    if conversation is not None:
        conversation.last_area_code = _community_code(area)
    what = f"{'紧急上报' if event.urgent else '新上报'}：{event.description[:40]}"
    for staff in await grids.members_of(session, area.code):
        notices.tell(session, staff.id, what, now=desk.now, event_id=event.id)
    wake(session, "events")
    wake(session, "console")
    return event


def _community_code(area: Area) -> str | None:
    if area.level is Level.GRID:
        return area.parent_code
    return area.code if area.level is Level.COMMUNITY else None


async def _free_number(session: AsyncSession) -> str:
    while True:
        number = new_number()
        if not await session.scalar(select(exists().where(Event.number == number))):
            return number


async def add_photos(session: AsyncSession, event: Event, keys: list[str]) -> None:
    """Attach media to the event; one that is attached already stays attached once."""
    for key in dict.fromkeys(keys):
        if await session.get(EventPhoto, (event.id, key)) is None:
            session.add(EventPhoto(event_id=event.id, media_key=key))
    await session.flush()


def _record(
    session: AsyncSession,
    event: Event,
    kind: HistoryKind,
    actor: Actor,
    *,
    at: datetime,
    from_state: EventState | None = None,
    to_state: EventState | None = None,
    note: str = "",
    photos: list[str] | None = None,
    staff_id: int | None = None,
    **details: Any,
) -> None:
    session.add(
        History(
            event_id=event.id,
            kind=kind,
            from_state=from_state,
            to_state=to_state,
            actor=actor.kind,
            resident_id=actor.resident_id,
            staff_id=actor.scope.staff_id if actor.scope else staff_id,
            note=note,
            photos=photos or [],
            details=details,
            at=at,
        )
    )


async def hands_of(session: AsyncSession, event: Event, actor: Actor) -> frozenset[Hand]:
    """In which capacities ``actor`` may act on ``event`` now.

    What lies on a rung, or has climbed to it, is managed from there or above. Who reported it does not handle it; who worked
    on it does not verify it (报办分离).
    """
    if actor.kind is ActorKind.SYSTEM:
        return frozenset({Hand.SYSTEM})
    if actor.kind is ActorKind.RESIDENT:
        return frozenset({Hand.REPORTER}) if event.reporter_id == actor.resident_id else frozenset()
    scope = actor.scope
    assert scope is not None
    hands = set()
    reported_it = event.reporter_staff_id == scope.staff_id
    manages = scope.role in MANAGERS and scope.covers(event.area_path)
    if manages and (event.state not in CLIMBING or _stands_at(scope.role, event.level)):
        hands.add(Hand.MANAGER)
    if scope.desk and scope.desk == (event.handler, event.handler_code) and not reported_it:
        hands.add(Hand.HANDLER)
    if manages and not reported_it and not await _worked_on(session, event, scope.staff_id):
        hands.add(Hand.VERIFIER)
    return frozenset(hands)


def _stands_at(role: Role, level: HandlerKind) -> bool:
    """Whether the role's desk stands on the rung, or above it; an administrator's does."""
    desk = DESKS.get(role)
    return desk is None or LADDER.index(desk) >= LADDER.index(level)


async def _worked_on(session: AsyncSession, event: Event, staff_id: int) -> bool:
    return bool(
        await session.scalar(
            select(
                exists().where(
                    History.event_id == event.id,
                    History.staff_id == staff_id,
                    or_(
                        History.to_state.in_([EventState.IN_PROGRESS, EventState.HANDLED]),
                        History.kind == HistoryKind.ASSIGNMENT,
                    ),
                )
            )
        )
    )


async def move(
    session: AsyncSession,
    event: Event,
    to: EventState,
    *,
    actor: Actor,
    desk: Desk,
    note: str = "",
    photos: list[str] | None = None,
    handler: tuple[HandlerKind, str] | None = None,
) -> None:
    """Take the event to state ``to`` and push the step to everyone who follows it.

    Raises Conflict for a step that the table does not know from here, Forbidden for one that is not this actor's,
    BadInput where words or a handler are missing.
    """
    await lock(session, event)
    before, note = event.state, note.strip()[:NOTE_LIMIT]
    hands = await hands_of(session, event, actor)
    if not allowed(before, to, hands):
        if allowed(before, to, frozenset(Hand)):
            raise Forbidden("这一步要由别的同事来办。", code="not_yours")
        raise Conflict("事件现在的状态不能这样办，请刷新后再看。", code="illegal_transition", state=before.value)
    if (before, to) in NOTE_REQUIRED and actor.kind is ActorKind.STAFF and not note:
        raise BadInput("请写一句说明，居民会看到。", fields=["note"])
    event.state = to
    event.revision += 1
    event.updated_at = desk.now
    details = await _enter(session, event, before, to, desk=desk, handler=handler, actor=actor)
    _record(
        session,
        event,
        HistoryKind.TRANSITION,
        actor,
        at=desk.now,
        from_state=before,
        to_state=to,
        note=note,
        photos=photos,
        **details,
    )
    if photos:
        await add_photos(session, event, photos)
    await session.flush()
    await pushes.push_step(session, event, to, desk=desk, note=note, photos=photos or [], actor=actor)
    wake(session, "console")
    if to is EventState.HANDLED:
        await move(session, event, EventState.VERIFYING, actor=Actor.system(), desk=desk)
    if to is EventState.REOPENED:
        wake(session, "events")


async def _enter(
    session: AsyncSession,
    event: Event,
    before: EventState,
    to: EventState,
    *,
    desk: Desk,
    handler: tuple[HandlerKind, str] | None,
    actor: Actor,
) -> dict[str, Any]:
    """What entering a state changes besides the state; returns details for the history."""
    match to:
        case EventState.ACCEPTED:
            if before is EventState.DISPATCHED:
                await _end_assignments(session, event, AssignmentState.RETURNED, at=desk.now)
                event.handler, event.handler_code = HandlerKind.STREET, await _code_at(session, event, HandlerKind.STREET)
            else:
                event.due_at = event.escalate_at = await _due(session, event, desk)
        case EventState.DISPATCHED:
            chosen = handler or await find_handler(session, event, before)
            if chosen is None:
                raise BadInput("请选择派给谁。", fields=["handler"])
            await _check_handler(session, chosen)
            if before is EventState.REOPENED:
                event.due_at = event.escalate_at = await _due(session, event, desk)
            await _end_assignments(session, event, AssignmentState.RETURNED, at=desk.now)
            event.handler, event.handler_code = chosen
            event.automatic = actor.kind is ActorKind.SYSTEM
            event.level = chosen[0] if chosen[0] in LADDER else HandlerKind.STREET
            await _assign(session, event, chosen, lead=True, desk=desk)
            return {"handler": chosen[0].value, "handler_code": chosen[1]}
        case EventState.HANDLED:
            await _finish_lead(session, event, at=desk.now)
            event.escalate_at = None
        case EventState.VERIFYING:
            event.verify_by = desk.now + timedelta(hours=desk.verify_hours)
        case EventState.REOPENED:
            long_ago = desk.now - timedelta(days=desk.reopen_days)
            if before is EventState.CLOSED and await _closed_at(session, event) < long_ago:
                raise Conflict("这件事办结已久，请重新上报一件。", code="too_late")
            event.verify_by = None
            event.reopened += 1
            event.level = next_rung(event.level)
        case EventState.CLOSED | EventState.REJECTED | EventState.WITHDRAWN:
            event.verify_by = event.escalate_at = None
            await _end_assignments(session, event, AssignmentState.DONE, at=desk.now)
        case _:
            pass
    return {}


def next_rung(level: HandlerKind) -> HandlerKind:
    """One level higher; the district is the top."""
    return LADDER[min(LADDER.index(level) + 1, len(LADDER) - 1)]


async def _due(session: AsyncSession, event: Event, desk: Desk) -> datetime:
    """By the item's working hours; what is a danger to life waits for no office to open."""
    if event.urgent:
        return desk.now + URGENT
    item = await session.get(Item, event.item_code) if event.item_code else None
    due = desk.calendar.add_working_hours(desk.now, item.due_hours if item else 24)
    return due + (datetime.min.replace(tzinfo=due.tzinfo) - due) % HALF_HOUR  # said as a clerk would: half past


async def _closed_at(session: AsyncSession, event: Event) -> datetime:
    at = await session.scalar(
        select(func.max(History.at)).where(History.event_id == event.id, History.to_state == EventState.CLOSED)
    )
    return at or event.updated_at


async def find_handler(
    session: AsyncSession, event: Event, before: EventState = EventState.ACCEPTED
) -> tuple[HandlerKind, str] | None:
    """The desk that the duty matrix names, or None where not exactly one fits; after a reopening one rung higher."""
    if before is EventState.REOPENED:
        return event.level, await _code_at(session, event, event.level)
    found = await catalogue.handler_for(session, event.item_code, event.area_path) if event.item_code else None
    if found is not None and found[0] is not HandlerKind.DEPARTMENT:
        kind = found[0]
        area = await session.get_one(Area, event.area_code)
        if kind is HandlerKind.GRID and area.level is not Level.GRID:
            kind = HandlerKind.COMMUNITY
        return kind, await _code_at(session, event, kind)
    return found


async def queue_at_street(session: AsyncSession, event: Event, *, desk: Desk) -> None:
    """Nobody fits by the duty matrix: the street centre decides."""
    code = await _code_at(session, event, HandlerKind.STREET)
    event.handler, event.handler_code, event.level = HandlerKind.STREET, code, HandlerKind.STREET
    for staff_id in await notices.at_desk(session, HandlerKind.STREET, code):
        notices.tell(session, staff_id, f"待派遣：{event.description[:40]}", now=desk.now, event_id=event.id)


async def _code_at(session: AsyncSession, event: Event, kind: HandlerKind) -> str:
    """The code of the area that is the event's own at ``kind``'s level, or the nearest one above it."""
    chain = await grids.ancestors(session, event.area_code)
    for area in chain:
        if area.level.value == kind.value:
            return area.code
    return chain[-1].code


async def _check_handler(session: AsyncSession, handler: tuple[HandlerKind, str]) -> None:
    kind, code = handler
    if kind is HandlerKind.DEPARTMENT:
        known = await session.get(Department, code) is not None
    else:
        area = await session.get(Area, code)
        known = area is not None and area.level.value == kind.value
    if not known:
        raise BadInput("没有这个处置单位。", fields=["handler"])


async def _assign(
    session: AsyncSession, event: Event, handler: tuple[HandlerKind, str], *, lead: bool, desk: Desk
) -> Assignment:
    latest = await session.scalar(
        select(func.max(Assignment.round)).where(
            Assignment.event_id == event.id,
            Assignment.handler == handler[0],
            Assignment.handler_code == handler[1],
        )
    )
    assignment = Assignment(
        event_id=event.id,
        round=(latest or 0) + 1,
        lead=lead,
        handler=handler[0],
        handler_code=handler[1],
        due_at=event.due_at,
        created_at=desk.now,
    )
    session.add(assignment)
    await session.flush()
    for staff_id in await notices.at_desk(session, *handler):
        notices.tell(session, staff_id, f"待处置：{event.description[:40]}", now=desk.now, event_id=event.id)
    return assignment


async def _end_assignments(session: AsyncSession, event: Event, state: AssignmentState, *, at: datetime) -> None:
    rows = await session.scalars(
        select(Assignment).where(Assignment.event_id == event.id, Assignment.state == AssignmentState.OPEN, Assignment.lead)
    )
    for assignment in rows:
        assignment.state, assignment.done_at = state, at


async def _finish_lead(session: AsyncSession, event: Event, *, at: datetime) -> None:
    waiting = await session.scalar(
        select(func.count()).where(Assignment.event_id == event.id, Assignment.state == AssignmentState.OPEN, ~Assignment.lead)
    )
    if waiting:
        raise Conflict(f"还有 {waiting} 个会办部门没有反馈结果。", code="departments_open")
    await _end_assignments(session, event, AssignmentState.DONE, at=at)


async def call_in(
    session: AsyncSession, event: Event, department_code: str, *, actor: Actor, desk: Desk, note: str = ""
) -> Assignment:
    """Ask one more department to work on the event (会办), due when the event is."""
    await lock(session, event)
    if not (await hands_of(session, event, actor)) & {Hand.MANAGER, Hand.HANDLER}:
        raise Forbidden
    if event.state not in WITH_A_HANDLER:
        raise Conflict("事件派遣之后才能请部门会办。", code="illegal_transition", state=event.state.value)
    handler = (HandlerKind.DEPARTMENT, department_code)
    await _check_handler(session, handler)
    open_already = await session.scalar(
        select(
            exists().where(
                Assignment.event_id == event.id,
                Assignment.handler == HandlerKind.DEPARTMENT,
                Assignment.handler_code == department_code,
                Assignment.state == AssignmentState.OPEN,
            )
        )
    )
    if open_already:
        raise Conflict("这个部门已经在办了。", code="already_assigned")
    assignment = await _assign(session, event, handler, lead=False, desk=desk)
    _record(session, event, HistoryKind.ASSIGNMENT, actor, at=desk.now, note=note[:NOTE_LIMIT], called_in=department_code)
    event.revision += 1
    wake(session, "console")
    return assignment


async def give_result(session: AsyncSession, event: Event, *, actor: Actor, desk: Desk, result: str) -> Assignment:
    """A called-in department reports back; the result stands in the trail and the lead can finish."""
    scope = actor.scope
    if scope is None or not result.strip():
        raise BadInput("请写明处理结果。", fields=["result"])
    assignment = await session.scalar(
        select(Assignment).where(
            Assignment.event_id == event.id,
            Assignment.handler == HandlerKind.DEPARTMENT,
            Assignment.handler_code == scope.department_code,
            Assignment.state == AssignmentState.OPEN,
            ~Assignment.lead,
        )
    )
    if assignment is None:
        raise Conflict("没有等您单位反馈的会办。", code="no_assignment")
    assignment.state, assignment.done_at = AssignmentState.DONE, desk.now
    assignment.result, assignment.handled_by = result.strip()[:NOTE_LIMIT], scope.staff_id
    _record(session, event, HistoryKind.ASSIGNMENT, actor, at=desk.now, note=assignment.result, result=True)
    event.revision += 1
    wake(session, "console")
    return assignment


async def correct_item(
    session: AsyncSession, event: Event, item_code: str, *, actor: Actor, desk: Desk, note: str = ""
) -> None:
    """Staff say that the event is of another item. The due time that the resident was told stays.

    Raises Forbidden unless the actor manages or handles it, Conflict when it is over, BadInput for an item that is not
    admitted or is the event's own already.
    """
    await lock(session, event)
    if event.state in FINAL:
        raise Conflict("这件事已经结束，不用再改了。", code="over")
    if not await hands_of(session, event, actor) & {Hand.MANAGER, Hand.HANDLER}:
        raise Forbidden("这一步要由别的同事来办。", code="not_yours")
    item = await session.get(Item, item_code)
    if item is None or not item.admitted:
        raise BadInput("这类事项不在受理范围内。", fields=["item_code"])
    if item_code == event.item_code:
        raise BadInput("事项没有变化，不用更正。", fields=["item_code"])
    _record(
        session,
        event,
        HistoryKind.ITEM,
        actor,
        at=desk.now,
        note=note.strip()[:NOTE_LIMIT],
        item_code=item_code,
        before=event.item_code,
    )
    event.item_code = item_code
    event.revision += 1
    event.updated_at = desk.now
    wake(session, "console")


async def follows(session: AsyncSession, event: Event, resident_id: int) -> bool:
    """Whether the resident reported the event or joined it."""
    if event.reporter_id == resident_id:
        return True
    return await session.get(Supporter, (event.id, resident_id)) is not None


async def by_number(session: AsyncSession, number: str, *, resident_id: int) -> Event:
    """Return the event if it is this resident's. A stranger's number raises NotFound, like one that never was."""
    event = await session.scalar(select(Event).where(Event.number == number))
    if event is None or not await follows(session, event, resident_id):
        raise NotFound("没有查到这个编号，请核对一下是不是您自己上报的。")
    return event


async def of_resident(session: AsyncSession, resident_id: int, *, limit: int = 50) -> list[Event]:
    """The events a resident reported or joined, newest first."""
    joined = exists().where(Supporter.event_id == Event.id, Supporter.resident_id == resident_id)
    rows = await session.scalars(
        select(Event).where(or_(Event.reporter_id == resident_id, joined)).order_by(Event.id.desc()).limit(limit)
    )
    return list(rows)


async def similar(
    session: AsyncSession, *, area_code: str, item_code: str, building: str | None, resident_id: int, desk: Desk
) -> list[Event]:
    """Open events of the same item in the same grid that were reported lately, newest first; the resident's own too.

    Two different buildings are two matters; where either side names none they may be one.
    """
    joined = exists().where(Supporter.event_id == Event.id, Supporter.resident_id == resident_id)
    rows = await session.scalars(
        select(Event)
        .where(
            Event.area_code == area_code,
            Event.item_code == item_code,
            Event.state.in_(OPEN),
            Event.created_at >= desk.now - timedelta(days=desk.duplicate_days),
            ~joined,
        )
        .order_by(Event.id.desc())
        .limit(SIMILAR)
    )
    return [event for event in rows if not building or event.place.get("building") in (None, building)]


async def just_filed(session: AsyncSession, conversation_id: int, *, desk: Desk) -> Event | None:
    """The open event that was filed last from this conversation, if that was within JUST_FILED."""
    last: Event | None = await session.scalar(
        select(Event)
        .where(
            Event.conversation_id == conversation_id,
            Event.state.in_(OPEN),
            Event.created_at >= desk.now - JUST_FILED,
        )
        .order_by(Event.id.desc())
        .limit(1)
    )
    return last


async def waits_for(session: AsyncSession, conversation_id: int) -> bool:
    """Whether something that was filed, reopened or corrected here is to be taken up as soon as the turn has been answered."""
    return bool(await session.scalar(_WAITING, {"conversation_id": conversation_id}))


WITH_NOBODY = (Event.state == EventState.ACCEPTED) & Event.handler.is_(None)
_WAITING = (
    select(Event.id)
    .where(
        or_(Event.state.in_((EventState.REPORTED, EventState.REOPENED)), WITH_NOBODY),
        Event.conversation_id == bindparam("conversation_id"),
    )
    .limit(1)
)


async def withdraw(session: AsyncSession, event: Event, *, resident_id: int, desk: Desk) -> None:
    """撤回 by the reporter. Raises Forbidden for someone who only joined, Conflict once it is being handled."""
    if event.reporter_id != resident_id:
        raise Forbidden("这件是您附议的，只有上报的人能撤回。", code="not_reporter")
    try:
        await move(session, event, EventState.WITHDRAWN, actor=Actor.resident(resident_id), desk=desk)
    except Conflict:
        raise Conflict("这件事已经在办或办完了，不能撤回了。", code="too_late") from None


async def join(session: AsyncSession, number: str, *, conversation: Conversation, desk: Desk, note: str = "") -> Event:
    """附议: follow a neighbour's event; joining twice is joining once. Raises NotFound or Conflict when it is over."""
    event = await session.scalar(select(Event).where(Event.number == number).with_for_update())
    if event is None:
        raise NotFound
    if event.state in FINAL:
        raise Conflict("这件事已经办完了，您可以另报一件。", code="over")
    if not await follows(session, event, conversation.resident_id):
        session.add(
            Supporter(event_id=event.id, resident_id=conversation.resident_id, conversation_id=conversation.id, at=desk.now)
        )
        _record(
            session,
            event,
            HistoryKind.SUPPORT,
            Actor.resident(conversation.resident_id),
            at=desk.now,
            note=note[:NOTE_LIMIT],
        )
        await session.flush()
        wake(session, "console")
    return event


async def urge(session: AsyncSession, event: Event, *, resident_id: int, desk: Desk) -> None:
    """催办, once a day per event. Raises TooMany on the second try and Conflict when it is over."""
    await lock(session, event)
    if event.state in FINAL or event.state in (EventState.HANDLED, EventState.VERIFYING):
        raise Conflict("这件事已经处理过了，不用再催。", code="over")
    day = desk.today
    if await session.get(Urge, (event.id, day)) is not None:
        raise TooMany("今天已经催过一次了，明天还没动静可以再催。", code="urged_today")
    session.add(Urge(event_id=event.id, day=day, resident_id=resident_id))
    _record(session, event, HistoryKind.URGE, Actor.resident(resident_id), at=desk.now)
    kind = event.handler or HandlerKind.COMMUNITY
    code = event.handler_code or await _code_at(session, event, kind)
    for staff_id in await notices.at_desk(session, kind, code):
        notices.tell(session, staff_id, f"居民催办：{event.description[:40]}", now=desk.now, event_id=event.id)
    event.revision += 1
    wake(session, "console")


async def supplement(
    session: AsyncSession, event: Event, *, resident_id: int, text: str, photos: list[str], desk: Desk
) -> None:
    """补充: add words or photos to an open event. Raises Conflict when it is over, BadInput when there is nothing."""
    await lock(session, event)
    if event.state in FINAL:
        raise Conflict("这件事已经办完了，有新情况请另报一件。", code="over")
    if not text.strip() and not photos:
        raise BadInput(fields=["text"])
    await add_photos(session, event, photos)
    _record(
        session,
        event,
        HistoryKind.SUPPLEMENT,
        Actor.resident(resident_id),
        at=desk.now,
        note=text.strip()[:NOTE_LIMIT],
        photos=photos,
    )
    event.revision += 1
    wake(session, "console")


async def correct(session: AsyncSession, event: Event, report: Report, *, resident_id: int, desk: Desk) -> None:
    """更正: the reporter puts right what was filed, before anyone works on it. Where that changes whose it is, it lies with
    nobody until the clerk gives it to the right desk. Raises Forbidden for someone else, Conflict when it is too late.
    """
    await lock(session, event)
    if event.reporter_id != resident_id:
        raise Forbidden("这件是您附议的，只有上报的人能改。", code="not_reporter")
    if not await correctable(session, event):
        raise Conflict("这件事已经有人在办，不能改了，有新情况请发“补充”。", code="too_late")
    area = await session.get(Area, report.area_code)
    item = await session.get(Item, report.item_code) if report.item_code else None
    if area is None or (report.item_code and (item is None or not item.admitted)):
        raise BadInput(fields=["area_code", "item_code"])
    description, address = report.description.strip()[:4000], report.address[:200]
    was = [("事情", event.description, description), ("地点", event.address, address)]
    note = "\n".join(f"{what}：{before} → {now}" for what, before, now in was if before != now)
    told = await _concerned(session, event)
    elsewhere = (area.code, report.item_code) != (event.area_code, event.item_code)
    event.description, event.address, event.item_code, event.place = description, address, report.item_code, report.place
    event.area_code, event.area_path, event.unplaced = area.code, area.path, report.unplaced
    event.latitude, event.longitude, event.anonymous = report.latitude, report.longitude, report.anonymous
    event.revision += 1
    event.updated_at = desk.now
    await add_photos(session, event, report.photos)
    await write_terms(session, event)
    actor = Actor.resident(resident_id)
    _record(session, event, HistoryKind.CORRECTION, actor, at=desk.now, note=note[:NOTE_LIMIT], photos=report.photos)
    await session.flush()
    if elsewhere and event.state is EventState.DISPATCHED:
        await move(session, event, EventState.ACCEPTED, actor=actor, desk=desk)
    if elsewhere and event.state is EventState.ACCEPTED:
        event.handler = event.handler_code = None
        wake(session, "events")
    for staff_id in sorted(told | await _concerned(session, event)):
        notices.tell(session, staff_id, f"居民更正：{address}，{description[:40]}", now=desk.now, event_id=event.id)
    wake(session, "console")


async def correctable(session: AsyncSession, event: Event) -> bool:
    """Whether nobody works on the event yet, and no neighbour has joined it as it is."""
    joined = await session.scalar(select(exists().where(Supporter.event_id == event.id)))
    return event.state in BEFORE_WORK and not joined


async def _concerned(session: AsyncSession, event: Event) -> set[int]:
    """The people of the event's grid and of the desk it lies on."""
    people = {staff.id for staff in await grids.members_of(session, event.area_code)}
    if event.handler is not None and event.handler_code is not None:
        people |= set(await notices.at_desk(session, event.handler, event.handler_code))
    return people


async def rate(session: AsyncSession, event: Event, *, resident_id: int, stars: int, desk: Desk) -> None:
    """Keep 1 to 5 stars of the reporter for a closed event; the last rating counts."""
    if not 1 <= stars <= 5:
        raise BadInput("请给 1 到 5 星。", fields=["stars"])
    if event.state is not EventState.CLOSED or event.reporter_id != resident_id:
        raise Conflict("这件事现在还不能评价。", code="not_closed")
    event.stars = stars
    _record(session, event, HistoryKind.RATING, Actor.resident(resident_id), at=desk.now, stars=stars)
    event.revision += 1
    wake(session, "console")


async def escalate(session: AsyncSession, event: Event, *, desk: Desk) -> None:
    """What is late climbs one level by itself: that level's people are told, and so is the resident."""
    await lock(session, event)
    event.level = next_rung(event.level)
    code = await _code_at(session, event, event.level)
    _record(session, event, HistoryKind.ESCALATION, Actor.system(), at=desk.now, level=event.level.value, area_code=code)
    for staff_id in await notices.at_desk(session, event.level, code):
        notices.tell(session, staff_id, f"超期升级：{event.description[:40]}", now=desk.now, event_id=event.id)
    top = event.level is LADDER[-1]
    event.escalate_at = None if top else desk.calendar.add_working_hours(desk.now, LATE_AGAIN_HOURS)
    event.revision += 1
    await pushes.push_escalation(session, event, desk=desk)
    wake(session, "console")
