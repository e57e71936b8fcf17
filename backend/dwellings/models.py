"""The city's register of dwellings and of who lives in them (房屋和住户登记), from which an electorate can be drawn.

Telephone numbers are kept as the vault's keyed hash only: equal ones are found, none is read.
"""

from datetime import date

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, BigId, HasId


class Dwelling(HasId, Base):
    """``code`` is unique in its community. ``area`` is in cm²; ``owner`` the same for all that belongs to one owner."""

    __tablename__ = "dwelling"
    __table_args__ = (UniqueConstraint("community_code", "code"),)

    community_code: Mapped[str] = mapped_column(ForeignKey("area.code"))
    area_code: Mapped[str] = mapped_column(ForeignKey("area.code"), index=True)
    area_path: Mapped[str] = mapped_column(String(200), index=True)
    code: Mapped[str] = mapped_column(String(64))
    part: Mapped[str] = mapped_column(String(64), default="")
    area: Mapped[int] = mapped_column(BigId, default=0)
    owner: Mapped[str] = mapped_column(String(64), default="")
    owner_name: Mapped[str] = mapped_column(String(64), default="")
    owner_phone: Mapped[str] = mapped_column(String(64), default="", index=True)


class Dweller(HasId, Base):
    """Somebody who lives in a dwelling; those of one dwelling are a household. ``code`` is unique in its community."""

    __tablename__ = "dweller"
    __table_args__ = (UniqueConstraint("community_code", "code"),)

    community_code: Mapped[str] = mapped_column(ForeignKey("area.code"))
    dwelling_id: Mapped[int] = mapped_column(ForeignKey("dwelling.id"), index=True)
    code: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(64))
    born: Mapped[date]
    representative: Mapped[bool] = mapped_column(default=False)
    phone: Mapped[str] = mapped_column(String(64), default="", index=True)
