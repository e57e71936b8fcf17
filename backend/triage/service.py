"""How much is dispatched without a person, and how often staff had to correct it."""

from datetime import datetime
from typing import TypedDict

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from backend.events.models import ActorKind, EventState, History


class Figures(TypedDict):
    """Counts of events; ``rate`` is automatic/dispatched and ``precision`` the share of the automatic ones that stood.

    Both are None where nothing was counted.
    """

    dispatched: int
    automatic: int
    corrected: int
    rate: float | None
    precision: float | None


async def dispatch_figures(session: AsyncSession, since: datetime, *, scope: ColumnElement[bool] | None = None) -> Figures:
    """Figures of the events first dispatched at ``since`` or later.

    Corrected is an automatic dispatch after which staff, before any reopening, gave the event to another handler or
    changed its item (a history row with ``item_code`` in its details). ``scope`` is a condition on
    History.event_id, for those who may see a part only.
    """
    earliest = select(func.min(History.id)).where(History.to_state == EventState.DISPATCHED).group_by(History.event_id)
    automatic = History.actor == ActorKind.SYSTEM
    query = select(
        func.count(),
        func.count(case((automatic, 1))),
        func.count(case((and_(automatic, _corrected()), 1))),
    ).where(History.id.in_(earliest), History.at >= since)
    if scope is not None:
        query = query.where(scope)
    dispatched, by_itself, corrected = (await session.execute(query)).one()
    return Figures(
        dispatched=dispatched,
        automatic=by_itself,
        corrected=corrected,
        rate=by_itself / dispatched if dispatched else None,
        precision=1 - corrected / by_itself if by_itself else None,
    )


def _corrected() -> ColumnElement[bool]:
    later, reopening = aliased(History), aliased(History)
    another = or_(
        later.details["handler"].as_string() != History.details["handler"].as_string(),
        later.details["handler_code"].as_string() != History.details["handler_code"].as_string(),
    )
    reopened = exists().where(
        reopening.event_id == later.event_id, reopening.to_state == EventState.REOPENED, reopening.id < later.id
    )
    return exists().where(
        later.event_id == History.event_id,
        later.id > History.id,
        later.actor == ActorKind.STAFF,
        or_(and_(later.to_state == EventState.DISPATCHED, another), later.details["item_code"].as_string().is_not(None)),
        ~reopened,
    )
