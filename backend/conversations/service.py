"""The way of a message: accepted once, taken up in order, answered in one transaction, never left in silence."""

import functools
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Integer, Select, and_, bindparam, exists, or_, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from backend.conversations import typed
from backend.conversations.models import Author, Conversation, Holder, Message, MessageKind, TurnState, is_open
from backend.db import UtcDateTime, lock, wake
from backend.errors import Conflict, NotFound
from backend.grids.calendar import Calendar
from backend.grids.models import Area, Level
from backend.localtime import say_moment
from backend.outbox import service as outbox
from backend.residents.models import Account, Resident
from backend.vault.numbers import UNSEEN
from wording import Sentences

LEASE = timedelta(seconds=30)
PAUSES = (1, 2, 5, 10, 20, 30, 60, 120)
OPEN = (TurnState.PENDING, TurnState.RUNNING)
TEXT_LIMIT = 10_000
WATCH_TRIES = 4
WARN_AGAIN = timedelta(minutes=10)
ENGINE_TEXT = {
    MessageKind.PHOTO: "/share_photo",
    MessageKind.LOCATION: "/share_location",
    MessageKind.FILE: "/share_file",
    MessageKind.VIDEO: "/share_file",
    MessageKind.VOICE: "/share_voice",
    MessageKind.STICKER: "/share_sticker",
    MessageKind.UNREADABLE: "/share_unreadable",
    MessageKind.NOTE: "/resume",  # a turn of our own: what was begun before a person came is taken up again
}


@dataclass(frozen=True)
class Inbound:
    """What a channel received, in the channel's own words. ``refused``: a photo or file of it could not be taken."""

    channel: str
    external_id: str
    address: str
    kind: MessageKind
    text: str = ""
    title: str = ""
    display_name: str = ""
    media: list[str] = field(default_factory=list)
    location: dict[str, float] | None = None
    edited: bool = False
    refused: bool = False


@dataclass(frozen=True)
class Accepted:
    """A message as it was stored. Its turn is running when ``worker`` was to take it up and it may begin."""

    message: Message
    conversation: Conversation
    repeat: bool


async def accept(session: AsyncSession, inbound: Inbound, *, now: datetime, worker: str = "") -> Accepted:
    """Store an inbound message, once. A repeat (same channel, address and external id) returns the first row.

    Its turn is leased to ``worker``, unless an earlier one of the conversation is open.
    """
    conversation = await _conversation(session, inbound, now=now)
    await lock(session, conversation)
    account = await session.get_one(Account, conversation.account_id)
    if account.blocked_at is not None:  # someone who writes has not blocked us
        await outbox.let_go(session, channel=inbound.channel, address=inbound.address, now=now)
    given = {"conversation_id": conversation.id, "external_id": inbound.external_id}
    related = (await session.scalars(_related(), given)).all()
    known = next((message for message in related if message.external_id == inbound.external_id), None)
    if known is not None:
        return Accepted(known, conversation, repeat=True)
    with_staff = conversation.holder is Holder.STAFF
    message = Message(
        conversation_id=conversation.id,
        sequence=await outbox.next_sequence(session, conversation.id, at=now),
        external_id=inbound.external_id,
        author=Author.RESIDENT,
        kind=inbound.kind,
        text=readable(inbound.text),
        payload={
            "title": readable(inbound.title),
            "media": inbound.media,
            "location": inbound.location,
            "edited": inbound.edited,
        }
        | ({"refused": True} if inbound.refused else {}),
        created_at=now,
        turn_state=TurnState.PENDING if not with_staff or inbound.kind is MessageKind.TEXT else TurnState.WITH_STAFF,
        turn_attempts=0,
        turn_next_at=now,
    )
    if worker and not related and message.turn_state is TurnState.PENDING:
        _lease(message, worker, now=now)
    session.add(message)
    await session.flush()
    wake(session, "console")
    if with_staff:
        wake(session, "staff chat")
    return Accepted(message, conversation, repeat=False)


