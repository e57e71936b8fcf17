"""Text messages on their way. Neither a phone number nor words stand here: both lie in the vault."""

import enum
from datetime import datetime

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, BigId, HasId, words


class SmsState(enum.StrEnum):
    """QUEUED, SENDING under a lease, then SENT (the gateway has taken it) or FAILED for good with a reason."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


class Sms(HasId, Base):
    """One text message. ``key`` is what the caller and the gateway know it by: the same one is never sent twice.

    ``lookup`` is the keyed hash of the number. ``text_id`` is gone from here and from the vault once it is sent or failed.
    """

    __tablename__ = "sms"
    __table_args__ = (
        Index(
            "ix_sms_open",
            "next_at",
            sqlite_where=text("state IN ('queued','sending')"),
            postgresql_where=text("state IN ('queued','sending')"),
        ),
        Index("ix_sms_phone", "lookup", "created_at"),
    )

    key: Mapped[str] = mapped_column(String(64), unique=True)
    phone_id: Mapped[int] = mapped_column(BigId)
    lookup: Mapped[str] = mapped_column(String(64))
    text_id: Mapped[int | None] = mapped_column(BigId)
    state: Mapped[SmsState] = mapped_column(words(SmsState))
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    good_until: Mapped[datetime]
    external_id: Mapped[str] = mapped_column(String(64), default="")
    reason: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
