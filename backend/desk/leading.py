"""Who leads a desk: sets its hours and its quick answers."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.errors import Forbidden, NotFound
from backend.grids.models import Area
from backend.staff.scope import MANAGERS, Scope

SHOWN = 300


def leads(scope: Scope, area: Area) -> bool:
    """Whether this person leads the desk of ``area``: they manage it, or an area around it."""
    return scope.role in MANAGERS and scope.covers(area.path)


async def seen_area(session: AsyncSession, scope: Scope, area_code: str) -> Area:
    """The area, if this person sits at its desk or leads it. Raises NotFound otherwise."""
    area = await session.get(Area, area_code)
    if area is None or not scope.covers(area.path):
        raise NotFound("没有这个值班台。")
    return area


async def led_area(session: AsyncSession, scope: Scope, area_code: str) -> Area:
    """The area whose desk this person leads. Raises NotFound outside their scope, Forbidden where they only work."""
    area = await seen_area(session, scope, area_code)
    if not leads(scope, area):
        raise Forbidden("值班台的设置由负责人来改。")
    return area


async def below(session: AsyncSession, area: Area) -> list[Area]:
    """The areas right below, whose desks are led from here too."""
    return list(await session.scalars(select(Area).where(Area.parent_code == area.code).order_by(Area.code).limit(SHOWN)))
