"""The registry in memory: every name a resident may say, and what it stands for."""

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.grids.models import Alias, Area, GridKind, Level, Place
from backend.hanzi import plain

SUFFIXES = {
    Level.CITY: ("市",),
    Level.DISTRICT: ("区", "县", "市"),
    Level.STREET: ("街道", "镇", "乡"),
    Level.COMMUNITY: ("社区", "村"),
    Level.GRID: (),
}


@dataclass(frozen=True)
class AreaRow:
    code: str
    parent_code: str | None
    level: Level
    name: str
    path: str
    kind: GridKind = GridKind.ORDINARY
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True)
class PlaceRow:
    grid_code: str
    compound: str
    road: str
    house_number: str
    building: str
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True)
class Name:
    """What a string can stand for. ``key`` is an area code, or the registered name of a compound or road.

    ``short`` marks a form without its suffix (宫涵), which counts only where a place may stand.
    """

    kind: str
    key: str
    short: bool = False


class Gazetteer:
    """Areas and places with their names. ``revision`` is that of the registry it was built from."""

    def __init__(
        self,
        areas: Iterable[AreaRow],
        places: Iterable[PlaceRow] = (),
        aliases: Iterable[tuple[str, str]] = (),
        *,
        revision: int = 0,
    ) -> None:
        self.revision = revision
        self.areas = {area.code: area for area in areas}
        self.children: dict[str | None, list[AreaRow]] = defaultdict(list)
        for area in self.areas.values():
            self.children[area.parent_code].append(area)
        self.places = list(places)
        self.by_grid: dict[str, list[PlaceRow]] = defaultdict(list)
        self.by_compound: dict[str, list[PlaceRow]] = defaultdict(list)
        self.by_road: dict[str, list[PlaceRow]] = defaultdict(list)
        for place in self.places:
            self.by_grid[place.grid_code].append(place)
            if place.compound:
                self.by_compound[place.compound].append(place)
            if place.road:
                self.by_road[place.road].append(place)
        self.names: dict[str, list[Name]] = defaultdict(list)
        self._collect(aliases)
        self._starts: dict[str, list[int]] = {}
        lengths: dict[str, set[int]] = defaultdict(set)
        for name in self.names:
            lengths[name[:2]].add(len(name))
        self._starts = {start: sorted(found, reverse=True) for start, found in lengths.items()}

    def _collect(self, aliases: Iterable[tuple[str, str]]) -> None:
        for area in self.areas.values():
            if area.level is Level.GRID and area.kind is GridKind.ORDINARY:
                continue
            self._add(area.name, Name(area.level.value, area.code))
            for suffix in SUFFIXES[area.level]:
                stem = area.name.removesuffix(suffix)
                if stem != area.name and len(stem) >= 2:
                    self._add(stem, Name(area.level.value, area.code, short=True))
                    break
        for compound in self.by_compound:
            if len(compound) > 2:  # 三组 is a group, not a name
                self._add(compound, Name("compound", compound))
        for road in self.by_road:
            self._add(road, Name("road", road))
        for name, means in aliases:
            for target in [n for n in self.names.get(plain(means), ()) if not n.short]:
                self._add(name, Name(target.kind, target.key))

    def _add(self, name: str, meaning: Name) -> None:
        found = self.names[plain(name)]
        if not any((n.kind, n.key) == (meaning.kind, meaning.key) for n in found):
            found.append(meaning)

    def match(self, text: str, start: int) -> list[tuple[int, list[Name]]]:
        """The names that begin at ``start`` of a ``plain`` text, longest first, with where each ends."""
        found = []
        for length in self._starts.get(text[start : start + 2], ()):
            names = self.names.get(text[start : start + length])
            if names and len(text) >= start + length:
                found.append((start + length, names))
        return found

    def above(self, code: str, level: Level) -> AreaRow | None:
        """The area of ``level`` that holds ``code``, or itself."""
        area: AreaRow | None = self.areas.get(code)
        while area is not None and area.level is not level:
            area = self.areas.get(area.parent_code) if area.parent_code else None
        return area

    def grids(self, code: str) -> list[AreaRow]:
        """The grids within an area."""
        area = self.areas[code]
        if area.level is Level.GRID:
            return [area]
        return [grid for child in self.children[code] for grid in self.grids(child.code)]

    def words(self) -> list[str]:
        """Every full name, for jieba's dictionary."""
        return sorted(name for name, meanings in self.names.items() if any(not n.short for n in meanings))

    @classmethod
    async def load(cls, session: AsyncSession, *, revision: int = 0) -> "Gazetteer":
        """Return the registry of the record."""
        areas = await session.execute(
            select(Area.code, Area.parent_code, Area.level, Area.name, Area.path, Area.kind, Area.latitude, Area.longitude)
        )
        places = await session.execute(
            select(
                Place.grid_code,
                Place.compound,
                Place.road,
                Place.house_number,
                Place.building,
                Place.latitude,
                Place.longitude,
            )
        )
        aliases = await session.execute(select(Alias.name, Alias.means))
        return cls(
            [AreaRow(*row) for row in areas],
            [PlaceRow(*row) for row in places],
            [(row.name, row.means) for row in aliases],
            revision=revision,
        )

    @classmethod
    def from_folder(cls, folder: Path) -> "Gazetteer":
        """Return the registry of a folder of sound CSV files, for measuring without a database."""

        def rows(name: str) -> list[dict[str, str]]:
            with (folder / name).open(encoding="utf-8-sig", newline="") as file:
                return list(csv.DictReader(file))

        def point(row: dict[str, str]) -> tuple[float | None, float | None]:
            return (float(row["latitude"]), float(row["longitude"])) if row["latitude"] and row["longitude"] else (None, None)

        areas: dict[str, AreaRow] = {}
        for row in rows("areas.csv"):
            parent = areas.get(row["parent_code"])
            path = f"{parent.path if parent else ''}{row['code']}/"
            kind, at = GridKind(row["kind"]), point(row)
            areas[row["code"]] = AreaRow(
                row["code"], row["parent_code"] or None, Level(row["level"]), row["name"], path, kind, *at
            )
        places = [
            PlaceRow(row["grid_code"], row["compound"], row["road"], row["house_number"], row["building"], *point(row))
            for row in rows("places.csv")
        ]
        return cls(areas.values(), places, [(row["name"], row["means"]) for row in rows("aliases.csv")])
