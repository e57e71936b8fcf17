"""A whole city from a folder of CSV files: each is read and checked, then what is sound is written in one transaction."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue import importing as catalogue
from backend.catalogue.models import Department, Item
from backend.csvrows import Changes, Column, Problem, Table, Values, read
from backend.desk import importing as desks
from backend.grids import importing as grids
from backend.mediation import importing as mediation
from backend.opinions import topics as opinions
from backend.staff import importing as staff


@dataclass(frozen=True)
class FileResult:
    """What came of one file. ``changes`` is None when nothing of it was written: it has problems, or ``held_by``
    names a file with problems on which it builds."""

    file: str
    rows: int
    changes: Changes | None
    problems: list[Problem] = field(default_factory=list)
    held_by: str = ""


_Write = Callable[[AsyncSession, list[Values]], Awaitable[Changes]]
FILES: dict[str, tuple[tuple[Column, ...], tuple[str, ...], _Write]] = {
    "departments.csv": (catalogue.DEPARTMENTS, (), catalogue.write_departments),
    "areas.csv": (grids.AREAS, (), grids.write_areas),
    "places.csv": (grids.PLACES, ("areas.csv",), grids.write_places),
    "aliases.csv": (grids.ALIASES, (), grids.write_aliases),
    "holidays.csv": (grids.HOLIDAYS, (), grids.write_holidays),
    "desk_hours.csv": (desks.HOURS, ("areas.csv",), desks.write_hours),
    "desk_days.csv": (desks.DAYS, ("areas.csv",), desks.write_days),
    "items.csv": (catalogue.ITEMS, (), catalogue.write_items),
    "duties.csv": (
        catalogue.DUTIES,
        ("items.csv", "areas.csv", "departments.csv"),
        catalogue.write_duties,
    ),
    "staff.csv": (staff.STAFF, ("areas.csv", "departments.csv"), staff.staff_import),
    "guides.csv": (catalogue.GUIDES, (), catalogue.write_guides),
    "opinion_topics.csv": (opinions.COLUMNS, ("departments.csv",), opinions.write_topics),
    "mediators.csv": (mediation.MEDIATORS, ("areas.csv",), mediation.write_mediators),
    "mediation_rooms.csv": (mediation.ROOMS, ("areas.csv",), mediation.write_rooms),
}
# Where no two rows may be alike is all that there is to check.
UNIQUE = {"aliases.csv": ("name", "means"), "holidays.csv": ("day",), "guides.csv": ("key",)}
IN_MEMORY = frozenset({"areas.csv", "places.csv", "aliases.csv", "holidays.csv", "items.csv", "guides.csv"})


async def import_city(session: AsyncSession, folder: Path) -> list[FileResult]:
    """Read the files of ``FILES`` that are in ``folder`` and write the sound ones; the caller commits.

    Raises FileNotFoundError when none of them is there.
    """
    tables = {name: read(folder / name, columns) for name, (columns, _, _) in FILES.items() if (folder / name).exists()}
    if not tables:
        raise FileNotFoundError(folder)
    await _check(session, tables)
    results: dict[str, FileResult] = {}
    for name, table in tables.items():
        _, needs, write = FILES[name]
        held_by = next((need for need in needs if need in results and results[need].changes is None), "")
        changes = None
        if not table.problems and not held_by:
            changes = await write(session, [row.values for row in table.rows])
        problems = sorted(table.problems, key=lambda problem: problem.line)
        results[name] = FileResult(name, len(table.rows), changes, problems, held_by)
    await opinions.ensure_one(session)
    if any(result.changes and result.changes.total for result in results.values() if result.file in IN_MEMORY):
        await grids.next_revision(session)
    return list(results.values())


async def _check(session: AsyncSession, tables: dict[str, Table]) -> None:
    areas = await grids.known_areas(session, tables.get("areas.csv"))
    departments = await catalogue.known_codes(session, Department, tables.get("departments.csv"))
    items = await catalogue.known_codes(session, Item, tables.get("items.csv"))
    for name, table in tables.items():
        if name in UNIQUE:
            table.unique(*UNIQUE[name])
        # One that is held is not written, and what it names may stand in the rows that could not be read.
        match "" if any(need in tables and tables[need].problems for need in FILES[name][1]) else name:
            case "departments.csv":
                catalogue.check_departments(table)
            case "areas.csv":
                await grids.check_areas(session, table)
            case "places.csv":
                grids.check_places(table, areas)
            case "desk_hours.csv":
                desks.check_hours(table, set(areas))
            case "desk_days.csv":
                desks.check_days(table, set(areas))
            case "items.csv":
                catalogue.check_items(table)
            case "duties.csv":
                catalogue.check_duties(table, items=items, areas=set(areas), departments=departments)
            case "staff.csv":
                staff.check_staff(table, areas=areas, departments=departments)
            case "opinion_topics.csv":
                opinions.check_topics(table, departments=departments)
            case "mediators.csv" | "mediation_rooms.csv":
                mediation.check(table, areas=set(areas))
