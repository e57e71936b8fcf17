"""What a resident presses of a mediation while a person holds the conversation: the assistant is silent then, so it is heard
here. Words count as pressing only in answer to the very question; anything else is for the person.
"""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Author, Conversation, Holder, Message, MessageKind, TurnState
from backend.conversations.service import OPEN, Accepted, end_turn
from backend.conversations.typed import button_meant
from backend.errors import LinlitongError
from backend.events.service import Desk
from backend.mediation import pushes, service, sittings
from backend.mediation.models import Side
from backend.outbox import service as outbox
from wording import Said

PRESSED = re.compile(r"/(accept_mediation|withdraw_mediation_sure|choose_mediator|answer_sitting)(\{.{1,200}\})")


async def hear(session: AsyncSession, accepted: Accepted, desk_of: Callable[[AsyncSession], Awaitable[Desk]]) -> None:
    """Take the resident's word on a mediation, and answer it; leave every other message alone."""
    message, conversation = accepted.message, accepted.conversation
    waits = message.turn_state in (*OPEN, TurnState.WITH_STAFF)
    if accepted.repeat or conversation.holder is not Holder.STAFF or not waits:
        return
    found = PRESSED.fullmatch(await _payload(session, message))
    if found is None:
        return
    try:
        fields = json.loads(found[2])
    except ValueError:
        return
    end_turn(message, TurnState.DONE)
    desk = await desk_of(session)
    try:
        async with session.begin_nested():
            said, more = await _do(session, conversation, found[1], fields, desk)
    except LinlitongError as refused:
        said, more = desk.sentences.say("utter_not_possible", reason=refused.sentence), []
    buttons = [*more, *said.buttons]
    await outbox.say(session, conversation, now=desk.now, text=said.text, buttons=buttons, in_reply_to=message.id)


async def _payload(session: AsyncSession, message: Message) -> str:
    """What was pressed, or named in answer to the message just before."""
    if message.kind is MessageKind.BUTTON:
        return message.text
    if message.kind is not MessageKind.TEXT:
        return ""
    asked = await session.scalar(
        select(Message.buttons)
        .where(
            Message.conversation_id == message.conversation_id,
            Message.sequence < message.sequence,
            Message.author != Author.RESIDENT,
            Message.kind != MessageKind.NOTE,
        )
        .order_by(Message.sequence.desc())
        .limit(1)
    )
    button = button_meant(message.text, asked or [])
    return button["payload"] if button else ""


async def _do(
    session: AsyncSession, conversation: Conversation, step: str, fields: dict[str, Any], desk: Desk
) -> tuple[Said, list[dict[str, str]]]:
    """Take the step; returns what the resident is told, and the mediators to choose from. Raises LinlitongError."""
    say, number = desk.sentences.say, str(fields.get("number", ""))
    only = Side.APPLICANT if step in ("accept_mediation", "choose_mediator") else None
    mediation, party = await service.own(session, number, resident_id=conversation.resident_id, side=only)
    match step:
        case "accept_mediation":
            await service.accept(session, mediation, desk=desk)
            offered = (await service.mediators(session, mediation))[: service.OFFERED]
            buttons = [pushes.mediator_button(mediation, mediator) for mediator in offered]
            office = say("utter_name_mediation_office").text
            buttons.append({"title": office, "payload": f'/choose_mediator{{"number":"{number}","mediator":"0"}}'})
            filed = "utter_mediation_filed" if offered else "utter_mediation_filed_office"
            return say(filed, number=number, rung=mediation.rung.name), buttons if offered else []
        case "choose_mediator":
            wanted = str(fields.get("mediator", "0"))
            chosen = await service.choose_mediator(session, mediation, int(wanted) if wanted.isdecimal() else 0, desk=desk)
            response = "utter_mediator_chosen" if chosen else "utter_mediator_left"
            return say(response, number=number, mediator=pushes.mediator_label(chosen) if chosen else ""), []
        case "answer_sitting":
            coming = fields.get("coming") is True
            await sittings.answer(session, mediation, party.side, coming=coming, desk=desk)
            return say("utter_mediation_coming" if coming else "utter_mediation_not_coming", number=number), []
        case _:
            await service.withdraw(session, mediation, desk=desk, side=party.side)
            return say("utter_mediation_withdrawn", number=number), []
