"""Events as staff see and work them. What lies outside a scope is not found, whichever way it is asked for."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue.models import Department, HandlerKind, Item
from backend.errors import BadInput, Conflict, NotFound
from backend.events import pushes, search, service
from backend.events.models import (
    Assignment,
    AssignmentState,
    Event,
    EventPhoto,
    EventState,
    History,
    HistoryKind,
    Supporter,
)
from backend.events.numbers import read_number
from backend.events.service import Actor, Desk
from backend.events.transitions import FINAL, NOTE_REQUIRED, OPEN, WITH_A_HANDLER, Hand, next_steps
from backend.events.views import STATE_NAMES
from backend.grids import service as grids
from backend.grids.models import Area, Level
from backend.media.models import Media
from backend.residents.models import Resident
from backend.spoken_times import read_time
from backend.staff import notices
from backend.staff.models import Staff
from backend.staff.schemas import (
    AssignmentCard,
    CodeAndName,
    EventCard,
    EventPage,
    Handler,
    HandlerName,
    Happened,
    HistoryEntry,
    NextStep,
    Reporter,
)
from backend.staff.scope import LAW_ROLES, Scope

WORKING = OPEN - {EventState.HANDLED, EventState.VERIFYING}
YELLOW_PART = 0.25
GRIDS_OFFERED = 1000
AREA_KINDS = {Level.GRID, Level.COMMUNITY, Level.STREET, Level.DISTRICT}


def on_my_desk(scope: Scope, now: datetime) -> ColumnElement[bool]:
    """What waits for this desk: lies on it, asks it for a result (会办), or is late and has climbed to it."""
    if scope.desk is None:
        return false()
    kind, code = scope.desk
    called = exists().where(
        Assignment.event_id == Event.id,
        Assignment.handler == kind,
        Assignment.handler_code == code,
        Assignment.state == AssignmentState.OPEN,
        ~Assignment.lead,
    )
    waiting = or_(and_(Event.handler == kind, Event.handler_code == code), called)
    if scope.path:
        climbed = and_(Event.level == kind, Event.due_at < now, Event.area_path.startswith(scope.path, autoescape=True))
        waiting = or_(waiting, climbed)
    return and_(Event.state.in_(WORKING), waiting)


def late(now: datetime) -> ColumnElement[bool]:
    """Past its due time and not handled yet."""
    return and_(Event.state.in_(WORKING), Event.due_at < now)


async def matching(
    session: AsyncSession,
    scope: Scope,
    *,
    now: datetime,
    state: EventState | None = None,
    item: str = "",
    area: str = "",
    only_late: bool = False,
    mine: bool = False,
    closed: bool = False,
    words: str = "",
    page: int = 1,
    page_size: int = 20,
) -> tuple[list[Event], int]:
    """Return one page of the events in ``scope`` and how many there are in all.

    What is waited for comes by due time, everything else newest first. ``words`` is a number or words of the text and place.
    """
    conditions = [scope.events()]
    if state is not None:
        conditions.append(Event.state == state)
    if item:
        conditions.append(Event.item_code == item)
    if area:
        found = await session.get(Area, area)
        conditions.append(Event.area_path.startswith(found.path, autoescape=True) if found else false())
    if only_late:
        conditions.append(late(now))
    if mine:
        conditions.append(on_my_desk(scope, now))
    if closed:
        conditions.append(Event.state.not_in(OPEN))
    if words := words.strip():
        number = read_number(words)
        found_by = Event.number == number if number else search.containing(words)
        conditions.append(false() if found_by is None else found_by)
    by_due = mine or only_late
    order = (Event.due_at.is_(None), Event.due_at, Event.id) if by_due else (Event.id.desc(),)
    rows = await session.scalars(
        select(Event).where(*conditions).order_by(*order).offset((page - 1) * page_size).limit(page_size)
    )
    total = await session.scalar(select(func.count()).select_from(Event).where(*conditions))
    return list(rows), total or 0


async def counts(session: AsyncSession, scope: Scope, now: datetime) -> dict[str, int]:
    """How many events stand behind each tab: {mine, all, late, closed}."""
    tabs = {
        "mine": on_my_desk(scope, now),
        "all": Event.id.is_not(None),
        "late": late(now),
        "closed": Event.state.not_in(OPEN),
    }
    return {
        tab: await session.scalar(select(func.count()).select_from(Event).where(scope.events(), condition)) or 0
        for tab, condition in tabs.items()
    }


async def by_number(session: AsyncSession, scope: Scope, number: str) -> Event:
    """Return the event with this number, written with or without its hyphen. Raises NotFound outside the scope."""
    event = await session.scalar(select(Event).where(Event.number == read_number(number), scope.events()))
    if event is None:
        raise NotFound("没有找到这件事，请核对编号。")
    return event


def light_of(event: Event, now: datetime) -> str:
    """green, yellow, red, or none where no time runs."""
    if event.due_at is None or event.state not in WORKING:
        return "none"
    left = event.due_at - now
    if left.total_seconds() < 0:
        return "red"
    return "yellow" if left < (event.due_at - event.created_at) * YELLOW_PART else "green"


async def handler_of(session: AsyncSession, kind: HandlerKind | None, code: str | None) -> HandlerName | None:
    if kind is None or code is None:
        return None
    return HandlerName(kind=kind, code=code, name=await pushes.desk_name(session, kind, code))


async def card(session: AsyncSession, event: Event, now: datetime) -> EventCard:
    """One event in short."""
    return EventCard.model_validate(await _facts(session, event, now) | {"description": event.description[:80]})


async def _facts(session: AsyncSession, event: Event, now: datetime) -> dict[str, Any]:
    item = await session.get(Item, event.item_code) if event.item_code else None
    area = await session.get_one(Area, event.area_code)
    light = light_of(event, now)
    return {
        "number": event.number,
        "title": await pushes.title_of(session, event),
        "description": event.description,
        "state": event.state,
        "state_name": STATE_NAMES[event.state],
        "item": CodeAndName(code=item.code, name=item.name) if item else None,
        "area": CodeAndName(code=area.code, name=await area_name(session, area)),
        "address": event.address,
        "unplaced": event.unplaced,
        "handler": await handler_of(session, event.handler, event.handler_code),
        "automatic": event.automatic,
        "level": event.level,
        "due_at": event.due_at,
        "light": light,
        "late": light == "red",
        "anonymous": event.anonymous,
        "reopened": event.reopened,
        "stars": event.stars,
        "revision": event.revision,
        "created_at": event.created_at,
        "updated_at": event.updated_at,
    }


async def area_name(session: AsyncSession, area: Area) -> str:
    """The area's name with its community's before it where it is a grid."""
    parent = await session.get(Area, area.parent_code) if area.level is Level.GRID and area.parent_code else None
    return area.name if parent is None or area.name.startswith(parent.name) else parent.name + area.name


async def page(session: AsyncSession, scope: Scope, event: Event, now: datetime, zone: ZoneInfo) -> EventPage:
    """One event whole, with its trail and what ``scope`` may do next. The anonymous stay nameless."""
    happened = read_time(event.description, event.created_at, zone)
    photos = await session.scalars(select(EventPhoto.media_key).where(EventPhoto.event_id == event.id))
    rows = list(await session.scalars(select(History).where(History.event_id == event.id).order_by(History.id)))
    assignments = list(await session.scalars(select(Assignment).where(Assignment.event_id == event.id).order_by(Assignment.id)))
    names = await staff_names(
        session, {row.staff_id for row in rows} | {a.handled_by for a in assignments} | {event.reporter_staff_id}
    )
    resident = None if event.anonymous or event.reporter_id is None else await session.get(Resident, event.reporter_id)
    reporter_name = (resident.display_name or None) if resident else None
    by_staff = event.reporter_staff_id is not None
    hands = await service.hands_of(session, event, Actor.staff(scope))
    suggested = await service.find_handler(session, event, event.state)
    return EventPage(
        **await _facts(session, event, now),
        reporter=Reporter(
            kind="staff" if by_staff else "resident",
            name=names.get(event.reporter_staff_id) if by_staff else reporter_name,
        ),
        happened=Happened(phrase=happened.phrase, start=happened.start, end=happened.end) if happened else None,
        supporters=await session.scalar(select(func.count()).where(Supporter.event_id == event.id)) or 0,
        latitude=event.latitude,
        longitude=event.longitude,
        verify_by=event.verify_by,
        unknown_building=event.place.get("unknown_building") or "",
        photos=list(photos),
        history=[
            HistoryEntry(
                kind=row.kind,
                from_state=row.from_state,
                to_state=row.to_state,
                to_state_name=STATE_NAMES[row.to_state] if row.to_state else None,
                actor=row.actor,
                name=names.get(row.staff_id)
                or (reporter_name if row.resident_id and row.resident_id == event.reporter_id else None),
                note=row.note,
                photos=row.photos,
                details=await _details(session, row),
                at=row.at,
            )
            for row in rows
        ],
        assignments=[
            AssignmentCard(
                handler=await handler_of(session, a.handler, a.handler_code),
                lead=a.lead,
                state=a.state,
                result=a.result,
                handled_by=names.get(a.handled_by),
                due_at=a.due_at,
                created_at=a.created_at,
                done_at=a.done_at,
            )
            for a in assignments
        ],
        next_steps=[
            NextStep(
                to=to,
                to_name=STATE_NAMES[to],
                note_required=(event.state, to) in NOTE_REQUIRED,
                handler_required=to is EventState.DISPATCHED and suggested is None,
            )
            for to in next_steps(event.state, hands)
        ],
        may_correct=event.state not in FINAL and bool(hands & {Hand.MANAGER, Hand.HANDLER}),
        may_call_in=event.state in WITH_A_HANDLER and bool(hands & {Hand.MANAGER, Hand.HANDLER}),
        may_give_result=any(
            (a.handler, a.handler_code) == scope.desk and a.state is AssignmentState.OPEN and not a.lead for a in assignments
        )
        and event.state in OPEN,
    )


async def _details(session: AsyncSession, row: History) -> dict[str, Any]:
    """The row's own details, with the names of the desks that they give by code."""
    details = dict(row.details)
    if row.kind is HistoryKind.ITEM:
        return details | {"item_name": (await session.get_one(Item, details["item_code"])).name}
    if code := details.get("called_in"):
        details["handler_name"] = await pushes.desk_name(session, HandlerKind.DEPARTMENT, code)
    elif code := details.get("handler_code") or details.get("area_code"):
        kind = HandlerKind(details.get("handler") or details["level"])
        area = None if kind is HandlerKind.DEPARTMENT else await session.get(Area, code)
        if area is not None and area.level.value != kind.value:
            details["handler_name"] = area.name
        else:
            details["handler_name"] = await pushes.desk_name(session, kind, code)
    return details


