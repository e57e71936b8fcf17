"""A city's areas, places, aliases and holidays from CSV files. docs/import.md describes each column."""

import re
from collections.abc import Iterable
from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.csvrows import Changes, Column, Row, Table, Values, code, flag, number, one_of, sync, text
from backend.grids.address import building_value
from backend.grids.models import Alias, Area, GridKind, Holiday, Level, Place, Registry

_NUMBER = re.compile(r"(\d+)(?:-(\d+)([单双]?))?")
_LATITUDE, _LONGITUDE = number(-90, 90), number(-180, 180)
_COORDINATES = (
    Column("latitude", _LATITUDE, required=False, default=None),
    Column("longitude", _LONGITUDE, required=False, default=None),
)


def house_number(cell: str) -> str:
    """A parser of house numbers: 88, or a range 1-99, 1-99单, 2-98双."""
    found = _NUMBER.fullmatch(cell)
    if found is None or (found[2] and int(found[1]) > int(found[2])):
        raise ValueError("应填一个号码，或从小到大的一段，如88、1-99、1-99单、2-98双。")
    return cell


def _building(cell: str) -> str:
    return building_value(text(32)(cell))


def day(cell: str) -> date:
    """A parser of days: 2026-10-01."""
    try:
        return date.fromisoformat(cell)
    except ValueError:
        raise ValueError("应填日期，如2026-10-01。") from None


AREAS = (
    Column("code", code),
    Column("parent_code", code, required=False, default=None),
    Column("level", one_of(Level)),
    Column("name", text(64)),
    Column("kind", one_of(GridKind), required=False, default=GridKind.ORDINARY),
    Column("phone", text(32), required=False),
    Column("address", text(120), required=False),
    *_COORDINATES,
)
PLACES = (
    Column("grid_code", code),
    Column("compound", text(64), required=False),
    Column("road", text(64), required=False),
    Column("house_number", house_number, required=False),
    Column("building", _building, required=False),
    *_COORDINATES,
)
ALIASES = (Column("name", text(64)), Column("means", text(64)))
HOLIDAYS = (Column("day", day), Column("name", text(32)), Column("working", flag))


async def known_areas(session: AsyncSession, table: Table | None = None) -> dict[str, Level]:
    """The level of every area in the record and in ``table``, by code."""
    stored = {row.code: row.level for row in await session.execute(select(Area.code, Area.level))}
    return stored | {row.values["code"]: row.values["level"] for row in (table.rows if table else [])}


async def check_areas(session: AsyncSession, table: Table) -> None:
    """Add what is wrong with the tree to ``table.problems``; give every sound row its ``path``."""
    table.unique("code")
    stored = {
        row.code: row for row in await session.execute(select(Area.code, Area.parent_code, Area.level, Area.path, Area.name))
    }
    rows = {row.values["code"]: row for row in table.rows}
    ladder = list(Level)
    names: dict[tuple[str | None, str], int] = {
        (row.parent_code, row.name): 0 for row in stored.values() if row.code not in rows
    }
    levels = {c: s.level for c, s in stored.items()} | {c: r.values["level"] for c, r in rows.items()}
    cities = {c for c, level in levels.items() if level is Level.CITY}
    for row in table.rows:
        values = row.values
        parent, level = values["parent_code"], values["level"]
        if level not in ladder:
            continue
        _check_parent(table, row, levels, cities)
        first = names.setdefault((parent, values["name"]), row.line)
        if first != row.line:
            table.wrong(row.line, "name", f"与第{first}行同名。" if first else "与已有的另一个区划同名。")
        was = stored.get(values["code"])
        if was is not None and (was.parent_code, was.level) != (parent, level):
            table.wrong(row.line, "parent_code", "已导入的区划不能改换上级或层级，请用新的编码。")
    if not table.problems:
        paths = {c: s.path for c, s in stored.items()}
        for row in table.rows:
            row.values["path"] = _path(row.values, rows, paths)
            if len(row.values["path"]) > 200:
                table.wrong(row.line, "code", "编码太长，连同各级上级不能超过200个字符。")


def _check_parent(table: Table, row: Row, levels: dict[str, Level], cities: set[str]) -> None:
    parent, level = row.values["parent_code"], row.values["level"]
    ladder = list(Level)
    if level is Level.CITY:
        if parent:
            table.wrong(row.line, "parent_code", "市级没有上级，请留空。")
        if cities - {row.values["code"]}:
            table.wrong(row.line, "level", "只能有一个市级。")
    elif not parent:
        table.wrong(row.line, "parent_code", "不能为空。")
    elif parent not in levels:
        table.wrong(row.line, "parent_code", f"没有编码为{parent}的上级。")
    elif levels[parent] != ladder[ladder.index(level) - 1]:
        table.wrong(row.line, "parent_code", "上级应当正好高一级（市、区、街道、社区、网格）。")


def _path(values: Values, rows: dict[str, Row], stored: dict[str, str]) -> str:
    parent = values["parent_code"]
    if parent is None:
        return f"{values['code']}/"
    above = _path(rows[parent].values, rows, stored) if parent in rows else stored[parent]
    return f"{above}{values['code']}/"


def check_places(table: Table, areas: dict[str, Level]) -> None:
    """Add places outside the grids, and rows that name nothing, to ``table.problems``."""
    for row in table.rows:
        values = row.values
        if values["grid_code"] and areas.get(values["grid_code"]) is not Level.GRID:
            table.wrong(row.line, "grid_code", f"没有编码为{values['grid_code']}的网格。")
        if not (values["compound"] or values["road"] or values["building"]):
            table.wrong(row.line, "compound", "小区、道路、楼栋至少填一项。")
        if values["house_number"] and not values["road"]:
            table.wrong(row.line, "road", "有门牌号就要填道路。")
    table.unique("grid_code", "compound", "road", "house_number", "building")


async def write_areas(session: AsyncSession, rows: Iterable[Values]) -> Changes:
    """Add and change areas, from the city down; none is removed, as events name them."""
    ordered = sorted(rows, key=lambda values: values["path"].count("/"))
    return await sync(session, Area, ordered, key=("code",), replace=False)


async def write_places(session: AsyncSession, rows: list[Values]) -> Changes:
    """Make the places exactly those of the file."""
    key = ("grid_code", "compound", "road", "house_number", "building")
    return await sync(session, Place, rows, key=key, replace=True)


async def write_aliases(session: AsyncSession, rows: list[Values]) -> Changes:
    """Make the aliases exactly those of the file."""
    return await sync(session, Alias, rows, key=("name", "means"), replace=True)


async def write_holidays(session: AsyncSession, rows: list[Values]) -> Changes:
    """Make the holidays exactly those of the file."""
    return await sync(session, Holiday, rows, key=("day",), replace=True)


async def next_revision(session: AsyncSession) -> None:
    """Note that the registry has changed, so that every process reads it anew."""
    found = await session.get(Registry, 1)
    if found is None:
        session.add(Registry(id=1, revision=1))
    else:
        found.revision += 1
    session.info.pop("revision", None)
