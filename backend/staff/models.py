"""Staff accounts, their sign-ins, and the notices that tell them of work."""

import enum
from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, HasId, words


class Role(enum.StrEnum):
    GRID_MEMBER = "grid_member"
    GRID_HEAD = "grid_head"
    COMMUNITY = "community"
    STREET = "street"
    DISTRICT = "district"
    DEPARTMENT = "department"
    ADMIN = "admin"
    LAW_VOLUNTEER = "law_volunteer"
    LAW_COORDINATOR = "law_coordinator"


class Staff(HasId, Base):
    """An account. ``area_code`` is the scope of every role but DEPARTMENT, which has ``department_code``."""

    __tablename__ = "staff"

    username: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(32))
    role: Mapped[Role] = mapped_column(words(Role), index=True)
    area_code: Mapped[str | None] = mapped_column(ForeignKey("area.code"), index=True)
    department_code: Mapped[str | None] = mapped_column(ForeignKey("department.code"), index=True)
    phone: Mapped[str] = mapped_column(String(32), default="")
    password_hash: Mapped[str] = mapped_column(String(200), default="")
    disabled_at: Mapped[datetime | None]


class StaffSession(Base):
    """A sign-in, known by the SHA-256 of its token; ``csrf`` belongs to the console's forms."""

    __tablename__ = "staff_session"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    csrf: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SignInFailure(HasId, Base):
    """A wrong password, kept for throttling by account and by address."""

    __tablename__ = "sign_in_failure"

    username: Mapped[str] = mapped_column(String(64), index=True)
    remote: Mapped[str] = mapped_column(String(64), index=True)
    at: Mapped[datetime] = mapped_column(index=True)


class StaffNotice(HasId, Base):
    """A line in a staff member's inbox: work that came, climbed or waits. ``wakes``: danger to somebody, or the answer to what
    they wait for, which a messenger tells at night too.
    """

    __tablename__ = "staff_notice"

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    event_id: Mapped[int | None] = mapped_column(ForeignKey("event.id"), index=True)
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversation.id"))
    text: Mapped[str] = mapped_column(String(200))
    wakes: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
