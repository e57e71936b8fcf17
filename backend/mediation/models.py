"""Disputes under mediation: who quarrels, who mediates, when and where they sit down, and everything that was done."""

import enum
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, HasId, words
from backend.mediation.ladder import LADDERS, Kind, Matter, Route, Rung


class MediationState(enum.StrEnum):
    """PROPOSED by staff until the resident agrees; OPEN on a rung; AGREED; COURT when the ladder is climbed; WITHDRAWN."""

    PROPOSED = "proposed"
    OPEN = "open"
    AGREED = "agreed"
    COURT = "court"
    WITHDRAWN = "withdrawn"


class Origin(enum.StrEnum):
    """Where it came from: the resident's chat, an event, a consult, the counter, or referred by another house."""

    CHAT = "chat"
    EVENT = "event"
    CONSULT = "consult"
    COUNTER = "counter"
    COURT = "court"
    PROCURATORATE = "procuratorate"
    POLICE = "police"
    PETITION = "petition"


class Side(enum.StrEnum):
    """APPLICANT asked for it; RESPONDENT is the other party."""

    APPLICANT = "applicant"
    RESPONDENT = "respondent"


class Answer(enum.StrEnum):
    """Whether a party takes part: nobody is made to."""

    WAITING = "waiting"
    AGREED = "agreed"
    DECLINED = "declined"


class SittingState(enum.StrEnum):
    PLANNED = "planned"
    HELD = "held"
    CANCELLED = "cancelled"


class Mediator(HasId, Base):
    """Somebody who mediates in an area and all that lies in it; with a ``matter``, only that.

    ``title`` is what residents read beside the name: 百姓说事员, 退休法官, 派出所民警.
    """

    __tablename__ = "mediator"

    code: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(32))
    title: Mapped[str] = mapped_column(String(32))
    kind: Mapped[Kind] = mapped_column(words(Kind))
    matter: Mapped[Matter | None] = mapped_column(words(Matter))
    area_code: Mapped[str] = mapped_column(ForeignKey("area.code"), index=True)
    active: Mapped[bool] = mapped_column(default=True)


class MediationRoom(Base):
    """A place where parties sit down."""

    __tablename__ = "mediation_room"

    code: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(120))
    area_code: Mapped[str] = mapped_column(ForeignKey("area.code"), index=True)


class Mediation(HasId, Base):
    """A dispute under one number on all its rungs. ``step`` is the rung of its ladder; ``mediator_id`` is that rung's.

    ``due_at``: until when this rung should be done. ``department_code``: the department that has it on this rung.
    """

    __tablename__ = "mediation"
    __table_args__ = (Index(None, "area_path", "state"),)

    number: Mapped[str] = mapped_column(String(9), unique=True)
    origin: Mapped[Origin] = mapped_column(words(Origin))
    source_number: Mapped[str] = mapped_column(String(9), default="", index=True)
    matter: Mapped[Matter] = mapped_column(words(Matter))
    text: Mapped[str] = mapped_column(Text)
    area_code: Mapped[str] = mapped_column(ForeignKey("area.code"))
    area_path: Mapped[str] = mapped_column(String(200))
    route: Mapped[Route] = mapped_column(words(Route))
    step: Mapped[int] = mapped_column(default=0)
    department_code: Mapped[str | None] = mapped_column(ForeignKey("department.code"), index=True)
    state: Mapped[MediationState] = mapped_column(words(MediationState), index=True)
    mediator_id: Mapped[int | None] = mapped_column(ForeignKey("mediator.id"), index=True)
    agreement: Mapped[str] = mapped_column(Text, default="")
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    late_told_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    @property
    def rung(self) -> Rung:
        return LADDERS[self.route][self.step]


class MediationParty(HasId, Base):
    """One side. Without a resident it is somebody whom staff entered by name. ``code_hash`` is that of a code to join."""

    __tablename__ = "mediation_party"
    __table_args__ = (UniqueConstraint("mediation_id", "side"),)

    mediation_id: Mapped[int] = mapped_column(ForeignKey("mediation.id"))
    side: Mapped[Side] = mapped_column(words(Side))
    name: Mapped[str] = mapped_column(String(64), default="")
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"), index=True)
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversation.id"))
    answer: Mapped[Answer] = mapped_column(words(Answer), default=Answer.WAITING)
    code_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    code_until: Mapped[datetime | None]
    given_at: Mapped[datetime | None]


class PartyPhone(Base):
    """Where a side can be called, written down by staff; the number itself is in the vault."""

    __tablename__ = "mediation_phone"

    mediation_id: Mapped[int] = mapped_column(ForeignKey("mediation.id"), primary_key=True)
    side: Mapped[Side] = mapped_column(words(Side), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("vault_item.id"), index=True)


class Sitting(HasId, Base):
    """One meeting (一次调解): when, where, with whom; afterwards its minutes."""

    __tablename__ = "mediation_sitting"

    mediation_id: Mapped[int] = mapped_column(ForeignKey("mediation.id"), index=True)
    step: Mapped[int]
    mediator_id: Mapped[int] = mapped_column(ForeignKey("mediator.id"))
    room_code: Mapped[str] = mapped_column(ForeignKey("mediation_room.code"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    state: Mapped[SittingState] = mapped_column(words(SittingState), index=True)
    day_told_at: Mapped[datetime | None]
    hours_told_at: Mapped[datetime | None]
    unwritten_told_at: Mapped[datetime | None]
    minutes: Mapped[str] = mapped_column(Text, default="")


class Booking(Base):
    """Half an hour of a mediator, a room or a party. The key is what makes booking twice impossible."""

    __tablename__ = "mediation_booking"

    resource: Mapped[str] = mapped_column(String(48), primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    sitting_id: Mapped[int] = mapped_column(ForeignKey("mediation_sitting.id"), index=True)


class MediationHistory(HasId, Base):
    """One thing that was done, by a staff member, by a party, or by time (neither)."""

    __tablename__ = "mediation_history"

    mediation_id: Mapped[int] = mapped_column(ForeignKey("mediation.id"), index=True)
    step: Mapped[str] = mapped_column(String(32))
    rung: Mapped[int]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    side: Mapped[Side | None] = mapped_column(words(Side))
    note: Mapped[str] = mapped_column(String(1000), default="")
    at: Mapped[datetime]
