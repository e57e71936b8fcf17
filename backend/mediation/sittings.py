"""Sitting down together: booked without two of anything at once, announced, reminded of, and written up.

A sitting takes half hours of its mediator, its room and of each party that is known here. Each is a row whose key is the
half hour (models.Booking): of two bookings at once the database lets one through, on SQLite and on PostgreSQL.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.service import readable
from backend.errors import BadInput, Conflict
from backend.events.service import Desk
from backend.localtime import say_moment
from backend.mediation import pushes
from backend.mediation.desks import tell_desk
from backend.mediation.models import (
    Booking,
    Mediation,
    MediationRoom,
    MediationState,
    Mediator,
    Side,
    Sitting,
    SittingState,
)
from backend.mediation.trail import NOTE_LIMIT, note
from backend.staff.scope import Scope

SLOT = timedelta(minutes=30)
LENGTHS = (30, 60, 90, 120, 180)
EARLIEST, LATEST = 8, 21
AHEAD = timedelta(days=90)
DAY_BEFORE, HOURS_BEFORE = timedelta(days=1), timedelta(hours=2)
WRITTEN_WITHIN = timedelta(days=1)
LONGEST = 4000


class Taken(Conflict):
    code = "taken"
    sentence = "这个时间已经有约了，请换一个。"


async def rooms(session: AsyncSession, mediation: Mediation) -> list[MediationRoom]:
    """The rooms of the areas that hold the dispute, the nearest first."""
    codes = mediation.area_path.rstrip("/").split("/")
    found = await session.scalars(select(MediationRoom).where(MediationRoom.area_code.in_(codes)).order_by(MediationRoom.code))
    return sorted(found, key=lambda room: -codes.index(room.area_code))


async def planned(session: AsyncSession, mediation: Mediation) -> Sitting | None:
    """The sitting that is to come, or that nobody has written up yet."""
    return await session.scalar(
        select(Sitting).where(Sitting.mediation_id == mediation.id, Sitting.state == SittingState.PLANNED)
    )


async def of_mediation(session: AsyncSession, mediation: Mediation) -> Sequence[tuple[Sitting, Mediator, MediationRoom]]:
    """Every sitting with its mediator and its room, in order."""
    rows = await session.execute(
        select(Sitting, Mediator, MediationRoom)
        .join(Mediator, Mediator.id == Sitting.mediator_id)
        .join(MediationRoom, MediationRoom.code == Sitting.room_code)
        .where(Sitting.mediation_id == mediation.id)
        .order_by(Sitting.starts_at, Sitting.id)
    )
    return [(sitting, mediator, room) for sitting, mediator, room in rows]


async def was_held(session: AsyncSession, mediation: Mediation) -> bool:
    """Whether a sitting was held on the present rung."""
    held = exists().where(
        Sitting.mediation_id == mediation.id, Sitting.step == mediation.step, Sitting.state == SittingState.HELD
    )
    return bool(await session.scalar(select(held)))


async def book(
    session: AsyncSession,
    scope: Scope,
    mediation: Mediation,
    *,
    room_code: str,
    starts_at: datetime,
    minutes: int,
    desk: Desk,
) -> Sitting:
    """Plan the next sitting with the mediation's mediator and tell both sides.

    Raises BadInput for a time or a room that cannot be, Conflict without a mediator or with a sitting that is planned
    already, Taken when mediator, room or a party has another one at that time.
    """
    if mediation.mediator_id is None:
        raise Conflict("先定调解员，再约时间。", code="no_mediator")
    if await planned(session, mediation) is not None:
        raise Conflict("已经约好一次了，先记录或者取消那一次。", code="sitting_planned")
    room = await _room(session, mediation, room_code)
    sitting = Sitting(
        mediation_id=mediation.id, step=mediation.step, mediator_id=mediation.mediator_id, state=SittingState.PLANNED
    )
    _set(sitting, room, starts_at, minutes, desk)
    session.add(sitting)
    await session.flush()
    await _take(session, mediation, sitting)
    note(session, mediation, "sitting_planned", desk, staff_id=scope.staff_id, text=room.name)
    await announce(session, mediation, sitting, "utter_mediation_sitting", desk=desk)
    return sitting


async def _room(session: AsyncSession, mediation: Mediation, code: str) -> MediationRoom:
    room = next((room for room in await rooms(session, mediation) if room.code == code), None)
    if room is None:
        raise BadInput("请选择调解的地点。", fields=["room"])
    return room


def _set(sitting: Sitting, room: MediationRoom, starts_at: datetime, minutes: int, desk: Desk) -> None:
    """Its time and place. What is announced within a day, or within two hours, needs no reminder of its own.

    Raises BadInput for a time that cannot be.
    """
    _check_time(starts_at, minutes, desk)
    sitting.room_code, sitting.starts_at, sitting.ends_at = room.code, starts_at, starts_at + timedelta(minutes=minutes)
    sitting.day_told_at = desk.now if starts_at - DAY_BEFORE <= desk.now else None
    sitting.hours_told_at = desk.now if starts_at - HOURS_BEFORE <= desk.now else None
    sitting.unwritten_told_at = None


async def move(
    session: AsyncSession,
    scope: Scope,
    mediation: Mediation,
    *,
    room_code: str,
    starts_at: datetime,
    minutes: int,
    reason: str,
    desk: Desk,
) -> None:
    """Give the planned sitting another time or room in one step; both sides read the old and the new one, once.

    Raises Conflict without a planned sitting, BadInput for what ``book`` refuses, for the same again and without a reason,
    Taken as ``book`` does; the old time stays booked then.
    """
    sitting = await _planned(session, mediation)
    reason = readable(reason)[:200]
    if not reason:
        raise BadInput("请写明改期的原因，居民会看到。", fields=["reason"])
    room = await _room(session, mediation, room_code)
    old_room = await session.get_one(MediationRoom, sitting.room_code)
    before = (sitting.room_code, sitting.starts_at, sitting.ends_at)
    old = say_moment(sitting.starts_at, now=desk.now, zone=desk.zone)
    _set(sitting, room, starts_at, minutes, desk)
    if before == (sitting.room_code, sitting.starts_at, sitting.ends_at):
        raise BadInput("时间和地点都没有变。", fields=["starts_at"])
    await session.flush()
    await _take(session, mediation, sitting)
    new = say_moment(starts_at, now=desk.now, zone=desk.zone)
    done = f"{old}（{old_room.name}）→ {new}（{room.name}）：{reason}"
    note(session, mediation, "sitting_moved", desk, staff_id=scope.staff_id, text=done)
    await announce(session, mediation, sitting, "utter_mediation_sitting_moved", desk=desk, before=old, reason=reason)


async def announce(
    session: AsyncSession,
    mediation: Mediation,
    sitting: Sitting,
    response: str,
    *,
    desk: Desk,
    only: Side | None = None,
    **more: object,
) -> None:
    """Say ``response`` with the sitting's time, place and mediator, and whatever ``more`` it names."""
    mediator = await session.get_one(Mediator, sitting.mediator_id)
    room = await session.get_one(MediationRoom, sitting.room_code)
    await pushes.tell(
        session,
        mediation,
        response,
        desk=desk,
        only=only,
        when=sitting.starts_at,
        place=said_place(room),
        mediator=pushes.mediator_label(mediator),
        **more,
    )


