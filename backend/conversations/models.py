"""Conversations, every message in them, and who is speaking to the resident."""

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, Index, String, Text, UniqueConstraint, bindparam, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, BigId, HasId, words


class Holder(enum.StrEnum):
    """Who speaks. WAITING: a person was asked for and none has come yet, so the bot still answers."""

    BOT = "bot"
    WAITING = "waiting"
    STAFF = "staff"


class Author(enum.StrEnum):
    RESIDENT = "resident"
    BOT = "bot"
    STAFF = "staff"
    SYSTEM = "system"


class MessageKind(enum.StrEnum):
    TEXT = "text"
    PHOTO = "photo"
    LOCATION = "location"
    BUTTON = "button"
    FILE = "file"
    VIDEO = "video"
    VOICE = "voice"
    STICKER = "sticker"
    UNREADABLE = "unreadable"
    NOTE = "note"


class TurnState(enum.StrEnum):
    """The life of an inbound message: PENDING, RUNNING under a lease, then one of the last three."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    WITH_STAFF = "with_staff"
    HANDED_OVER = "handed_over"


class Conversation(HasId, Base):
    __tablename__ = "conversation"

    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), unique=True)
    tracker_key: Mapped[str] = mapped_column(String(64), unique=True)
    holder: Mapped[Holder] = mapped_column(words(Holder), default=Holder.BOT, index=True)
    desk_area_code: Mapped[str | None] = mapped_column(ForeignKey("area.code"), index=True)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    waiting_since: Mapped[datetime | None]
    last_area_code: Mapped[str | None] = mapped_column(ForeignKey("area.code"))
    last_sequence: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Message(HasId, Base):
    """One message, in either direction. ``sequence`` orders the conversation; NOTE is never shown to a resident."""

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("conversation_id", "sequence"),
        UniqueConstraint("conversation_id", "external_id"),
        Index(
            "ix_message_open_turn",
            "conversation_id",
            "sequence",
            sqlite_where=text("turn_state IN ('pending','running')"),
            postgresql_where=text("turn_state IN ('pending','running')"),
        ),
    )

    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"), index=True)
    sequence: Mapped[int]
    external_id: Mapped[str | None] = mapped_column(String(128))
    author: Mapped[Author] = mapped_column(words(Author))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    kind: Mapped[MessageKind] = mapped_column(words(MessageKind))
    text: Mapped[str] = mapped_column(Text, default="")
    buttons: Mapped[list[Any]] = mapped_column(default=list)
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    in_reply_to: Mapped[int | None] = mapped_column(BigId, index=True)
    created_at: Mapped[datetime]
    turn_state: Mapped[TurnState | None] = mapped_column(words(TurnState))
    turn_attempts: Mapped[int] = mapped_column(default=0)
    turn_worker: Mapped[str | None] = mapped_column(String(64))
    turn_lease_until: Mapped[datetime | None]
    turn_next_at: Mapped[datetime | None]


def is_open(message: Any) -> ColumnElement[bool]:
    """Whether a message's turn has not ended. The states stand in the statement, not beside it, for only so do the databases
    use the index of the open turns instead of reading every message."""
    states = bindparam("open_turns", [TurnState.PENDING, TurnState.RUNNING], expanding=True, literal_execute=True, unique=True)
    return message.turn_state.in_(states)
