"""Areas of the city as one tree (city, district, street, community, grid) and the places inside the grids."""

import enum
from datetime import date

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, HasId, words


class Level(enum.StrEnum):
    CITY = "city"
    DISTRICT = "district"
    STREET = "street"
    COMMUNITY = "community"
    GRID = "grid"


class GridKind(enum.StrEnum):
    ORDINARY = "ordinary"
    PARK = "park"
    MARKET = "market"
    INDUSTRIAL = "industrial"


class Area(Base):
    """One node of the tree. ``path`` is the codes from the city down, each ended by a slash: scope is a prefix."""

    __tablename__ = "area"

    code: Mapped[str] = mapped_column(String(32), primary_key=True)
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("area.code"), index=True)
    level: Mapped[Level] = mapped_column(words(Level))
    name: Mapped[str] = mapped_column(String(64), index=True)
    path: Mapped[str] = mapped_column(String(200), unique=True)
    kind: Mapped[GridKind] = mapped_column(words(GridKind), default=GridKind.ORDINARY)
    phone: Mapped[str] = mapped_column(String(32), default="")
    address: Mapped[str] = mapped_column(String(120), default="")
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]


class Place(HasId, Base):
    """A building or a stretch of road that lies in exactly one grid.

    ``compound`` is an estate, courtyard or village group; ``building`` a bare number or name ("3"); a row without
    a building stands for the whole compound or road as far as it lies in this grid.
    """

    __tablename__ = "place"
    __table_args__ = (
        UniqueConstraint("grid_code", "compound", "road", "house_number", "building"),
        Index(None, "compound", "building"),
        Index(None, "road", "house_number"),
    )

    grid_code: Mapped[str] = mapped_column(ForeignKey("area.code"), index=True)
    compound: Mapped[str] = mapped_column(String(64), default="")
    road: Mapped[str] = mapped_column(String(64), default="")
    house_number: Mapped[str] = mapped_column(String(16), default="")
    building: Mapped[str] = mapped_column(String(32), default="")
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]


class Alias(Base):
    """Another name that people use for an area, a compound or a road."""

    __tablename__ = "alias"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    means: Mapped[str] = mapped_column(String(64), primary_key=True)


class Holiday(Base):
    """A day on which offices are closed, or a weekend day on which they are open (调休)."""

    __tablename__ = "holiday"

    day: Mapped[date] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(32))
    working: Mapped[bool] = mapped_column(default=False)


class Registry(Base):
    """One row: ``revision`` grows with every import that changed what is kept in memory: see backend/importing.py."""

    __tablename__ = "registry"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    revision: Mapped[int] = mapped_column(default=0)
