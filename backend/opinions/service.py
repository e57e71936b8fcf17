"""An opinion's life as its author and the neighbours see it: filed, seconded, withdrawn, climbing when late, rated."""

import re

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue.models import HandlerKind
from backend.conversations.models import Conversation
from backend.conversations.service import readable
from backend.db import lock, wake
from backend.errors import BadInput, Conflict, NotFound, TooMany
from backend.events.numbers import new_number
from backend.events.service import LADDER, Desk, next_rung
from backend.grids import service as grids
from backend.grids.models import Area, Level
from backend.hanzi import plain
from backend.opinions import pushes
from backend.opinions.models import Opinion, OpinionHistory, OpinionState, OpinionSupporter, OpinionTopic
from backend.opinions.topics import topic_of, topics
from backend.staff import notices
from backend.staff.models import Role, Staff

SHORTEST, LONGEST = 4, 2000
MOST_WAITING = 20
NOTE_LIMIT = 2000
FEW_STARS = 2
LATE_AGAIN_HOURS = 8
ALIKE, SHARED = 0.35, 2
LOOKED_AT = 300
OFFERED = 3
NUMBER = re.compile(r"Y\d{4}-\d{4}")
# What is said around any suggestion, and so tells none from another.
_COMMON = re.compile(
    r"提个?(小?建议|意见|想法)|建议|意见|希望|盼着|能不能|可不可以|可以|能否|是不是|应该|最好|考虑|要是|如果|就好了?|该多好|我觉得|我认为|依我看|我看|"
    r"你们|我们|咱们|俺们|小区|社区|街道|门口|附近|旁边|这边|那边|这里|那里|现在|每次|以后|一下|的话|什么的|不要|别再|早点|多搞|有个|没有|"
    r"[多加设增添搞弄办开点些个几条里上下太有能要让给把也都再就还很不]"
)


class TooManyWaiting(TooMany):
    code = "too_many_opinions"
    sentence = f"您有 {MOST_WAITING} 条建议还在等答复，等答复了再提新的。"


async def topic_for(session: AsyncSession, words: str) -> OpinionTopic:
    """What a suggestion is about. Raises Conflict in a city that has no topics."""
    topic = topic_of(await topics(session), words)
    if topic is None:
        raise Conflict("这里还不能收建议，您可以转人工说。", code="no_topics")
    return topic


async def find_owner(session: AsyncSession, topic: OpinionTopic, area: Area) -> tuple[HandlerKind, str]:
    """The desk that answers: the place's own by the topic's handler, or the nearest above it; else the topic's department."""
    if topic.handler is not HandlerKind.DEPARTMENT:
        rungs = LADDER[LADDER.index(topic.handler) :]
        for place in await grids.ancestors(session, area.code):
            if place.level.value in rungs:
                return HandlerKind(place.level.value), place.code
    return HandlerKind.DEPARTMENT, topic.department_code


async def file(
    session: AsyncSession,
    conversation: Conversation,
    words: str,
    *,
    area_code: str,
    address: str = "",
    public: bool,
    media: list[str] | None = None,
    desk: Desk,
) -> Opinion:
    """Put a suggestion on its owner's desk, due in working days. Raises BadInput, TooManyWaiting."""
    words = readable(words)[:LONGEST]
    if len(words) < SHORTEST:
        raise BadInput("请把建议说得再具体一点。", fields=["text"])
    area = await session.get(Area, area_code)
    if area is None:
        raise BadInput("这个地点不在本市的网格里。", fields=["area_code"])
    await lock(session, conversation)
    mine = [Opinion.resident_id == conversation.resident_id, Opinion.state == OpinionState.WAITING]
    if (await session.scalar(select(func.count()).select_from(Opinion).where(*mine)) or 0) >= MOST_WAITING:
        raise TooManyWaiting
    topic = await topic_for(session, words)
    owner, owner_code = await find_owner(session, topic, area)
    due_at = desk.calendar.add_working_days(desk.now, topic.due_days)
    opinion = Opinion(
        number=await _free_number(session),
        state=OpinionState.WAITING,
        resident_id=conversation.resident_id,
        conversation_id=conversation.id,
        text=words,
        media=media or [],
        topic_code=topic.code,
        area_code=area.code,
        area_path=area.path,
        address=address[:200],
        public=public,
        owner=owner,
        owner_code=owner_code,
        level=rung_of(owner),
        due_at=due_at,
        escalate_at=due_at,
        created_at=desk.now,
    )
    session.add(opinion)
    await session.flush()
    if area.level in (Level.GRID, Level.COMMUNITY):
        conversation.last_area_code = area.parent_code if area.level is Level.GRID else area.code
    note(session, opinion, "filed", desk)
    await tell_desk(session, opinion, f"新意见 {opinion.number}：{opinion.text[:40]}", desk=desk)
    return opinion


