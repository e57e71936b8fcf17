"""Who may vote: read from a CSV file, counted, and given a fingerprint that anyone with the list can compute."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from backend.csvrows import Column, Table, read, text
from backend.dwellings.importing import square_metres, unit_code
from backend.votes.models import VoteUnit
from backend.votes.rules import Amount

PHONE = 32  # characters of a phone's keyed hash that a unit keeps

COLUMNS = (
    Column("unit", unit_code),
    Column("name", text(64), required=False),
    Column("part", text(64), required=False),
    Column("area_m2", square_metres, required=False, default=0),
    Column("owner", unit_code, required=False),
    Column("phone", text(32), required=False),
)


def read_electorate(path: Path, *, weighted: bool) -> Table:
    """Read the file with every problem found: a unit twice, an area that is 0 or missing where areas count.

    Columns unit, name, part (building, for turnout by part), area_m2, owner, phone. An owner of several dwellings stands in
    several rows with the same ``owner``; they have one ballot with all of their area (Supreme People's Court, interpretation
    on owners' rights, articles 8 and 9).
    """
    table = read(path, COLUMNS)
    table.unique("unit")
    for row in table.rows:
        if weighted and not row.values["area_m2"] and not _reported(table, row.line):
            table.wrong(row.line, "area_m2", "按面积计票，面积不能为空。")
        if not weighted and row.values["owner"]:
            table.wrong(row.line, "owner", "只有业主投票才填这一列。")
    if not table.rows and not table.problems:
        table.wrong(1, "", "文件里没有投票户。")
    return table


def _reported(table: Table, line: int) -> bool:
    return any(problem.line == line and problem.column == "area_m2" for problem in table.problems)


def units_of(table: Table, *, weighted: bool) -> list[dict[str, object]]:
    """The rows as units, dwellings of one owner put together under the first of them; values of VoteUnit by column."""
    units: dict[str, dict[str, object]] = {}
    for row in table.rows:
        values = row.values
        key = values["owner"] or f"\0{values['unit']}"
        area = values["area_m2"] if weighted else 0
        if key in units:
            units[key]["area"] = int(str(units[key]["area"])) + area
        else:
            units[key] = {"code": values["unit"], "name": values["name"], "part": values["part"], "area": area} | {
                "phone": values["phone"]
            }
    return list(units.values())


def fingerprint(units: Iterable[tuple[str, str, int]]) -> str:
    """The SHA-256 of the lines ``code<TAB>name<TAB>area`` in the order of their bytes."""
    lines = sorted(f"{code}\t{name}\t{area}\n".encode() for code, name, area in units)
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line)
    return digest.hexdigest()


def size(units: Iterable[VoteUnit]) -> Amount:
    """How many units, and their area."""
    number = area = 0
    for unit in units:
        number, area = number + 1, area + unit.area
    return Amount(number, area)
