"""Applications for legal aid (法律援助): one for a consult, under the consult's number."""

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, HasId, words


class Group(enum.StrEnum):
    """Who applies. All but NONE are on the fast track (快审快办)."""

    WAGES = "wages"
    MINOR = "minor"
    OLD = "old"
    DISABLED = "disab"
    NONE = "none"


class Paper(enum.StrEnum):
    """What an application needs; the means are declared, not proved (承诺告知)."""

    IDENTITY = "id"
    CASE = "case"


class AidState(enum.StrEnum):
    """APPLIED until a coordinator decides; WITHDRAWN when the missing papers did not come in time."""

    APPLIED = "applied"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class LegalAid(HasId, Base):
    """``declaration`` is the text that was accepted, word for word; ``missing`` the papers that are still to come."""

    __tablename__ = "legal_aid"

    consult_id: Mapped[int] = mapped_column(ForeignKey("consult.id"), unique=True)
    group: Mapped[Group] = mapped_column("applicant_group", words(Group))
    declaration: Mapped[str] = mapped_column(Text)
    declared_at: Mapped[datetime]
    missing: Mapped[list[Any]]
    cure_by: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    decide_by: Mapped[datetime]
    late_told_at: Mapped[datetime | None]
    state: Mapped[AidState] = mapped_column(words(AidState), index=True)
    reason: Mapped[str] = mapped_column(Text, default="")
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]