async def _free_number(session: AsyncSession) -> str:
    while True:
        number = f"Y{new_number()}"
        if not await session.scalar(select(exists().where(Opinion.number == number))):
            return number


def rung_of(owner: HandlerKind) -> HandlerKind:
    """Where an owner stands on the ladder; a department beside the street, as with events."""
    return owner if owner in LADDER else HandlerKind.STREET


# Who may read it


async def own(session: AsyncSession, number: str, *, resident_id: int) -> Opinion:
    """A resident's own opinion, locked. Raises NotFound."""
    found = await session.scalar(select(Opinion).where(Opinion.number == number, Opinion.resident_id == resident_id))
    if found is None:
        raise NotFound("没有查到您提的这条建议，请核对一下编号。")
    await lock(session, found)
    return found


def _supported(resident_id: int) -> ColumnElement[bool]:
    return exists().where(OpinionSupporter.opinion_id == Opinion.id, OpinionSupporter.resident_id == resident_id)


def _readable(resident_id: int) -> ColumnElement[bool]:
    """One's own, what one seconds, and what is public and was not taken back."""
    shown = Opinion.public & (Opinion.state != OpinionState.WITHDRAWN)
    return or_(Opinion.resident_id == resident_id, _supported(resident_id), shown)


async def readable_one(session: AsyncSession, number: str, *, resident_id: int) -> Opinion:
    """An opinion that this resident may read. Raises NotFound for any other, like one that never was."""
    found = await session.scalar(select(Opinion).where(Opinion.number == number, _readable(resident_id)))
    if found is None:
        raise NotFound("没有查到这条建议，请核对一下编号。")
    return found


async def of_resident(session: AsyncSession, resident_id: int, *, limit: int = 50) -> list[Opinion]:
    """The opinions a resident filed or seconds, newest first."""
    mine = or_(Opinion.resident_id == resident_id, _supported(resident_id))
    return list(await session.scalars(select(Opinion).where(mine).order_by(Opinion.id.desc()).limit(limit)))


async def supporters(session: AsyncSession, opinion_ids: list[int]) -> dict[int, int]:
    """How many neighbours second each of the opinions; those whom nobody seconds are not in it."""
    rows = await session.execute(
        select(OpinionSupporter.opinion_id, func.count())
        .where(OpinionSupporter.opinion_id.in_(opinion_ids))
        .group_by(OpinionSupporter.opinion_id)
    )
    return {row[0]: row[1] for row in rows}


async def _around(session: AsyncSession, area: Area | None) -> ColumnElement[bool]:
    """In the same community, or for an area around it; the whole city where no area is given."""
    if area is None:
        return Opinion.id.is_not(None)
    chain = await grids.ancestors(session, area.code)
    around = next((place for place in chain if place.level is Level.COMMUNITY), area)
    within = Opinion.area_path.startswith(around.path, autoescape=True)
    return or_(within, Opinion.area_path.in_([place.path for place in chain]))


