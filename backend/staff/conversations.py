"""The conversation desk: residents who wait for a person, and who talks with whom."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Text, and_, case, cast, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations import service
from backend.conversations.models import Author, Conversation, Holder, Message, MessageKind
from backend.desk import answers
from backend.desk import service as visits
from backend.desk.models import Visit
from backend.desk.service import SELF_HARM
from backend.errors import BadInput, Conflict, NotFound
from backend.feedback import service as feedback
from backend.grids import service as grids
from backend.grids.models import Area, Level
from backend.media import service as files
from backend.media.models import Media
from backend.outbox.models import Delivery
from backend.residents.models import Account, Resident
from backend.staff.events import staff_names
from backend.staff.models import Staff
from backend.staff.schemas import (
    CodeAndName,
    ConversationCard,
    ConversationPage,
    MediaItem,
    Offer,
    TranscriptMessage,
)
from backend.staff.scope import DESK_ROLES, Scope
from backend.vault import service as vaults
from backend.vault.numbers import Found
from backend.vault.service import Vault
from wording import Sentences

SHOWN = 200
MOST_FILES = 9


async def on_desk(session: AsyncSession, scope: Scope, *, limit: int = 200) -> list[ConversationCard]:
    """The conversations that wait or are held: waiting first, the longest wait on top; then mine; then others'."""
    in_danger = exists().where(Visit.conversation_id == Conversation.id, Visit.ended_at.is_(None), Visit.reason == SELF_HARM)
    order = case(
        (and_(Conversation.holder == Holder.WAITING, in_danger), -1),
        (Conversation.holder == Holder.WAITING, 0),
        (Conversation.staff_id == scope.staff_id, 1),
        else_=2,
    )
    rows = await session.scalars(
        select(Conversation)
        .where(scope.conversations(), Conversation.holder != Holder.BOT)
        .order_by(order, Conversation.waiting_since, Conversation.id)
        .limit(limit)
    )
    return [ConversationCard.model_validate(await _facts(session, scope, row)) for row in rows]


async def waiting(session: AsyncSession, scope: Scope) -> int:
    """How many residents wait on this person's desk."""
    return (
        await session.scalar(
            select(func.count()).select_from(Conversation).where(scope.conversations(), Conversation.holder == Holder.WAITING)
        )
        or 0
    )


async def by_id(session: AsyncSession, scope: Scope, conversation_id: int) -> Conversation:
    """Return the conversation. Raises NotFound outside the scope."""
    found = await session.scalar(select(Conversation).where(Conversation.id == conversation_id, scope.conversations()))
    if found is None:
        raise NotFound("没有找到这段对话。")
    return found


async def _facts(session: AsyncSession, scope: Scope, row: Conversation) -> dict[str, Any]:
    resident = await session.get_one(Resident, row.resident_id)
    account = await session.get_one(Account, row.account_id)
    area = await session.get(Area, row.desk_area_code) if row.desk_area_code else None
    holder = await session.get(Staff, row.staff_id) if row.staff_id else None
    last = await session.scalar(
        select(Message)
        .where(
            Message.conversation_id == row.id,
            Message.kind != MessageKind.NOTE,
            Message.author.in_((Author.RESIDENT, Author.STAFF)),
        )
        .order_by(Message.sequence.desc())
        .limit(1)
    )
    visit = await session.scalar(select(Visit).where(Visit.conversation_id == row.id, Visit.ended_at.is_(None)))
    return {
        "reason": visit.reason if visit else "",
        "conversation_id": row.id,
        "holder": row.holder,
        "held_by": holder.name if holder else None,
        "mine": row.staff_id == scope.staff_id,
        "resident": resident.display_name or None,
        "channel": account.channel,
        "desk": CodeAndName(code=area.code, name=area.name) if area else None,
        "waiting_since": row.waiting_since if row.holder is Holder.WAITING else None,
        "last_at": last.created_at if last else row.updated_at,
        "last_text": words_of(last)[:80] if last else "",
    }


def words_of(message: Message) -> str:
    """What was said; for a button, its title."""
    return (message.payload.get("title") or "") if message.kind is MessageKind.BUTTON else message.text


