"""Opinions (意见): what a resident suggests, who has to answer it and by when, the answer, and who seconds it."""

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.catalogue.models import HandlerKind
from backend.db import Base, HasId, words


class OpinionState(enum.StrEnum):
    """WAITING until it is ANSWERED by its owner or WITHDRAWN by its author; nothing else ends it."""

    WAITING = "waiting"
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"


class Became(enum.StrEnum):
    """What an opinion was turned into; the number stands beside it."""

    EVENT = "event"
    DELIBERATION = "deliberation"


class OpinionTopic(Base):
    """What opinions are about, and who answers: the ``handler`` desk of the place, or the department.

    ``department_code`` answers where the handler is DEPARTMENT, and wherever no place was named. ``keywords`` are separated by
    spaces; ``due_days`` are working days.
    """

    __tablename__ = "opinion_topic"

    code: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(32), unique=True)
    keywords: Mapped[str] = mapped_column(String(600), default="")
    handler: Mapped[HandlerKind] = mapped_column(words(HandlerKind))
    department_code: Mapped[str] = mapped_column(ForeignKey("department.code"))
    due_days: Mapped[int] = mapped_column(default=5)


class Opinion(HasId, Base):
    """``owner``/``owner_code`` is the desk that answers; ``level`` the rung it climbed to by being late, or by an answer
    that its author gave few stars: ``reopened``, once.

    ``public``: its author agreed that neighbours read it, without a name, and that it is published with its answer.
    ``listing_due`` asks the clerk of backend/disclosure to look whether it belongs there.
    """

    __tablename__ = "opinion"
    __table_args__ = (
        Index(None, "area_path", "state"),
        Index(None, "owner", "owner_code", "state"),
        Index("ix_opinion_listing_due", "id", sqlite_where=text("listing_due"), postgresql_where=text("listing_due")),
    )

    number: Mapped[str] = mapped_column(String(12), unique=True)
    state: Mapped[OpinionState] = mapped_column(words(OpinionState))
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"), index=True)
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversation.id"))
    text: Mapped[str] = mapped_column(Text)
    media: Mapped[list[Any]] = mapped_column(default=list)
    topic_code: Mapped[str] = mapped_column(ForeignKey("opinion_topic.code"))
    area_code: Mapped[str] = mapped_column(ForeignKey("area.code"))
    area_path: Mapped[str] = mapped_column(String(200))
    address: Mapped[str] = mapped_column(String(200), default="")
    public: Mapped[bool] = mapped_column(default=False)
    listing_due: Mapped[bool] = mapped_column(default=False)
    owner: Mapped[HandlerKind] = mapped_column(words(HandlerKind))
    owner_code: Mapped[str] = mapped_column(String(32))
    level: Mapped[HandlerKind] = mapped_column(words(HandlerKind))
    due_at: Mapped[datetime]
    escalate_at: Mapped[datetime | None] = mapped_column(index=True)
    answer: Mapped[str] = mapped_column(Text, default="")
    answered_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    answered_at: Mapped[datetime | None]
    became: Mapped[Became | None] = mapped_column(words(Became))
    became_number: Mapped[str] = mapped_column(String(16), default="")
    stars: Mapped[int | None]
    reopened: Mapped[bool] = mapped_column(default=False)
    revision: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]


class OpinionHistory(HasId, Base):
    """Append-only: what was done to an opinion; ``staff_id`` is empty for the resident and for time."""

    __tablename__ = "opinion_history"

    opinion_id: Mapped[int] = mapped_column(ForeignKey("opinion.id"), index=True)
    step: Mapped[str] = mapped_column(String(32))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    note: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime]


class OpinionSupporter(Base):
    """A neighbour who seconds it (附议): counted once, and told the answer."""

    __tablename__ = "opinion_supporter"

    opinion_id: Mapped[int] = mapped_column(ForeignKey("opinion.id"), primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"))
    at: Mapped[datetime]
