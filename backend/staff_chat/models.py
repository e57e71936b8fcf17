"""Links of staff accounts to a messenger, what was heard there, and what is on its way there."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, BigId, HasId, words
from backend.outbox.models import DeliveryState


class StaffChat(HasId, Base):
    """A private chat that belongs to a staff account. ``working``: what is typed there is work; else it is the person's own
    talk as a resident. ``conversation_id``: to whom what is typed goes. ``nights``: tell everything at night too.
    """

    __tablename__ = "staff_chat"
    __table_args__ = (UniqueConstraint("channel", "address"),)

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), unique=True)
    channel: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(String(128))
    working: Mapped[bool] = mapped_column(default=True)
    nights: Mapped[bool] = mapped_column(default=False)
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversation.id", ondelete="SET NULL"))
    linked_at: Mapped[datetime]


class StaffTalk(Base):
    """A conversation that is followed in a chat: the resident's messages above ``sequence`` are still to be passed on."""

    __tablename__ = "staff_talk"

    chat_id: Mapped[int] = mapped_column(ForeignKey("staff_chat.id", ondelete="CASCADE"), primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"), primary_key=True)
    sequence: Mapped[int]


class LinkCode(Base):
    """The one code of an account that can be used once, known by its SHA-256."""

    __tablename__ = "staff_link_code"

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime]


class LinkTry(HasId, Base):
    """A wrong code, kept for throttling."""

    __tablename__ = "staff_link_try"

    address: Mapped[str] = mapped_column(String(128), index=True)
    at: Mapped[datetime] = mapped_column(index=True)


class StaffHeard(HasId, Base):
    """A message that was taken as work, so that its repeat does nothing."""

    __tablename__ = "staff_heard"
    __table_args__ = (UniqueConstraint("channel", "address", "external_id"),)

    channel: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(String(128))
    external_id: Mapped[str] = mapped_column(String(128))
    at: Mapped[datetime] = mapped_column(index=True)


class StaffPush(HasId, Base):
    """One message to a chat, of a staff account where one is linked. Its words go when it is delivered."""

    __tablename__ = "staff_push"
    __table_args__ = (
        UniqueConstraint("staff_id", "notice_id"),
        Index(
            "ix_staff_push_open",
            "address",
            "id",
            sqlite_where=text("state IN ('queued','sending')"),
            postgresql_where=text("state IN ('queued','sending')"),
        ),
    )

    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    channel: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(String(128))
    notice_id: Mapped[int | None] = mapped_column(BigId)
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"), index=True)
    text: Mapped[str] = mapped_column(Text)
    buttons: Mapped[list[Any]] = mapped_column(default=list)
    media: Mapped[list[Any]] = mapped_column(default=list)
    state: Mapped[DeliveryState] = mapped_column(words(DeliveryState), default=DeliveryState.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[datetime | None]
    next_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(index=True)
