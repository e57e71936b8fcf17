"""Articles of statutes in the record."""

from datetime import date

from sqlalchemy import String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, HasId


class Article(HasId, Base):
    """One version of one article. ``article`` is the statute's name and the article's number, as the office wrote it.

    In force from ``effective_from`` to ``effective_to``, both days included, open where there is none, and never longer
    than to the day before a later version of the same article begins.
    """

    __tablename__ = "statute_article"
    __table_args__ = (UniqueConstraint("article", "version"),)

    article: Mapped[str] = mapped_column(String(200))
    version: Mapped[str] = mapped_column(String(32), default="")
    text: Mapped[str] = mapped_column(Text)
    effective_from: Mapped[date | None]
    effective_to: Mapped[date | None]


class Library(Base):
    """One row: ``revision`` grows with every import that changed an article."""

    __tablename__ = "statute_library"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    revision: Mapped[int] = mapped_column(default=0)
