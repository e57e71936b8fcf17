"""Sends the pushes that are due, a batch of subscribers in each transaction; found from the record's own state."""

from sqlalchemy import select

from backend.broadcasts import service
from backend.broadcasts.models import Broadcast
from backend.db import Database
from backend.house import DeskFactory


async def run_once(database: Database, desk_of: DeskFactory) -> int:
    """Send one batch of each push that is due; returns how many residents were told."""
    async with database.read() as session:
        ids = list(
            await session.scalars(select(Broadcast.id).where(service.due(await desk_of(session))).order_by(Broadcast.id))
        )
    told = 0
    for broadcast_id in ids:
        async with database.write() as session:
            desk = await desk_of(session)
            broadcast = await session.scalar(
                select(Broadcast).where(Broadcast.id == broadcast_id, service.due(desk)).with_for_update(skip_locked=True)
            )
            if broadcast is not None:
                told += await service.send(session, broadcast, desk=desk)
    return told
