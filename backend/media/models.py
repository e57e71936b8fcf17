"""Photos and files, stored once by content under LINLITONG_HOME/media."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, HasId


class Media(HasId, Base):
    """A stored file. ``key`` is random: it names the file in URLs and gives nothing away."""

    __tablename__ = "media"

    key: Mapped[str] = mapped_column(String(32), unique=True)
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("resident.id"), index=True)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    mime: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    width: Mapped[int | None]
    height: Mapped[int | None]
    created_at: Mapped[datetime]


class Upload(HasId, Base):
    """A stored file that belonged to no resident when it came. A day later it is looked up who names it; what nobody names
    goes, and this row either way.
    """

    __tablename__ = "media_upload"

    key: Mapped[str] = mapped_column(String(32), unique=True)
    stored_at: Mapped[datetime] = mapped_column(index=True)
