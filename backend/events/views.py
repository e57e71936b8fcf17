"""Events as the resident sees them: in local words, with nothing of other people's in it."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.events.models import ActorKind, Event, EventPhoto, EventState, History, HistoryKind
from backend.events.pushes import handler_name, title_of
from backend.events.service import Desk
from backend.feedback.masking import for_neighbours
from backend.localtime import say_moment

STATE_NAMES = {
    EventState.REPORTED: "已上报",
    EventState.ACCEPTED: "已受理",
    EventState.DISPATCHED: "已派遣",
    EventState.IN_PROGRESS: "处置中",
    EventState.HANDLED: "已处置",
    EventState.VERIFYING: "待核查",
    EventState.CLOSED: "已办结",
    EventState.REJECTED: "不予受理",
    EventState.WITHDRAWN: "已撤回",
    EventState.REOPENED: "重开",
}
KIND_NAMES = {
    HistoryKind.ESCALATION: "超期升级",
    HistoryKind.URGE: "催办",
    HistoryKind.SUPPLEMENT: "补充",
    HistoryKind.CORRECTION: "更正",
    HistoryKind.SUPPORT: "附议",
    HistoryKind.RATING: "评价",
}


async def card(session: AsyncSession, event: Event, *, resident_id: int, desk: Desk) -> dict[str, Any]:
    """One event in short: {number, title, state, state_name, address, handler, due, created, updated, ...}.

    Whoever did not report it reads neither names nor which room it is about.
    """
    mine = event.reporter_id == resident_id
    due = say_moment(event.due_at, now=desk.now, zone=desk.zone) if event.due_at else ""
    return {
        "number": event.number,
        "title": await title_of(session, event),
        "description": (event.description if mine else for_neighbours(event.description))[:60],
        "state": event.state.value,
        "state_name": STATE_NAMES[event.state],
        "address": event.address if mine else for_neighbours(event.address),
        "handler": await handler_name(session, event),
        "due": due,
        "late": bool(event.due_at and event.due_at < desk.now and event.escalate_at is not None),
        "created": say_moment(event.created_at, now=desk.now, zone=desk.zone),
        "created_at": event.created_at.isoformat(),
        "updated_at": event.updated_at.isoformat(),
        "due_at": event.due_at.isoformat() if event.due_at else None,
        "stars": event.stars,
        "mine": mine,
    }


async def page(session: AsyncSession, event: Event, *, resident_id: int, desk: Desk) -> dict[str, Any]:
    """One event whole: the card with its photos and its timeline. Neighbours' words and photos are not in it."""
    photos = await session.scalars(select(EventPhoto.media_key).where(EventPhoto.event_id == event.id))
    rows = await session.scalars(select(History).where(History.event_id == event.id).order_by(History.id))
    mine = event.reporter_id == resident_id
    timeline = [
        {
            "at": row.at.isoformat(),
            "when": say_moment(row.at, now=desk.now, zone=desk.zone),
            "state_name": STATE_NAMES[row.to_state] if row.to_state else KIND_NAMES[row.kind],
            "text": (row.note if mine else for_neighbours(row.note)) if _open_to(row, resident_id) else "",
            "photos": row.photos if _open_to(row, resident_id) else [],
            "who": "您" if row.resident_id == resident_id else _who(row),
        }
        for row in rows
        if row.to_state or row.kind in KIND_NAMES
    ]
    reporters = {key for row in timeline for key in row["photos"]}
    return await card(session, event, resident_id=resident_id, desk=desk) | {
        "text": event.description if mine else for_neighbours(event.description)[:60],
        "photos": list(photos) if mine else sorted(reporters),
        "timeline": timeline,
    }


def _open_to(row: History, resident_id: int) -> bool:
    return row.actor is not ActorKind.RESIDENT or row.resident_id == resident_id


def _who(row: History) -> str:
    return {ActorKind.RESIDENT: "邻居", ActorKind.STAFF: "工作人员", ActorKind.SYSTEM: "系统"}[row.actor]
