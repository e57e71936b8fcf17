"""普法推送: subscribing and stopping, planning a push, sending it, and counting what became of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, exists, false, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backend.broadcasts.models import Broadcast, BroadcastCopy, BroadcastState, Subscription
from backend.conversations.models import Conversation
from backend.db import lock, wake
from backend.errors import BadInput, Conflict, Forbidden, NotFound
from backend.events.service import Desk
from backend.legal.areas import AREA_NAMES, LawArea
from backend.outbox import service as outbox
from backend.outbox.models import Delivery, DeliveryState
from backend.staff.models import Role
from backend.staff.scope import Scope

TOPICS = tuple(area for area in LawArea if area is not LawArea.OTHER)
TITLE_LIMIT, TEXT_LIMIT = 60, 2000
MOST_AHEAD = timedelta(days=366)
BATCH = 200
TEASER = 60


@dataclass(frozen=True)
class Counts:
    """Of one push: copies sent, those that were delivered, that failed or were put aside, and that were opened."""

    sent: int
    delivered: int
    failed: int
    read: int


async def subscribe(session: AsyncSession, conversation: Conversation, topic: str, *, now: datetime) -> LawArea:
    """Subscribe the conversation's resident; again is the same. Raises BadInput for an unknown topic."""
    if topic not in {one.value for one in TOPICS}:
        raise BadInput("没有这个主题，请从列出来的里面选。", fields=["topic"])
    await lock(session, conversation)
    wanted = LawArea(topic)
    known = await session.scalar(
        select(Subscription).where(Subscription.resident_id == conversation.resident_id, Subscription.topic == wanted)
    )
    if known is None:
        known = Subscription(resident_id=conversation.resident_id, topic=wanted, at=now)
        session.add(known)
    known.conversation_id, known.stopped_at = conversation.id, None
    return wanted


async def topics_of(session: AsyncSession, resident_id: int) -> list[LawArea]:
    """The topics a resident is subscribed to."""
    rows = await session.scalars(
        select(Subscription.topic).where(Subscription.resident_id == resident_id, Subscription.stopped_at.is_(None))
    )
    return list(rows)


async def stop(session: AsyncSession, conversation: Conversation, *, now: datetime) -> int:
    """End every subscription of the conversation's resident; returns how many there were."""
    result = await session.execute(
        update(Subscription)
        .where(Subscription.resident_id == conversation.resident_id, Subscription.stopped_at.is_(None))
        .values(stopped_at=now)
    )
    return result.rowcount


async def open_copy(session: AsyncSession, broadcast_id: int, *, resident_id: int, now: datetime) -> Broadcast:
    """The push in full, for a resident who was sent it; the first look is counted. Raises NotFound."""
    copy = await session.scalar(
        select(BroadcastCopy).where(BroadcastCopy.broadcast_id == broadcast_id, BroadcastCopy.resident_id == resident_id)
    )
    if copy is None:
        raise NotFound("没有找到这条普法内容。")
    copy.read_at = copy.read_at or now
    return await session.get_one(Broadcast, broadcast_id)


async def plan(
    session: AsyncSession, scope: Scope, *, topic: str, title: str, text: str, due_at: datetime, now: datetime
) -> Broadcast:
    """Plan a push. Raises Forbidden for anyone but a coordinator, BadInput for what is missing, too long or past."""
    _check(scope)
    if topic not in {one.value for one in TOPICS}:
        raise BadInput("请选一个主题。", fields=["topic"])
    title, text = title.strip(), text.strip()
    if not title or len(title) > TITLE_LIMIT or not text or len(text) > TEXT_LIMIT:
        raise BadInput(f"标题和正文都要写，标题最多 {TITLE_LIMIT} 个字，正文最多 {TEXT_LIMIT} 个字。", fields=["title", "text"])
    if not now - timedelta(minutes=5) <= due_at <= now + MOST_AHEAD:
        raise BadInput("推送时间要在现在之后、一年之内。", fields=["due_at"])
    broadcast = Broadcast(
        topic=LawArea(topic),
        title=title,
        text=text,
        due_at=due_at,
        state=BroadcastState.SCHEDULED,
        staff_id=scope.staff_id,
        created_at=now,
    )
    session.add(broadcast)
    await session.flush()
    wake(session, "broadcasts")
    return broadcast


