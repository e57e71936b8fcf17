"""A consult's life: filed, claimed by one volunteer for a time, answered, followed up, ended and rated."""

from datetime import timedelta

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Conversation
from backend.conversations.service import readable
from backend.db import lock, wake
from backend.errors import BadInput, Conflict, NotFound, TooMany
from backend.events.numbers import new_number
from backend.events.service import Desk
from backend.legal import pushes, volunteers
from backend.legal.areas import AREA_NAMES, LawArea
from backend.legal.law import Reading
from backend.legal.models import (
    Consult,
    ConsultHistory,
    ConsultRefusal,
    ConsultState,
    ConsultWord,
    Contact,
    Said,
    Volunteer,
    VolunteerState,
)
from backend.staff import notices
from backend.staff.history import with_names
from backend.staff.models import Role, Staff
from backend.staff.scope import Scope
from backend.vault import service as keeping
from backend.vault.service import Vault

MOST_OPEN = 5
SHORTEST, LONGEST = 4, 2000
ANSWER_LIMIT = 4000
NOTE_LIMIT = 200
URGENT_HOURS = 2
ANSWERED_DAYS = 14
ALIKE = 0.8
_OPEN = (ConsultState.WAITING, ConsultState.CLAIMED, ConsultState.ANSWERED)


class TooManyOpen(TooMany):
    code = "too_many_consults"
    sentence = f"您有 {MOST_OPEN} 个咨询还没结束，先等等律师答复，或者结束一个再问。"


class UnknownArticles(Conflict):
    """The answer names articles that are not in the library; ``details["articles"]`` says which."""

    code = "unknown_articles"
    sentence = "答复里提到的法条，法条库里没有，请核对后再发。"


async def file(
    session: AsyncSession,
    conversation: Conversation,
    question: str,
    *,
    reading: Reading,
    media: list[str],
    desk: Desk,
) -> tuple[Consult, bool]:
    """Put a question on the legal desk; returns the consult, and whether it was there already.

    The same question asked again is the consult that is still open. Raises BadInput for one too short, TooManyOpen.
    """
    question = readable(question)[:LONGEST]
    if len(question) < SHORTEST:
        raise BadInput("请把问题说得再具体一点。", fields=["question"])
    await lock(session, conversation)
    still_open = await of_resident(session, conversation.resident_id, only_open=True)
    for known in still_open:
        if alike(known.question, question):
            return known, True
    if len(still_open) >= MOST_OPEN:
        raise TooManyOpen
    consult = Consult(
        number=new_number(),
        resident_id=conversation.resident_id,
        conversation_id=conversation.id,
        question=question,
        area=reading.area,
        second_area=reading.second,
        urgent=reading.urgent,
        state=ConsultState.WAITING,
        media=media,
        created_at=desk.now,
    )
    session.add(consult)
    await session.flush()
    _note(session, consult, "filed", desk)
    await _tell_desk(session, consult, desk)
    return consult, False


def alike(one: str, other: str) -> bool:
    """Whether two questions are the same but for punctuation and a few words: ALIKE of their pairs of characters."""
    first, second = _pairs(one), _pairs(other)
    return first == second or len(first & second) >= ALIKE * len(first | second)


def _pairs(text: str) -> set[str]:
    plain = "".join(char for char in text.casefold() if char.isalnum())
    return {plain[i : i + 2] for i in range(max(len(plain) - 1, 1))}


async def of_resident(session: AsyncSession, resident_id: int, *, only_open: bool = False) -> list[Consult]:
    """A resident's consults, newest first."""
    query = select(Consult).where(Consult.resident_id == resident_id)
    if only_open:
        query = query.where(Consult.state.in_(_OPEN))
    return list(await session.scalars(query.order_by(Consult.id.desc()).limit(50)))


async def own(session: AsyncSession, number: str, *, resident_id: int) -> Consult:
    """A resident's own consult, locked. Raises NotFound."""
    found = await session.scalar(select(Consult).where(Consult.number == number, Consult.resident_id == resident_id))
    if found is None:
        raise NotFound("没有查到这个编号的咨询，请核对一下。")
    await lock(session, found)
    return found


# What the resident does


