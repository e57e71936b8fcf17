"""Saying something to a resident: the message and its delivery are written with whatever caused them."""

import functools
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, exists, func, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlalchemy.sql.dml import ReturningUpdate

from backend.conversations.models import Author, Conversation, Message, MessageKind, TurnState, is_open
from backend.db import UtcDateTime, wake
from backend.errors import BadInput, NotFound
from backend.outbox.models import Delivery, DeliveryState
from backend.residents.models import Account

LEASE = timedelta(seconds=30)
ANSWERS_WITHIN = timedelta(minutes=10)
PAUSES = (1, 2, 5, 15, 60, 300, 900, 1800)
OPEN = (DeliveryState.QUEUED, DeliveryState.SENDING)


@dataclass(frozen=True)
class Quiet:
    """The local hours in which nobody is woken; ``begins`` is in the evening, ``ends`` in the morning."""

    begins: time
    ends: time
    zone: ZoneInfo

    def at(self, now: datetime) -> bool:
        local = now.astimezone(self.zone).time()
        if self.begins <= self.ends:
            return self.begins <= local < self.ends
        return local >= self.begins or local < self.ends


@dataclass(frozen=True)
class Outcome:
    """What a channel said of one attempt. ``retry_after`` in seconds, when the channel named a time."""

    kind: str
    external_id: str | None = None
    retry_after: float | None = None
    reason: str = ""


async def say(
    session: AsyncSession,
    conversation: Conversation,
    *,
    now: datetime,
    text: str,
    author: Author = Author.SYSTEM,
    buttons: list[dict[str, str]] | None = None,
    media: list[str] | None = None,
    staff_id: int | None = None,
    in_reply_to: int | None = None,
    urgent: bool = False,
    external_id: str | None = None,
) -> Message:
    """Write an outbound message and queue it; returns the message. The caller's transaction makes it real.

    ``urgent``: danger to somebody, which goes out at night too.
    """
    said = message(
        conversation,
        now=now,
        text=text,
        author=author,
        buttons=buttons,
        media=media,
        staff_id=staff_id,
        in_reply_to=in_reply_to,
        urgent=urgent,
        external_id=external_id,
    )
    await put(session, conversation, [said])
    return said


def message(
    conversation: Conversation,
    *,
    now: datetime,
    text: str,
    author: Author,
    buttons: list[dict[str, str]] | None = None,
    media: list[str] | None = None,
    staff_id: int | None = None,
    in_reply_to: int | None = None,
    urgent: bool = False,
    external_id: str | None = None,
) -> Message:
    """An outbound message that ``put`` will write."""
    return Message(
        conversation_id=conversation.id,
        external_id=external_id,
        author=author,
        staff_id=staff_id,
        kind=MessageKind.PHOTO if media else MessageKind.TEXT,
        text=text,
        buttons=buttons or [],
        payload=({"media": media} if media else {}) | ({"urgent": True} if urgent else {}),
        in_reply_to=in_reply_to,
        created_at=now,
    )


async def put(
    session: AsyncSession, conversation: Conversation, messages: list[Message], *, at_once: Collection[str] = ()
) -> None:
    """Write outbound messages in this order and queue each.

    ``at_once``: channels that read the record, so that what is written for them is delivered.
    """
    last = await next_sequence(session, conversation.id, count=len(messages))
    for sequence, message in enumerate(messages, start=last - len(messages) + 1):
        message.sequence = sequence
    session.add_all(messages)
    await session.flush()
    account = await session.get_one(Account, conversation.account_id)
    state = DeliveryState.HELD if account.blocked_at else DeliveryState.QUEUED
    if account.channel in at_once:
        state = DeliveryState.DELIVERED
    session.add_all(
        Delivery(
            conversation_id=conversation.id,
            message_id=message.id,
            channel=account.channel,
            address=account.address,
            state=state,
            attempts=1 if state is DeliveryState.DELIVERED else 0,
            next_at=message.created_at,
            delivered_at=message.created_at if state is DeliveryState.DELIVERED else None,
            created_at=message.created_at,
        )
        for message in messages
    )
    if state is DeliveryState.QUEUED:
        wake(session, "deliveries")
    wake(session, "console")


