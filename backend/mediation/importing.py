"""Mediators and rooms from CSV files. None is removed, as mediations name them: who has left is marked with active 0."""

from sqlalchemy.ext.asyncio import AsyncSession

from backend.csvrows import Changes, Column, Table, Values, code, flag, one_of, sync, text
from backend.mediation.ladder import Kind, Matter
from backend.mediation.models import MediationRoom, Mediator

MEDIATORS = (
    Column("code", code),
    Column("name", text(32)),
    Column("title", text(32)),
    Column("kind", one_of(Kind)),
    Column("matter", one_of(Matter), required=False, default=None),
    Column("area_code", code),
    Column("active", flag, required=False, default=True),
)
ROOMS = (Column("code", code), Column("name", text(64)), Column("address", text(120)), Column("area_code", code))


def check(table: Table, *, areas: set[str]) -> None:
    table.unique("code")
    table.check("area_code", areas, "没有编码为{}的区划。")


async def write_mediators(session: AsyncSession, rows: list[Values]) -> Changes:
    return await sync(session, Mediator, rows, key=("code",), replace=False)


async def write_rooms(session: AsyncSession, rows: list[Values]) -> Changes:
    return await sync(session, MediationRoom, rows, key=("code",), replace=False)