@functools.cache
def _related() -> Select[tuple[Message]]:
    """A conversation's message of that external id, and its open turns: two looks, for only so each uses its index."""
    here = Message.conversation_id == bindparam("conversation_id")
    known = select(Message.id).where(here, Message.external_id == bindparam("external_id"))
    return select(Message).where(Message.id.in_(union_all(known, select(Message.id).where(here, is_open(Message)))))


def readable(text: str) -> str:
    """The text without NUL, zero-width and direction marks, and not longer than TEXT_LIMIT characters."""
    return text.translate(UNSEEN)[:TEXT_LIMIT].strip()


async def _conversation(session: AsyncSession, inbound: Inbound, *, now: datetime) -> Conversation:
    found = await find(session, channel=inbound.channel, address=inbound.address)
    if found is not None:
        return found
    resident = Resident(display_name=readable(inbound.display_name)[:64], created_at=now)
    session.add(resident)
    await session.flush()
    account = Account(resident_id=resident.id, channel=inbound.channel, address=inbound.address)
    session.add(account)
    await session.flush()
    conversation = Conversation(
        resident_id=resident.id,
        account_id=account.id,
        tracker_key=secrets.token_hex(16),
        holder=Holder.BOT,
        last_sequence=0,
        created_at=now,
        updated_at=now,
    )
    session.add(conversation)
    await session.flush()
    return conversation


async def opened(session: AsyncSession, *, channel: str, address: str, now: datetime) -> Conversation:
    """The conversation of a channel account, begun where it has never written."""
    return await _conversation(session, Inbound(channel, "", address, MessageKind.TEXT), now=now)


async def find(session: AsyncSession, *, channel: str, address: str) -> Conversation | None:
    """Return the conversation of a channel account, or None when it has never written; looked for once in a transaction."""
    known = session.info.setdefault("conversations", {})
    if (channel, address) not in known:
        rows = await session.execute(_found(), {"channel": channel, "address": address})
        if (found := rows.one_or_none()) is None:
            return None
        known[channel, address] = found  # with the account, which the session would forget
    return known[channel, address][0]


@functools.cache
def _found() -> Select[tuple[Conversation, Account]]:
    return (
        select(Conversation, Account)  # with the account, which is asked for next
        .join(Account, Account.id == Conversation.account_id)
        .where(Account.channel == bindparam("channel"), Account.address == bindparam("address"))
    )


_BY_TRACKER_KEY = select(Conversation).where(Conversation.tracker_key == bindparam("tracker_key"))


async def by_tracker_key(session: AsyncSession, tracker_key: str) -> Conversation:
    """Return the conversation that Rasa knows as ``tracker_key``. Raises NotFound."""
    found = await session.scalar(_BY_TRACKER_KEY, {"tracker_key": tracker_key})
    if found is None:
        raise NotFound
    return found


def engine_text(message: Message) -> str:
    """What Rasa is given: a payload for everything that is not typed; a typed slash is no command."""
    if message.kind is MessageKind.TEXT:
        return message.text.replace("/", "／", 1) if message.text.startswith("/") else message.text
    if message.kind is MessageKind.BUTTON:
        return message.text
    return ENGINE_TEXT[message.kind]


