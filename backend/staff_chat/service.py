"""What staff do in a messenger: switch roles, claim, answer, note, give back; and what they are told there."""

import re
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, exists, false, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from backend.conversations.models import Author, Conversation, Holder, Message, MessageKind
from backend.conversations.service import Inbound
from backend.desk import service as visits
from backend.errors import LinlitongError, TooMany
from backend.events.service import Desk
from backend.grids.models import Area
from backend.localtime import say_moment
from backend.outbox.service import ANSWERS_WITHIN
from backend.residents.models import Resident
from backend.staff import conversations as talks
from backend.staff import service as accounts
from backend.staff.conversations import Sealed
from backend.staff.models import Staff, StaffNotice
from backend.staff.scope import Scope, scope_of
from backend.staff_chat import linking
from backend.staff_chat.linking import WrongCode
from backend.staff_chat.models import StaffChat, StaffHeard, StaffPush, StaffTalk
from backend.staff_chat.pushes import push, skip, to_address
from backend.staff_chat.said import button, say

CHANNELS = frozenset({"telegram"})
SENDABLE = frozenset({MessageKind.TEXT, MessageKind.PHOTO, MessageKind.FILE, MessageKind.VIDEO})
COMMAND = re.compile(r"/(staff|resident|unlink)(?:@\w+)?(?:\s+(.*))?", re.IGNORECASE | re.DOTALL)
PRESSED = re.compile(r'/desk\{"do": ?"(claim|accept|return|talk)", ?"id": ?"(\d{1,18})"\}')
NOTE = re.compile(r"(?:[#＃]|备注[:：])\s*")
BEFORE = 8  # messages that are shown when a conversation is claimed
LINE = 200
CHOICES = 6
HEARD_KEPT = timedelta(days=3)
NEWS_KEPT = timedelta(hours=12)
TALKS = timedelta(hours=1)


async def take(session: AsyncSession, inbound: Inbound, *, desk: Desk, sealed: Sealed) -> bool | None:
    """Take a message as work; returns whether it is a repeat, None when it is not work but a resident's.

    Work is: a command of ours, a button of ours, and anything that is not another button while the chat is in the staff
    role. An account that was disabled is out: its chat is a resident's from then on.
    """
    command, pressed = _command(inbound), _pressed(inbound)
    found = (
        await session.execute(
            select(StaffChat, Staff)
            .join(Staff, Staff.id == StaffChat.staff_id)
            .where(StaffChat.channel == inbound.channel, StaffChat.address == inbound.address)
        )
    ).first()
    chat, staff = found or (None, None)
    typed = chat is not None and chat.working and inbound.kind is not MessageKind.BUTTON
    if not (command or pressed or typed):
        return None
    if await _heard(session, inbound, now=desk.now):
        return True
    if chat is not None and staff.disabled_at is not None:
        await session.delete(chat)
        to_address(session, inbound.channel, inbound.address, say("closed"), now=desk.now)
        chat = None
        if not command:
            return False
    if command and (chat is None or command[2]):
        await _link(session, inbound, command[1].lower(), (command[2] or "").strip(), desk=desk)
    elif chat is None:
        to_address(session, inbound.channel, inbound.address, say("unlinked"), now=desk.now)
    else:
        scope = await scope_of(session, staff)
        await _work(session, chat, scope, inbound, desk=desk, sealed=sealed)
    return False


def _command(inbound: Inbound) -> re.Match[str] | None:
    return COMMAND.fullmatch(inbound.text.strip()) if inbound.kind is MessageKind.TEXT else None


def _pressed(inbound: Inbound) -> re.Match[str] | None:
    return PRESSED.fullmatch(inbound.text) if inbound.kind is MessageKind.BUTTON else None


async def _heard(session: AsyncSession, inbound: Inbound, *, now: datetime) -> bool:
    """Whether this message was taken before; if not, it is from now on."""
    try:
        async with session.begin_nested():
            session.add(StaffHeard(channel=inbound.channel, address=inbound.address, external_id=inbound.external_id, at=now))
            await session.flush()
    except IntegrityError:
        return True
    await session.execute(delete(StaffHeard).where(StaffHeard.at < now - HEARD_KEPT))
    return False