def said_place(room: MediationRoom) -> str:
    return f"{room.name}（{room.address}）"


def _check_time(starts_at: datetime, minutes: int, desk: Desk) -> None:
    local = starts_at.astimezone(desk.zone)
    ends = local + timedelta(minutes=minutes)
    if minutes not in LENGTHS:
        raise BadInput("请选择时长。", fields=["minutes"])
    if local.minute not in (0, 30) or local.second or local.microsecond:
        raise BadInput("开始时间要是整点或者半点。", fields=["starts_at"])
    if not desk.now < starts_at <= desk.now + AHEAD:
        raise BadInput(f"时间要在以后 {AHEAD.days} 天之内。", fields=["starts_at"])
    if local.hour < EARLIEST or ends > local.replace(hour=LATEST, minute=0):
        raise BadInput(f"时间要在 {EARLIEST} 点到 {LATEST} 点之间。", fields=["starts_at"])


async def _take(session: AsyncSession, mediation: Mediation, sitting: Sitting) -> None:
    """Book each half hour of mediator, room and parties, in one order for everybody, and free what the sitting held besides.

    New ones first: of two sittings that change places at once neither waits for what the other has not let go. Raises Taken.
    """
    parties = (await pushes.parties_of(session, mediation)).values()
    resources = {f"mediator:{sitting.mediator_id}": "调解员", f"room:{sitting.room_code}": "地点"}
    resources |= {f"resident:{party.resident_id}": "当事人" for party in parties if party.resident_id}
    slots = slots_of(sitting)
    own = list(await session.scalars(select(Booking).where(Booking.sitting_id == sitting.id)))
    wanted = [(resource, slot) for resource in sorted(resources) for slot in slots]
    have = {(booking.resource, booking.slot) for booking in own}
    rows = [{"resource": resource, "slot": slot, "sitting_id": sitting.id} for resource, slot in wanted]
    rows = [row for row in rows if (row["resource"], row["slot"]) not in have]
    try:
        async with session.begin_nested():
            if rows:
                await session.execute(insert(Booking), rows)
    except IntegrityError:
        others = Booking.sitting_id != sitting.id
        clash = select(Booking.resource).where(Booking.resource.in_(resources), Booking.slot.in_(slots), others)
        held = set(await session.scalars(clash))
        names = [name for resource, name in resources.items() if resource in held]
        raise Taken(f"{'、'.join(dict.fromkeys(names)) or '调解员或者地点'}这个时间已经有约了，请换一个。") from None
    for booking in own:
        if (booking.resource, booking.slot) not in wanted:
            await session.delete(booking)


