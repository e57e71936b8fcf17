"""Opinions as staff see and answer them. What lies outside a scope is not found, whichever way it is asked for."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue.models import Department, HandlerKind
from backend.conversations.models import Conversation
from backend.db import lock, wake
from backend.deliberation import service as deliberation
from backend.deliberation.models import Deliberation
from backend.errors import BadInput, Conflict, Forbidden, NotFound
from backend.events import service as events
from backend.events.models import Event
from backend.events.service import LADDER, Desk
from backend.feedback.masking import masked
from backend.grids import service as grids
from backend.grids.models import Area, Level
from backend.opinions import pushes, service
from backend.opinions.models import Became, Opinion, OpinionHistory, OpinionState, OpinionTopic
from backend.staff.history import with_names
from backend.staff.scope import LAW_ROLES, MANAGERS, Scope

ANSWER_LIMIT = 2000
SHORTEST_ANSWER = 4


def visible(scope: Scope) -> ColumnElement[bool]:
    """It lies in their area, on their desk, or they did something to it."""
    if scope.role in LAW_ROLES:
        return false()
    touched = exists().where(OpinionHistory.opinion_id == Opinion.id, OpinionHistory.staff_id == scope.staff_id)
    conditions = [touched]
    if scope.path:
        conditions.append(Opinion.area_path.startswith(scope.path, autoescape=True))
    if scope.desk:
        conditions.append(and_(Opinion.owner == scope.desk[0], Opinion.owner_code == scope.desk[1]))
    return or_(*conditions)


def on_my_desk(scope: Scope, now: datetime) -> ColumnElement[bool]:
    """What this desk has to answer, and what is late and has climbed to it."""
    if scope.desk is None:
        return false()
    kind, code = scope.desk
    mine = and_(Opinion.owner == kind, Opinion.owner_code == code)
    if scope.path:
        climbed = and_(Opinion.level == kind, Opinion.due_at < now, Opinion.area_path.startswith(scope.path, autoescape=True))
        mine = or_(mine, climbed)
    return and_(Opinion.state == OpinionState.WAITING, mine)


async def matching(
    session: AsyncSession, scope: Scope, *, tab: str, now: datetime, page: int = 1, page_size: int = 30
) -> tuple[list[Opinion], int]:
    """One page of the opinions under a tab, and how many there are: mine, late, over, or all that wait.

    What waits comes by its due time, what is over newest first.
    """
    conditions = [visible(scope)]
    match tab:
        case "mine":
            conditions.append(on_my_desk(scope, now))
        case "late":
            conditions += [Opinion.state == OpinionState.WAITING, Opinion.due_at < now]
        case "over":
            conditions.append(Opinion.state != OpinionState.WAITING)
        case _:
            conditions.append(Opinion.state == OpinionState.WAITING)
    total = await session.scalar(select(func.count()).select_from(Opinion).where(*conditions)) or 0
    order = Opinion.id.desc() if tab == "over" else Opinion.due_at
    query = select(Opinion).where(*conditions).order_by(order, Opinion.id).offset((page - 1) * page_size).limit(page_size)
    return list(await session.scalars(query)), total


async def counts(session: AsyncSession, scope: Scope, *, now: datetime) -> dict[str, int]:
    """How many there are under the tabs mine, all and late."""
    return {tab: (await matching(session, scope, tab=tab, now=now, page_size=1))[1] for tab in ("mine", "all", "late")}


async def by_number(session: AsyncSession, scope: Scope, number: str, *, locked: bool = False) -> Opinion:
    """A visible opinion. Raises NotFound for any other."""
    found = await session.scalar(select(Opinion).where(Opinion.number == number, visible(scope)))
    if found is None:
        raise NotFound
    if locked:
        await lock(session, found)
    return found


async def history_of(session: AsyncSession, opinion: Opinion) -> list[tuple[OpinionHistory, str]]:
    """Everything that was done, in order, with the staff member's name ("" for residents and for time)."""
    return await with_names(session, OpinionHistory, OpinionHistory.opinion_id == opinion.id)


def may_answer(scope: Scope, opinion: Opinion) -> bool:
    """Whether it lies on their desk, or in an area they manage; what was reopened not below the level it went to."""
    if opinion.state is not OpinionState.WAITING:
        return False
    manages = scope.role in MANAGERS and scope.covers(opinion.area_path)
    if opinion.reopened and scope.desk and scope.desk[0] in LADDER:
        manages = manages and LADDER.index(scope.desk[0]) >= LADDER.index(opinion.level)
    return manages or scope.desk == (opinion.owner, opinion.owner_code)