@dataclass(frozen=True)
class Turn:
    """One inbound message that the bot is to answer. ``pressed`` is the payload of the button that it names.

    ``watch``: a person answers it; the engine only says whether it tells of danger.
    """

    message: Message
    conversation: Conversation
    pressed: str | None = None
    watch: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The turn as the gateway and the engine need it; see docs/architecture.md."""
        message, conversation = self.message, self.conversation
        payload = message.payload
        return {
            "message_id": message.id,
            "conversation_id": conversation.id,
            "tracker_key": conversation.tracker_key,
            "kind": message.kind.value,
            "text": self.pressed or engine_text(message),
            "attempts": message.turn_attempts,
            "watch": self.watch,
            "metadata": {
                "message_id": message.id,
                "conversation": conversation.tracker_key,
                "kind": message.kind.value,
                "text": message.text if message.kind is not MessageKind.BUTTON else payload.get("title", ""),
                "media": payload.get("media") or [],
                "location": payload.get("location"),
                "sent_at": message.created_at.isoformat(),
                "edited": bool(payload.get("edited")),
                "waiting": conversation.holder is Holder.WAITING,
            },
        }


async def claim_turns(
    session: AsyncSession,
    *,
    worker: str,
    limit: int,
    sentences: Sentences,
    now: datetime,
) -> list[Turn]:
    """Lease the oldest open turn of each conversation. Of a conversation that a person took, words are leased to be watched for
    danger, and everything else is passed on.
    """
    rows = await session.execute(_claimable(), {"now": now, "limit": limit})
    turns = []
    for message, conversation in rows.all():
        if conversation.holder is Holder.STAFF and message.kind is not MessageKind.TEXT:
            message.turn_state = TurnState.WITH_STAFF
            continue
        _lease(message, worker, now=now)
        turns.append(await turn_of(session, message, conversation, sentences=sentences))
    return turns


def _lease(message: Message, worker: str, *, now: datetime) -> None:
    message.turn_state = TurnState.RUNNING
    message.turn_worker = worker
    message.turn_lease_until = now + LEASE
    message.turn_attempts += 1


async def turn_of(session: AsyncSession, message: Message, conversation: Conversation, *, sentences: Sentences) -> Turn:
    """The turn of a message that was leased."""
    watch = conversation.holder is Holder.STAFF
    pressed = None
    if message.kind is MessageKind.TEXT and not watch:
        waiting = conversation.holder is Holder.WAITING
        pressed = await typed.press(session, message, sentences=sentences, waiting=waiting)
    return Turn(message, conversation, pressed, watch)


@functools.cache
def _claimable() -> Select[tuple[Message, Conversation]]:
    """What may be claimed, for {now, limit}: put together once, which takes longer than to run it."""
    now = bindparam("now", type_=UtcDateTime())
    earlier, listed = aliased(Message), aliased(Message)
    open_turns = select(listed.id).where(is_open(listed))
    behind = exists().where(
        earlier.conversation_id == Message.conversation_id,
        earlier.sequence < Message.sequence,
        is_open(earlier),
    )
    ready = or_(
        and_(Message.turn_state == TurnState.PENDING, Message.turn_next_at <= now),
        and_(Message.turn_state == TurnState.RUNNING, Message.turn_lease_until <= now),
    )
    return (
        select(Message, Conversation)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Message.id.in_(open_turns), ready, ~behind)
        .order_by(Message.id)
        .limit(bindparam("limit", type_=Integer))
        .with_for_update(skip_locked=True, of=Message)
    )


@dataclass(frozen=True)
class Ending:
    """A message whose turn ends, and where it was written."""

    message: Message
    conversation: Conversation
    account: Account


async def ending(session: AsyncSession, message_id: int) -> Ending:
    """The message with its conversation, both locked. Raises NotFound where it has no turn."""
    row = (await session.execute(_ending(), {"message_id": message_id})).one_or_none()
    if row is None or row[0].turn_state is None:
        raise NotFound
    return Ending(*row)


@functools.cache
def _ending() -> Select[tuple[Message, Conversation, Account]]:
    return (
        select(Message, Conversation, Account)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .join(Account, Account.id == Conversation.account_id)
        .where(Message.id == bindparam("message_id"))
        .with_for_update(of=[Message, Conversation])
    )


async def finish_turn(
    session: AsyncSession,
    turn: Ending,
    *,
    replies: list[dict[str, Any]],
    sentences: Sentences,
    now: datetime,
    watched: bool = False,
    danger: bool = False,
    at_once: Collection[str] = (),
) -> list[Message]:
    """Store the bot's replies and end the turn; returns the message with its replies, or nothing when nothing was written,
    because the turn had ended already or a person took the conversation meanwhile. ``at_once``: see ``outbox.say``.

    The first answer a resident ever gets comes with one line on what is kept: see ``with_privacy``.
    """
    message, conversation = turn.message, turn.conversation
    if message.turn_state not in OPEN:
        return []
    if conversation.holder is Holder.STAFF:
        end_turn(message, TurnState.WITH_STAFF)
        if danger:
            await warn(session, conversation, message, sentences=sentences, now=now)
        return []
    if watched:  # the person has just gone: the bot answers after all
        end_turn(message, TurnState.PENDING)
        message.turn_next_at = now
        wake(session, "turns")
        return []
    if message.payload.get("refused"):
        replies = [{"text": sentences.say("utter_media_refused").text}, *replies]
    if message.sequence == 1:
        replies = with_privacy(replies, sentences)
    if conversation.last_sequence > message.sequence:
        wake(session, "turns")  # something waits behind it
    said = [
        outbox.message(
            conversation,
            now=now,
            author=Author.BOT,
            text=reply.get("text") or "",
            buttons=reply.get("buttons"),
            media=reply.get("media"),
            in_reply_to=message.id,
        )
        for reply in replies
    ]
    end_turn(message, TurnState.DONE)
    if said:
        await outbox.put(session, conversation, said, at_once=at_once)
    return [message, *said]


def with_privacy(replies: list[dict[str, Any]], sentences: Sentences) -> list[dict[str, Any]]:
    """The first answer with the line on what is kept: below it, or in a question whose buttons are to stay at hand."""
    line = sentences.say("utter_privacy").text
    if replies and replies[-1].get("buttons"):
        return [*replies[:-1], replies[-1] | {"text": f"{replies[-1].get('text') or ''}\n\n{line}"}]
    return [*replies, {"text": line}]


async def warn(
    session: AsyncSession, conversation: Conversation, message: Message, *, sentences: Sentences, now: datetime
) -> None:
    """Danger in words that a person is to answer: the numbers to call come at once, at most every WARN_AGAIN, marked as
    the program's; the message is marked for the person.
    """
    message.payload = message.payload | {"danger": True}
    wake(session, "console")
    recent = await session.scalars(
        select(Message)
        .where(
            Message.conversation_id == conversation.id,
            Message.author == Author.SYSTEM,
            Message.created_at > now - WARN_AGAIN,
        )
        .order_by(Message.sequence.desc())
    )
    if not any(m.payload.get("urgent") for m in recent):
        text = sentences.say("utter_danger_with_person").text
        await outbox.say(session, conversation, now=now, text=text, in_reply_to=message.id, urgent=True)


async def fail_turn(session: AsyncSession, message_id: int, *, sentences: Sentences, now: datetime) -> tuple[TurnState, float]:
    """Put a turn that could not be answered back in line; returns its state and the seconds until it is tried again.

    From the second failure on, or when the first took long, the resident is told once. When every try is used up
    the conversation goes to a person.
    """
    message = await session.get(Message, message_id, with_for_update=True)
    if message is None or message.turn_state is None:
        raise NotFound
    if message.turn_state is not TurnState.RUNNING:
        return message.turn_state, 0.0
    conversation = await session.get_one(Conversation, message.conversation_id)
    if conversation.holder is Holder.STAFF and (message.turn_attempts >= WATCH_TRIES or message.kind is not MessageKind.TEXT):
        end_turn(message, TurnState.WITH_STAFF)
        return message.turn_state, 0.0
    if message.turn_attempts > len(PAUSES):
        end_turn(message, TurnState.HANDED_OVER)
        await ask_for_person(session, conversation, now=now)
        await outbox.say(session, conversation, now=now, text=sentences.say("utter_handed_over_after_failure").text)
        return message.turn_state, 0.0
    slow = now - message.created_at > timedelta(seconds=5)
    told = message.payload.get("told") or conversation.holder is Holder.STAFF
    if not told and (message.turn_attempts >= 2 or slow):
        message.payload = message.payload | {"told": True}
        await outbox.say(session, conversation, now=now, text=sentences.say("utter_delayed").text)
    pause = PAUSES[message.turn_attempts - 1]
    message.turn_state = TurnState.PENDING
    message.turn_worker = message.turn_lease_until = None
    message.turn_next_at = now + timedelta(seconds=pause)
    return message.turn_state, float(pause)


def end_turn(message: Message, state: TurnState) -> None:
    """The message's turn, leased or not, is in ``state`` from now on."""
    message.turn_state = state
    message.turn_worker = message.turn_lease_until = message.turn_next_at = None