async def follow_up(session: AsyncSession, consult: Consult, text: str, *, media: list[str], hours: int, desk: Desk) -> None:
    """Add the resident's words; an answered consult is its volunteer's again, for ``hours``. Raises Conflict, BadInput."""
    text = readable(text)[:LONGEST]
    if not text and not media:
        raise BadInput("请把要问的写下来。", fields=["text"])
    if consult.state is ConsultState.ENDED:
        raise Conflict("这个咨询已经结束了，有新问题直接再问就行。", code="consult_ended")
    session.add(ConsultWord(consult_id=consult.id, said_by=Said.RESIDENT, text=text, media=media, at=desk.now))
    if consult.state is ConsultState.ANSWERED:
        consult.state = ConsultState.CLAIMED
        consult.claim_until = desk.now + _limit(consult, hours)
    _note(session, consult, "followed_up", desk)
    if consult.volunteer_id:
        notices.tell(session, consult.volunteer_id, f"咨询 {consult.number} 有追问", now=desk.now)


async def end(session: AsyncSession, consult: Consult, *, desk: Desk, by_time: bool = False) -> None:
    """End it. Ending what is over already changes nothing."""
    if consult.state is ConsultState.ENDED:
        return
    consult.state, consult.ended_at, consult.claim_until = ConsultState.ENDED, desk.now, None
    _note(session, consult, "ended_by_time" if by_time else "ended", desk)
    if consult.volunteer_id:
        notices.tell(session, consult.volunteer_id, f"咨询 {consult.number} 已结束", now=desk.now)


async def leave(session: AsyncSession, resident_id: int, *, desk: Desk) -> None:
    """The resident's data is being deleted: whatever is open ends, and who holds it is told."""
    for consult in await of_resident(session, resident_id, only_open=True):
        await lock(session, consult)
        await end(session, consult, desk=desk)


async def rate(session: AsyncSession, consult: Consult, stars: int, *, desk: Desk) -> None:
    """1 to 5 stars for an answered consult that has ended; a later word replaces an earlier one. Raises Conflict."""
    if consult.state is not ConsultState.ENDED or consult.answered_at is None:
        raise Conflict("律师答复、咨询结束以后才能评价。", code="not_ended")
    consult.stars = stars
    _note(session, consult, "rated", desk, note=f"{stars} 星")


async def share_contact(session: AsyncSession, consult: Consult, *, phone_id: int | None, desk: Desk) -> None:
    """Show this consult's volunteer the name and the phone kept in the vault, or decline (None).

    Raises Conflict when nobody asked.
    """
    if consult.contact is Contact.HIDDEN or consult.state is ConsultState.ENDED:
        raise Conflict("现在没有律师在等您的联系方式。", code="contact_not_asked")
    agreed = phone_id is not None
    consult.contact, consult.phone_id = Contact.AGREED if agreed else Contact.DECLINED, phone_id
    _note(session, consult, "contact_agreed" if agreed else "contact_declined", desk)
    if consult.volunteer_id:
        words = "同意留联系方式" if agreed else "不愿意留联系方式"
        notices.tell(session, consult.volunteer_id, f"咨询 {consult.number}：居民{words}", now=desk.now)


# What volunteers and coordinators see and do


async def visible(session: AsyncSession, scope: Scope) -> ColumnElement[bool]:
    """The condition under which a consult exists for this person.

    A coordinator sees all. An approved volunteer sees their own, and the waiting ones of their areas (and of no certain
    area) except those they refused.
    """
    if scope.role is Role.LAW_COORDINATOR:
        return true()
    profile = await volunteers.of_staff(session, scope.staff_id)
    if scope.role is not Role.LAW_VOLUNTEER or profile is None or profile.state is not VolunteerState.APPROVED:
        return false()
    areas = [LawArea(area) for area in profile.areas] + [LawArea.OTHER]
    refused = exists().where(ConsultRefusal.consult_id == Consult.id, ConsultRefusal.staff_id == scope.staff_id)
    theirs = or_(Consult.area.in_(areas), Consult.second_area.in_(areas))
    waiting = and_(Consult.state == ConsultState.WAITING, theirs)
    return and_(or_(Consult.volunteer_id == scope.staff_id, waiting), ~refused)


async def listed(session: AsyncSession, scope: Scope, *, limit: int = 200) -> list[Consult]:
    """The consults that are not over, of those visible: urgent ones first, then by age."""
    query = select(Consult).where(await visible(session, scope), Consult.state.in_(_OPEN))
    return list(await session.scalars(query.order_by(Consult.urgent.is_(None), Consult.id).limit(limit)))


async def over(session: AsyncSession, scope: Scope, *, limit: int = 50) -> list[Consult]:
    """The visible ones that have ended, the latest first."""
    query = select(Consult).where(await visible(session, scope), Consult.state == ConsultState.ENDED)
    return list(await session.scalars(query.order_by(Consult.ended_at.desc()).limit(limit)))


async def by_number(session: AsyncSession, scope: Scope, number: str, *, locked: bool = False) -> Consult:
    """A visible consult. Raises NotFound for any other."""
    found = await session.scalar(select(Consult).where(Consult.number == number, await visible(session, scope)))
    if found is None:
        raise NotFound
    if locked:
        await lock(session, found)
    return found


