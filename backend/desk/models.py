"""What the desk keeps beside the conversation: visits, offers of transfer, hours of its own, quick answers."""

from datetime import date, datetime, time

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, HasId


class Visit(HasId, Base):
    """One request for a person. At most one of a conversation is open (``ended_at`` is NULL).

    ``staff_id`` is the first responder; ``answered_at`` their first words. ``told_ahead`` is the place in the queue that
    the resident was last told, counted from 0. ``open_at_ask``: somebody should have been there when it was asked.
    ``overdue_at``: when the published minutes of its first desk had run out and nobody had come.
    """

    __tablename__ = "desk_visit"
    __table_args__ = (
        Index(
            "uq_desk_visit_open",
            "conversation_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversation.id", ondelete="SET NULL"), index=True)
    event_id: Mapped[int | None] = mapped_column(ForeignKey("event.id"), index=True)
    area_code: Mapped[str | None] = mapped_column(ForeignKey("area.code"), index=True)
    reason: Mapped[str] = mapped_column(String(32), default="")
    in_form: Mapped[bool] = mapped_column(default=False)
    open_at_ask: Mapped[bool] = mapped_column(default=True)
    asked_at: Mapped[datetime] = mapped_column(index=True)
    climb_at: Mapped[datetime | None] = mapped_column(index=True)
    climbs: Mapped[int] = mapped_column(default=0)
    overdue_at: Mapped[datetime | None]
    told_ahead: Mapped[int] = mapped_column(default=0)
    told_at: Mapped[datetime]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    claimed_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    stars: Mapped[int | None]


class Transfer(HasId, Base):
    """A holder offers the resident to a colleague or to a desk. Until it is accepted nothing has changed (首问责任)."""

    __tablename__ = "desk_transfer"

    visit_id: Mapped[int] = mapped_column(ForeignKey("desk_visit.id"), index=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"), index=True)
    from_staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    to_staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    to_area_code: Mapped[str | None] = mapped_column(ForeignKey("area.code"), index=True)
    reason: Mapped[str] = mapped_column(String(200))
    offered_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    accepted_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))


class DeskHours(Base):
    """Hours that differ from the city's, for this area's desk and those below it."""

    __tablename__ = "desk_hours"

    area_code: Mapped[str] = mapped_column(ForeignKey("area.code"), primary_key=True)
    opens: Mapped[time]
    closes: Mapped[time]
    weekends: Mapped[bool] = mapped_column(default=False)


class DeskDay(Base):
    """A day on which this area's desk is closed, or open, unlike the city's offices."""

    __tablename__ = "desk_day"

    area_code: Mapped[str] = mapped_column(ForeignKey("area.code"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    working: Mapped[bool] = mapped_column(default=False)


class QuickAnswer(HasId, Base):
    """What a desk says often, for this area's desk and those below it. The nearest of one title counts."""

    __tablename__ = "desk_answer"
    __table_args__ = (UniqueConstraint("area_code", "title"),)

    area_code: Mapped[str] = mapped_column(ForeignKey("area.code"))
    title: Mapped[str] = mapped_column(String(24))
    text: Mapped[str] = mapped_column(Text)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    updated_at: Mapped[datetime]
