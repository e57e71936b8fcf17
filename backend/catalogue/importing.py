"""The catalogue of a city from CSV files: departments, admission list, duty matrix, guides."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue.models import Department, Duty, Guide, HandlerKind, Item
from backend.csvrows import Changes, Column, Table, Values, code, flag, number, one_of, sync, text

DEPARTMENTS = (Column("code", code), Column("name", text(64)), Column("phone", text(32), required=False))
ITEMS = (
    Column("code", code),
    Column("category", text(32)),
    Column("name", text(64)),
    Column("admitted", flag),
    Column("due_hours", number(1, 2000, int), required=False, default=24),
    Column("keywords", text(400), required=False),
    Column("channel", text(200), required=False),
)
DUTIES = (
    Column("item_code", code),
    Column("area_code", code),
    Column("handler", one_of(HandlerKind)),
    Column("department_code", code, required=False),
)
GUIDES = (
    Column("key", code),
    Column("question", text(120)),
    Column("keywords", text(400), required=False),
    Column("answer", text(600)),
)


async def known_codes(session: AsyncSession, model: type[Department] | type[Item], table: Table | None) -> set[str]:
    """The codes in the record and in ``table``."""
    return set(await session.scalars(select(model.code))) | {row.values["code"] for row in (table.rows if table else [])}


def check_departments(table: Table) -> None:
    table.unique("code")
    table.unique("name")


def check_items(table: Table) -> None:
    """An item that is not admitted must name the channel that serves it."""
    table.unique("code")
    table.unique("name")
    for row in table.rows:
        if not row.values["admitted"] and not row.values["channel"]:
            table.wrong(row.line, "channel", "不受理的事项要写明该找哪里。")


def check_duties(table: Table, *, items: set[str], areas: set[str], departments: set[str]) -> None:
    table.check("item_code", items, "没有编码为{}的事项。")
    table.check("area_code", areas, "没有编码为{}的区划。")
    table.check("department_code", departments, "没有编码为{}的部门。")
    for row in table.rows:
        if (row.values["handler"] is HandlerKind.DEPARTMENT) != bool(row.values["department_code"]):
            table.wrong(row.line, "department_code", "由部门办理的要填部门编码，其余的要留空。")
    table.unique("item_code", "area_code", "handler", "department_code")


async def write_departments(session: AsyncSession, rows: list[Values]) -> Changes:
    """Add and change departments; none is removed, as events name them."""
    return await sync(session, Department, rows, key=("code",), replace=False)


async def write_items(session: AsyncSession, rows: list[Values]) -> Changes:
    """Add and change items; a changed one gets the next version. None is removed, as events name them."""
    return await sync(session, Item, rows, key=("code",), replace=False, counter="version")


async def write_duties(session: AsyncSession, rows: list[Values]) -> Changes:
    """Make the duty matrix exactly that of the file."""
    return await sync(session, Duty, rows, key=("item_code", "area_code", "handler", "department_code"), replace=True)


async def write_guides(session: AsyncSession, rows: list[Values]) -> Changes:
    """Make the guides exactly those of the file."""
    return await sync(session, Guide, rows, key=("key",), replace=True)
