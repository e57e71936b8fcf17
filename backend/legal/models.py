"""Legal consults, the volunteers who answer them, and everything that was done."""

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, HasId, words
from backend.legal.areas import LawArea, Urgency


class VolunteerState(enum.StrEnum):
    """APPLIED until a coordinator decides; a profile that is changed is decided anew."""

    APPLIED = "applied"
    APPROVED = "approved"
    REFUSED = "refused"


class ConsultState(enum.StrEnum):
    """WAITING in the queue, CLAIMED by a volunteer until a time, ANSWERED (a follow-up makes it CLAIMED again), ENDED."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    ANSWERED = "answered"
    ENDED = "ended"


class Contact(enum.StrEnum):
    """Whether this consult's volunteer may see who asks: only AGREED shows a name and a phone."""

    HIDDEN = "hidden"
    ASKED = "asked"
    AGREED = "agreed"
    DECLINED = "declined"


class Said(enum.StrEnum):
    RESIDENT = "resident"
    VOLUNTEER = "volunteer"


class Volunteer(HasId, Base):
    """A law volunteer's profile. Only an APPROVED one sees the queue of its ``areas``."""

    __tablename__ = "volunteer"

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), unique=True)
    licence: Mapped[str] = mapped_column(String(32))
    areas: Mapped[list[Any]]
    hours: Mapped[str] = mapped_column(String(100))
    languages: Mapped[str] = mapped_column(String(100))
    state: Mapped[VolunteerState] = mapped_column(words(VolunteerState), index=True)
    reason: Mapped[str] = mapped_column(String(200), default="")
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]
    updated_at: Mapped[datetime]


class Consult(HasId, Base):
    """A legal question under one number, to its end. ``second_area`` is set where the area of law is not certain."""

    __tablename__ = "consult"
    __table_args__ = (
        Index(
            "ix_consult_claim_until",
            "claim_until",
            sqlite_where=text("state = 'claimed'"),
            postgresql_where=text("state = 'claimed'"),
        ),
    )

    number: Mapped[str] = mapped_column(String(9), unique=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), index=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"))
    question: Mapped[str] = mapped_column(Text)
    area: Mapped[LawArea] = mapped_column(words(LawArea))
    second_area: Mapped[LawArea | None] = mapped_column(words(LawArea))
    urgent: Mapped[Urgency | None] = mapped_column(words(Urgency))
    state: Mapped[ConsultState] = mapped_column(words(ConsultState), index=True)
    volunteer_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    claim_until: Mapped[datetime | None]
    contact: Mapped[Contact] = mapped_column(words(Contact), default=Contact.HIDDEN)
    phone_id: Mapped[int | None] = mapped_column(ForeignKey("vault_item.id"))
    media: Mapped[list[Any]] = mapped_column(default=list)
    answered_at: Mapped[datetime | None]
    stars: Mapped[int | None]
    revision: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class ConsultWord(HasId, Base):
    """What was said after the question, in either direction. ``unknown`` lists the articles named that are not here."""

    __tablename__ = "consult_word"

    consult_id: Mapped[int] = mapped_column(ForeignKey("consult.id"), index=True)
    said_by: Mapped[Said] = mapped_column(words(Said))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    text: Mapped[str] = mapped_column(Text)
    unknown: Mapped[list[Any]] = mapped_column(default=list)
    media: Mapped[list[Any]] = mapped_column(default=list)
    at: Mapped[datetime]


class ConsultHistory(HasId, Base):
    """One thing that was done to a consult or to a volunteer's profile, by whom; nothing in it is ever changed."""

    __tablename__ = "consult_history"

    consult_id: Mapped[int | None] = mapped_column(ForeignKey("consult.id"), index=True)
    volunteer_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    step: Mapped[str] = mapped_column(String(32))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    note: Mapped[str] = mapped_column(String(200), default="")
    at: Mapped[datetime]


class ConsultRefusal(HasId, Base):
    """A volunteer with a conflict of interest: the consult does not exist for them any more."""

    __tablename__ = "consult_refusal"
    __table_args__ = (UniqueConstraint("consult_id", "staff_id"),)

    consult_id: Mapped[int] = mapped_column(ForeignKey("consult.id"))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    reason: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]