async def next_sequence(session: AsyncSession, conversation_id: int, *, count: int = 1, at: datetime | None = None) -> int:
    """Take the next ``count`` places in the conversation, and say which is the last of them; the row lock keeps two writers
    apart. ``at``: the resident wrote then."""
    given = {"of": conversation_id, "count": count} | ({"at": at} if at else {})
    taken = await session.scalar(_places(at is not None), given)
    if taken is None:
        raise NotFound
    return taken


@functools.cache
def _places(of_resident: bool) -> ReturningUpdate[tuple[int]]:
    table = Conversation.__table__  # not the mapped class, whose updates look for what they change in the session
    values: dict[str, Any] = {"last_sequence": table.c.last_sequence + bindparam("count", type_=Integer)}
    if of_resident:
        values["updated_at"] = bindparam("at", type_=UtcDateTime())
    return update(table).where(table.c.id == bindparam("of")).values(values).returning(table.c.last_sequence)


async def claim(
    session: AsyncSession, *, worker: str, channels: list[str], limit: int, now: datetime, quiet: Quiet | None = None
) -> list[tuple[Delivery, Message]]:
    """Lease the oldest open delivery of each conversation, oldest first, and return them with their messages.

    A conversation whose turn is running is left alone: what the turn says comes before what it caused. In ``quiet`` hours a
    push stays for the morning and lets answers pass: see ``_wakes``. In the morning they go out in their order.
    """
    night = quiet is not None and quiet.at(now)
    given = {"now": now, "recently": now - ANSWERS_WITHIN, "channels": channels, "limit": limit}
    rows = (await session.execute(_claimable(night), given)).all()
    for delivery, _ in rows:
        delivery.state = DeliveryState.SENDING
        delivery.worker = worker
        delivery.lease_until = now + LEASE
        delivery.attempts += 1
    return [(delivery, message) for delivery, message in rows]


@functools.cache
def _claimable(night: bool) -> Select[tuple[Delivery, Message]]:
    """What may be claimed, for {now, recently, channels, limit}: put together once, which takes longer than to run it."""
    now = bindparam("now", type_=UtcDateTime())
    earlier, turn = aliased(Delivery), aliased(Message)
    running = exists().where(
        turn.conversation_id == Delivery.conversation_id,
        is_open(turn),
        turn.turn_state == TurnState.RUNNING,
        turn.turn_lease_until > now,
    )
    before = [earlier.conversation_id == Delivery.conversation_id, earlier.id < Delivery.id, earlier.state.in_(OPEN)]
    if night:
        before.append(~_wakes(earlier))
    behind = exists().where(*before)
    free = (Delivery.state == DeliveryState.QUEUED) | (
        and_(Delivery.state == DeliveryState.SENDING, Delivery.lease_until <= now)
    )
    return (
        select(Delivery, Message)
        .join(Message, Message.id == Delivery.message_id)
        .where(
            Delivery.state.in_(OPEN),
            free,
            Delivery.next_at <= now,
            Delivery.channel.in_(bindparam("channels", expanding=True)),
            ~_wakes(Delivery) if night else true(),
            ~behind,
            ~running,
        )
        .order_by(Delivery.id)
        .limit(bindparam("limit", type_=Integer))
        .with_for_update(skip_locked=True, of=Delivery)
    )


def _wakes(delivery: Any) -> ColumnElement[bool]:
    """Whether this is a push that nobody waits for: said by the system, not urgent, no answer to a message, and the
    resident has not written ``recently``.
    """
    said, wrote = aliased(Message), aliased(Message)
    recently = exists().where(
        wrote.conversation_id == delivery.conversation_id,
        wrote.author == Author.RESIDENT,
        wrote.created_at > bindparam("recently", type_=UtcDateTime()),
    )
    return exists().where(
        said.id == delivery.message_id,
        said.author == Author.SYSTEM,
        said.in_reply_to.is_(None),
        said.payload["urgent"].as_boolean().is_not(True),
        ~recently,
    )


