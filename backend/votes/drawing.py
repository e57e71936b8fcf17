"""An electorate drawn from the register of dwellings: by person, household, representative, or dwelling with its area."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from backend.dwellings import service as register
from backend.errors import Conflict
from backend.votes.electorate import PHONE
from backend.votes.models import Vote
from backend.votes.rules import Basis


async def draw(session: AsyncSession, vote: Vote, *, on: date) -> list[dict[str, Any]]:
    """The units of the vote as the register has them for its area on that day; values of VoteUnit by column.

    PERSON: every adult. HOUSEHOLD: every dwelling where an adult lives. REPRESENTATIVE: the adult whom each household has
    named. DWELLING: every dwelling with its area, those of one owner together. Raises Conflict for an area that the register
    does not know, and for dwellings without an area.
    """
    if vote.basis is Basis.DWELLING:
        units = _owners(await register.homes(session, vote.area_path))
    else:
        people = await register.adults(session, vote.area_path, on=on)
        if vote.basis is Basis.PERSON:
            units = [_unit(one, one.code) for one in people]
        elif vote.basis is Basis.REPRESENTATIVE:
            units = [_unit(one, one.code) for one in people if one.representative]
        else:
            units = _households(people)
    if not units:
        raise Conflict("登记里没有这个范围的住户，请先导入登记，或者导入名单。", code="nobody_registered")
    communities = {unit["community"] for unit in units}
    for unit in units:
        community = unit.pop("community")
        if len(communities) > 1:  # the same number may be given in two communities
            unit["code"] = f"{community}-{unit['code']}"[:64]
    return units


def _unit(one: register.Person, code: str) -> dict[str, Any]:
    return {"community": one.community, "code": code, "name": one.name, "part": one.part, "area": 0} | {
        "phone": one.phone[:PHONE]
    }


def _households(people: Iterable[register.Person]) -> list[dict[str, Any]]:
    """One unit for each household, in the name of its representative, else of the first adult."""
    found: dict[tuple[str, str], register.Person] = {}
    for one in people:
        home = one.community, one.dwelling
        if home not in found or one.representative:
            found[home] = one
    return [_unit(one, one.dwelling) for one in found.values()]


def _owners(homes: Iterable[register.Home]) -> list[dict[str, Any]]:
    """One unit for each owner with all of their area, under the first of their dwellings."""
    units: dict[tuple[str, str], dict[str, Any]] = {}
    missing = 0
    for one in homes:
        missing += not one.area
        key = one.community, one.owner or f"\0{one.code}"
        if key in units:
            units[key]["area"] += one.area
        else:
            units[key] = {"community": one.community, "code": one.code, "name": one.owner_name, "part": one.part} | {
                "area": one.area,
                "phone": one.owner_phone[:PHONE],
            }
    if missing:
        raise Conflict(f"登记里有 {missing} 套房屋没有面积，请先补上再抽取。", code="area_missing")
    return list(units.values())