async def listed(session: AsyncSession, area_code: str | None, *, limit: int = 5) -> list[Opinion]:
    """The public opinions around an area that still wait for an answer, newest first."""
    area = await session.get(Area, area_code) if area_code else None
    query = select(Opinion).where(Opinion.state == OpinionState.WAITING, Opinion.public, await _around(session, area))
    return list(await session.scalars(query.order_by(Opinion.id.desc()).limit(limit)))


async def similar(session: AsyncSession, words: str, *, area_code: str | None, resident_id: int) -> list[Opinion]:
    """Public opinions around an area that wait for an answer and say about the same, the nearest first; the resident's own
    too, but not what they second already. Of the newest LOOKED_AT."""
    area = await session.get(Area, area_code) if area_code else None
    names = " ".join(place.name for place in await grids.ancestors(session, area.code)) if area else ""
    open_ones = [Opinion.state == OpinionState.WAITING, or_(Opinion.public, Opinion.resident_id == resident_id)]
    query = select(Opinion).where(*open_ones, ~_supported(resident_id), await _around(session, area))
    scored = [
        (alike(words, opinion.text, names=names), opinion)
        for opinion in await session.scalars(query.order_by(Opinion.id.desc()).limit(LOOKED_AT))
    ]
    near = sorted((pair for pair in scored if pair[0] >= ALIKE), key=lambda pair: -pair[0])
    return [opinion for _, opinion in near[:OFFERED]]


def alike(one: str, other: str, *, names: str = "") -> float:
    """How much of the shorter of two suggestions stands in the other: its share of character pairs, 0 where fewer than
    SHARED of them do. Pairs of the ``names`` of the places do not count."""
    first, second = _pairs(one) - _pairs(names), _pairs(other) - _pairs(names)
    shared = len(first & second)
    return shared / min(len(first), len(second)) if shared >= SHARED else 0.0


def _pairs(text: str) -> set[str]:
    parts = re.split(r"[\W_的了吗呢吧啊嘛和在]+", _COMMON.sub(" ", plain(text).lower()))
    return {part[i : i + 2] for part in parts for i in range(len(part) - 1)}


# What residents do


async def support(session: AsyncSession, number: str, *, conversation: Conversation, desk: Desk) -> tuple[Opinion, bool]:
    """附议: returns the opinion, and whether this was the first time. Twice is once.

    Raises NotFound for what is not public, Conflict for one's own and for one that is over.
    """
    opinion = await readable_one(session, number, resident_id=conversation.resident_id)
    await lock(session, opinion)
    if opinion.resident_id == conversation.resident_id:
        raise Conflict("这条就是您提的，不用再附议。", code="own_opinion")
    if await session.get(OpinionSupporter, (opinion.id, conversation.resident_id)) is not None:
        return opinion, False
    if opinion.state is not OpinionState.WAITING:
        raise Conflict("这条建议已经答复过了，您可以另提一条。", code="over")
    session.add(
        OpinionSupporter(
            opinion_id=opinion.id, resident_id=conversation.resident_id, conversation_id=conversation.id, at=desk.now
        )
    )
    note(session, opinion, "supported", desk)
    await session.flush()
    return opinion, True


async def withdraw(session: AsyncSession, opinion: Opinion, *, desk: Desk) -> None:
    """撤回 by its author; who seconds it is told. Raises Conflict once it is answered."""
    if opinion.state is OpinionState.ANSWERED:
        raise Conflict("这条建议已经答复了，不能撤回了。", code="answered")
    if opinion.state is OpinionState.WITHDRAWN:
        return
    opinion.state, opinion.escalate_at = OpinionState.WITHDRAWN, None
    note(session, opinion, "withdrawn", desk)
    await tell_desk(session, opinion, f"意见 {opinion.number} 居民撤回了", desk=desk)
    await pushes.to_supporters(session, opinion, "utter_opinion_withdrawn_neighbour", desk=desk)


async def set_public(session: AsyncSession, opinion: Opinion, *, public: bool, desk: Desk) -> None:
    """Let neighbours read it, or not any more. Raises Conflict for one that was taken back."""
    if opinion.state is OpinionState.WITHDRAWN:
        raise Conflict("这条建议已经撤回了。", code="over")
    if opinion.public is public:
        return
    opinion.public, opinion.listing_due = public, True
    note(session, opinion, "made_public" if public else "made_private", desk)
    wake(session, "disclosure")


