"""Visits: who waits where, when it climbs, who has it, and what the resident is told meanwhile."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue.models import HandlerKind
from backend.conversations import service as conversations
from backend.conversations.models import Author, Conversation, Holder, Message, MessageKind, TurnState
from backend.conversations.service import Accepted
from backend.conversations.typed import press
from backend.db import lock, wake
from backend.desk.hours import calendar_of
from backend.desk.models import Transfer, Visit
from backend.errors import BadInput, Conflict, NotFound
from backend.events.models import Event
from backend.events.service import Desk
from backend.grids import service as grids
from backend.grids.models import Area, Level
from backend.outbox import service as outbox
from backend.staff import notices
from backend.staff.models import Staff
from backend.staff.scope import Scope
from wording import Sentences

RATING = re.compile(r'/rate_person\{"visit": "(?P<visit>\d{1,18})", "stars": "(?P<stars>[1-5])"\}')
RECENT = 20
FEWEST = 5
RECENT_DAYS = 30
TELL_EVERY = timedelta(minutes=2)
SELF_HARM, REOPENED_TWICE = "self_harm", "reopened_twice"
URGENT = {SELF_HARM}
DESK_LEVELS = (Level.GRID, Level.COMMUNITY, Level.STREET, Level.DISTRICT)
TOP = Level.STREET


@dataclass(frozen=True)
class Patience:
    """Open minutes that a resident waits at a grid's and at a community's desk before the next one above is asked."""

    grid: int
    community: int

    def at(self, level: Level) -> int | None:
        """None where nothing climbs any more."""
        return {Level.GRID: self.grid, Level.COMMUNITY: self.community}.get(level)


async def open_of(session: AsyncSession, conversation_id: int) -> Visit | None:
    """The conversation's visit that has not ended."""
    return await session.scalar(
        select(Visit).where(Visit.conversation_id == conversation_id, Visit.ended_at.is_(None)).with_for_update()
    )


async def begin(
    session: AsyncSession,
    conversation: Conversation,
    *,
    desk: Desk,
    patience: Patience,
    reason: str = "",
    grid: str | None = None,
    in_form: bool = False,
    event_id: int | None = None,
) -> Visit:
    """Write down that a person was asked for, at the desk of the grid where that is known and somebody works there.

    The one that is open stays; the graver reason counts. The desk's people are told.
    """
    await lock(session, conversation)
    visit = await open_of(session, conversation.id)
    if visit is not None:
        if reason in URGENT and visit.reason not in URGENT:
            visit.reason = reason
            await _tell_staff(session, conversation, visit, now=desk.now)
        visit.in_form = visit.in_form or in_form
        visit.event_id = visit.event_id or event_id
        if visit.area_code is None and conversation.desk_area_code:
            visit.area_code = conversation.desk_area_code
            visit.climb_at = await _climbs_at(session, visit.area_code, desk=desk, patience=patience)
            await _tell_staff(session, conversation, visit, now=desk.now)
        return visit
    code = conversation.desk_area_code
    nearest = await _grid_of(session, conversation, grid)
    if nearest and await grids.members_of(session, nearest):
        code = conversation.desk_area_code = nearest
    calendar = await calendar_of(session, desk.calendar, code)
    visit = Visit(
        conversation_id=conversation.id,
        event_id=event_id,
        area_code=code,
        reason=reason,
        in_form=in_form,
        open_at_ask=calendar.is_open(desk.now),
        asked_at=conversation.waiting_since or desk.now,
        climb_at=await _climbs_at(session, code, desk=desk, patience=patience),
        told_ahead=await ahead(session, conversation),
        told_at=desk.now,
    )
    session.add(visit)
    await session.flush()
    await _tell_staff(session, conversation, visit, now=desk.now)
    return visit