async def staff_names(session: AsyncSession, ids: set[int | None]) -> dict[int | None, str]:
    """Return {staff id: name}."""
    rows = await session.execute(select(Staff.id, Staff.name).where(Staff.id.in_([i for i in ids if i is not None])))
    return dict(rows.all())


async def step(
    session: AsyncSession,
    scope: Scope,
    event: Event,
    to: EventState,
    *,
    desk: Desk,
    note: str = "",
    handler: Handler | None = None,
    photos: list[str] | None = None,
    revision: int | None = None,
) -> None:
    """Take the event to ``to`` as this staff member.

    Raises what ``service.move`` raises, and Conflict when the event is no longer the one that was looked at.
    """
    await session.refresh(event, with_for_update=True)
    if revision is not None and revision != event.revision:
        raise Conflict("这件事刚刚有变化，请看过最新情况再办。", code="stale", revision=event.revision)
    await check_photos(session, event, photos or [])
    if handler is not None:
        await _check_reach(session, event, handler)
    await service.move(
        session,
        event,
        to,
        actor=Actor.staff(scope),
        desk=desk,
        note=note,
        photos=photos,
        handler=(handler.kind, handler.code) if handler else None,
    )
    await notices.mark_read(session, scope.staff_id, now=desk.now, event_id=event.id)


