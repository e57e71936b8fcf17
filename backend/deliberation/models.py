"""A matter that a neighbourhood talks over (议事): who was asked, what they said, who agrees, and what came of it."""

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, BigId, HasId, words


class DeliberationState(enum.StrEnum):
    """DRAFT until it is announced; OPEN until its end; CLOSED while staff write the summary; then PUBLISHED.

    EMPTY when it ended and nobody had said anything; CANCELLED, with a reason, before it was published.
    """

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"
    PUBLISHED = "published"
    EMPTY = "empty"
    CANCELLED = "cancelled"


class StatementState(enum.StrEnum):
    PENDING = "pending"
    PUBLIC = "public"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Refusal(enum.StrEnum):
    """Why a statement is not made public; the sentences stand in domain.yml as ``utter_name_statement_<reason>``."""

    OFF_TOPIC = "off_topic"
    PRIVATE = "private"
    INSULT = "insult"
    UNFOUNDED = "unfounded"
    ADVERT = "advert"
    REPEATED = "repeated"


class Stance(enum.StrEnum):
    SUPPORT = "support"
    OPPOSE = "oppose"


class Deliberation(HasId, Base):
    """``invited_at`` is when the people of the area were looked up; ``telling`` names the news that is being pushed, and those
    that come after it, with a space between."""

    __tablename__ = "deliberation"

    number: Mapped[str] = mapped_column(String(12), unique=True)
    state: Mapped[DeliberationState] = mapped_column(words(DeliberationState), index=True)
    area_code: Mapped[str] = mapped_column(ForeignKey("area.code"))
    area_path: Mapped[str] = mapped_column(String(200), index=True)
    title: Mapped[str] = mapped_column(String(60))
    background: Mapped[str] = mapped_column(Text)
    attachments: Mapped[list[Any]] = mapped_column(default=list)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime] = mapped_column(index=True)
    summary: Mapped[str] = mapped_column(Text, default="")
    resolution: Mapped[str] = mapped_column(Text, default="")
    reason: Mapped[str] = mapped_column(String(500), default="")
    telling: Mapped[str] = mapped_column(String(200), default="", index=True)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime]
    announced_at: Mapped[datetime | None]
    invited_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None] = mapped_column(index=True)


class Participant(HasId, Base):
    """A resident who is asked. ``declared``: nothing in the record ties them to the area, they said so themselves."""

    __tablename__ = "deliberation_participant"
    __table_args__ = (
        UniqueConstraint("deliberation_id", "resident_id"),
        Index(None, "deliberation_id", "told", "id"),
    )

    deliberation_id: Mapped[int] = mapped_column(ForeignKey("deliberation.id"))
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), index=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"), index=True)
    declared: Mapped[bool] = mapped_column(default=False)
    told: Mapped[str] = mapped_column(String(16), default="")
    at: Mapped[datetime]


class Statement(HasId, Base):
    """What a resident said. Only PUBLIC ones are shown to anybody but its author and staff."""

    __tablename__ = "deliberation_statement"
    __table_args__ = (Index(None, "deliberation_id", "state"),)

    deliberation_id: Mapped[int] = mapped_column(ForeignKey("deliberation.id"))
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), index=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"), index=True)
    text: Mapped[str] = mapped_column(Text)
    state: Mapped[StatementState] = mapped_column(words(StatementState), default=StatementState.PENDING)
    refusal: Mapped[Refusal | None] = mapped_column(words(Refusal))
    moderated_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    moderated_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    at: Mapped[datetime] = mapped_column(index=True)


class Voice(Base):
    """A resident's stance on a statement; the primary key is what keeps it to one."""

    __tablename__ = "deliberation_voice"

    statement_id: Mapped[int] = mapped_column(BigId, ForeignKey("deliberation_statement.id"), primary_key=True)
    resident_id: Mapped[int] = mapped_column(BigId, ForeignKey("resident.id"), primary_key=True, index=True)
    stance: Mapped[Stance] = mapped_column(words(Stance))
    at: Mapped[datetime]


class OutcomeKind(enum.StrEnum):
    VOTE = "vote"
    EVENT = "event"


class Outcome(Base):
    """What a resolution became: the number of a vote or of an event."""

    __tablename__ = "deliberation_outcome"

    kind: Mapped[OutcomeKind] = mapped_column(words(OutcomeKind), primary_key=True)
    number: Mapped[str] = mapped_column(String(12), primary_key=True)
    deliberation_id: Mapped[int] = mapped_column(ForeignKey("deliberation.id"), index=True)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    at: Mapped[datetime]


class DeliberationLog(HasId, Base):
    """Append-only: what was done, by whom, and what was refused."""

    __tablename__ = "deliberation_log"

    deliberation_id: Mapped[int] = mapped_column(ForeignKey("deliberation.id"), index=True)
    what: Mapped[str] = mapped_column(String(32))
    refused: Mapped[bool] = mapped_column(default=False)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    at: Mapped[datetime]