async def rate(session: AsyncSession, opinion: Opinion, stars: int, *, desk: Desk) -> None:
    """1 to 5 stars for the answer; a later word replaces an earlier one. FEW_STARS or less reopen it, once.

    Raises BadInput, Conflict before it is answered.
    """
    if not 1 <= stars <= 5:
        raise BadInput("请给 1 到 5 星。", fields=["stars"])
    if opinion.state is not OpinionState.ANSWERED:
        raise Conflict("答复了以后才能评价。", code="not_answered")
    opinion.stars = stars
    note(session, opinion, "rated", desk, words=f"{stars} 星")
    if stars <= FEW_STARS and not opinion.reopened and opinion.became is None:
        await _reopen(session, opinion, desk)


async def _reopen(session: AsyncSession, opinion: Opinion, desk: Desk) -> None:
    """It waits again, one level higher: for the desk of its place there, or for its owner where there is none. The answer
    that was not good enough stands in the history."""
    note(session, opinion, "reopened", desk, words=opinion.answer)
    topic = await session.get_one(OpinionTopic, opinion.topic_code)
    opinion.state, opinion.reopened, opinion.answer = OpinionState.WAITING, True, ""
    opinion.level = next_rung(opinion.level)
    for place in await grids.ancestors(session, opinion.area_code):
        if place.level.value == opinion.level.value:
            opinion.owner, opinion.owner_code = HandlerKind(place.level.value), place.code
    opinion.due_at = opinion.escalate_at = desk.calendar.add_working_days(desk.now, topic.due_days)
    opinion.listing_due = opinion.public
    await tell_desk(session, opinion, f"意见要重新答复 {opinion.number}：{opinion.text[:40]}", desk=desk)
    wake(session, "disclosure")


# What happens by itself


async def climb(session: AsyncSession, opinion: Opinion, desk: Desk) -> None:
    """What is late climbs one level: that level is told, and the author; at the top it is told again every working day."""
    before = opinion.level
    opinion.level = next_rung(before)
    opinion.escalate_at = desk.calendar.add_working_hours(desk.now, LATE_AGAIN_HOURS)
    words = f"意见超期 {opinion.number}：{opinion.text[:40]}"
    chain = await grids.ancestors(session, opinion.area_code)
    above = next((place for place in chain if place.level.value == opinion.level.value), None)
    if above is not None:
        told = await notices.at_desk(session, opinion.level, above.code)
    else:
        told = list(await session.scalars(select(Staff.id).where(Staff.role == Role.ADMIN, Staff.disabled_at.is_(None))))
    for staff_id in told:
        notices.tell(session, staff_id, words, now=desk.now)
    note(session, opinion, "climbed", desk, words=opinion.level.value)
    if opinion.level is not before:
        await pushes.to_author(session, opinion, "utter_opinion_late", desk=desk)


def late(desk: Desk) -> ColumnElement[bool]:
    """The condition under which an opinion has to climb now."""
    return (Opinion.state == OpinionState.WAITING) & (Opinion.escalate_at <= desk.now)


# What every step shares


def note(
    session: AsyncSession, opinion: Opinion, step: str, desk: Desk, *, staff_id: int | None = None, words: str = ""
) -> None:
    """Write a step down; the console shows it."""
    opinion.revision = (opinion.revision or 0) + 1
    session.add(OpinionHistory(opinion_id=opinion.id, step=step, staff_id=staff_id, note=words[:NOTE_LIMIT], at=desk.now))
    wake(session, "console")


async def tell_desk(session: AsyncSession, opinion: Opinion, words: str, *, desk: Desk) -> None:
    """A line in the inbox of each person at the owner's desk."""
    for staff_id in await notices.at_desk(session, opinion.owner, opinion.owner_code):
        notices.tell(session, staff_id, words, now=desk.now)