async def _grid_of(session: AsyncSession, conversation: Conversation, asked: str | None) -> str | None:
    """The resident's grid within the community that was asked for: the named one, else that of their latest event."""
    code = asked or await session.scalar(
        select(Event.area_code).where(Event.conversation_id == conversation.id).order_by(Event.id.desc()).limit(1)
    )
    area = await session.get(Area, code) if code else None
    if area is None or area.level is not Level.GRID or conversation.desk_area_code not in (None, area.parent_code):
        return None
    return area.code


async def _climbs_at(session: AsyncSession, code: str | None, *, desk: Desk, patience: Patience) -> datetime | None:
    area = await session.get(Area, code) if code else None
    minutes = patience.at(area.level) if area else None
    if minutes is None:
        return None
    calendar = await calendar_of(session, desk.calendar, code)
    return calendar.add_working_hours(desk.now, minutes / 60)


async def _tell_staff(session: AsyncSession, conversation: Conversation, visit: Visit, *, now: datetime) -> None:
    text = "有居民在等人工"
    if visit.reason in URGENT:
        text = "【紧急】居民的话里有轻生的意思，请马上接待"
    elif visit.reason == REOPENED_TWICE:
        text = "居民的事重开了两次，请主动联系"
    area = await session.get(Area, visit.area_code) if visit.area_code else None
    if area is None or area.level not in DESK_LEVELS:
        ids = list(await session.scalars(select(Staff.id).where(Staff.role == "district", Staff.disabled_at.is_(None))))
    else:
        ids = await notices.at_desk(session, HandlerKind(area.level.value), area.code)
    for staff_id in ids:
        notices.tell(session, staff_id, text, now=now, conversation_id=conversation.id, wakes=visit.reason in URGENT)
    wake(session, "console")


async def ahead(session: AsyncSession, conversation: Conversation) -> int:
    """How many have waited longer at the same desk; those in danger go first and count as longer."""
    here = (
        Conversation.desk_area_code == conversation.desk_area_code
        if conversation.desk_area_code
        else Conversation.desk_area_code.is_(None)
    )
    return (
        await session.scalar(
            select(func.count()).where(
                Conversation.holder == Holder.WAITING, here, Conversation.waiting_since < conversation.waiting_since
            )
        )
        or 0
    )


async def usual_minutes(session: AsyncSession, area_code: str | None, *, now: datetime) -> int | None:
    """The median of how long the latest visits of this community waited, those of the last RECENT_DAYS that were asked
    for in open hours, in minutes, at least 1; None while there are fewer than FEWEST.
    """
    chain = await grids.ancestors(session, area_code) if area_code else []
    around = next((area for area in chain if area.level is Level.COMMUNITY), chain[0] if chain else None)
    if around is None:
        return None
    rows = await session.execute(
        select(Visit.asked_at, Visit.claimed_at)
        .join(Area, Area.code == Visit.area_code)
        .where(
            Area.path.startswith(around.path, autoescape=True),
            Visit.open_at_ask,
            Visit.claimed_at.is_not(None),
            Visit.asked_at >= now - timedelta(days=RECENT_DAYS),
        )
        .order_by(Visit.id.desc())
        .limit(RECENT)
    )
    waits = [(claimed - asked).total_seconds() / 60 for asked, claimed in rows]
    return max(1, round(median(waits))) if len(waits) >= FEWEST else None


async def climb(session: AsyncSession, visit: Visit, *, desk: Desk, patience: Patience) -> None:
    """Nobody came within the published minutes: the next desk above where somebody works is asked, and the resident told."""
    conversation = await session.get_one(Conversation, visit.conversation_id)
    await lock(session, conversation)
    if conversation.holder is not Holder.WAITING:
        visit.climb_at = None
        return
    visit.overdue_at = visit.overdue_at or desk.now
    chain = await grids.ancestors(session, visit.area_code) if visit.area_code else []
    above = [
        area for area in chain[1:] if area.level in DESK_LEVELS and DESK_LEVELS.index(area.level) <= DESK_LEVELS.index(TOP)
    ]
    for area in above:
        if await notices.at_desk(session, HandlerKind(area.level.value), area.code):
            break
    else:
        visit.climb_at = None
        return
    visit.area_code = conversation.desk_area_code = area.code
    visit.climbs += 1
    visit.climb_at = await _climbs_at(session, area.code, desk=desk, patience=patience)
    visit.told_ahead, visit.told_at = await ahead(session, conversation), desk.now
    await _tell_staff(session, conversation, visit, now=desk.now)
    said = desk.sentences.say("utter_handoff_climbed", desk=area.name, queue=queue_words(visit.told_ahead, desk))
    await outbox.say(session, conversation, now=desk.now, text=said.text)


