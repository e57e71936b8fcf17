"""Reminders, lapsed applications and late decisions, found from the record's own state."""

from collections.abc import Awaitable, Callable

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.db import Database
from backend.events.service import Desk
from backend.house import DeskFactory
from backend.legal_aid import service
from backend.legal_aid.models import LegalAid

BATCH = 50
DUTIES: list[tuple[Callable[[Desk], ColumnElement[bool]], Callable[[AsyncSession, LegalAid, Desk], Awaitable[None]]]] = [
    (service.to_withdraw, service.withdraw),
    (service.to_remind, service.remind),
    (service.too_late, service.tell_late),
]


async def run_once(database: Database, desk_of: DeskFactory) -> int:
    """Do everything that is due, each application in its own transaction; returns how many were done."""
    done = 0
    for due, act in DUTIES:
        async with database.read() as session:
            query = select(LegalAid.id).where(due(await desk_of(session))).order_by(LegalAid.id).limit(BATCH)
            ids = list(await session.scalars(query))
        for aid_id in ids:
            async with database.write() as session:
                desk = await desk_of(session)
                query = select(LegalAid).where(LegalAid.id == aid_id, due(desk)).with_for_update(skip_locked=True)
                if (aid := await session.scalar(query)) is not None:
                    await act(session, aid, desk)
                    done += 1
    return done
