"""Which message was misunderstood and what it meant."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, HasId


class Misunderstood(HasId, Base):
    """A staff member's word on one message. It goes when the message goes."""

    __tablename__ = "misunderstood"

    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), unique=True)
    intent: Mapped[str] = mapped_column(String(32))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    at: Mapped[datetime]
