"""What the parties of a mediation are told in the chat, through the outbox."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Conversation
from backend.events.service import Desk
from backend.localtime import say_moment
from backend.mediation.ladder import KIND_NAMES, MATTER_NAMES, said
from backend.mediation.models import Answer, Mediation, MediationParty, Mediator, Side
from backend.outbox import service as outbox


async def parties_of(session: AsyncSession, mediation: Mediation) -> dict[Side, MediationParty]:
    """Both sides, as far as they are known."""
    rows = await session.scalars(select(MediationParty).where(MediationParty.mediation_id == mediation.id))
    return {party.side: party for party in rows}


def mediator_label(mediator: Mediator) -> str:
    return f"{mediator.name}（{mediator.title}）"


def mediator_button(mediation: Mediation, mediator: Mediator) -> dict[str, str]:
    payload = f'/choose_mediator{{"number":"{mediation.number}","mediator":"{mediator.id}"}}'
    return {"title": mediator_label(mediator), "payload": payload, "says": mediator.name}


def values_of(mediation: Mediation) -> dict[str, object]:
    """What the sentences may name: number, title, kind, rung, ladder."""
    rung = mediation.rung
    return {
        "number": mediation.number,
        "title": MATTER_NAMES[mediation.matter],
        "kind": KIND_NAMES[rung.kind] if rung.kind else "",
        "rung": rung.name,
        "ladder": said(mediation.route, mediation.step),
    }


async def tell(
    session: AsyncSession,
    mediation: Mediation,
    response: str,
    *,
    desk: Desk,
    only: Side | None = None,
    extra_buttons: list[dict[str, Any]] | None = None,
    **values: object,
) -> list[Side]:
    """Say ``response`` to the sides that are in the chat and take part (or to ``only`` one); returns who was told."""
    local = {
        name: say_moment(value, now=desk.now, zone=desk.zone) if isinstance(value, datetime) else value
        for name, value in values.items()
    }
    spoken = desk.sentences.say(response, **values_of(mediation) | local)
    told = []
    for side, party in sorted((await parties_of(session, mediation)).items()):
        if party.conversation_id is None or side is not (only or side) or (only is None and party.answer is not Answer.AGREED):
            continue
        conversation = await session.get_one(Conversation, party.conversation_id)
        buttons = [*(extra_buttons or []), *spoken.buttons]
        await outbox.say(session, conversation, now=desk.now, text=spoken.text, buttons=buttons)
        told.append(side)
    return told