def queue_words(place: int, desk: Desk) -> str:
    """下一个就是您, 前面还有 2 位."""
    return (
        desk.sentences.say("utter_name_queue", ahead=place).text if place else desk.sentences.say("utter_name_queue_next").text
    )


async def tell_place(session: AsyncSession, visit: Visit, *, desk: Desk) -> bool:
    """Tell the resident that the queue has moved up, at most every TELL_EVERY and only while the desk is open.

    Returns whether they were told.
    """
    conversation = await session.get_one(Conversation, visit.conversation_id)
    if conversation.holder is not Holder.WAITING or desk.now - visit.told_at < TELL_EVERY:
        return False
    place = await ahead(session, conversation)
    calendar = await calendar_of(session, desk.calendar, visit.area_code)
    if place >= visit.told_ahead or not calendar.is_open(desk.now):
        return False
    visit.told_ahead, visit.told_at = place, desk.now
    said = desk.sentences.say("utter_queue_moved", queue=queue_words(place, desk))
    await outbox.say(session, conversation, now=desk.now, text=said.text)
    return True


async def claimed(session: AsyncSession, conversation: Conversation, *, staff_id: int, now: datetime) -> None:
    """Somebody has come: the first responder, unless one had come before."""
    visit = await open_of(session, conversation.id)
    if visit is None:
        visit = Visit(
            conversation_id=conversation.id,
            area_code=conversation.desk_area_code,
            asked_at=conversation.waiting_since or now,
            told_at=now,
        )
        session.add(visit)
    visit.climb_at = None
    visit.staff_id, visit.claimed_at = visit.staff_id or staff_id, visit.claimed_at or now
    await session.flush()


async def answered(session: AsyncSession, conversation: Conversation, *, now: datetime) -> None:
    """The resident got words of a person."""
    visit = await open_of(session, conversation.id)
    if visit is not None and visit.answered_at is None:
        visit.answered_at = now


async def end(session: AsyncSession, conversation: Conversation, *, now: datetime) -> Visit | None:
    """The person has gone. A form that was under way is taken up again by a turn of its own, which nobody sees."""
    visit = await open_of(session, conversation.id)
    if visit is None:
        return None
    visit.ended_at, visit.climb_at = now, None
    await session.execute(
        update(Transfer).where(Transfer.visit_id == visit.id, Transfer.ended_at.is_(None)).values(ended_at=now)
    )
    if visit.in_form:
        session.add(
            Message(
                conversation_id=conversation.id,
                sequence=await outbox.next_sequence(session, conversation.id),
                author=Author.SYSTEM,
                kind=MessageKind.NOTE,
                created_at=now,
                turn_state=TurnState.PENDING,
                turn_next_at=now,
            )
        )
        wake(session, "turns")
    await session.flush()
    return visit


async def withdraw(session: AsyncSession, conversation: Conversation, *, now: datetime) -> None:
    """The resident wants no person any more: the visit ends, as one to which nobody came."""
    visit = await open_of(session, conversation.id)
    if visit is not None:
        visit.ended_at, visit.climb_at = now, None


async def rate(session: AsyncSession, conversation: Conversation, visit_id: int, stars: int) -> bool:
    """Keep the resident's word on an ended visit of theirs; the last one counts. Returns whether it was theirs."""
    visit = await session.get(Visit, visit_id)
    if visit is None or visit.conversation_id != conversation.id or visit.ended_at is None or not 1 <= stars <= 5:
        return False
    visit.stars = stars
    return True


