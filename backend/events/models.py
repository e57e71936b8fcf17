"""The event: what a resident reported, who has it, and everything that happened to it."""

import enum
from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.catalogue.models import HandlerKind
from backend.db import Base, BigId, HasId, words


class EventState(enum.StrEnum):
    """Chinese names stand in docs/glossary.md and in the console's templates."""

    REPORTED = "reported"
    ACCEPTED = "accepted"
    DISPATCHED = "dispatched"
    IN_PROGRESS = "in_progress"
    HANDLED = "handled"
    VERIFYING = "verifying"
    CLOSED = "closed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    REOPENED = "reopened"


class ActorKind(enum.StrEnum):
    RESIDENT = "resident"
    STAFF = "staff"
    SYSTEM = "system"


class Event(HasId, Base):
    """``area_path`` is the path of its grid, or of its community while ``unplaced``; scope checks use it.

    ``handler``/``handler_code`` name the desk it lies on. ``level`` is the rung it has climbed to by being late
    or reopened. ``urgent``: reported as a danger to life. ``revision`` grows with every change and guards against
    two people deciding at once.
    """

    __tablename__ = "event"
    __table_args__ = (Index(None, "area_path", "state"), Index(None, "handler", "handler_code", "state"))

    number: Mapped[str] = mapped_column(String(12), unique=True)
    state: Mapped[EventState] = mapped_column(words(EventState), index=True)
    item_code: Mapped[str | None] = mapped_column(ForeignKey("item.code"), index=True)
    description: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(String(200))
    place: Mapped[dict[str, Any]] = mapped_column(default=dict)
    area_code: Mapped[str] = mapped_column(ForeignKey("area.code"), index=True)
    area_path: Mapped[str] = mapped_column(String(200))
    unplaced: Mapped[bool] = mapped_column(default=False)
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    anonymous: Mapped[bool] = mapped_column(default=False)
    urgent: Mapped[bool] = mapped_column(default=False)
    reporter_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"), index=True)
    reporter_staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversation.id"))
    message_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("message.id"))
    handler: Mapped[HandlerKind | None] = mapped_column(words(HandlerKind))
    handler_code: Mapped[str | None] = mapped_column(String(32))
    automatic: Mapped[bool] = mapped_column(default=False)
    level: Mapped[HandlerKind] = mapped_column(words(HandlerKind), default=HandlerKind.GRID)
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    escalate_at: Mapped[datetime | None] = mapped_column(index=True)
    verify_by: Mapped[datetime | None] = mapped_column(index=True)
    reopened: Mapped[int] = mapped_column(default=0)
    stars: Mapped[int | None]
    revision: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(index=True)
    updated_at: Mapped[datetime]


class EventTerm(Base):
    """A pair of characters, or a word of letters and digits, that stands in an event: what staff search by."""

    __tablename__ = "event_term"
    __table_args__ = ({"sqlite_with_rowid": False},)

    term: Mapped[str] = mapped_column(String(32).with_variant(String(32, collation="C"), "postgresql"), primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), primary_key=True, index=True)


class HistoryKind(enum.StrEnum):
    TRANSITION = "transition"
    ESCALATION = "escalation"
    URGE = "urge"
    SUPPLEMENT = "supplement"
    SUPPORT = "support"
    ASSIGNMENT = "assignment"
    RATING = "rating"
    COMMENT = "comment"
    ITEM = "item"
    CORRECTION = "correction"


class History(HasId, Base):
    """Append-only: every step with its actor, time, words and photos (media keys)."""

    __tablename__ = "event_history"

    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), index=True)
    kind: Mapped[HistoryKind] = mapped_column(words(HistoryKind))
    from_state: Mapped[EventState | None] = mapped_column(words(EventState))
    to_state: Mapped[EventState | None] = mapped_column(words(EventState))
    actor: Mapped[ActorKind] = mapped_column(words(ActorKind))
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    note: Mapped[str] = mapped_column(Text, default="")
    photos: Mapped[list[Any]] = mapped_column(default=list)
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    at: Mapped[datetime]


class EventPhoto(Base):
    __tablename__ = "event_photo"

    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), primary_key=True)
    media_key: Mapped[str] = mapped_column(ForeignKey("media.key"), primary_key=True)


class Supporter(Base):
    """A neighbour who joined (附议): receives the same pushes."""

    __tablename__ = "event_supporter"

    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"))
    at: Mapped[datetime]


class Urge(Base):
    """催办: at most one a day (local) per event."""

    __tablename__ = "event_urge"

    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"))


class AssignmentState(enum.StrEnum):
    OPEN = "open"
    DONE = "done"
    RETURNED = "returned"


class Assignment(HasId, Base):
    """A desk that works on the event: the lead, and any department called in (会办), each with a due time."""

    __tablename__ = "event_assignment"
    __table_args__ = (UniqueConstraint("event_id", "handler", "handler_code", "round"),)

    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), index=True)
    round: Mapped[int] = mapped_column(default=1)
    lead: Mapped[bool] = mapped_column(default=True)
    handler: Mapped[HandlerKind] = mapped_column(words(HandlerKind))
    handler_code: Mapped[str] = mapped_column(String(32), index=True)
    state: Mapped[AssignmentState] = mapped_column(words(AssignmentState), default=AssignmentState.OPEN)
    handled_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    result: Mapped[str] = mapped_column(Text, default="")
    due_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class EventWithheld(HasId, Base):
    """A personal number that somebody of the staff wrote into a note of an event: masked there, in the vault in full."""

    __tablename__ = "event_withheld"

    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), index=True)
    item_id: Mapped[int] = mapped_column(BigId, unique=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
