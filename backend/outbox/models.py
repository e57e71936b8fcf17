"""What waits to be delivered to residents, in order for each conversation."""

import enum
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, HasId, words


class DeliveryState(enum.StrEnum):
    """QUEUED, SENDING under a lease, then DELIVERED; FAILED for good with a reason; ASIDE for a person to see; HELD while the
    resident has blocked us, and QUEUED again when they have not."""

    QUEUED = "queued"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"
    ASIDE = "aside"
    HELD = "held"


class Delivery(HasId, Base):
    """One outbound message on its way. Deliveries of one conversation go out in order of ``id``, one at a time."""

    __tablename__ = "delivery"
    __table_args__ = (
        Index(
            "ix_delivery_open",
            "conversation_id",
            "id",
            sqlite_where=text("state IN ('queued','sending')"),
            postgresql_where=text("state IN ('queued','sending')"),
        ),
    )

    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"))
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"), unique=True)
    channel: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(String(128))
    state: Mapped[DeliveryState] = mapped_column(words(DeliveryState), default=DeliveryState.QUEUED, index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[datetime | None]
    next_at: Mapped[datetime]
    external_id: Mapped[str | None] = mapped_column(String(128))
    reason: Mapped[str] = mapped_column(String(200), default="")
    delivered_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