async def release_turns(session: AsyncSession, *, worker: str) -> int:
    """Free the turns that ``worker`` held when it died; returns how many."""
    result = await session.execute(
        update(Message)
        .where(is_open(Message), Message.turn_state == TurnState.RUNNING, Message.turn_worker == worker)
        .values(turn_state=TurnState.PENDING, turn_worker=None, turn_lease_until=None)
    )
    wake(session, "turns")
    return result.rowcount


async def feed(session: AsyncSession, conversation_id: int, *, after: int, limit: int) -> list[Message]:
    """Messages that the resident may see, in order, with ``sequence`` above ``after``."""
    rows = await session.scalars(
        select(Message)
        .where(
            Message.conversation_id == conversation_id,
            Message.sequence > after,
            Message.kind != MessageKind.NOTE,
        )
        .order_by(Message.sequence)
        .limit(limit)
    )
    return list(rows)


async def newest(session: AsyncSession, conversation_id: int, *, before: int, last: int) -> list[Message]:
    """The ``last`` messages below the sequence ``before`` that the resident may see, in order."""
    rows = await session.scalars(
        select(Message)
        .where(
            Message.conversation_id == conversation_id,
            Message.sequence < before,
            Message.kind != MessageKind.NOTE,
        )
        .order_by(Message.sequence.desc())
        .limit(last)
    )
    return list(rows)[::-1]


