"""What residents asked about their data, and what became of it."""

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, BigId, HasId, words


class Wish(enum.StrEnum):
    """What a resident asked for; EXPIRE is what is due without having been asked for, and is done without a word."""

    EXPORT = "export"
    ERASE = "erase"
    EXPIRE = "expire"


class WishState(enum.StrEnum):
    """ASKED until the job has run; SAID: erased, and the last word is on its way; DONE."""

    ASKED = "asked"
    SAID = "said"
    DONE = "done"


class PersonalRequest(HasId, Base):
    """One wish. It names its resident by bare numbers: after an erasure there is nobody behind them. ``kept`` counts what
    the law keeps, by table."""

    __tablename__ = "personal_request"

    resident_id: Mapped[int] = mapped_column(BigId, index=True)
    conversation_id: Mapped[int] = mapped_column(BigId)
    wish: Mapped[Wish] = mapped_column(words(Wish))
    state: Mapped[WishState] = mapped_column(words(WishState), index=True)
    kept: Mapped[dict[str, Any]] = mapped_column(default=dict)
    last_sequence: Mapped[int | None]
    tracker_key: Mapped[str] = mapped_column(String(64), default="")
    asked_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