def _check(scope: Scope, opinion: Opinion) -> None:
    if opinion.state is not OpinionState.WAITING:
        raise Conflict("这条意见已经答复或撤回了，请刷新后再看。", code="over")
    if not may_answer(scope, opinion):
        raise Forbidden("这条意见由别的同事答复。", code="not_yours")


async def answer(
    session: AsyncSession,
    opinion: Opinion,
    text: str,
    *,
    scope: Scope,
    desk: Desk,
    became: Became | None = None,
    number: str = "",
) -> None:
    """Answer it, once: its author and everyone who seconds it are told. Raises BadInput, Conflict, Forbidden."""
    _check(scope, opinion)
    text = _answer_in(text)
    opinion.state, opinion.answer = OpinionState.ANSWERED, text
    opinion.answered_by, opinion.answered_at, opinion.escalate_at, opinion.stars = scope.staff_id, desk.now, None, None
    opinion.became, opinion.became_number = became, number
    opinion.listing_due = opinion.public
    service.note(session, opinion, f"became_{became}" if became else "answered", desk, staff_id=scope.staff_id, words=number)
    response = f"utter_opinion_became_{became}" if became else "utter_opinion_answered"
    await pushes.to_author(session, opinion, response, desk=desk)
    await pushes.to_supporters(session, opinion, "utter_opinion_answered_neighbour", desk=desk)
    wake(session, "disclosure")


def _answer_in(text: str) -> str:
    text = text.strip()
    if not SHORTEST_ANSWER <= len(text) <= ANSWER_LIMIT:
        raise BadInput(f"请写答复，{SHORTEST_ANSWER} 到 {ANSWER_LIMIT} 个字，居民会看到。", fields=["text"])
    return text


def may_correct(scope: Scope, opinion: Opinion) -> bool:
    """Whether the answer that was given is theirs, of their desk, or of an area they manage."""
    if opinion.state is not OpinionState.ANSWERED:
        return False
    manages = scope.role in MANAGERS and scope.covers(opinion.area_path)
    return manages or opinion.answered_by == scope.staff_id or scope.desk == (opinion.owner, opinion.owner_code)


async def correct(session: AsyncSession, opinion: Opinion, text: str, *, scope: Scope, desk: Desk) -> None:
    """Put another answer in the place of the one given: the history keeps that, and whoever was told it is told this.

    Raises BadInput, Conflict where there is no answer, Forbidden.
    """
    if opinion.state is not OpinionState.ANSWERED:
        raise Conflict("这条意见还没有答复，请刷新后再看。", code="not_answered")
    if not may_correct(scope, opinion):
        raise Forbidden("这条意见由别的同事答复。", code="not_yours")
    text = _answer_in(text)
    if text == opinion.answer:
        raise BadInput("和原来的答复一样，没有要更正的。", fields=["text"])
    service.note(session, opinion, "corrected", desk, staff_id=scope.staff_id, words=opinion.answer)
    opinion.answer, opinion.listing_due = text, opinion.public
    await pushes.to_author(session, opinion, "utter_opinion_corrected", desk=desk)
    await pushes.to_supporters(session, opinion, "utter_opinion_corrected_neighbour", desk=desk)
    wake(session, "disclosure")


async def hand_on(
    session: AsyncSession, opinion: Opinion, to: tuple[HandlerKind, str], *, reason: str, scope: Scope, desk: Desk
) -> None:
    """Give it to another desk, with a reason; it stays due when it was. Raises BadInput, Conflict, Forbidden."""
    _check(scope, opinion)
    if not reason.strip():
        raise BadInput("请写转交的原因。", fields=["reason"])
    if to not in {(kind, code) for kind, code, _ in await receivers(session, opinion)}:
        raise BadInput("请从列表里选一个单位。", fields=["to"])
    opinion.owner, opinion.owner_code = to
    opinion.level = max(opinion.level, service.rung_of(to[0]), key=LADDER.index)
    name = await pushes.desk_name(session, *to)
    service.note(session, opinion, "handed_on", desk, staff_id=scope.staff_id, words=f"{name}：{reason.strip()}")
    await service.tell_desk(session, opinion, f"转来意见 {opinion.number}：{opinion.text[:40]}", desk=desk)
    await pushes.to_author(session, opinion, "utter_opinion_handed_on", desk=desk)


