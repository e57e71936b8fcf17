"""What staff proposed to a resident in a conversation, and what became of it."""

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, HasId, words


class ProposalKind(enum.StrEnum):
    EVENT = "event"
    SUBSIDY = "subsidy"
    VOTE = "vote"


class ProposalState(enum.StrEnum):
    """OPEN waits for the resident's word on a summary, QUEUED for the one before it to be answered. JOINED: it was a
    neighbour's matter, or one of the resident's own, that is under way. SENT: a talk about a subsidy was begun, or a ballot's
    card shown, which have confirmations of their own.
    """

    QUEUED = "queued"
    OPEN = "open"
    SENT = "sent"
    CONFIRMED = "confirmed"
    JOINED = "joined"
    CHANGED = "changed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    FAILED = "failed"


class Proposal(HasId, Base):
    """``content`` is what the resident is shown; ``target`` the subsidy's code or the vote's number; ``number`` the
    event's that was filed or joined; ``reason`` why filing failed.
    """

    __tablename__ = "proposal"

    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"), index=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    kind: Mapped[ProposalKind] = mapped_column(words(ProposalKind))
    state: Mapped[ProposalState] = mapped_column(words(ProposalState))
    content: Mapped[dict[str, Any]] = mapped_column(default=dict)
    target: Mapped[str] = mapped_column(String(64), default="")
    number: Mapped[str] = mapped_column(String(16), default="")
    reason: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