async def page(session: AsyncSession, scope: Scope, row: Conversation, *, before: int | None = None) -> ConversationPage:
    """The conversation with its last messages (those below sequence ``before``), notes and undelivered ones marked."""
    query = select(Message).where(Message.conversation_id == row.id).order_by(Message.sequence.desc()).limit(SHOWN + 1)
    if before is not None:
        query = query.where(Message.sequence < before)
    messages = list(await session.scalars(query))
    earlier = len(messages) > SHOWN
    messages = messages[:SHOWN][::-1]
    names = await staff_names(session, {message.staff_id for message in messages})
    types = await files.types(session, [key for m in messages for key in m.payload.get("media") or []])
    rows = await session.execute(
        select(Delivery.message_id, Delivery.state).where(Delivery.message_id.in_([m.id for m in messages]))
    )
    deliveries = dict(rows.all())
    transfer = await visits.offered(session, row.id)
    giver = await session.get(Staff, transfer.from_staff_id) if transfer else None
    taker = await session.get(Staff, transfer.to_staff_id) if transfer and transfer.to_staff_id else None
    place = await session.get(Area, transfer.to_area_code) if transfer and transfer.to_area_code else None
    meant = await feedback.marked(session, [m.id for m in messages])
    return ConversationPage(
        **await _facts(session, scope, row),
        messages=[
            TranscriptMessage(
                message_id=m.id,
                sequence=m.sequence,
                at=m.created_at,
                author=m.author,
                name=names.get(m.staff_id),
                kind=m.kind,
                text=words_of(m),
                buttons=[button["title"] for button in m.buttons],
                media=[MediaItem(key=key, mime=types.get(key, "")) for key in m.payload.get("media") or []],
                location=m.payload.get("location"),
                danger=bool(m.payload.get("danger")),
                edited=bool(m.payload.get("edited")),
                meant=meant.get(m.id),
                delivery=deliveries.get(m.id),
            )
            for m in messages
        ],
        earlier=earlier,
        offer=Offer(
            by=giver.name,
            to=taker.name if taker else f"{place.name}值班台" if place else "",
            reason=transfer.reason,
            may_accept=visits.is_for(transfer, scope),
            mine=transfer.from_staff_id == scope.staff_id,
        )
        if transfer and giver
        else None,
        may_claim=row.holder is Holder.WAITING,
        may_reply=row.holder is Holder.STAFF and row.staff_id == scope.staff_id,
    )


async def claim(session: AsyncSession, scope: Scope, row: Conversation, *, sentences: Sentences, now: datetime) -> None:
    """Take the conversation. Raises Conflict, which names the colleague who was quicker."""
    try:
        await service.claim_conversation(
            session, row, staff_id=scope.staff_id, staff_name=scope.name, sentences=sentences, now=now
        )
    except Conflict as error:
        holder_id = error.details.pop("staff_id", None)
        if error.code == "already_taken" and holder_id is not None:
            holder = await session.get_one(Staff, holder_id)
            raise Conflict(f"{holder.name}已经在接待这位居民了。", code=error.code, held_by=holder.name) from None
        raise
    await visits.claimed(session, row, staff_id=scope.staff_id, now=now)


@dataclass(frozen=True)
class Sealed:
    """The numbers that were masked in a text, and the vault that keeps them."""

    vault: Vault
    found: list[Found]


async def reply(
    session: AsyncSession,
    scope: Scope,
    row: Conversation,
    *,
    text: str,
    note: bool,
    now: datetime,
    once: str = "",
    sealed: Sealed | None = None,
    media: list[str] | None = None,
) -> None:
    """Answer the resident, with files or with files alone, or keep a note; raises what ``service.reply`` raises, BadInput for
    a placeholder left, for nothing to say, and for files that cannot be sent.

    The record holds the text with its numbers masked; the resident reads those of an answer in full. A note's count as
    the resident's own.
    """
    if note and media:
        raise BadInput("备注里只能写文字。", code="note_with_file", fields=["media"])
    if not text.strip() and not media:
        raise BadInput("请先写内容。", fields=["text"])
    if not note:
        answers.check(text)
    message = await service.reply(session, row, staff_id=scope.staff_id, text=text, note=note, now=now, once=once, media=media)
    if media:
        await _give(session, row, media)
    if sealed and sealed.found and "sealed" not in (message.payload or {}):
        owner = row.resident_id if note else None
        kept = await vaults.keep(session, sealed.vault, sealed.found, resident_id=owner, message_id=message.id, now=now)
        message.payload = (message.payload or {}) | {"sealed": [item.id for item in kept]}
    if not note:
        await visits.answered(session, row, now=now)


