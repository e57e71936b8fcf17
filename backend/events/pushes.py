"""What residents are told at each step, in order, through the outbox."""

from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue.models import Department, HandlerKind, Item
from backend.conversations.models import Conversation
from backend.events.models import ActorKind, Event, EventState, Supporter
from backend.feedback.masking import for_neighbours
from backend.grids import service as grids
from backend.grids.models import Area
from backend.localtime import say_moment
from backend.outbox import service as outbox

if TYPE_CHECKING:
    from backend.events.service import Actor, Desk

STEPS = {
    EventState.ACCEPTED: "utter_event_accepted",
    EventState.DISPATCHED: "utter_event_dispatched",
    EventState.IN_PROGRESS: "utter_event_in_progress",
    EventState.HANDLED: "utter_event_handled",
    EventState.CLOSED: "utter_event_closed",
    EventState.REJECTED: "utter_event_rejected",
    EventState.REOPENED: "utter_event_reopened",
}


async def title_of(session: AsyncSession, event: Event) -> str:
    """A few words that name the event: the item, else the beginning of what was said."""
    item = await session.get(Item, event.item_code) if event.item_code else None
    return item.name if item else event.description[:16]


async def handler_name(session: AsyncSession, event: Event) -> str:
    """The desk's name and, for a grid, the grid member's: 界牌社区第五网格（网格员薛阳）."""
    if event.handler is None or event.handler_code is None:
        area = await session.get_one(Area, event.area_code)
        return await desk_name(session, HandlerKind(area.level.value), area.code) if area.level.value != "city" else area.name
    return await desk_name(session, event.handler, event.handler_code)


async def desk_name(session: AsyncSession, kind: HandlerKind, code: str) -> str:
    if kind is HandlerKind.DEPARTMENT:
        return (await session.get_one(Department, code)).name
    area = await session.get_one(Area, code)
    if kind is HandlerKind.STREET:
        return f"{area.name}社会治理中心"
    if kind is not HandlerKind.GRID:
        return area.name
    community = await session.get(Area, area.parent_code)
    full = area.name if community is None or area.name.startswith(community.name) else community.name + area.name
    card = await grids.card(session, code)
    return f"{full}（网格员{card.name}）" if card else full


async def followers(session: AsyncSession, event: Event) -> list[tuple[Conversation, bool]]:
    """The conversations that follow the event, the reporter's first; the flag says whether it is the reporter's."""
    found = []
    if event.conversation_id is not None:
        found.append((await session.get_one(Conversation, event.conversation_id), True))
    joined = await session.scalars(
        select(Conversation)
        .join(Supporter, Supporter.conversation_id == Conversation.id)
        .where(Supporter.event_id == event.id)
        .order_by(Supporter.at)
    )
    return found + [(conversation, False) for conversation in joined]


async def push_step(
    session: AsyncSession,
    event: Event,
    to: EventState,
    *,
    desk: "Desk",
    note: str,
    photos: list[str],
    actor: "Actor",
) -> None:
    """Tell the followers that the event came to ``to``. A silent step (verifying, for a neighbour) says nothing."""
    by_reporter = actor.kind is ActorKind.RESIDENT
    values = await _values(session, event, desk)
    values["note"] = note or "（没有填写说明）"
    for conversation, is_reporter in await followers(session, event):
        name = STEPS.get(to)
        if to is EventState.VERIFYING and is_reporter:
            name = "utter_event_verify"
        if to is EventState.CLOSED:
            name = _closing(actor, is_reporter=is_reporter)
        if to is EventState.WITHDRAWN and not is_reporter:
            name = "utter_event_withdrawn_neighbour"
        if to is EventState.ACCEPTED and event.urgent:
            name = "utter_event_accepted_urgent"
        if by_reporter and is_reporter:
            continue  # the turn itself answers what the resident just did
        if name is None:
            continue
        # What staff wrote may name the one who reported it: that is for nobody else.
        said = desk.sentences.say(name, **(values if is_reporter else values | {"note": for_neighbours(values["note"])}))
        await outbox.say(session, conversation, now=desk.now, text=said.text, buttons=said.buttons, media=photos or None)


def _closing(actor: "Actor", *, is_reporter: bool) -> str:
    if not is_reporter:
        return "utter_event_closed_neighbour"
    return "utter_event_closed_by_time" if actor.kind is ActorKind.SYSTEM else "utter_event_closed"


async def push_escalation(session: AsyncSession, event: Event, *, desk: "Desk") -> None:
    """Tell the followers that what was late has climbed."""
    values = await _values(session, event, desk)
    values["level"] = {"community": "社区", "street": "街道", "district": "区里"}.get(event.level.value, "上级")
    for conversation, _ in await followers(session, event):
        said = desk.sentences.say("utter_event_escalated", **values)
        await outbox.say(session, conversation, now=desk.now, text=said.text, buttons=said.buttons)


async def _values(session: AsyncSession, event: Event, desk: "Desk") -> dict[str, Any]:
    return {
        "number": event.number,
        "title": await title_of(session, event),
        "handler": await handler_name(session, event),
        "due": say_moment(event.due_at, now=desk.now, zone=desk.zone) if event.due_at else "",
        "hours": desk.verify_hours,
        "days": desk.reopen_days,
    }