async def ask_for_person(
    session: AsyncSession, conversation: Conversation, *, now: datetime, area_code: str | None = None
) -> bool:
    """Put the conversation on a desk; returns False when it was there already. The bot goes on until one comes."""
    await lock(session, conversation)
    if conversation.holder is Holder.BOT or conversation.desk_area_code is None:
        conversation.desk_area_code = area_code or conversation.last_area_code or conversation.desk_area_code
    wake(session, "console")
    if conversation.holder is not Holder.BOT:
        return False
    conversation.holder = Holder.WAITING
    conversation.waiting_since = now
    wake(session, "desk")
    return True


async def no_person(session: AsyncSession, conversation: Conversation, *, now: datetime) -> bool:
    """Take the request for a person back; returns False when nobody is waited for, or somebody has come."""
    await lock(session, conversation)
    if conversation.holder is not Holder.WAITING:
        return False
    conversation.holder = Holder.BOT
    conversation.waiting_since = None
    conversation.updated_at = now
    wake(session, "console")
    wake(session, "desk")
    return True


async def claim_conversation(
    session: AsyncSession, conversation: Conversation, *, staff_id: int, staff_name: str, sentences: Sentences, now: datetime
) -> None:
    """Give the conversation to one staff member; from now on the bot is silent.

    Raises Conflict when someone else has it (details name who) or nobody was asked for.
    """
    taken = await session.execute(
        update(Conversation)
        .where(Conversation.id == conversation.id, Conversation.holder == Holder.WAITING)
        .values(holder=Holder.STAFF, staff_id=staff_id, updated_at=now)
    )
    await session.refresh(conversation)
    if taken.rowcount == 0:
        if conversation.holder is Holder.STAFF and conversation.staff_id == staff_id:
            return
        raise Conflict(
            "这段对话已经有同事在接待了。" if conversation.holder is Holder.STAFF else "这位居民没有在等人工。",
            code="already_taken" if conversation.holder is Holder.STAFF else "not_waiting",
            staff_id=conversation.staff_id,
        )
    await session.execute(
        update(Message)
        .where(
            Message.conversation_id == conversation.id,
            Message.turn_state == TurnState.PENDING,
            Message.kind != MessageKind.TEXT,
        )
        .values(turn_state=TurnState.WITH_STAFF)
    )
    await outbox.say(session, conversation, now=now, text=sentences.say("utter_person_joined", name=staff_name).text)
    wake(session, "console")