async def cancel(session: AsyncSession, scope: Scope, broadcast_id: int) -> None:
    """Call off a push that has not begun. Raises Forbidden, NotFound, Conflict."""
    _check(scope)
    broadcast = await session.get(Broadcast, broadcast_id)
    if broadcast is None:
        raise NotFound
    await lock(session, broadcast)
    if broadcast.state is not BroadcastState.SCHEDULED:
        raise Conflict("已经开始推送或已经取消了。", code="not_scheduled")
    broadcast.state = BroadcastState.CANCELLED


async def listed(session: AsyncSession, scope: Scope) -> list[tuple[Broadcast, Counts]]:
    """The pushes with their counts, the newest first. Raises Forbidden."""
    _check(scope)
    broadcasts = list(await session.scalars(select(Broadcast).order_by(Broadcast.due_at.desc()).limit(100)))
    counts = await _counts(session, [one.id for one in broadcasts])
    return [(one, counts.get(one.id, Counts(0, 0, 0, 0))) for one in broadcasts]


async def _counts(session: AsyncSession, ids: Iterable[int]) -> dict[int, Counts]:
    lost = Delivery.state.in_([DeliveryState.FAILED, DeliveryState.ASIDE])
    rows = await session.execute(
        select(
            BroadcastCopy.broadcast_id,
            func.count(),
            func.count(case((Delivery.state == DeliveryState.DELIVERED, 1))),
            func.count(case((lost, 1))),
            func.count(BroadcastCopy.read_at),
        )
        .join(Delivery, Delivery.message_id == BroadcastCopy.message_id)
        .where(BroadcastCopy.broadcast_id.in_(list(ids)))
        .group_by(BroadcastCopy.broadcast_id)
    )
    return {row[0]: Counts(*row[1:]) for row in rows}


async def subscribers(session: AsyncSession) -> dict[LawArea, int]:
    """How many residents are subscribed to each topic."""
    rows = await session.execute(
        select(Subscription.topic, func.count()).where(Subscription.stopped_at.is_(None)).group_by(Subscription.topic)
    )
    return dict(rows.tuples().all())


def due(desk: Desk) -> ColumnElement[bool]:
    """The condition under which a push is to be sent now; never at night."""
    ready = (Broadcast.state == BroadcastState.SCHEDULED) & (Broadcast.due_at <= desk.now)
    return false() if desk.quiet.at(desk.now) else (ready | (Broadcast.state == BroadcastState.SENDING))


async def send(session: AsyncSession, broadcast: Broadcast, *, desk: Desk) -> int:
    """Tell up to BATCH subscribers who were not told yet; returns how many. The last round makes it SENT."""
    told = exists().where(BroadcastCopy.broadcast_id == broadcast.id, BroadcastCopy.resident_id == Subscription.resident_id)
    waiting = await session.scalars(
        select(Subscription)
        .where(Subscription.topic == broadcast.topic, Subscription.stopped_at.is_(None), ~told)
        .order_by(Subscription.id)
        .limit(BATCH)
    )
    said = desk.sentences.say(
        "utter_broadcast",
        topic=AREA_NAMES[broadcast.topic],
        title=broadcast.title,
        teaser=broadcast.text[:TEASER] + ("……" if len(broadcast.text) > TEASER else ""),
        broadcast=broadcast.id,
    )
    count = 0
    for subscription in waiting:
        conversation = await session.get_one(Conversation, subscription.conversation_id)
        message = await outbox.say(session, conversation, now=desk.now, text=said.text, buttons=said.buttons)
        session.add(BroadcastCopy(broadcast_id=broadcast.id, resident_id=subscription.resident_id, message_id=message.id))
        count += 1
    broadcast.state = BroadcastState.SENDING if count == BATCH else BroadcastState.SENT
    broadcast.sent_at = desk.now if broadcast.state is BroadcastState.SENT else None
    if count == BATCH:
        wake(session, "broadcasts")
    return count


def _check(scope: Scope) -> None:
    if scope.role is not Role.LAW_COORDINATOR:
        raise Forbidden