async def correct_item(
    session: AsyncSession,
    scope: Scope,
    event: Event,
    item_code: str,
    *,
    desk: Desk,
    note: str = "",
    revision: int | None = None,
) -> None:
    """Correct the event's item as this staff member; raises what ``service.correct_item`` raises, and Conflict as ``step``."""
    await session.refresh(event, with_for_update=True)
    if revision is not None and revision != event.revision:
        raise Conflict("这件事刚刚有变化，请看过最新情况再办。", code="stale", revision=event.revision)
    await service.correct_item(session, event, item_code, actor=Actor.staff(scope), desk=desk, note=note)


async def admitted_items(session: AsyncSession) -> list[Item]:
    """What can be reported, by category."""
    return list(await session.scalars(select(Item).where(Item.admitted).order_by(Item.category, Item.code)))


async def grids_within(session: AsyncSession, scope: Scope) -> list[CodeAndName]:
    """The first GRIDS_OFFERED grids of their area by code, with the community's name; none for departments and law roles."""
    if not scope.path or scope.role in LAW_ROLES:
        return []
    rows = await session.scalars(
        select(Area)
        .where(Area.level == Level.GRID, Area.path.startswith(scope.path, autoescape=True))
        .order_by(Area.path)
        .limit(GRIDS_OFFERED)
    )
    return [CodeAndName(code=area.code, name=await area_name(session, area)) for area in rows]