async def reply(
    session: AsyncSession,
    conversation: Conversation,
    *,
    staff_id: int,
    text: str,
    note: bool,
    now: datetime,
    once: str = "",
    media: list[str] | None = None,
) -> Message:
    """Say something as the staff member who holds the conversation, or keep an internal note.

    What was said under the same ``once`` is not said again. Raises Conflict when another or nobody holds it.
    """
    await lock(session, conversation)
    external_id = f"staff:{staff_id}:{once}" if once else None
    if external_id is not None:
        known = await session.scalar(
            select(Message).where(Message.conversation_id == conversation.id, Message.external_id == external_id)
        )
        if known is not None:
            return known
    if note:
        message = Message(
            conversation_id=conversation.id,
            sequence=await outbox.next_sequence(session, conversation.id),
            external_id=external_id,
            author=Author.STAFF,
            staff_id=staff_id,
            kind=MessageKind.NOTE,
            text=readable(text),
            created_at=now,
        )
        session.add(message)
        await session.flush()
        wake(session, "console")
        return message
    if conversation.holder is not Holder.STAFF or conversation.staff_id != staff_id:
        raise Conflict("请先接待这段对话，再回复居民。", code="not_holder")
    return await outbox.say(
        session,
        conversation,
        now=now,
        author=Author.STAFF,
        staff_id=staff_id,
        text=readable(text),
        media=media,
        external_id=external_id,
    )


async def give_back(
    session: AsyncSession,
    conversation: Conversation,
    *,
    staff_id: int,
    sentences: Sentences,
    now: datetime,
    visit_id: int | None = None,
) -> None:
    """End the talk and let the bot speak again; the resident is told and may say how it was.

    Raises Conflict unless ``staff_id`` holds it.
    """
    await lock(session, conversation)
    if conversation.holder is not Holder.STAFF or conversation.staff_id != staff_id:
        raise Conflict("这段对话不在您手上。", code="not_holder")
    conversation.holder = Holder.BOT
    conversation.staff_id = conversation.waiting_since = None
    conversation.updated_at = now
    said = sentences.say("utter_person_left" if visit_id is None else "utter_person_left_rate", visit=visit_id)
    await outbox.say(session, conversation, now=now, text=said.text, buttons=said.buttons)
    wake(session, "console")


async def desk_of(
    session: AsyncSession, conversation: Conversation, *, calendar: Calendar, now: datetime, zone: ZoneInfo
) -> dict[str, Any]:
    """Where a person is waited for: {community, phone, open, opens} with ``opens`` in local words, "" while open."""
    area = await session.get(Area, conversation.desk_area_code) if conversation.desk_area_code else None
    above = await session.get(Area, area.parent_code) if area and area.level is Level.GRID and area.parent_code else None
    name = area.name if area else ""
    if above is not None and not name.startswith(above.name):
        name = above.name + name
    is_open = calendar.is_open(now)
    return {
        "community": name,
        "phone": (area.phone or (above.phone if above else "")) if area else "",
        "open": is_open,
        "opens": "" if is_open else say_moment(calendar.next_opening(now), now=now, zone=zone),
    }
