"""The city for the other rooms: where a place lies, who works there, what is above it."""

from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.grids.address import Reading
from backend.grids.gazetteer import Gazetteer
from backend.grids.locate import Choice, Pin, Place, Resolution, Status, contradicted, locate, merge
from backend.grids.models import Area, Level, Registry
from backend.staff.models import Role, Staff

__all__ = [
    "Choice",
    "Resolution",
    "Status",
    "ancestors",
    "card",
    "contradicted",
    "current",
    "members_of",
    "merge",
    "resolve",
    "revision",
    "write_dictionary",
]


@dataclass(frozen=True)
class Card:
    """Whom a resident of a grid can turn to."""

    grid: str
    name: str
    phone: str


async def revision(session: AsyncSession) -> int:
    """A number that grows with every import that changed what is kept in memory; read once in a transaction."""
    if "revision" not in session.info:
        session.info["revision"] = await session.scalar(_REVISION) or 0
    return session.info["revision"]


_REVISION = select(Registry.revision)


async def current(session: AsyncSession, held: Gazetteer | None) -> Gazetteer:
    """Return ``held`` when it is that of the record, else the registry read anew."""
    present = await revision(session)
    if held is not None and held.revision == present:
        return held
    return await Gazetteer.load(session, revision=present)


async def resolve(
    session: AsyncSession, gazetteer: Gazetteer, reading: Reading | Place, *, pin: Pin | None = None
) -> Resolution:
    """Return where a reading, or a merged place, and a pin lie; ``member`` is the grid member's name, if there is one."""
    found = locate(gazetteer, reading, pin=pin)
    if found.status is not Status.GRID or found.area_code is None:
        return found
    person = await card(session, found.area_code)
    return replace(found, member=person.name) if person else found


async def members_of(session: AsyncSession, area_code: str) -> list[Staff]:
    """The active head and members of a grid, the head first."""
    rows = await session.scalars(
        select(Staff)
        .where(
            Staff.area_code == area_code,
            Staff.role.in_((Role.GRID_HEAD, Role.GRID_MEMBER)),
            Staff.disabled_at.is_(None),
        )
        .order_by(Staff.role, Staff.id)
    )
    return list(rows)


async def card(session: AsyncSession, grid_code: str) -> Card | None:
    """The grid member of a grid, or its head when it has no member; None when it has neither."""
    people = await members_of(session, grid_code)
    area = await session.get(Area, grid_code)
    if not people or area is None:
        return None
    person = next((staff for staff in people if staff.role is Role.GRID_MEMBER), people[0])
    return Card(area.name, person.name, person.phone)


async def ancestors(session: AsyncSession, code: str) -> list[Area]:
    """The area itself and those above it, up to the city; empty when there is none of that code."""
    area = await session.get(Area, code)
    if area is None:
        return []
    codes = area.path.rstrip("/").split("/")
    rows = {found.code: found for found in await session.scalars(select(Area).where(Area.code.in_(codes)))}
    return [rows[found] for found in reversed(codes)]


async def at_level(session: AsyncSession, level: Level) -> list[Area]:
    """Every area of a level, by code."""
    return list(await session.scalars(select(Area).where(Area.level == level).order_by(Area.code)))


async def write_dictionary(session: AsyncSession, path: Path) -> int:
    """Write the registry's names as a jieba user dictionary; return how many."""
    words = (await Gazetteer.load(session)).words()
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text("".join(f"{word} 2000 ns\n" for word in words if " " not in word), encoding="utf-8")
    temporary.replace(path)
    return len(words)
