"""From what was said to one grid: candidates by place and by pin, and what to ask when several fit."""

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from backend.grids.address import Reading, house_value
from backend.grids.gazetteer import AreaRow, Gazetteer, Name, PlaceRow
from backend.grids.models import GridKind, Level
from backend.hanzi import plain

Place = Mapping[str, str | None]
Pin = tuple[float, float]

CHOICES = 5
PIN_REACH_METRES = 600.0
CITY_REACH_METRES = 6000.0
APART_METRES = 300.0


class Status(enum.StrEnum):
    """GRID: exactly one. CHOICES: at most five to ask about. COMMUNITY, STREET: no grid fits, their desk gets it.
    MISSING: nothing to go by. OUTSIDE: another city, or a pin far away."""

    GRID = "grid"
    CHOICES = "choices"
    COMMUNITY = "community"
    STREET = "street"
    MISSING = "missing"
    OUTSIDE = "outside"


@dataclass(frozen=True)
class Choice:
    """A place to choose. ``label`` is what the resident reads; ``place`` is laid over what they said."""

    area_code: str
    label: str
    place: dict[str, str | None]


@dataclass(frozen=True)
class Resolution:
    """``area_code`` is the grid, or the area whose desk gets it; ``address`` is how the place is written down.

    ``unknown_building`` is a building that was named and that is not among those known of its compound (99号楼).
    """

    status: Status
    area_code: str | None = None
    area_path: str | None = None
    name: str = ""
    address: str = ""
    unplaced: bool = False
    choices: list[Choice] = field(default_factory=list)
    member: str = ""
    unknown_building: str = ""


def merge(earlier: Place, later: Place | Reading) -> dict[str, str | None]:
    """Lay a later reading over an earlier place: what it names replaces, what it denies goes, and what belonged to
    another community or compound does not stay."""
    new = later.place() if isinstance(later, Reading) else dict(later)
    kept = {name: value for name, value in earlier.items() if value}
    if new.get("street") and not _same(new["street"], kept.get("street")):
        kept = {name: value for name, value in kept.items() if name in {"building", "unit", "room"} or "street" not in kept}
    if new.get("community") and "community" in kept and not _same(new["community"], kept["community"]):
        kept = {name: value for name, value in kept.items() if name in {"street", "building", "unit", "room"}}
    if new.get("compound") and "compound" in kept and kept["compound"] != new["compound"]:
        kept.pop("road", None)
        kept.pop("house_number", None)
    if "road" in new and "house_number" not in new:
        kept.pop("house_number", None)
    return {name: value for name, value in {**kept, **new}.items() if value}


def _same(one: str | None, other: str | None) -> bool:
    """Tell whether two names are the same but for a suffix left off."""
    return bool(one and other) and (plain(one).startswith(plain(other)) or plain(other).startswith(plain(one)))


def locate(gazetteer: Gazetteer, said: Place | Reading, *, pin: Pin | None = None) -> Resolution:
    """Return where ``said`` and ``pin`` (latitude, longitude) lie. Words win over the pin; the pin breaks ties."""
    place = said.place() if isinstance(said, Reading) else dict(said)
    return _Search(gazetteer, place, pin).run()


def contradicted(gazetteer: Gazetteer, said: Place, found: Resolution, pin: Pin) -> Resolution | None:
    """Where the pin lies when that is another area of the city, more than APART_METRES from what the words name; else None."""
    by_pin = locate(gazetteer, {}, pin=pin)
    if found.area_code is None or by_pin.area_code in (None, found.area_code):
        return None
    points = [
        (row.latitude, row.longitude)
        for grid in gazetteer.grids(found.area_code)
        for row in gazetteer.by_grid[grid.code]
        if not said.get("building") or row.building == said["building"]
    ] or [(grid.latitude, grid.longitude) for grid in gazetteer.grids(found.area_code)]
    away = [metres(pin, (north, east)) for north, east in points if north is not None and east is not None]
    return by_pin if away and min(away) > APART_METRES else None