async def check_photos(session: AsyncSession, event: Event | None, keys: list[str]) -> None:
    """Photos are those that staff uploaded, or the event's own. Raises BadInput for any other."""
    if not keys:
        return
    usable = set(await session.scalars(select(Media.key).where(Media.key.in_(keys), Media.resident_id.is_(None))))
    if event is not None:
        usable |= set(await session.scalars(select(EventPhoto.media_key).where(EventPhoto.event_id == event.id)))
    if not set(keys) <= usable:
        raise BadInput("有照片没有上传成功，请重新上传。", fields=["photos"])


async def _check_reach(session: AsyncSession, event: Event, handler: Handler) -> None:
    """A desk above the event or inside its community; any department. Raises BadInput for others' desks."""
    if handler.kind is HandlerKind.DEPARTMENT:
        return
    if handler.code not in {area.code for area in await areas_around(session, event)}:
        raise BadInput("这个处置单位不管这个地点。", fields=["handler"])


async def areas_around(session: AsyncSession, event: Event) -> list[Area]:
    """The areas whose desks may handle the event: its own and those above, and the grids of its community."""
    chain = list(await grids.ancestors(session, event.area_code))
    community = next((area for area in chain if area.level is Level.COMMUNITY), None)
    inside: list[Area] = []
    if community is not None:
        inside = list(
            await session.scalars(
                select(Area).where(Area.parent_code == community.code, Area.level == Level.GRID).order_by(Area.code)
            )
        )
    known = {area.code for area in inside}
    return inside + [area for area in chain if area.level in AREA_KINDS and area.code not in known]


async def handler_choices(session: AsyncSession, event: Event) -> list[HandlerName]:
    """Every desk the event can be given to, the nearest first."""
    choices = [
        HandlerName(kind=HandlerKind(area.level.value), code=area.code, name=await area_name(session, area))
        for area in await areas_around(session, event)
    ]
    departments = await session.scalars(select(Department).order_by(Department.code))
    return choices + [HandlerName(kind=HandlerKind.DEPARTMENT, code=d.code, name=d.name) for d in departments]


async def photo_in_scope(session: AsyncSession, scope: Scope, key: str) -> bool:
    """Whether the photo belongs to an event that exists for this person."""
    return bool(
        await session.scalar(
            select(exists().where(EventPhoto.media_key == key, EventPhoto.event_id == Event.id, scope.events()))
        )
    )
