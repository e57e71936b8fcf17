"""Whose a mediation is: the desk of its rung, who may see it, who may act on it."""

from sqlalchemy import ColumnElement, false, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue.models import HandlerKind
from backend.db import lock
from backend.errors import Conflict, Forbidden, NotFound
from backend.events.service import Desk
from backend.grids import service as grids
from backend.grids.models import Area, Level
from backend.mediation.models import Mediation, MediationState
from backend.staff import notices
from backend.staff.models import Role
from backend.staff.scope import Scope

MEDIATION_ROLES = frozenset({Role.COMMUNITY, Role.STREET, Role.DISTRICT, Role.ADMIN, Role.DEPARTMENT})
_HEIGHT = {Level.COMMUNITY: 0, Level.STREET: 1, Level.DISTRICT: 2}
_REACH = {Role.COMMUNITY: 0, Role.STREET: 1, Role.DISTRICT: 2, Role.ADMIN: 2}


async def area_of_rung(session: AsyncSession, mediation: Mediation) -> Area:
    """The area whose desk has this rung: the nearest at the rung's level or above."""
    height = _HEIGHT[mediation.rung.level or Level.DISTRICT]
    chain = [area for area in await grids.ancestors(session, mediation.area_code) if area.level in _HEIGHT]
    return next((area for area in chain if _HEIGHT[area.level] >= height), chain[-1])


async def tell_desk(session: AsyncSession, mediation: Mediation, words: str, desk: Desk) -> None:
    """A line in the inbox of everybody at the desk that has this rung."""
    area = await area_of_rung(session, mediation)
    people = await notices.at_desk(session, HandlerKind(area.level.value), area.code)
    if mediation.department_code:
        people += await notices.at_desk(session, HandlerKind.DEPARTMENT, mediation.department_code)
    for staff_id in people:
        notices.tell(session, staff_id, words, now=desk.now)


def visible(scope: Scope) -> ColumnElement[bool]:
    """The condition under which a mediation exists for this person: it lies in their area, or on their department's rung."""
    if scope.role not in MEDIATION_ROLES:
        return false()
    if scope.role is Role.DEPARTMENT:
        return Mediation.department_code == (scope.department_code or "")
    return Mediation.area_path.startswith(scope.path, autoescape=True) if scope.path else false()


def may_act(scope: Scope, mediation: Mediation) -> bool:
    """Whether this rung is theirs: the desk of its level, any above it, or the department that has it."""
    if mediation.state is not MediationState.OPEN:
        return False
    if scope.role is Role.DEPARTMENT:
        return mediation.department_code is not None and mediation.department_code == scope.department_code
    level = mediation.rung.level
    return level is not None and _REACH.get(scope.role, -1) >= _HEIGHT[level] and scope.covers(mediation.area_path)


async def by_number(session: AsyncSession, scope: Scope, number: str, *, acting: bool = False) -> Mediation:
    """A visible mediation; locked, and only where it is theirs, if ``acting``. Raises NotFound, Conflict, Forbidden."""
    found = await session.scalar(select(Mediation).where(Mediation.number == number, visible(scope)))
    if found is None:
        raise NotFound
    if acting:
        await lock(session, found)
        if found.state is not MediationState.OPEN:
            raise Conflict("这件调解不在进行中。", code="not_open")
        if not may_act(scope, found):
            raise Forbidden("这一级不归您这里办。", code="not_your_rung")
    return found