class _Search:
    def __init__(self, gazetteer: Gazetteer, place: Place, pin: Pin | None) -> None:
        self.gazetteer = gazetteer
        self.place = {name: value for name, value in place.items() if value}
        self.pin = pin

    def run(self) -> Resolution:
        streets = self._areas("street")
        communities = [a for a in self._areas("community") if not streets or _within(a, streets)] or self._areas("community")
        compounds = self._named("compound")
        if not compounds and not communities:  # 富江新苑8号楼: a community may be meant where a compound was heard
            communities = [a for a in self._areas("compound") if a.level is Level.COMMUNITY]
        roads = self._named("road")
        bounds = communities or streets or self._areas("district")
        rows = self._rows(compounds, roads, bounds)
        if rows and (building := self._unknown_building(rows)):
            return self._without_building(rows, bounds, building)
        if rows:
            return self._among(rows, bounds)
        if (grid := self._grid(communities)) is not None:
            return self._placed(grid)
        if not (compounds or roads or communities or streets) and self.pin is not None:
            return self._by_pin()
        found = self._by_area(communities, streets)
        building = self.place.get("building", "")
        if building and found.status is Status.COMMUNITY and self._buildings_known(communities):
            return replace(found, unknown_building=_building(building))
        return found

    # what the words name

    def _meanings(self, name: str) -> list[Name]:
        said = plain(self.place.get(name, ""))
        return self.gazetteer.names.get(said, []) if said else []

    def _areas(self, name: str) -> list[AreaRow]:
        return [self.gazetteer.areas[n.key] for n in self._meanings(name) if n.key in self.gazetteer.areas]

    def _named(self, kind: str) -> list[str]:
        found = [n.key for n in self._meanings(kind) if n.kind == kind]
        if kind == "compound":
            found += [n.key for n in self._meanings(kind) if n.kind == "grid"]
            if not found and self.place.get("compound"):
                stem = _without_phase(plain(self.place["compound"]))
                found = [n.key for n in self.gazetteer.names.get(stem, []) if n.kind == "compound"]
        return found

    # rows of the registry

    def _rows(self, compounds: list[str], roads: list[str], bounds: list[AreaRow]) -> list[PlaceRow]:
        rows = [row for name in compounds for row in self.gazetteer.by_compound.get(name, ())]
        rows += [row for code in compounds if code in self.gazetteer.areas for row in self.gazetteer.by_grid[code]]
        rows = self._inside(rows, bounds)
        if rows:
            return self._by_building(rows)
        rows = self._inside([row for name in roads for row in self.gazetteer.by_road[name]], bounds)
        if rows:
            number = house_value(self.place.get("house_number", ""))
            numbered = [row for row in rows if number is not None and _on_stretch(row.house_number, number)]
            return numbered or rows
        communities = [area for area in bounds if area.level is Level.COMMUNITY]
        if not communities:
            return []
        rows = [
            row for area in communities for grid in self.gazetteer.grids(area.code) for row in self.gazetteer.by_grid[grid.code]
        ]
        if group := self.place.get("group"):
            grouped = [row for row in rows if row.compound in _groups(group)]
            if grouped:
                return self._by_building(grouped)
        door = self._door()
        return [row for row in rows if door and row.building == door]

    def _by_building(self, rows: list[PlaceRow]) -> list[PlaceRow]:
        door = self._door()
        return [row for row in rows if door and row.building == door] or rows

    def _unknown_building(self, rows: list[PlaceRow]) -> str:
        """The building that was named where all those of the compound are known and it is none of them, as it is said."""
        door = self.place.get("building") or ""
        all_known = all(row.compound and row.building for row in rows)
        return _building(door) if door and all_known and all(row.building != door for row in rows) else ""

    def _buildings_known(self, communities: list[AreaRow]) -> bool:
        grids = [grid for area in communities for grid in self.gazetteer.grids(area.code)]
        return any(row.building for grid in grids for row in self.gazetteer.by_grid[grid.code])

    def _door(self) -> str:
        """The building, or the house number where no road was named (赤坑村25号)."""
        number = "" if self.place.get("road") else self.place.get("house_number", "")
        return self.place.get("building") or str(house_value(number) or "")

    def _inside(self, rows: list[PlaceRow], bounds: list[AreaRow]) -> list[PlaceRow]:
        """The rows within the areas that were named; all of them when none is, as people mistake borders."""
        paths = tuple(area.path for area in bounds)
        return [row for row in rows if self.gazetteer.areas[row.grid_code].path.startswith(paths)] if paths else rows

    # decisions

    def _among(self, rows: list[PlaceRow], bounds: list[AreaRow]) -> Resolution:  # noqa: PLR0911 - one for each case
        grids = list(dict.fromkeys(row.grid_code for row in rows))
        if len(grids) == 1:
            return self._placed(self.gazetteer.areas[grids[0]])
        if self.pin is not None:
            near = self._nearest([self.gazetteer.areas[code] for code in grids])
            if near is not None and near[1] <= PIN_REACH_METRES:
                return self._placed(near[0])
        if (grid := self._grid([self.gazetteer.areas[code] for code in grids])) is not None:
            return self._placed(grid)
        choices = self._choices(rows)
        if len(choices) <= CHOICES:
            return Resolution(Status.CHOICES, choices=choices)
        parents = {self.gazetteer.above(code, Level.COMMUNITY) for code in grids}
        if len(parents) == 1 and (parent := parents.pop()) is not None:
            return self._desk(parent, Status.COMMUNITY)
        by_community = self._choices_by_community(grids)
        if len(by_community) <= CHOICES:
            return Resolution(Status.CHOICES, choices=by_community)
        return self._by_area([a for a in bounds if a.level is Level.COMMUNITY], [a for a in bounds if a.level is Level.STREET])

    def _without_building(self, rows: list[PlaceRow], bounds: list[AreaRow], building: str) -> Resolution:
        """The compound alone: its one grid, its community's desk, or a choice of communities."""
        found = self._among(rows, bounds)
        if found.status is Status.CHOICES:
            communities = {self.gazetteer.above(row.grid_code, Level.COMMUNITY) for row in rows}
            if len(communities) == 1 and (community := communities.pop()) is not None:
                found = self._desk(community, Status.COMMUNITY)
            else:
                found = replace(found, choices=self._choices_by_community([row.grid_code for row in rows])[:CHOICES])
        return replace(found, unknown_building=building)

    def _choices(self, rows: list[PlaceRow]) -> list[Choice]:
        """One choice for each compound, stretch of road or grid, whichever tells the rows apart."""
        by_label: dict[str, Choice] = {}
        for row in rows:
            community = self.gazetteer.above(row.grid_code, Level.COMMUNITY)
            grid = self.gazetteer.areas[row.grid_code]
            place: dict[str, str | None] = {"community": community.name} if community else {}
            if row.compound:
                place["compound"] = row.compound
            if row.building:
                label = f"{row.compound}{_building(row.building)}"
                place["building"] = row.building
            elif row.road and row.house_number:
                label = f"{row.road}{row.house_number}号"
                place |= {"road": row.road, "house_number": row.house_number.split("-")[0].rstrip("单双")}
            else:
                label = f"{row.compound or row.road}（{grid.name}）"
            place["grid"] = grid.code
            full = f"{community.name if community else ''}{label}"
            by_label.setdefault(full, Choice(row.grid_code, full, place))
        choices = list(by_label.values())
        grids = dict.fromkeys(choice.area_code for choice in choices)
        if "building" in self.place or len(grids) == len(choices):
            return choices
        return [self._grid_choice(code) for code in grids]  # 凤凰花园 alone: its grids, not its fifteen buildings

    def _grid_choice(self, code: str) -> Choice:
        grid, community = self.gazetteer.areas[code], self.gazetteer.above(code, Level.COMMUNITY)
        rows = self.gazetteer.by_grid[code]
        compounds = list(dict.fromkeys(row.compound for row in rows if row.compound))
        buildings = [row.building for row in rows if row.building and row.compound == (compounds[0] if compounds else "")]
        span = (
            _building(buildings[0])
            if len(buildings) == 1
            else f"{buildings[0]}至{_building(buildings[-1])}"
            if buildings
            else ""
        )
        what = f"（{compounds[0]}{span}）" if compounds else ""
        label = f"{community.name if community else ''}{grid.name}{what}"
        return Choice(code, label, {"community": community.name if community else None, "grid": code})

    def _choices_by_community(self, grids: list[str]) -> list[Choice]:
        found = {}
        for code in grids:
            community = self.gazetteer.above(code, Level.COMMUNITY)
            if community is not None:
                street = self.gazetteer.above(code, Level.STREET)
                label = f"{street.name if street else ''}{community.name}"
                place: dict[str, str | None] = {"street": street.name if street else None, "community": community.name}
                found[community.code] = Choice(community.code, label, place)
        return list(found.values())

    def _grid(self, within: list[AreaRow]) -> AreaRow | None:
        """The grid that was named by its number, its code or its own name."""
        said = self.place.get("grid")
        if not said:
            return None
        if said in self.gazetteer.areas:
            return self.gazetteer.areas[said]
        for area in within:
            for grid in self.gazetteer.grids(area.code):
                if grid.kind is GridKind.ORDINARY and _grid_number(grid.name) == said:
                    return grid
        return None

    def _by_area(  # noqa: PLR0911 - one for each case
        self, communities: list[AreaRow], streets: list[AreaRow]
    ) -> Resolution:
        if len(communities) == 1:
            grids = self.gazetteer.grids(communities[0].code)
            if self.pin is not None and (near := self._nearest(grids)) is not None and near[1] <= PIN_REACH_METRES:
                return self._placed(near[0])
            if len(grids) == 1:
                return self._placed(grids[0])
            return self._desk(communities[0], Status.COMMUNITY)
        if len(communities) > 1:
            choices = self._choices_by_community([area.code for area in communities])
            return Resolution(Status.CHOICES, choices=choices[:CHOICES])
        if self.pin is not None:
            found = self._by_pin()
            if found.status is Status.GRID:
                return found
        if len(streets) == 1:
            return self._desk(streets[0], Status.STREET)
        if self._elsewhere():
            return Resolution(Status.OUTSIDE)
        return Resolution(Status.MISSING)

    def _elsewhere(self) -> bool:
        """Another city was named and nothing of ours."""
        city = self.place.get("city")
        return bool(city) and not any(n.kind == "city" for n in self._meanings("city"))

    def _by_pin(self) -> Resolution:
        near = self._nearest([a for a in self.gazetteer.areas.values() if a.level is Level.GRID])
        if near is None or near[1] > CITY_REACH_METRES:
            return Resolution(Status.OUTSIDE)
        if near[1] <= PIN_REACH_METRES:
            return self._placed(near[0])
        community = self.gazetteer.above(near[0].code, Level.COMMUNITY)
        return self._desk(community, Status.COMMUNITY) if community else Resolution(Status.OUTSIDE)

    def _nearest(self, grids: list[AreaRow]) -> tuple[AreaRow, float] | None:
        assert self.pin is not None
        best: tuple[AreaRow, float] | None = None
        for grid in grids:
            points = [(grid.latitude, grid.longitude)]
            points += [(row.latitude, row.longitude) for row in self.gazetteer.by_grid[grid.code]]
            for latitude, longitude in points:
                if latitude is not None and longitude is not None:
                    away = metres(self.pin, (latitude, longitude))
                    if best is None or away < best[1]:
                        best = (grid, away)
        return best

    # results

    def _placed(self, grid: AreaRow) -> Resolution:
        return self._result(grid, Status.GRID)

    def _desk(self, area: AreaRow, status: Status) -> Resolution:
        return replace(self._result(area, status), unplaced=True)

    def _result(self, area: AreaRow, status: Status) -> Resolution:
        return Resolution(
            status,
            area_code=area.code,
            area_path=area.path,
            name=full_name(self.gazetteer, area.code),
            address=self._address(area),
        )

    def _address(self, area: AreaRow) -> str:
        """How the place is written on the event: street, community and what was said below them."""
        street, community = (self.gazetteer.above(area.code, level) for level in (Level.STREET, Level.COMMUNITY))
        parts = [street.name if street else "", community.name if community else ""]
        compound = self.place.get("compound") or ""
        parts.append("" if community and plain(compound) == community.name else compound)
        if group := self.place.get("group"):
            parts.append(f"{group}组")
        parts.append(self.place.get("road", "") + self.place.get("house_number", ""))
        if building := self.place.get("building"):
            parts.append(_building(building))
        if unit := self.place.get("unit"):
            parts.append(f"{unit}单元")
        if room := self.place.get("room"):
            parts.append(f"{room}室")
        said = "".join(parts)
        return said if len([part for part in parts if part]) > 2 or area.level is not Level.GRID else f"{said}{area.name}"