async def _link(session: AsyncSession, inbound: Inbound, command: str, code: str, *, desk: Desk) -> None:
    channel, address, now = inbound.channel, inbound.address, desk.now
    if command != "staff" or not code:
        to_address(session, channel, address, say("unlinked"), now=now)
        return
    try:
        chat, staff, elsewhere = await linking.link(session, channel=channel, address=address, code=code, now=now)
    except TooMany:
        to_address(session, channel, address, say("too_many"), now=now)
    except WrongCode:
        await linking.failed(session, address=address, now=now)
        to_address(session, channel, address, say("wrong_code"), now=now)
    else:
        if elsewhere is not None:
            to_address(session, elsewhere.channel, elsewhere.address, say("moved"), now=now)
        push(session, chat, say("linked", staff.name, await accounts.scope_name(session, staff)), now=now)


async def _work(
    session: AsyncSession,
    chat: StaffChat,
    scope: Scope,
    inbound: Inbound,
    *,
    desk: Desk,
    sealed: Sealed,
) -> None:
    """A message of a linked account that may work."""
    command, pressed = _command(inbound), _pressed(inbound)
    match command[1].lower() if command else "":
        case "staff":
            chat.working = True
            await _tell_status(session, chat, scope, now=desk.now)
            return
        case "resident":
            chat.working = False
            push(session, chat, say("now_resident"), now=desk.now)
            return
        case "unlink":
            await linking.unlink(session, chat.staff_id)
            to_address(session, chat.channel, chat.address, say("unlinked_now"), now=desk.now)
            return
    if pressed:
        chat.working = True
        try:
            async with session.begin_nested():
                await _press(session, chat, scope, pressed[1], int(pressed[2]), desk=desk)
        except LinlitongError as refused:
            push(session, chat, say("not_done", refused.sentence), now=desk.now)
    elif inbound.edited:
        push(session, chat, say("edited"), now=desk.now)
    elif inbound.kind not in SENDABLE or inbound.refused:
        push(session, chat, say("not_sendable"), now=desk.now)
    else:
        await _say(session, chat, scope, inbound, desk=desk, sealed=sealed)


async def _press(session: AsyncSession, chat: StaffChat, scope: Scope, what: str, conversation_id: int, *, desk: Desk) -> None:
    row = await talks.by_id(session, scope, conversation_id)
    who = await _name(session, row)
    match what:
        case "claim":
            await talks.claim(session, scope, row, sentences=desk.sentences, now=desk.now)
            await _begin(session, chat, row, who, now=desk.now)
        case "accept":
            await visits.accept(session, row, scope=scope, desk=desk)
            await _begin(session, chat, row, who, now=desk.now)
        case "talk" if _mine(row, scope):
            await _follow(session, chat, row)
            push(session, chat, say("switched", who), now=desk.now, buttons=[button("return", row.id)])
        case "return":
            await talks.give_back(session, scope, row, sentences=desk.sentences, now=desk.now)
            if chat.conversation_id == row.id:
                chat.conversation_id = None
            push(session, chat, say("given_back", who), now=desk.now, buttons=await _choices(session, scope, but=row.id))
        case _:
            push(session, chat, say("nobody"), now=desk.now, buttons=await _choices(session, scope))


def _mine(row: Conversation | None, scope: Scope) -> bool:
    return row is not None and row.holder is Holder.STAFF and row.staff_id == scope.staff_id


async def _begin(session: AsyncSession, chat: StaffChat, row: Conversation, who: str, *, now: datetime) -> None:
    """Talk with this resident from now on, with what was said before."""
    rows = await session.scalars(
        select(Message)
        .where(Message.conversation_id == row.id, Message.kind != MessageKind.NOTE)
        .order_by(Message.sequence.desc())
        .limit(BEFORE)
    )
    lines = [f"{say('said_by', m.author.value)}：{_words(m)[:LINE]}" for m in list(rows)[::-1]]
    await _follow(session, chat, row)
    push(
        session,
        chat,
        say("claimed", who, lines),
        now=now,
        buttons=[button("return", row.id)],
        conversation_id=row.id,
    )


