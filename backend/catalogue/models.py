"""The admission list (事项准入清单), who answers for each item (duty matrix), and what was refused."""

import enum
from datetime import date

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, HasId, words


class HandlerKind(enum.StrEnum):
    """Whose desk an event can lie on."""

    GRID = "grid"
    COMMUNITY = "community"
    STREET = "street"
    DISTRICT = "district"
    DEPARTMENT = "department"


class Department(Base):
    __tablename__ = "department"

    code: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    phone: Mapped[str] = mapped_column(String(32), default="")


class Item(Base):
    """One kind of matter. Not admitted means refused, with ``channel`` naming where to turn instead.

    ``keywords`` is a space-separated list of words that name it; ``due_hours`` counts working hours.
    """

    __tablename__ = "item"

    code: Mapped[str] = mapped_column(String(32), primary_key=True)
    category: Mapped[str] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(64), unique=True)
    admitted: Mapped[bool] = mapped_column(default=True)
    due_hours: Mapped[int] = mapped_column(default=24)
    keywords: Mapped[str] = mapped_column(String(400), default="")
    channel: Mapped[str] = mapped_column(String(200), default="")
    version: Mapped[int] = mapped_column(default=1)


class Duty(HasId, Base):
    """Who handles an item within an area. ``department_code`` is set for HandlerKind.DEPARTMENT only."""

    __tablename__ = "duty"
    __table_args__ = (UniqueConstraint("item_code", "area_code", "handler", "department_code"),)

    item_code: Mapped[str] = mapped_column(ForeignKey("item.code"), index=True)
    area_code: Mapped[str] = mapped_column(ForeignKey("area.code"))
    handler: Mapped[HandlerKind] = mapped_column(words(HandlerKind))
    department_code: Mapped[str] = mapped_column(String(32), default="")


class Refusal(Base):
    """How often residents asked for something that is off the list; counted per item and day."""

    __tablename__ = "refusal"

    item_code: Mapped[str] = mapped_column(ForeignKey("item.code"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(default=0)


class Guide(Base):
    """An answer from the counter: ``keywords`` as in Item. Keys office_hours and how_long are
    answered from the calendar and the item instead."""

    __tablename__ = "guide"

    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    question: Mapped[str] = mapped_column(String(120))
    keywords: Mapped[str] = mapped_column(String(400), default="")
    answer: Mapped[str] = mapped_column(Text)
