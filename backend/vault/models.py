"""What is kept encrypted, and who has looked at it."""

import enum
from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, BigId, HasId, words


class Secret(enum.StrEnum):
    """What kind of personal data it is."""

    IDENTITY = "identity"
    BANK = "bank"
    PHONE = "phone"
    NAME = "name"
    WORDS = "words"


class VaultItem(HasId, Base):
    """One encrypted value. ``lookup`` is a keyed hash: equal values are found by it, nothing is read from it."""

    __tablename__ = "vault_item"
    __table_args__ = (Index("ix_vault_item_found", "lookup", "kind"),)

    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"), index=True)
    message_id: Mapped[int | None] = mapped_column(BigId, index=True)
    kind: Mapped[Secret] = mapped_column(words(Secret))
    key_id: Mapped[str] = mapped_column(String(16), index=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    lookup: Mapped[str] = mapped_column(String(64))
    masked: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]


class VaultUncovering(HasId, Base):
    """A staff member has seen a value in full, and why. Never deleted."""

    __tablename__ = "vault_uncovering"

    item_id: Mapped[int] = mapped_column(BigId, index=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    reason: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]
