"""Who wants to hear about which area of law, what is sent to them and when, and what became of it."""

import enum
from datetime import datetime

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, HasId, words
from backend.legal.areas import LawArea


class BroadcastState(enum.StrEnum):
    """SCHEDULED until its time, SENDING while subscribers are still to be told, then SENT; CANCELLED before it began."""

    SCHEDULED = "scheduled"
    SENDING = "sending"
    SENT = "sent"
    CANCELLED = "cancelled"


class Subscription(HasId, Base):
    """A resident's wish to hear about a topic, in the conversation it was said in."""

    __tablename__ = "subscription"
    __table_args__ = (UniqueConstraint("resident_id", "topic"),)

    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"))
    topic: Mapped[LawArea] = mapped_column(words(LawArea), index=True)
    at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]


class Broadcast(HasId, Base):
    """One piece of legal advice for everyone: a title that is pushed, and a text that is read when asked for."""

    __tablename__ = "broadcast"

    topic: Mapped[LawArea] = mapped_column(words(LawArea))
    title: Mapped[str] = mapped_column(String(60))
    text: Mapped[str] = mapped_column(Text)
    due_at: Mapped[datetime] = mapped_column(index=True)
    state: Mapped[BroadcastState] = mapped_column(words(BroadcastState), index=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


class BroadcastCopy(HasId, Base):
    """What one subscriber was sent; the message's delivery says whether it arrived."""

    __tablename__ = "broadcast_copy"
    __table_args__ = (UniqueConstraint("broadcast_id", "resident_id"),)

    broadcast_id: Mapped[int] = mapped_column(ForeignKey("broadcast.id"))
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), index=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"))
    read_at: Mapped[datetime | None]
