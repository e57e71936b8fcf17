"""Residents, known by the channel account they write from and by nothing else."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, HasId


class Resident(HasId, Base):
    """A person who wrote to us. ``display_name`` is what the channel says they are called, if anything."""

    __tablename__ = "resident"

    display_name: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


class Account(HasId, Base):
    """Where a resident can be reached. ``address`` is the chat id, or the hash of a web device's token."""

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("channel", "address"),)

    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), index=True)
    channel: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(String(128))
    blocked_at: Mapped[datetime | None]
