"""The catalogue in force, and the versions that applications live under."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.errors import Conflict
from backend.subsidies.catalogue import Catalogue
from backend.subsidies.models import SubsidyCatalogue

_read: dict[str, Catalogue] = {}


class NoCatalogue(Conflict):
    code = "no_catalogue"
    sentence = "补贴目录还没有建好，请问社区民政窗口。"


async def put_in_force(session: AsyncSession, catalogue: Catalogue, *, now: datetime) -> bool:
    """Put a catalogue in force; returns False when it is in force already. Applications keep the version they have."""
    newest = await session.scalar(select(SubsidyCatalogue).order_by(SubsidyCatalogue.in_force_at.desc()).limit(1))
    if newest is not None and newest.version == catalogue.version:
        return False
    known = await session.scalar(select(SubsidyCatalogue).where(SubsidyCatalogue.version == catalogue.version))
    if known is None:
        session.add(SubsidyCatalogue(version=catalogue.version, content=catalogue.content, in_force_at=now))
    else:
        known.in_force_at = now
    await session.flush()
    return True


async def in_force(session: AsyncSession) -> tuple[int, Catalogue]:
    """(id, catalogue) of the newest version. Raises NoCatalogue."""
    found = (
        await session.execute(
            select(SubsidyCatalogue.id, SubsidyCatalogue.version).order_by(SubsidyCatalogue.in_force_at.desc()).limit(1)
        )
    ).one_or_none()
    if found is None:
        raise NoCatalogue
    return found.id, await by_id(session, found.id)


async def by_ids(session: AsyncSession, ids: set[int]) -> dict[int, Catalogue]:
    """The versions with these ids, in one look-up for those that have been read."""
    found = await session.execute(select(SubsidyCatalogue.id, SubsidyCatalogue.version).where(SubsidyCatalogue.id.in_(ids)))
    return {row.id: _read[row.version] if row.version in _read else await by_id(session, row.id) for row in found.all()}


async def by_id(session: AsyncSession, catalogue_id: int) -> Catalogue:
    """The version with this id. Versions never change, so each is read and its diagrams are built once."""
    version = await session.scalar(select(SubsidyCatalogue.version).where(SubsidyCatalogue.id == catalogue_id))
    if version not in _read:
        row = await session.get_one(SubsidyCatalogue, catalogue_id)
        _read[row.version] = Catalogue.from_content(row.content)
        version = row.version
    return _read[version]
