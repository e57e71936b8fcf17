"""What happens to applications by themselves: a level that is late climbs, gaps are reminded of, a 公示 comes to its end.

Everything is found from the record's own state, so a clerk that died has lost nothing.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue.models import HandlerKind
from backend.db import Database, lock
from backend.errors import LinlitongError
from backend.events.service import Desk
from backend.grids.models import Area
from backend.house import DeskFactory
from backend.localtime import say_day
from backend.staff import notices
from backend.subsidies import applications
from backend.subsidies.applications import REMIND, cure_left, move, push
from backend.subsidies.models import ApplicationState, SubsidyApplication, SubsidyDocument
from backend.web import without_values

logger = logging.getLogger(__name__)
BATCH = 50
OPEN = (ApplicationState.REVIEW, ApplicationState.MORE)


def _today(desk: Desk) -> date:
    return desk.now.astimezone(desk.zone).date()


async def climb(session: AsyncSession, application: SubsidyApplication, desk: Desk) -> None:
    """Mark a late level, tell the level above it and the resident."""
    application.late_at = desk.now
    above = await session.get(Area, application.desk_code)
    above = await session.get(Area, above.parent_code) if above is not None and above.parent_code else None
    kind = HandlerKind(above.level.value) if above is not None and above.level.value != "city" else None
    if above is not None and kind is not None:
        for staff_id in await notices.at_desk(session, kind, above.code):
            notices.tell(session, staff_id, f"补贴申请 {application.number} 在下级超期未审，请督办。", now=desk.now)
    for staff_id in await notices.at_desk(session, HandlerKind(application.desk), application.desk_code):
        notices.tell(session, staff_id, f"补贴申请 {application.number} 已超期，请尽快审核。", now=desk.now)
    await push(session, application, "late", desk=desk)


async def end_publication(session: AsyncSession, application: SubsidyApplication, desk: Desk) -> None:
    move(session, application, "approve", desk=desk)
    await applications.approved(session, application, desk=desk)


Due = Callable[[Desk], ColumnElement[bool]]
DUTIES: list[tuple[Due, Callable[[AsyncSession, SubsidyApplication, Desk], Awaitable[None]]]] = [
    (
        lambda desk: (
            (SubsidyApplication.state == ApplicationState.REVIEW)
            & (SubsidyApplication.due_at <= desk.now)
            & SubsidyApplication.late_at.is_(None)
        ),
        climb,
    ),
    (
        lambda desk: (
            (SubsidyApplication.state == ApplicationState.PUBLISHED) & (SubsidyApplication.published_until < _today(desk))
        ),
        end_publication,
    ),
]


def _gap_due(desk: Desk) -> ColumnElement[bool]:
    """Gaps whose next mark (7, 3, 1 days before) has come and was not told."""
    today = _today(desk)
    marks = [
        (SubsidyDocument.cure_by <= today + timedelta(days=mark))
        & or_(SubsidyDocument.reminded.is_(None), SubsidyDocument.reminded > mark)
        for mark in REMIND
    ]
    return SubsidyDocument.cure_by.is_not(None) & (SubsidyDocument.cure_by >= today) & or_(*marks)


async def remind(session: AsyncSession, document: SubsidyDocument, desk: Desk) -> None:
    """Tell the resident which paper is missing and how long there is; marks that were missed are not told afterwards."""
    application = await session.get_one(SubsidyApplication, document.application_id)
    assert document.cure_by is not None
    document.reminded = cure_left(document.cure_by, _today(desk))
    if application.state not in OPEN:
        return
    kind = await applications.kind_of(session, application)
    paper = next((paper.name for paper in kind.documents if paper.code == document.code), document.code)
    left = (document.cure_by - _today(desk)).days
    await push(session, application, "gap", desk=desk, paper=paper, day=say_day(document.cure_by), left=left)


async def run_once(database: Database, desk_of: DeskFactory) -> int:
    """Do everything that is due, each in its own transaction; returns how many were done."""
    done = 0
    for due, act in DUTIES:
        done += await _each(database, desk_of, SubsidyApplication, due, act)
    return done + await _each(database, desk_of, SubsidyDocument, _gap_due, remind)


async def _each(database: Database, desk_of: DeskFactory, table: Any, due: Due, act: Any) -> int:
    done = 0
    async with database.read() as session:
        desk = await desk_of(session)
        ids = list(await session.scalars(select(table.id).where(due(desk)).order_by(table.id).limit(BATCH)))
    for row_id in ids:
        try:
            async with database.write() as session:
                desk = await desk_of(session)
                row = await session.get_one(table, row_id)
                await lock(session, row)
                if await session.scalar(select(table.id).where(table.id == row_id, due(desk))) is not None:
                    await act(session, row, desk)
                    done += 1
        except LinlitongError as error:
            logger.error("%s %s: %s failed with %s", table.__tablename__, row_id, act.__name__, error.code)
    return done


async def run(database: Database, desk_of: DeskFactory, *, every: float = 30.0) -> None:
    """Run for ever, every ``every`` seconds."""
    signal = database.signals["subsidies"]
    while True:
        seen = signal.count
        try:
            await run_once(database, desk_of)
        except Exception as error:  # the process's edge: the next round finds the same work again
            logger.error("the clerk of subsidies stumbled", exc_info=without_values(error))
        await signal.wait(every, since=seen)