async def receivers(session: AsyncSession, opinion: Opinion) -> list[tuple[HandlerKind, str, str]]:
    """The desks it can be handed on to, with their names: those of its place, and every department; not its owner."""
    chain = await grids.ancestors(session, opinion.area_code)
    desks = [(HandlerKind(area.level.value), area.code, area.name) for area in chain if area.level is not Level.CITY]
    departments = await session.execute(select(Department.code, Department.name).order_by(Department.code))
    desks += [(HandlerKind.DEPARTMENT, code, name) for code, name in departments]
    return [desk for desk in desks if desk[:2] != (opinion.owner, opinion.owner_code)]


async def set_topic(session: AsyncSession, opinion: Opinion, topic_code: str, *, scope: Scope, desk: Desk) -> None:
    """Say that it is about something else; its owner and due time stay. Raises BadInput, Forbidden."""
    if not (may_answer(scope, opinion) or scope.staff_id == opinion.answered_by):
        raise Forbidden("这条意见由别的同事答复。", code="not_yours")
    topic = await session.get(OpinionTopic, topic_code)
    if topic is None:
        raise BadInput("没有这个主题。", fields=["topic"])
    if opinion.topic_code != topic.code:
        opinion.topic_code = topic.code
        opinion.listing_due = opinion.public and opinion.state is OpinionState.ANSWERED
        service.note(session, opinion, "topic_changed", desk, staff_id=scope.staff_id, words=topic.name)


async def become_event(
    session: AsyncSession, opinion: Opinion, text: str, *, item_code: str | None, scope: Scope, desk: Desk
) -> Event:
    """File it as an event of its author's, who is told both numbers. Raises BadInput where no place was named."""
    _check(scope, opinion)
    area = await session.get_one(Area, opinion.area_code)
    if area.level not in (Level.GRID, Level.COMMUNITY, Level.STREET):
        raise BadInput("这条意见没有说是哪个社区、哪条街道，不能转成事件。", code="no_place")
    conversation = await session.get(Conversation, opinion.conversation_id) if opinion.conversation_id else None
    event = await events.file_event(
        session,
        events.Report(
            opinion.text,
            area.code,
            opinion.address or area.name,
            item_code=item_code,
            photos=list(opinion.media),
            unplaced=area.level is not Level.GRID,
        ),
        desk=desk,
        conversation=conversation,
        reporter_staff_id=None if conversation else scope.staff_id,
    )
    words = text.strip() or f"已作为事件 {event.number} 派人去办，办到哪一步都会告诉您。"
    await answer(session, opinion, words, scope=scope, desk=desk, became=Became.EVENT, number=event.number)
    return event


async def become_deliberation(
    session: AsyncSession, opinion: Opinion, text: str, *, title: str, days: int, scope: Scope, desk: Desk
) -> Deliberation:
    """Make a deliberation draft of it, without its author's name, over ``days`` from now; whoever drafts it announces it.

    Raises BadInput, and Forbidden for those who may not hold one in the opinion's area.
    """
    _check(scope, opinion)
    draft = deliberation.Draft(
        title=title or pushes.title_of(opinion).rstrip("…"),
        background=masked(opinion.text),
        starts_at=desk.now,
        ends_at=desk.now + timedelta(days=days),
    )
    one = await deliberation.create(session, draft, area_code=opinion.area_code, scope=scope, now=desk.now)
    deliberation.log(session, one, "from_opinion", now=desk.now, scope=scope, number=opinion.number)
    words = text.strip() or "这件事要听听大家的意见，准备好了就请这一片的居民一起商量。"
    await answer(session, opinion, words, scope=scope, desk=desk, became=Became.DELIBERATION, number=one.number)
    return one


async def keep_private(session: AsyncSession, opinion: Opinion, *, reason: str, scope: Scope, desk: Desk) -> None:
    """Take an opinion that should not be public out of the public eye. Raises BadInput without a reason, Forbidden."""
    if scope.role not in MANAGERS and scope.desk != (opinion.owner, opinion.owner_code):
        raise Forbidden
    if not reason.strip():
        raise BadInput("请写不公开的原因。", fields=["reason"])
    if opinion.public:
        opinion.public, opinion.listing_due = False, True
        service.note(session, opinion, "kept_private", desk, staff_id=scope.staff_id, words=reason.strip())
        wake(session, "disclosure")
