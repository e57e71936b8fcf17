"""How the desks do: who waits now, how soon people come, how often it is passed on, and how residents found it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Conversation, Holder
from backend.desk.models import Transfer, Visit
from backend.grids.models import Area, Level
from backend.staff.scope import GRID_ROLES, Scope


@dataclass(frozen=True)
class Day:
    """One local day's visits by when they were asked for; ``minutes`` is the median wait of those that were claimed."""

    day: date
    asked: int
    claimed: int
    minutes: float | None


@dataclass(frozen=True)
class Figures:
    """Waits in minutes by the clock. ``in_time``: the share that was claimed before the published minutes of its first desk had
    run out, of those that were claimed or had waited that long, at a grid's or a community's desk. ``satisfied``: the share of
    the rated ones with 4 stars or more. A share is None where nothing was counted.
    """

    waiting: int
    longest: int | None
    asked: int
    claimed: int
    minutes: float | None
    in_time: float | None
    transfers: int
    rated: int
    satisfied: float | None
    days: list[Day]


def _within(scope: Scope) -> ColumnElement[bool]:
    inside = Visit.area_code.in_(select(Area.code).where(Area.path.startswith(scope.path, autoescape=True)))
    return inside if scope.role in GRID_ROLES else or_(inside, Visit.area_code.is_(None))


async def desk_figures(session: AsyncSession, scope: Scope, *, days: int, now: datetime, zone: ZoneInfo) -> Figures:
    """The figures of the desks in ``scope``, of the last ``days`` local days, today included; what waits is as of now."""
    today = now.astimezone(zone).date()
    first = today - timedelta(days=days - 1)
    since = datetime.combine(first, datetime.min.time(), zone)
    mine = scope.conversations()
    waits = Conversation.holder == Holder.WAITING
    waiting, oldest = (
        await session.execute(
            select(func.count(), func.min(Conversation.waiting_since)).select_from(Conversation).where(mine, waits)
        )
    ).one()
    rows = (
        await session.execute(
            select(Visit.asked_at, Visit.claimed_at, Visit.climbs, Visit.overdue_at, Visit.stars, Area.level)
            .outerjoin(Area, Area.code == Visit.area_code)
            .where(_within(scope), Visit.asked_at >= since)
        )
    ).all()
    transfers = await session.scalar(
        select(func.count())
        .select_from(Transfer)
        .join(Visit, Visit.id == Transfer.visit_id)
        .where(_within(scope), Transfer.accepted_by.is_not(None), Transfer.offered_at >= since)
    )
    claimed = [row for row in rows if row.claimed_at is not None]
    timed = [row for row in rows if _late(row) or (row.claimed_at is not None and row.level in (Level.GRID, Level.COMMUNITY))]
    stars = [row.stars for row in rows if row.stars is not None]
    by_day: dict[date, list[float | None]] = {first + timedelta(days=n): [] for n in range(days)}
    for row in rows:
        by_day[row.asked_at.astimezone(zone).date()].append(_wait(row) if row.claimed_at else None)
    return Figures(
        waiting=waiting,
        longest=int((now - oldest).total_seconds() // 60) if oldest else None,
        asked=len(rows),
        claimed=len(claimed),
        minutes=median(_wait(row) for row in claimed) if claimed else None,
        in_time=sum(not _late(row) for row in timed) / len(timed) if timed else None,
        transfers=transfers or 0,
        rated=len(stars),
        satisfied=sum(n >= 4 for n in stars) / len(stars) if stars else None,
        days=[
            Day(day, len(found), len(known := [n for n in found if n is not None]), median(known) if known else None)
            for day, found in by_day.items()
        ],
    )


def _late(row: object) -> bool:
    return bool(row.climbs or row.overdue_at)  # type: ignore[attr-defined]


def _wait(row: object) -> float:
    return (row.claimed_at - row.asked_at).total_seconds() / 60  # type: ignore[attr-defined]