async def _give(session: AsyncSession, row: Conversation, keys: list[str]) -> None:
    """Files that are sent to a resident are the resident's: they go with their data. Raises BadInput for unknown ones."""
    if len(keys) > MOST_FILES or len(await files.types(session, keys)) < len(set(keys)):
        raise BadInput("有照片或文件没有上传成功，请重新上传。", fields=["media"])
    await session.execute(update(Media).where(Media.key.in_(keys)).values(resident_id=row.resident_id))


async def uploaded(session: AsyncSession, row: Conversation, keys: list[str]) -> None:
    """Raises BadInput for keys that are neither of files that staff uploaded nor this resident's."""
    mine = or_(Media.resident_id.is_(None), Media.resident_id == row.resident_id)
    if set(keys) - set(await session.scalars(select(Media.key).where(Media.key.in_(keys), mine))):
        raise BadInput("有照片或文件没有上传成功，请重新上传。", fields=["media"])


async def give_back(session: AsyncSession, scope: Scope, row: Conversation, *, sentences: Sentences, now: datetime) -> None:
    """Let the bot speak again and take up the form that was under way; raises what ``service.give_back`` raises."""
    visit = await visits.open_of(session, row.id)
    await service.give_back(
        session, row, staff_id=scope.staff_id, sentences=sentences, now=now, visit_id=visit.id if visit else None
    )
    await visits.end(session, row, now=now)


async def receivers(session: AsyncSession, scope: Scope, row: Conversation) -> list[CodeAndName]:
    """To whom the holder may transfer: the desks above and in the community, then colleagues at those desks.

    A code is ``area:CODE`` or ``staff:ID``.
    """
    chain = await grids.ancestors(session, row.desk_area_code or scope.area_code or "")
    community = next((area for area in chain if area.level is Level.COMMUNITY), None)
    areas = [area for area in chain if area.level not in (Level.CITY, Level.GRID)]
    if community is not None:
        inside = select(Area).where(Area.parent_code == community.code, Area.level == Level.GRID).order_by(Area.code)
        areas += list(await session.scalars(inside))
    people = await session.scalars(
        select(Staff)
        .where(
            Staff.area_code.in_([area.code for area in areas]),
            Staff.role.in_(DESK_ROLES),
            Staff.disabled_at.is_(None),
            Staff.id != scope.staff_id,
        )
        .order_by(Staff.id)
        .limit(SHOWN)
    )
    names = {area.code: area.name for area in areas}
    return [CodeAndName(code=f"area:{area.code}", name=f"{area.name}值班台") for area in areas] + [
        CodeAndName(code=f"staff:{one.id}", name=f"{one.name}（{names[one.area_code]}）") for one in people
    ]


async def offer(session: AsyncSession, scope: Scope, row: Conversation, *, to: str, reason: str, now: datetime) -> None:
    """Offer the resident to ``to``, a code of ``receivers``. Raises BadInput for another, and what ``visits.offer`` raises."""
    if to not in {choice.code for choice in await receivers(session, scope, row)}:
        raise BadInput("请选择转给谁。", fields=["to"])
    kind, _, code = to.partition(":")
    await visits.offer(
        session,
        row,
        scope=scope,
        to_staff_id=int(code) if kind == "staff" else None,
        to_area_code=code if kind == "area" else None,
        reason=reason,
        now=now,
    )


async def mark(session: AsyncSession, scope: Scope, row: Conversation, message_id: int, intent: str, *, now: datetime) -> None:
    """Say what a message of this conversation meant. Raises NotFound for another's, and what ``feedback.mark`` raises."""
    message = await session.get(Message, message_id)
    if message is None or message.conversation_id != row.id:
        raise NotFound("没有找到这条消息。")
    await feedback.mark(session, message_id, intent, scope.staff_id, now)


async def photo_in_scope(session: AsyncSession, scope: Scope, key: str, conversation_id: int) -> bool:
    """Whether the file was sent in this conversation and the conversation is within ``scope``."""
    found = await session.scalar(
        select(Message.id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(
            Conversation.id == conversation_id,
            scope.conversations(),
            cast(Message.payload, Text).contains(f'"{key}"', autoescape=True),
        )
        .limit(1)
    )
    return found is not None