async def claim(session: AsyncSession, scope: Scope, consult: Consult, *, hours: int, desk: Desk) -> None:
    """Take a waiting consult; of two at once one gets it, the other a Conflict. It goes back after ``hours``."""
    if scope.role is not Role.LAW_VOLUNTEER:
        raise Conflict("只有律师志愿者能接单。", code="not_a_volunteer")
    taken = await session.execute(
        update(Consult)
        .where(Consult.id == consult.id, Consult.state == ConsultState.WAITING)
        .values(
            state=ConsultState.CLAIMED,
            volunteer_id=scope.staff_id,
            claim_until=desk.now + _limit(consult, hours),
            contact=Contact.HIDDEN,
        )
    )
    await session.refresh(consult)
    if taken.rowcount == 0:
        if consult.volunteer_id == scope.staff_id and consult.state is not ConsultState.ENDED:
            return
        raise Conflict("这个咨询已经被别的律师接走了。", code="already_taken")
    _note(session, consult, "claimed", desk, staff_id=scope.staff_id)
    await pushes.say(session, consult, "utter_consult_claimed", desk=desk, until=consult.claim_until)


async def answer(
    session: AsyncSession, scope: Scope, consult: Consult, text: str, *, unknown: list[str], sure: bool, desk: Desk
) -> None:
    """Send an answer to the resident's chat. ``unknown`` are the articles it names that are not in the library.

    Raises UnknownArticles when there are some and the volunteer is not ``sure``; BadInput; Conflict unless it is theirs.
    """
    _check_mine(scope, consult)
    text = readable(text)
    if not text or len(text) > ANSWER_LIMIT:
        raise BadInput(f"答复要写，最多 {ANSWER_LIMIT} 个字。", fields=["text"])
    if unknown and not sure:
        raise UnknownArticles(articles=unknown)
    session.add(
        ConsultWord(
            consult_id=consult.id, said_by=Said.VOLUNTEER, staff_id=scope.staff_id, text=text, unknown=unknown, at=desk.now
        )
    )
    consult.state, consult.claim_until, consult.answered_at = ConsultState.ANSWERED, None, desk.now
    _note(session, consult, "answered", desk, staff_id=scope.staff_id, note="、".join(unknown))
    await pushes.say(session, consult, "utter_consult_answered", desk=desk, answer=text, days=ANSWERED_DAYS)


async def phone(session: AsyncSession, vault: Vault, scope: Scope, consult: Consult, *, desk: Desk) -> str:
    """The phone that the resident agreed to show this volunteer; that it was looked at is written down.

    Raises Conflict when the resident has not agreed, or the consult is not theirs.
    """
    _check_mine(scope, consult)
    if consult.contact is not Contact.AGREED or consult.phone_id is None:
        raise Conflict("居民还没有同意留电话。", code="contact_not_agreed")
    reason = f"咨询 {consult.number}：居民同意律师回电"
    _, value = await keeping.uncover(session, vault, consult.phone_id, staff_id=scope.staff_id, reason=reason, now=desk.now)
    _note(session, consult, "phone_seen", desk, staff_id=scope.staff_id)
    return value


async def ask_contact(session: AsyncSession, scope: Scope, consult: Consult, *, desk: Desk) -> None:
    """Ask the resident, in the chat, for their name and phone. Raises Conflict when that was asked before."""
    _check_mine(scope, consult)
    if consult.contact is not Contact.HIDDEN:
        raise Conflict("已经问过居民了。", code="contact_asked")
    consult.contact = Contact.ASKED
    _note(session, consult, "contact_asked", desk, staff_id=scope.staff_id)
    await pushes.say(session, consult, "utter_consult_contact", desk=desk)


async def give_back(session: AsyncSession, scope: Scope, consult: Consult, *, note: str, desk: Desk) -> None:
    """Put it back in the queue: its volunteer, or a coordinator. Raises Conflict."""
    if scope.role is not Role.LAW_COORDINATOR:
        _check_mine(scope, consult)
    elif consult.state not in (ConsultState.CLAIMED, ConsultState.ANSWERED):
        raise Conflict("这个咨询不在律师手上。", code="not_claimed")
    await release(session, consult, "given_back", desk=desk, staff_id=scope.staff_id, note=note)


