"""What reviewers see: their list, found by masked name or number, one application with its papers and trail, 公示."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, false, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.errors import NotFound
from backend.grids.models import Area
from backend.staff.models import Role, Staff
from backend.staff.scope import Scope
from backend.subsidies import reading, service
from backend.subsidies.applications import REFUSALS, documents_of, kind_of, may_decide, trail_of
from backend.subsidies.catalogue import Kind
from backend.subsidies.models import ApplicationState, SubsidyApplication
from backend.vault.models import VaultItem

PAGE = 30
_NUMBER = re.compile(r"B?\s*(\d{4})[-\s]?(\d{4})", re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    """An application in a list."""

    number: str
    kind: str
    name: str
    state: ApplicationState
    due_at: datetime | None
    late: bool
    created_at: datetime
    on_behalf: bool


def on_desk(scope: Scope) -> ColumnElement[bool]:
    """The applications that lie on this person's desk."""
    if scope.role is Role.DEPARTMENT:
        return and_(SubsidyApplication.desk == "department", SubsidyApplication.desk_code == scope.department_code)
    if scope.role in (Role.COMMUNITY, Role.STREET, Role.DISTRICT):
        return and_(SubsidyApplication.desk == scope.role.value, SubsidyApplication.desk_code == scope.area_code)
    return false()


async def visible(session: AsyncSession, scope: Scope, application: SubsidyApplication) -> bool:
    """Whether this person may see it: on their desk, in their area (from the community up), or passed by their department."""
    if may_decide(scope, application):
        return True
    if scope.role is Role.DEPARTMENT:
        kind = await kind_of(session, application)
        return any(level.department == scope.department_code for level in kind.levels)
    if scope.role not in (Role.COMMUNITY, Role.STREET, Role.DISTRICT, Role.ADMIN):
        return False
    return scope.covers((await session.get_one(Area, application.area_code)).path)


async def listed(
    session: AsyncSession,
    scope: Scope,
    *,
    words: str = "",
    state: ApplicationState = ApplicationState.REVIEW,
    before: int | None = None,
    limit: int = PAGE,
) -> list[tuple[int, Row]]:
    """(id, row) of the applications on this person's desk in ``state``, the newest first, from below id ``before``.

    ``words`` is a number, or a masked name (王**) or its beginning.
    """
    query = select(SubsidyApplication).order_by(SubsidyApplication.id.desc()).limit(limit)
    if number := _NUMBER.fullmatch(words.strip()):
        found = await session.scalar(query.where(SubsidyApplication.number == f"B{number[1]}-{number[2]}"))
        rows = [found] if found is not None and await visible(session, scope, found) else []
    else:
        query = query.where(on_desk(scope), SubsidyApplication.state == state)
        if words.strip():
            start = words.strip()[:1]
            names = [start, *(start + "*" * n for n in (1, 2, 3))] if words.strip().strip("*") == start else [words.strip()]
            query = query.where(SubsidyApplication.name_masked.in_(names))
        if before is not None:
            query = query.where(SubsidyApplication.id < before)
        rows = list(await session.scalars(query))
    catalogues = await service.by_ids(session, {a.catalogue_id for a in rows})
    return [(a.id, _row(catalogues[a.catalogue_id].kinds[a.kind], a)) for a in rows]


async def newest_of(session: AsyncSession, scope: Scope, person: str) -> str | None:
    """The number of the newest application of ``person`` (a keyed hash) that this member of staff may see."""
    mine = select(SubsidyApplication).where(SubsidyApplication.person == person).order_by(SubsidyApplication.id.desc())
    for found in await session.scalars(mine):
        if await visible(session, scope, found):
            return found.number
    return None


def _row(kind: Kind, a: SubsidyApplication) -> Row:
    return Row(a.number, kind.name, a.name_masked, a.state, a.due_at, a.late_at is not None, a.created_at, a.about != "self")


async def page(session: AsyncSession, scope: Scope, number: str) -> tuple[SubsidyApplication, dict[str, Any]]:
    """An application with what its page shows. Raises NotFound where this person may not see it."""
    application = await session.scalar(select(SubsidyApplication).where(SubsidyApplication.number == number))
    if application is None or not await visible(session, scope, application):
        raise NotFound("没有这件申请。")
    catalogue = await service.by_id(session, application.catalogue_id)
    kind = catalogue.kinds[application.kind]
    names = {paper.code: paper.name for paper in kind.documents} | {"consent": "本人同意书"}
    staff = {
        row.id: row.name
        for row in await session.scalars(
            select(Staff).where(Staff.id.in_([s.staff_id for s in await trail_of(session, application) if s.staff_id]))
        )
    }
    items = {}
    for what in ("name", "identity", "account", "phone"):
        item_id = getattr(application, f"{what}_id")
        if item_id is not None:
            items[what] = await session.get_one(VaultItem, item_id)
    return application, {
        "kind": kind,
        "facts": [
            (catalogue.facts[key].name, reading.say(catalogue.facts[key], value))
            for key, value in application.facts.items()
            if key in catalogue.diagrams[kind.code].cells
        ],
        "amount": reading.say_hundredths(application.amount_fen),
        "items": items,
        "documents": [(names.get(d.code, "补充材料"), d.media, d.cure_by) for d in await documents_of(session, application)],
        "trail": [(step, staff.get(step.staff_id or 0, "")) for step in await trail_of(session, application)],
        "area": await session.get_one(Area, application.area_code),
        "mine": may_decide(scope, application) and application.state is ApplicationState.REVIEW,
        "refusals": REFUSALS,
    }


async def published(session: AsyncSession, *, today: date) -> list[tuple[str, str, str, int, date]]:
    """(number, masked name, kind, fen, last day) of what is published now."""
    rows = await session.scalars(
        select(SubsidyApplication)
        .where(
            SubsidyApplication.state == ApplicationState.PUBLISHED,
            SubsidyApplication.published_until >= today,
        )
        .order_by(SubsidyApplication.id.desc())
        .limit(500)
    )
    rows = rows.all()
    catalogues = await service.by_ids(session, {a.catalogue_id for a in rows})
    names = {(a.catalogue_id, a.kind): catalogues[a.catalogue_id].kinds[a.kind].name for a in rows}
    return [(a.number, a.name_masked, names[a.catalogue_id, a.kind], a.amount_fen, a.published_until) for a in rows]