async def hear(session: AsyncSession, accepted: Accepted, *, sentences: Sentences, now: datetime) -> None:
    """What a resident's message means to the desk and to nobody else: the word on how they were received."""
    message, conversation = accepted.message, accepted.conversation
    if accepted.repeat or message.turn_state not in conversations.OPEN or conversation.holder is Holder.STAFF:
        return
    if message.kind is MessageKind.BUTTON:
        payload: str | None = message.text
    elif message.kind is MessageKind.TEXT:
        payload = await press(session, message, sentences=sentences, waiting=conversation.holder is Holder.WAITING)
    else:
        return
    found = RATING.fullmatch(payload or "")
    if found is None or not (message.kind is MessageKind.BUTTON or await _may_be_rated(session, conversation.id, now=now)):
        return
    known = await rate(session, conversation, int(found["visit"]), int(found["stars"]))
    conversations.end_turn(message, TurnState.DONE)
    said = sentences.say("utter_person_rated" if known else "utter_nothing_open")
    await outbox.say(session, conversation, now=now, text=said.text, buttons=said.buttons, in_reply_to=message.id)


async def _may_be_rated(session: AsyncSession, conversation_id: int, *, now: datetime) -> bool:
    recent = Visit.ended_at > now - timedelta(days=1)
    return bool(await session.scalar(select(Visit.id).where(Visit.conversation_id == conversation_id, recent).limit(1)))


async def offer(
    session: AsyncSession,
    conversation: Conversation,
    *,
    scope: Scope,
    to_staff_id: int | None = None,
    to_area_code: str | None = None,
    reason: str,
    now: datetime,
) -> Transfer:
    """Offer the resident to a colleague or a desk. Until they accept, who offers goes on talking (首问责任).

    Raises Conflict unless the asker holds the conversation and no offer is open; BadInput for a wrong receiver or no reason.
    """
    await lock(session, conversation)
    if conversation.holder is not Holder.STAFF or conversation.staff_id != scope.staff_id:
        raise Conflict("这段对话不在您手上。", code="not_holder")
    visit = await open_of(session, conversation.id)
    if visit is None:
        raise NotFound
    if not reason.strip():
        raise BadInput("请写明为什么转交，接的同事要看。", fields=["reason"])
    if await offered(session, conversation.id) is not None:
        raise Conflict("已经在等同事接了，可以先收回再转给别人。", code="already_offered")
    receivers: list[int] = []
    if to_staff_id is not None and to_area_code is None:
        staff = await session.get(Staff, to_staff_id)
        if staff is not None and staff.disabled_at is None and staff.id != scope.staff_id:
            receivers = [staff.id]
    elif to_area_code is not None and to_staff_id is None:
        area = await session.get(Area, to_area_code)
        if area is not None and area.level in DESK_LEVELS:
            at_desk = await notices.at_desk(session, HandlerKind(area.level.value), area.code)
            receivers = [staff_id for staff_id in at_desk if staff_id != scope.staff_id]
    if not receivers:
        raise BadInput("请选择转给谁；那边要有人在岗。", fields=["to"])
    transfer = Transfer(
        visit_id=visit.id,
        conversation_id=conversation.id,
        from_staff_id=scope.staff_id,
        to_staff_id=to_staff_id,
        to_area_code=to_area_code,
        reason=reason.strip()[:200],
        offered_at=now,
    )
    session.add(transfer)
    await session.flush()
    for staff_id in receivers:
        text = f"{scope.name}请您接手一段对话：{transfer.reason}"
        notices.tell(session, staff_id, text, now=now, conversation_id=conversation.id)
    wake(session, "console")
    return transfer


async def offered(session: AsyncSession, conversation_id: int) -> Transfer | None:
    """The open offer of a conversation."""
    return await session.scalar(
        select(Transfer).where(Transfer.conversation_id == conversation_id, Transfer.ended_at.is_(None)).with_for_update()
    )


