"""公开: what was decided, voted and answered, listed for everyone; who wants to hear of it, and what they were sent."""

import enum
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, HasId, words


class Kind(enum.StrEnum):
    """Where an entry comes from."""

    VOTE = "vote"
    OPINION = "opinion"
    RESOLUTION = "resolution"


class Disclosure(HasId, Base):
    """One entry, as everyone reads it. ``number`` is that of the vote, opinion or deliberation.

    ``telling``: subscribers may still have to be told.
    """

    __tablename__ = "disclosure"
    __table_args__ = (
        UniqueConstraint("kind", "number"),
        Index("ix_disclosure_telling", "id", sqlite_where=text("telling"), postgresql_where=text("telling")),
    )

    kind: Mapped[Kind] = mapped_column(words(Kind))
    number: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(String(80))
    text: Mapped[str] = mapped_column(Text)
    topic_code: Mapped[str] = mapped_column(ForeignKey("opinion_topic.code"), index=True)
    area_code: Mapped[str] = mapped_column(ForeignKey("area.code"))
    area_path: Mapped[str] = mapped_column(String(200), index=True)
    published_at: Mapped[datetime]
    telling: Mapped[bool] = mapped_column(default=True)


class DisclosureTerm(Base):
    """A pair of characters, or a word of letters and digits, that stands in an entry: what is searched by."""

    __tablename__ = "disclosure_term"
    __table_args__ = ({"sqlite_with_rowid": False},)

    term: Mapped[str] = mapped_column(String(32), primary_key=True)
    disclosure_id: Mapped[int] = mapped_column(ForeignKey("disclosure.id"), primary_key=True, index=True)


class DisclosureSubscription(HasId, Base):
    """A resident's wish to hear of a topic ("" is every topic) in an area and in those around and inside it."""

    __tablename__ = "disclosure_subscription"
    __table_args__ = (
        UniqueConstraint("resident_id", "topic_code", "area_code"),
        Index(
            "ix_disclosure_subscription_area_path",
            "area_path",
            sqlite_where=text("stopped_at IS NULL"),
            postgresql_where=text("stopped_at IS NULL"),
        ),
    )

    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"))
    topic_code: Mapped[str] = mapped_column(String(32), default="")
    area_code: Mapped[str] = mapped_column(ForeignKey("area.code"))
    area_path: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]


class DisclosureCopy(Base):
    """That a resident was told of an entry; once, however many of their wishes it meets."""

    __tablename__ = "disclosure_copy"

    disclosure_id: Mapped[int] = mapped_column(ForeignKey("disclosure.id"), primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), primary_key=True, index=True)
    at: Mapped[datetime]
