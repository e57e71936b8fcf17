"""Marking a message as misunderstood, and giving the marked ones out as examples."""

import enum
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Author, Conversation, Message, MessageKind
from backend.errors import BadInput, NotFound
from backend.feedback.masking import masked
from backend.feedback.models import Misunderstood
from backend.staff.models import Staff
from backend.staff.scope import scope_of


class Intent(enum.StrEnum):
    """What a resident can want; the names are those of domain.yml."""

    REPORT_ISSUE = "report_issue"
    ASK_LEGAL = "ask_legal"
    APPLY_SUBSIDY = "apply_subsidy"
    VOTE = "vote"
    GIVE_OPINION = "give_opinion"
    ASK_STATUS = "ask_status"
    REQUEST_HUMAN = "request_human"
    ASK_GUIDE = "ask_guide"
    EMERGENCY = "emergency"
    GREET = "greet"
    GOODBYE = "goodbye"
    THANK = "thank"
    AFFIRM = "affirm"
    DENY = "deny"
    CANCEL = "cancel"
    OUT_OF_SCOPE = "out_of_scope"


async def mark(session: AsyncSession, message_id: int, intent: str, staff_id: int, now: datetime) -> None:
    """Say what a resident's message meant; a later word replaces an earlier one. Raises BadInput for an unknown intent,
    NotFound when this person may not see the conversation or the message is no text of a resident.
    """
    if intent not in set(Intent):
        raise BadInput("请选择这句话真正的意思。", code="unknown_intent")
    scope = await scope_of(session, await session.get_one(Staff, staff_id))
    visible = await session.scalar(
        select(Message.id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(
            Message.id == message_id,
            Message.author == Author.RESIDENT,
            Message.kind == MessageKind.TEXT,
            scope.conversations(),
        )
    )
    if visible is None:
        raise NotFound("没有找到这条消息。")
    row = await session.scalar(select(Misunderstood).where(Misunderstood.message_id == message_id))
    if row is None:
        row = Misunderstood(message_id=message_id)
        session.add(row)
    row.intent, row.staff_id, row.at = intent, staff_id, now
    await session.flush()


async def marked(session: AsyncSession, message_ids: list[int]) -> dict[int, str]:
    """Return {message id: intent} of those that were marked."""
    rows = await session.execute(
        select(Misunderstood.message_id, Misunderstood.intent).where(Misunderstood.message_id.in_(message_ids))
    )
    return dict(rows.all())


async def export(session: AsyncSession) -> list[tuple[str, str]]:
    """(intent, masked text) of each marked message, each pair once, by intent and then by when the message was sent."""
    rows = await session.execute(
        select(Misunderstood.intent, Message.text)
        .join(Message, Message.id == Misunderstood.message_id)
        .order_by(Misunderstood.intent, Message.id)
    )
    return list(dict.fromkeys((intent, text) for intent, raw in rows if (text := masked(raw))))