def is_for(transfer: Transfer, scope: Scope) -> bool:
    """Whether this person may accept: they were named, or sit at the named desk."""
    if transfer.from_staff_id == scope.staff_id:
        return False
    return transfer.to_staff_id == scope.staff_id or bool(scope.area_code and transfer.to_area_code == scope.area_code)


async def accept(session: AsyncSession, conversation: Conversation, *, scope: Scope, desk: Desk) -> None:
    """Take over what was offered; the resident is told. Raises Conflict when there is no offer, or somebody was quicker."""
    await lock(session, conversation)
    transfer = await offered(session, conversation.id)
    if transfer is None or not is_for(transfer, scope):
        raise Conflict("这段对话没有在等您接，或者已经有人接了。", code="no_offer")
    transfer.ended_at, transfer.accepted_by = desk.now, scope.staff_id
    conversation.staff_id = scope.staff_id
    conversation.updated_at = desk.now
    said = desk.sentences.say("utter_person_changed", name=scope.name)
    await outbox.say(session, conversation, now=desk.now, text=said.text)
    text = f"{scope.name}已经接手您转交的对话"
    notices.tell(session, transfer.from_staff_id, text, now=desk.now, conversation_id=conversation.id, wakes=True)
    wake(session, "console")


async def drop_offer(session: AsyncSession, conversation: Conversation, *, scope: Scope, now: datetime) -> None:
    """Take an offer back, or decline it. Raises Conflict when there is none that is theirs."""
    await lock(session, conversation)
    transfer = await offered(session, conversation.id)
    if transfer is None or not (transfer.from_staff_id == scope.staff_id or is_for(transfer, scope)):
        raise Conflict("没有可以收回或谢绝的转交。", code="no_offer")
    transfer.ended_at = now
    if transfer.from_staff_id != scope.staff_id:
        text = f"{scope.name}没有接您转交的对话，还请您继续接待"
        notices.tell(session, transfer.from_staff_id, text, now=now, conversation_id=conversation.id, wakes=True)
    wake(session, "console")


async def lose(session: AsyncSession, conversation: Conversation, *, desk: Desk, patience: Patience) -> None:
    """Whoever held it has no account any more: the resident waits again, from now on, and is told; so are the desk's people."""
    await lock(session, conversation)
    gone = await session.get(Staff, conversation.staff_id) if conversation.staff_id else None
    if conversation.holder is not Holder.STAFF or gone is None or gone.disabled_at is None:
        return
    visit = await open_of(session, conversation.id)
    again: dict[str, Any] = {}
    if visit is not None:
        visit.ended_at, visit.climb_at = desk.now, None
        again = {"reason": visit.reason, "event_id": visit.event_id, "in_form": visit.in_form}
        open_offers = update(Transfer).where(Transfer.visit_id == visit.id, Transfer.ended_at.is_(None))
        await session.execute(open_offers.values(ended_at=desk.now))
    conversation.holder, conversation.staff_id = Holder.WAITING, None
    conversation.waiting_since = conversation.updated_at = desk.now
    await session.flush()
    await begin(session, conversation, desk=desk, patience=patience, **again)
    said = desk.sentences.say("utter_person_gone", queue=queue_words(await ahead(session, conversation), desk))
    await outbox.say(session, conversation, now=desk.now, text=said.text)
    wake(session, "desk")


async def ask_after_reopenings(session: AsyncSession, event: Event, *, desk: Desk, patience: Patience) -> None:
    """An event was reopened twice: a person must talk with the resident."""
    conversation = await session.get_one(Conversation, event.conversation_id)
    community = next((a.code for a in await grids.ancestors(session, event.area_code) if a.level is Level.COMMUNITY), None)
    new = await conversations.ask_for_person(session, conversation, now=desk.now, area_code=community)
    await begin(session, conversation, desk=desk, patience=patience, reason=REOPENED_TWICE, event_id=event.id)
    if new:
        said = desk.sentences.say("utter_handoff_reopened", number=event.number)
        await outbox.say(session, conversation, now=desk.now, text=said.text)