def slots_of(sitting: Sitting) -> list[datetime]:
    """The beginnings of its half hours."""
    return [sitting.starts_at + SLOT * number for number in range((sitting.ends_at - sitting.starts_at) // SLOT)]


async def seat(session: AsyncSession, sitting: Sitting, resident_id: int) -> bool:
    """Book a planned sitting for a party who joined after it was planned; False when they have another one then."""
    rows = [{"resource": f"resident:{resident_id}", "slot": slot, "sitting_id": sitting.id} for slot in slots_of(sitting)]
    try:
        async with session.begin_nested():
            await session.execute(insert(Booking), rows)
    except IntegrityError:
        return False
    return True


async def release(session: AsyncSession, sitting: Sitting) -> None:
    """Cancel a planned sitting and free what it had booked."""
    sitting.state = SittingState.CANCELLED
    await session.execute(delete(Booking).where(Booking.sitting_id == sitting.id))


async def drop(session: AsyncSession, mediation: Mediation) -> None:
    """Cancel what is planned, if anything."""
    if (sitting := await planned(session, mediation)) is not None:
        await release(session, sitting)


async def cancel(session: AsyncSession, scope: Scope, mediation: Mediation, reason: str, *, desk: Desk) -> None:
    """Staff call the planned sitting off; both sides are told why. Raises Conflict, BadInput without a reason."""
    sitting = await _planned(session, mediation)
    reason = readable(reason)[:200]
    if not reason:
        raise BadInput("请写明改期的原因，居民会看到。", fields=["reason"])
    await release(session, sitting)
    note(session, mediation, "sitting_cancelled", desk, staff_id=scope.staff_id, text=reason)
    await pushes.tell(session, mediation, "utter_mediation_sitting_off", desk=desk, when=sitting.starts_at, reason=reason)


async def answer(session: AsyncSession, mediation: Mediation, side: Side, *, coming: bool, desk: Desk) -> None:
    """A side says whether they come; who cannot frees the time, and the desk finds another. Raises Conflict."""
    sitting = await _planned(session, mediation)
    note(session, mediation, "coming" if coming else "not_coming", desk, side=side)
    who = "申请人" if side is Side.APPLICANT else "对方"
    if coming:
        return
    await release(session, sitting)
    await tell_desk(session, mediation, f"调解 {mediation.number}：{who}来不了，请另约时间", desk)
    for other in Side:
        if other is not side and (party := (await pushes.parties_of(session, mediation)).get(other)) and party.conversation_id:
            await pushes.tell(
                session,
                mediation,
                "utter_mediation_sitting_off",
                desk=desk,
                only=other,
                when=sitting.starts_at,
                reason=desk.sentences.say("utter_name_mediation_other_cannot").text,
            )


async def hold(session: AsyncSession, scope: Scope, mediation: Mediation, minutes: str, *, desk: Desk) -> Sitting:
    """Write up the sitting that was held. Raises Conflict before its time or without one, BadInput without words."""
    sitting = await _planned(session, mediation)
    minutes = readable(minutes)[:LONGEST]
    if sitting.starts_at > desk.now:
        raise Conflict("还没到约好的时间。", code="too_early")
    if not minutes:
        raise BadInput("请写调解记录。", fields=["minutes"])
    sitting.state, sitting.minutes = SittingState.HELD, minutes
    note(session, mediation, "sitting_held", desk, staff_id=scope.staff_id, text=minutes[:NOTE_LIMIT])
    return sitting


async def _planned(session: AsyncSession, mediation: Mediation) -> Sitting:
    sitting = await planned(session, mediation)
    if sitting is None:
        raise Conflict("现在没有约好的调解会。", code="no_sitting")
    return sitting


# What happens by itself


def day_before(desk: Desk) -> ColumnElement[bool]:
    return (
        (Sitting.state == SittingState.PLANNED) & Sitting.day_told_at.is_(None) & (Sitting.starts_at <= desk.now + DAY_BEFORE)
    )


def hours_before(desk: Desk) -> ColumnElement[bool]:
    return (
        (Sitting.state == SittingState.PLANNED)
        & Sitting.hours_told_at.is_(None)
        & (Sitting.starts_at <= desk.now + HOURS_BEFORE)
    )


def unwritten(desk: Desk) -> ColumnElement[bool]:
    return (
        (Sitting.state == SittingState.PLANNED)
        & Sitting.unwritten_told_at.is_(None)
        & (Sitting.ends_at <= desk.now - WRITTEN_WITHIN)
    )


async def _remind(session: AsyncSession, sitting: Sitting, desk: Desk, response: str) -> None:
    mediation = await session.get_one(Mediation, sitting.mediation_id)
    if mediation.state is MediationState.OPEN and sitting.starts_at > desk.now:
        await announce(session, mediation, sitting, response, desk=desk)


async def remind_day(session: AsyncSession, sitting: Sitting, desk: Desk) -> None:
    """A day before. What was due while nobody ran, and is nearer than two hours now, is left to the second reminder."""
    sitting.day_told_at = desk.now
    if sitting.starts_at > desk.now + HOURS_BEFORE:
        await _remind(session, sitting, desk, "utter_mediation_tomorrow")


async def remind_hours(session: AsyncSession, sitting: Sitting, desk: Desk) -> None:
    sitting.hours_told_at = desk.now
    await _remind(session, sitting, desk, "utter_mediation_soon")


async def tell_unwritten(session: AsyncSession, sitting: Sitting, desk: Desk) -> None:
    """A day after its end nobody has written it up: its desk is told."""
    sitting.unwritten_told_at = desk.now
    mediation = await session.get_one(Mediation, sitting.mediation_id)
    await tell_desk(session, mediation, f"调解 {mediation.number}：上次的调解会还没有记录", desk)
