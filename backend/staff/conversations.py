"""The conversation desk: residents who wait for a person, and who talks with whom."""

from datetime import datetime
from typing import Any

from sqlalchemy import Text, case, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations import service
from backend.conversations.models import Conversation, Holder, Message, MessageKind
from backend.errors import Conflict, NotFound
from backend.feedback import service as feedback
from backend.grids.models import Area
from backend.media import service as media
from backend.outbox.models import Delivery
from backend.residents.models import Account, Resident
from backend.staff.events import staff_names
from backend.staff.models import Staff
from backend.staff.schemas import (
    CodeAndName,
    ConversationCard,
    ConversationPage,
    MediaItem,
    TranscriptMessage,
)
from backend.staff.scope import Scope
from wording import Sentences

SHOWN = 200


async def on_desk(session: AsyncSession, scope: Scope, *, limit: int = 200) -> list[ConversationCard]:
    """The conversations that wait or are held: waiting first, the longest wait on top; then mine; then others'."""
    order = case((Conversation.holder == Holder.WAITING, 0), (Conversation.staff_id == scope.staff_id, 1), else_=2)
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
        .where(Message.conversation_id == row.id, Message.kind != MessageKind.NOTE)
        .order_by(Message.sequence.desc())
        .limit(1)
    )
    return {
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
    types = await media.types(session, [key for m in messages for key in m.payload.get("media") or []])
    rows = await session.execute(
        select(Delivery.message_id, Delivery.state).where(Delivery.message_id.in_([m.id for m in messages]))
    )
    deliveries = dict(rows.all())
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
                edited=bool(m.payload.get("edited")),
                meant=meant.get(m.id),
                delivery=deliveries.get(m.id),
            )
            for m in messages
        ],
        earlier=earlier,
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