async def _follow(session: AsyncSession, chat: StaffChat, row: Conversation) -> None:
    """What is typed goes to this resident, and their further messages come here."""
    chat.conversation_id = row.id
    if await session.get(StaffTalk, (chat.id, row.id)) is None:
        session.add(StaffTalk(chat_id=chat.id, conversation_id=row.id, sequence=row.last_sequence))
    await session.flush()


def _words(message: Message) -> str:
    return talks.words_of(message) or say("kind", message.kind.value)


async def _name(session: AsyncSession, row: Conversation) -> str:
    resident = await session.get_one(Resident, row.resident_id)
    return resident.display_name or say("resident")


async def _say(session: AsyncSession, chat: StaffChat, scope: Scope, inbound: Inbound, *, desk: Desk, sealed: Sealed) -> None:
    """An answer to the resident of this chat, or a note about them."""
    row = await session.get(Conversation, chat.conversation_id) if chat.conversation_id else None
    if row is None or not _mine(row, scope):
        chat.conversation_id = None
        push(session, chat, say("nobody"), now=desk.now, buttons=await _choices(session, scope))
        return
    prefix = NOTE.match(inbound.text)
    text = inbound.text[prefix.end() :] if prefix else inbound.text
    who = await _name(session, row)
    if not text.strip() and not inbound.media:
        push(session, chat, say("empty_note" if prefix else "not_sendable"), now=desk.now)
        return
    try:
        async with session.begin_nested():
            await talks.reply(
                session,
                scope,
                row,
                text=text[:4000],
                note=prefix is not None,
                now=desk.now,
                once=f"{inbound.channel}:{inbound.external_id}"[:64],
                sealed=sealed,
                media=inbound.media,
            )
    except LinlitongError as refused:
        push(session, chat, say("refused", refused.sentence), now=desk.now)
        return
    buttons = [button("return", row.id)]
    push(session, chat, say("noted" if prefix else "sent", who), now=desk.now, buttons=buttons)


async def _choices(session: AsyncSession, scope: Scope, *, but: int | None = None) -> list[dict[str, str]]:
    """Buttons to go on with those who are held, then to claim those who wait."""
    cards = [card for card in await talks.on_desk(session, scope, limit=50) if card.conversation_id != but]
    mine = [card for card in cards if card.mine and card.holder is Holder.STAFF]
    waiting = [card for card in cards if card.holder is Holder.WAITING]
    found = [button("talk", card.conversation_id, card.resident or say("resident")) for card in mine]
    return [*found, *(button("claim", card.conversation_id) for card in waiting[:1])][:CHOICES]


async def _tell_status(session: AsyncSession, chat: StaffChat, scope: Scope, *, now: datetime) -> None:
    row = await session.get(Conversation, chat.conversation_id) if chat.conversation_id else None
    talking = await _name(session, row) if row is not None and _mine(row, scope) else ""
    waiting = await talks.waiting(session, scope)
    buttons = await _choices(session, scope)
    push(session, chat, say("status", scope.name, talking, waiting), now=now, buttons=buttons)


def _active() -> ColumnElement[bool]:
    return exists().where(Staff.id == StaffChat.staff_id, Staff.disabled_at.is_(None))


def _asleep(desk: Desk) -> ColumnElement[bool]:
    """Whether this chat is left in peace now: it is night, its owner has not asked for everything, nor written just now."""
    if not desk.quiet.at(desk.now):
        return false()
    wrote = (
        exists()
        .where(
            StaffHeard.channel == StaffChat.channel,
            StaffHeard.address == StaffChat.address,
            StaffHeard.at > desk.now - ANSWERS_WITHIN,
        )
        .correlate(StaffChat)
    )
    return and_(~StaffChat.nights, ~wrote)


def _news(desk: Desk) -> ColumnElement[bool]:
    """The notices about conversations that this chat has not been told and may be told now."""
    told = (
        exists()
        .where(StaffPush.staff_id == StaffChat.staff_id, StaffPush.notice_id == StaffNotice.id)
        .correlate(StaffChat, StaffNotice)
    )
    return and_(
        StaffNotice.staff_id == StaffChat.staff_id,
        StaffNotice.conversation_id.is_not(None),
        StaffNotice.created_at > desk.now - NEWS_KEPT,
        StaffNotice.created_at >= StaffChat.linked_at,
        ~told,
        or_(StaffNotice.wakes, ~_asleep(desk)),
    )


