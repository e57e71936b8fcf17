"""Work that is found in the record's own state, so that whoever does it and dies has lost nothing.

A room says what is due and what is done about it; finding it, one transaction for each row, and the loop are the same.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, literal, select, union_all

from backend.db import Database
from backend.errors import LinlitongError
from backend.events.service import Desk
from backend.house import DeskFactory
from backend.web import without_values

logger = logging.getLogger(__name__)
BATCH = 50


@dataclass(frozen=True)
class Duty:
    """``act(session, row, desk=desk)`` is done for each row of ``table`` for which ``due(desk)`` holds."""

    table: type[Any]
    due: Callable[[Desk], ColumnElement[bool]]
    act: Callable[..., Awaitable[object]]


def _look(number: int, duty: Duty, desk: Desk) -> Select[tuple[int, int]]:
    """The oldest rows for which the duty is due, as rows of its number and their ids."""
    oldest = select(duty.table.id).where(duty.due(desk)).order_by(duty.table.id).limit(BATCH).subquery()
    return select(literal(number), oldest.c.id)


async def do_due(database: Database, desk_of: DeskFactory, duties: Sequence[Duty]) -> int:
    """Do everything that is due, each row in its own transaction; returns for how many rows."""
    done = 0
    async with database.read() as session:
        desk = await desk_of(session)
        found = await session.execute(union_all(*(_look(number, duty, desk) for number, duty in enumerate(duties))))
        waiting = sorted(found.all())
    for number, row_id in waiting:
        duty = duties[number]
        try:
            async with database.write() as session:
                desk = await desk_of(session)
                row = await session.scalar(
                    select(duty.table)
                    .where(duty.table.id == row_id, duty.due(desk))
                    .with_for_update(skip_locked=True, of=duty.table)
                )
                if row is not None:
                    await duty.act(session, row, desk=desk)
                    done += 1
        except LinlitongError as error:
            logger.error("%s %s: duty %d failed with %s", duty.table.__tablename__, row_id, number, error.code)
    return done


async def keep_on(database: Database, name: str, work: Callable[[], Awaitable[object]], *, every: float) -> None:
    """Do ``work`` for ever: at once when signal ``name`` rings, else every ``every`` seconds."""
    signal = database.signals[name]
    while True:
        seen = signal.count
        try:
            await work()
        except Exception as error:  # the process's edge: the next round finds the same work again
            logger.error("the clerk of %s stumbled", name, exc_info=without_values(error))
        await signal.wait(every, since=seen)
