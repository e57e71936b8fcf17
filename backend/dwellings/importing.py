"""A community's dwellings and the people in them from CSV files. docs/import.md describes each column.

What the files say of a community takes the place of what was known of it; other communities stay as they are.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.csvrows import Column, Table, Values, code, flag, read, text
from backend.dwellings.models import Dweller, Dwelling
from backend.grids.models import Area, Level
from backend.vault.models import Secret
from backend.vault.numbers import judge
from backend.vault.service import Vault

CM2 = 10_000
LARGEST = 10_000_000 * CM2
_CODE = re.compile(r"[\w\-#号室栋幢单元]{1,64}")
CHUNK = 5_000


def square_metres(cell: str) -> int:
    """An area in m² with up to four decimals, as whole cm². Raises ValueError for 0, less, or something else."""
    try:
        area = Decimal(cell) * CM2
    except InvalidOperation:
        raise ValueError("面积要填平方米，比如 89.37。") from None
    if not area.is_finite() or area != area.to_integral_value():
        raise ValueError("面积最多写四位小数。")
    if area <= 0:
        raise ValueError("面积要大于 0。")
    if area > LARGEST:
        raise ValueError("面积太大了，请核对。")
    return int(area)


def unit_code(cell: str) -> str:
    """A household's or dwelling's number. Raises ValueError."""
    if not _CODE.fullmatch(cell):
        raise ValueError("户号只能用汉字、字母、数字、短横和井号，最多64个字。")
    if re.search(r"\d{11}", cell):
        raise ValueError("户号里不能用身份证号、手机号。")
    return cell


def phone(cell: str) -> str:
    """A phone number as bare digits. Raises ValueError, without quoting it."""
    found = judge(cell, today=date.min)
    if found is None or found.kind is not Secret.PHONE or found.value is None:
        raise ValueError("不是电话号码。")
    return found.value


def _day(cell: str) -> date:
    try:
        return date.fromisoformat(cell)
    except ValueError:
        raise ValueError("应填日期，如1980-10-01。") from None


DWELLINGS = (
    Column("community", code),
    Column("unit", unit_code),
    Column("grid", code, required=False),
    Column("part", text(64), required=False),
    Column("area_m2", square_metres, required=False, default=0),
    Column("owner", unit_code, required=False),
    Column("owner_name", text(64), required=False),
    Column("owner_phone", phone, required=False),
)
DWELLERS = (
    Column("community", code),
    Column("unit", unit_code),
    Column("code", unit_code),
    Column("name", text(64)),
    Column("born", _day, default=None),
    Column("representative", flag, required=False, default=False),
    Column("phone", phone, required=False),
)


@dataclass(frozen=True)
class Counted:
    """How many of each were written."""

    dwellings: int
    dwellers: int


async def read_register(session: AsyncSession, folder: Path, *, today: date) -> tuple[Table, Table]:
    """dwellings.csv and dwellers.csv of ``folder`` with every problem found. Raises FileNotFoundError."""
    dwellings = read(folder / "dwellings.csv", DWELLINGS)
    dwellers = read(folder / "dwellers.csv", DWELLERS)
    areas = {area.code: area for area in await session.scalars(select(Area))}
    communities = {code_ for code_, area in areas.items() if area.level is Level.COMMUNITY}
    dwellings.unique("community", "unit")
    dwellings.check("community", communities, "没有编码为{}的社区。")
    for row in dwellings.rows:
        grid = areas.get(row.values["grid"])
        if row.values["grid"] and (grid is None or grid.parent_code != row.values["community"]):
            dwellings.wrong(row.line, "grid", "这个网格不在这个社区里。")
    known = {(row.values["community"], row.values["unit"]) for row in dwellings.rows}
    dwellers.unique("community", "code")
    heads: Counter[tuple[str, str]] = Counter()
    for row in dwellers.rows:
        home = row.values["community"], row.values["unit"]
        if all(home) and home not in known:
            dwellers.wrong(row.line, "unit", "dwellings.csv 里没有这一户。")
        if row.values["born"] and row.values["born"] > today:
            dwellers.wrong(row.line, "born", "出生日期在将来，请核对。")
        heads[home] += bool(row.values["representative"])
        if row.values["representative"] and heads[home] > 1:
            dwellers.wrong(row.line, "representative", "一户只能有一位代表。")
    return dwellings, dwellers


async def write_register(session: AsyncSession, dwellings: Table, dwellers: Table, *, vault: Vault) -> Counted:
    """Replace what is known of the communities that the files name; the caller has seen that there are no problems."""
    communities = {row.values["community"] for row in dwellings.rows}
    await session.execute(delete(Dweller).where(Dweller.community_code.in_(communities)))
    await session.execute(delete(Dwelling).where(Dwelling.community_code.in_(communities)))
    paths = dict((await session.execute(select(Area.code, Area.path))).all())

    def hashed(number: str) -> str:
        return vault.hash(Secret.PHONE, number) if number else ""

    homes = []
    for row in dwellings.rows:
        values, area = row.values, row.values["grid"] or row.values["community"]
        homes.append(
            {
                "community_code": values["community"],
                "area_code": area,
                "area_path": paths[area],
                "code": values["unit"],
                "part": values["part"],
                "area": values["area_m2"],
                "owner": values["owner"],
                "owner_name": values["owner_name"],
                "owner_phone": hashed(values["owner_phone"]),
            }
        )
    await _many(session, Dwelling, homes)
    rows = await session.execute(
        select(Dwelling.community_code, Dwelling.code, Dwelling.id).where(Dwelling.community_code.in_(communities))
    )
    ids = {(community, unit): id_ for community, unit, id_ in rows}
    people = [
        {
            "community_code": row.values["community"],
            "dwelling_id": ids[row.values["community"], row.values["unit"]],
            "code": row.values["code"],
            "name": row.values["name"],
            "born": row.values["born"],
            "representative": row.values["representative"],
            "phone": hashed(row.values["phone"]),
        }
        for row in dwellers.rows
    ]
    await _many(session, Dweller, people)
    return Counted(len(homes), len(people))


async def _many(session: AsyncSession, table: type[Dwelling | Dweller], rows: Iterable[Values]) -> None:
    wanted = list(rows)
    for start in range(0, len(wanted), CHUNK):
        await session.execute(insert(table), wanted[start : start + CHUNK])
