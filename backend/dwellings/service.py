"""What the register says of an area, for whoever draws an electorate from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.dwellings.models import Dweller, Dwelling

ADULT_YEARS = 18  # Civil Code, article 17


@dataclass(frozen=True)
class Person:
    """An adult who lives in the area; ``dwelling`` is the household's number."""

    community: str
    code: str
    name: str
    dwelling: str
    part: str
    representative: bool
    phone: str


@dataclass(frozen=True)
class Home:
    """A dwelling in the area, of ``area`` cm²."""

    community: str
    code: str
    part: str
    area: int
    owner: str
    owner_name: str
    owner_phone: str


def is_adult(born: date, *, on: date) -> bool:
    """Whether somebody has turned ADULT_YEARS by the day ``on``; who was born on 29 February does on 1 March."""
    return (on.year - born.year, on.month, on.day) >= (ADULT_YEARS, born.month, born.day)


async def adults(session: AsyncSession, area_path: str, *, on: date) -> list[Person]:
    """The adults of the area on that day, by community and dwelling."""
    rows = await session.execute(
        select(Dweller, Dwelling.code, Dwelling.part)
        .join(Dwelling, Dwelling.id == Dweller.dwelling_id)
        .where(Dwelling.area_path.startswith(area_path, autoescape=True))
        .order_by(Dwelling.community_code, Dwelling.id, Dweller.id)
    )
    return [
        Person(one.community_code, one.code, one.name, dwelling, part, one.representative, one.phone)
        for one, dwelling, part in rows
        if is_adult(one.born, on=on)
    ]


async def homes(session: AsyncSession, area_path: str) -> Sequence[Home]:
    """The dwellings of the area, by community."""
    rows = await session.scalars(
        select(Dwelling)
        .where(Dwelling.area_path.startswith(area_path, autoescape=True))
        .order_by(Dwelling.community_code, Dwelling.id)
    )
    return [Home(one.community_code, one.code, one.part, one.area, one.owner, one.owner_name, one.owner_phone) for one in rows]