async def refuse(session: AsyncSession, scope: Scope, consult: Consult, *, reason: str, desk: Desk) -> None:
    """A conflict of interest: this volunteer never sees the consult again. Raises BadInput without a reason, Conflict."""
    if scope.role is not Role.LAW_VOLUNTEER:
        raise Conflict("只有律师志愿者能回避。", code="not_a_volunteer")
    if not reason:
        raise BadInput("请写明回避的原因。", fields=["reason"])
    if consult.state is ConsultState.ENDED:
        raise Conflict("这个咨询已经结束了。", code="consult_ended")
    session.add(ConsultRefusal(consult_id=consult.id, staff_id=scope.staff_id, reason=reason[:NOTE_LIMIT], at=desk.now))
    _note(session, consult, "refused", desk, staff_id=scope.staff_id, note=reason)
    if consult.volunteer_id == scope.staff_id:
        await release(session, consult, "given_back", desk=desk, staff_id=scope.staff_id)


async def set_area(session: AsyncSession, scope: Scope, consult: Consult, area: LawArea, *, desk: Desk) -> None:
    """Correct the area of law; other volunteers see it then."""
    if consult.area is area:
        return
    _note(session, consult, "area_changed", desk, staff_id=scope.staff_id, note=AREA_NAMES[area])
    consult.area, consult.second_area = area, None
    await _tell_desk(session, consult, desk)


async def release(
    session: AsyncSession, consult: Consult, step: str, *, desk: Desk, staff_id: int | None = None, note: str = ""
) -> None:
    """Back to the queue, without the contact that was agreed for the volunteer who had it; the resident is told."""
    consult.state, consult.volunteer_id, consult.claim_until = ConsultState.WAITING, None, None
    consult.contact, consult.phone_id = Contact.HIDDEN, None
    _note(session, consult, step, desk, staff_id=staff_id, note=note)
    await pushes.say(session, consult, "utter_consult_released", desk=desk)
    await _tell_desk(session, consult, desk)


async def words_of(session: AsyncSession, consult: Consult) -> list[ConsultWord]:
    """What was said after the question, in order."""
    return list(await session.scalars(select(ConsultWord).where(ConsultWord.consult_id == consult.id).order_by(ConsultWord.id)))


async def history_of(session: AsyncSession, consult: Consult) -> list[tuple[ConsultHistory, str]]:
    """Everything that was done, in order, with the staff member's name ("" for the resident and for time)."""
    return await with_names(session, ConsultHistory, ConsultHistory.consult_id == consult.id)


async def figures(session: AsyncSession) -> dict[str, int]:
    """How many consults there are in each state."""
    rows = await session.execute(select(Consult.state, func.count()).group_by(Consult.state))
    counts = {state.value: count for state, count in rows}
    return {state.value: counts.get(state.value, 0) for state in ConsultState}


def _limit(consult: Consult, hours: int) -> timedelta:
    return timedelta(hours=min(hours, URGENT_HOURS) if consult.urgent else hours)


def _check_mine(scope: Scope, consult: Consult) -> None:
    if consult.volunteer_id != scope.staff_id or consult.state not in (ConsultState.CLAIMED, ConsultState.ANSWERED):
        raise Conflict("这个咨询不在您手上。", code="not_yours")


async def _tell_desk(session: AsyncSession, consult: Consult, desk: Desk) -> None:
    """A line in the inbox of each volunteer who may take it, and of the coordinators where it is urgent."""
    if consult.state is not ConsultState.WAITING:
        return
    words = f"{'紧急' if consult.urgent else '新'}咨询 {consult.number}（{AREA_NAMES[consult.area]}）"
    areas = {consult.area, consult.second_area}
    refused = set(await session.scalars(select(ConsultRefusal.staff_id).where(ConsultRefusal.consult_id == consult.id)))
    ready = await session.execute(
        select(Staff.id, Volunteer.areas)
        .join(Volunteer, Volunteer.staff_id == Staff.id)
        .where(Staff.disabled_at.is_(None), Volunteer.state == VolunteerState.APPROVED)
    )
    for staff_id, theirs in ready:
        if staff_id not in refused and (consult.area is LawArea.OTHER or areas & set(theirs)):
            notices.tell(session, staff_id, words, now=desk.now)
    if consult.urgent:
        coordinators = select(Staff.id).where(Staff.role == Role.LAW_COORDINATOR, Staff.disabled_at.is_(None))
        for staff_id in await session.scalars(coordinators):
            notices.tell(session, staff_id, words, now=desk.now)


def _note(
    session: AsyncSession, consult: Consult, step: str, desk: Desk, *, staff_id: int | None = None, note: str = ""
) -> None:
    consult.revision = (consult.revision or 0) + 1
    session.add(ConsultHistory(consult_id=consult.id, step=step, staff_id=staff_id, note=note[:NOTE_LIMIT], at=desk.now))
    wake(session, "console")