async def record(session: AsyncSession, delivery_id: int, *, worker: str, outcome: Outcome, now: datetime) -> Delivery:
    """Write down what became of an attempt. An answer that comes late, after another attempt, changes nothing."""
    delivery = await session.get(Delivery, delivery_id, with_for_update=True)
    if delivery is None:
        raise NotFound
    if delivery.state is not DeliveryState.SENDING or delivery.worker != worker:
        return delivery
    wake(session, "deliveries")  # the next one of this conversation may go
    delivery.worker = delivery.lease_until = None
    delivery.reason = outcome.reason[:200]
    match outcome.kind:
        case "delivered":
            delivery.state = DeliveryState.DELIVERED
            delivery.external_id = outcome.external_id
            delivery.delivered_at = now
        case "retry" if delivery.attempts <= len(PAUSES):
            pause = outcome.retry_after or PAUSES[delivery.attempts - 1]
            delivery.state = DeliveryState.QUEUED
            delivery.next_at = now + timedelta(seconds=pause)
        case "retry":
            delivery.state = DeliveryState.ASIDE
        case "failed":
            delivery.state = DeliveryState.FAILED
        case "blocked":
            delivery.state = DeliveryState.QUEUED
            await session.flush()
            await hold(session, channel=delivery.channel, address=delivery.address, now=now)
        case other:
            raise BadInput(code="unknown_outcome", outcome=other)
    return delivery


async def hold(session: AsyncSession, *, channel: str, address: str, now: datetime) -> None:
    """The resident has blocked us: what is queued for them, and what will be, is held until they have not."""
    here = (Account.channel == channel, Account.address == address)
    await session.execute(update(Account).where(*here, Account.blocked_at.is_(None)).values(blocked_at=now))
    await _turn(session, DeliveryState.QUEUED, DeliveryState.HELD, channel=channel, address=address)


async def let_go(session: AsyncSession, *, channel: str, address: str, now: datetime) -> None:
    """The resident may be written to again: what was held goes out, in its order."""
    here = (Account.channel == channel, Account.address == address)
    freed = await session.execute(update(Account).where(*here, Account.blocked_at.is_not(None)).values(blocked_at=None))
    if freed.rowcount:
        await _turn(session, DeliveryState.HELD, DeliveryState.QUEUED, channel=channel, address=address, next_at=now)
        wake(session, "deliveries")


async def _turn(
    session: AsyncSession, before: DeliveryState, after: DeliveryState, *, channel: str, address: str, **values: datetime
) -> None:
    theirs = (
        select(Conversation.id)
        .join(Account, Account.id == Conversation.account_id)
        .where(Account.channel == channel, Account.address == address)
    )
    await session.execute(
        update(Delivery)
        .where(Delivery.conversation_id.in_(theirs), Delivery.state == before)
        .values(state=after, **values)
        .execution_options(synchronize_session="fetch")
    )


async def release(session: AsyncSession, *, worker: str) -> int:
    """Free what ``worker`` had leased when it died; returns how many."""
    result = await session.execute(
        update(Delivery)
        .where(Delivery.state == DeliveryState.SENDING, Delivery.worker == worker)
        .values(state=DeliveryState.QUEUED, worker=None, lease_until=None)
    )
    return result.rowcount


async def undelivered(session: AsyncSession) -> dict[str, Any]:
    """Counts by state, for the console: {queued, sending, failed, aside, held}."""
    rows = await session.execute(select(Delivery.state, func.count()).group_by(Delivery.state))
    counts = {state.value: count for state, count in rows}
    return {state.value: counts.get(state.value, 0) for state in DeliveryState if state is not DeliveryState.DELIVERED}
