"""An opinion as residents read it; nothing in it tells whose it is to anyone but its author."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from backend.events.pushes import desk_name
from backend.events.service import Desk
from backend.feedback.masking import masked
from backend.localtime import say_moment
from backend.opinions import service
from backend.opinions.models import Opinion, OpinionState
from backend.opinions.pushes import title_of

STATE_NAMES = {OpinionState.WAITING: "等答复", OpinionState.ANSWERED: "已答复", OpinionState.WITHDRAWN: "已撤回"}


async def cards(session: AsyncSession, opinions: list[Opinion], *, resident_id: int, desk: Desk) -> list[dict[str, Any]]:
    """Each opinion as {number, title, text, state, state_name, owner, due, late, created, answer, supporters, mine, public,
    stars}."""
    counts = await service.supporters(session, [opinion.id for opinion in opinions])
    found = []
    for opinion in opinions:
        mine = opinion.resident_id == resident_id
        found.append(
            {
                "number": opinion.number,
                "title": title_of(opinion),
                "text": opinion.text if mine else masked(opinion.text),
                "state": opinion.state.value,
                "state_name": STATE_NAMES[opinion.state],
                "owner": await desk_name(session, opinion.owner, opinion.owner_code),
                "due": say_moment(opinion.due_at, now=desk.now, zone=desk.zone),
                "late": opinion.state is OpinionState.WAITING and opinion.due_at < desk.now,
                "created": say_moment(opinion.created_at, now=desk.now, zone=desk.zone),
                "answer": opinion.answer,
                "supporters": counts.get(opinion.id, 0),
                "mine": mine,
                "public": opinion.public,
                "stars": opinion.stars,
            }
        )
    return found


async def card(session: AsyncSession, opinion: Opinion, *, resident_id: int, desk: Desk) -> dict[str, Any]:
    """One opinion, as ``cards`` gives it."""
    return (await cards(session, [opinion], resident_id=resident_id, desk=desk))[0]