def _followed(desk: Desk) -> ColumnElement[bool]:
    """The residents' messages that are to be passed on to this chat now. At night it is those of a resident of whom one
    tells of danger, or to whom the chat's owner has written within TALKS.
    """
    said, told = aliased(Message), aliased(Message)
    in_talk = (
        exists()
        .where(said.conversation_id == Conversation.id, said.staff_id == StaffChat.staff_id, said.created_at > desk.now - TALKS)
        .correlate(Conversation, StaffChat)
    )
    danger = (
        exists()
        .where(
            told.conversation_id == Conversation.id,
            told.sequence > StaffTalk.sequence,
            told.payload["danger"].as_boolean().is_(True),
        )
        .correlate(Conversation, StaffTalk)
    )
    return and_(
        StaffTalk.chat_id == StaffChat.id,
        Conversation.id == StaffTalk.conversation_id,
        Conversation.holder == Holder.STAFF,
        Conversation.staff_id == StaffChat.staff_id,
        Message.conversation_id == Conversation.id,
        Message.sequence > StaffTalk.sequence,
        Message.author == Author.RESIDENT,
        or_(~_asleep(desk), in_talk, danger),
    )


def has_news(desk: Desk) -> ColumnElement[bool]:
    """The condition under which a chat has something to be told."""
    return and_(_active(), or_(exists().where(_news(desk)), exists().where(_followed(desk))))


async def tell_news(session: AsyncSession, chat: StaffChat, *, desk: Desk) -> None:
    """Pass on the notices and the residents' messages that this chat has not had yet, in order."""
    staff = await session.get_one(Staff, chat.staff_id)
    scope = await scope_of(session, staff)
    here = StaffChat.id == chat.id
    notices = await session.scalars(select(StaffNotice).where(here, _news(desk)).order_by(StaffNotice.id))
    for notice in list(notices):
        await _tell_notice(session, chat, scope, notice, desk=desk)
    rows = await session.execute(select(Message, StaffTalk, Conversation).where(here, _followed(desk)).order_by(Message.id))
    for message, talk, row in rows.all():
        push(
            session,
            chat,
            say("relayed", await _name(session, row), _words(message)),
            now=desk.now,
            buttons=[] if chat.conversation_id == row.id else [button("talk", row.id, await _name(session, row))],
            media=message.payload.get("media") or [],
            conversation_id=row.id,
        )
        talk.sequence = max(talk.sequence, message.sequence)
    await session.flush()


async def _tell_notice(session: AsyncSession, chat: StaffChat, scope: Scope, notice: StaffNotice, *, desk: Desk) -> None:
    """One that has waited says since when; one that has been settled meanwhile is not told any more."""
    row = await session.get_one(Conversation, notice.conversation_id)
    area = await session.get(Area, row.desk_area_code) if row.desk_area_code else None
    transfer = await visits.offered(session, row.id)
    buttons = []
    if row.holder is Holder.WAITING:
        buttons = [button("claim", row.id)]
    elif transfer is not None and visits.is_for(transfer, scope):
        buttons = [button("accept", row.id)]
    waited = desk.now - notice.created_at > ANSWERS_WITHIN
    if waited and not (buttons or notice.wakes or _mine(row, scope)):
        skip(session, chat, notice.id, now=desk.now)
        return
    at = say_moment(notice.created_at, now=desk.now, zone=desk.zone) if waited else ""
    text = say("notice", notice.text, await _name(session, row), area.name if area else "", at)
    push(session, chat, text, now=desk.now, buttons=buttons, notice_id=notice.id, conversation_id=row.id)


async def in_both_roles(session: AsyncSession, channel_addresses: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of the chats that also belong to a staff account: there a resident's message says so."""
    addresses = {address for channel, address in channel_addresses if channel in CHANNELS}
    if not addresses:
        return set()
    rows = await session.execute(
        select(StaffChat.channel, StaffChat.address)
        .join(Staff, Staff.id == StaffChat.staff_id)
        .where(StaffChat.address.in_(addresses), Staff.disabled_at.is_(None))
    )
    return {(channel, address) for channel, address in rows} & channel_addresses