def full_name(gazetteer: Gazetteer, code: str) -> str:
    """Return an area with its street and community: 刁铺街道界牌社区第五网格."""
    levels = (Level.STREET, Level.COMMUNITY, Level.GRID)
    areas = [gazetteer.above(code, level) for level in levels]
    return "".join(area.name for area in areas if area) or gazetteer.areas[code].name


def metres(one: Pin, other: Pin) -> float:
    """Return the distance of two points on the ground."""
    latitude = math.radians((one[0] + other[0]) / 2)
    north = (one[0] - other[0]) * 111_195
    east = (one[1] - other[1]) * 111_195 * math.cos(latitude)
    return math.hypot(north, east)


def _within(area: AreaRow, bounds: list[AreaRow]) -> bool:
    return any(area.path.startswith(bound.path) for bound in bounds)


def _on_stretch(stretch: str, number: int) -> bool:
    """Tell whether a house number lies on 88, 1-99, 1-99单 or 2-98双."""
    low, _, high = stretch.rstrip("单双").partition("-")
    if not low:
        return False
    if stretch.endswith(("单", "双")) and number % 2 != (stretch[-1] == "单"):
        return False
    return int(low) <= number <= int(high or low)


def _building(value: str) -> str:
    return f"{value}号楼" if value.isdigit() else f"{value}栋" if len(value) == 1 else value


def _groups(value: str) -> set[str]:
    numerals = "零一二三四五六七八九"
    spoken = value
    if value.isdigit() and 0 < int(value) < 100:
        tens, ones = divmod(int(value), 10)
        spoken = ("" if tens < 2 else numerals[tens]) + ("十" if tens else "") + (numerals[ones] if ones else "")
    return {f"{form}{end}" for form in (value, spoken) for end in ("组", "队")}


def _grid_number(name: str) -> str:
    from backend.grids.address import _GRID, _figure

    found = _GRID.search(plain(name))
    return _figure(found["n"]) if found else ""


def _without_phase(compound: str) -> str:
    from backend.grids.address import _PHASE

    found = list(_PHASE.finditer(compound))
    return compound[: found[-1].start()] if found and found[-1].end() == len(compound) else compound
