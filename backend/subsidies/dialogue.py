"""One message in, what is answered out: the talk about what somebody may have, and the application that follows it."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Conversation
from backend.events.service import Desk
from backend.subsidies import apply, reading, service, talk
from backend.subsidies.talk import ASK, RESULT, Heard, Room
from backend.vault.service import Vault
from wording import Said

_TRUTH = {"true": True, "false": False}


async def hear(session: AsyncSession, conversation: Conversation, heard: Heard, *, desk: Desk, vault: Vault) -> dict[str, Any]:
    """Take a message in; returns {taken, over, replies}. ``taken`` is False when it was meant for somebody else."""
    about = None
    if heard.starting and heard.text:
        _, catalogue = await service.in_force(session)
        about = reading.read(catalogue, heard.text).about
        if about is None and reading.read(catalogue, heard.text).facts:
            about = "self" if "我" in heard.text else None
    room, new = await talk.room_of(session, conversation, about=about, desk=desk, vault=vault)
    if heard.choice:
        taken = await _press(room, heard)
    elif heard.starting:
        taken = await talk.begin(room, heard, new=new)
    elif room.talk.stage in (ASK, RESULT):
        taken = talk.listen(room, heard)
    else:
        taken = await apply.listen(room, heard)
    if taken:
        talk.go_on(room)
        room.talk.updated_at = desk.now
        await session.flush()
    return {"taken": taken, "over": room.over, "replies": [{"text": s.text, "buttons": s.buttons} for s in room.said]}


async def begin_kind(
    session: AsyncSession, conversation: Conversation, code: str, *, words: str, desk: Desk, vault: Vault
) -> dict[str, Any]:
    """Speak of one subsidy from here on: what ``words``, all that the resident said of late, do not tell is asked, and where
    it fits, applying begins. Returns {replies}; ``question`` is what is asked then.
    """
    _, known = await service.in_force(session)
    found = reading.read(known, words)
    room, _ = await talk.room_of(session, conversation, about=found.about, desk=desk, vault=vault)
    room.know({key: value for key, value in found.facts.items() if key not in room.talk.facts})
    if room.talk.stage not in (ASK, RESULT) and room.talk.draft.get("kind") != code:
        room.talk.stage = ASK
    if room.talk.stage in (ASK, RESULT):
        room.talk.kinds, room.talk.skipped, room.talk.stage = [code], [], ASK
        if any(fit.kind.code == code for fit in room.advice.fits):
            await apply.press(room, "apply", code)
        talk.go_on(room)
    room.talk.updated_at = desk.now
    await session.flush()
    return {"replies": [{"text": s.text, "buttons": s.buttons} for s in room.said]}


async def question(session: AsyncSession, conversation: Conversation, *, desk: Desk, vault: Vault) -> Said:
    """What is asked now."""
    room, _ = await talk.room_of(session, conversation, about=None, desk=desk, vault=vault)
    if room.talk.stage == ASK and (fact := room.asking):
        return Said(fact.question.replace("{who}", room.who), talk.answers(room, fact))
    if room.talk.stage in (ASK, RESULT):
        said = desk.sentences.say("utter_subsidy_choose")
        return Said(said.text, talk.offers(room))
    return await apply.question(room)


async def _press(room: Room, heard: Heard) -> bool:
    what, _, rest = heard.choice.partition("=")
    match what:
        case "fact":
            key, _, value = rest.partition(":")
            fact = room.catalogue.facts.get(key)
            given = _TRUTH.get(value, value) if fact and fact.kind == "yes_no" else value
            if fact is not None and fact.domain.choices and reading.possible(fact, given):
                room.know({key: given})
                if room.talk.stage not in (ASK, RESULT):
                    room.say("utter_subsidy_resumed", who=room.who)
        case "skip" if rest in room.catalogue.facts:
            room.talk.skipped = [*room.talk.skipped, rest]
        case "show":
            room.talk.skipped = list(room.catalogue.facts)
        case "more":
            room.talk.skipped, room.talk.stage = [], ASK
        case "all":
            room.talk.kinds, room.talk.skipped, room.talk.stage = [], [], ASK
        case "stop":
            room.say("utter_subsidy_left")
            room.over = True
        case _:
            return await apply.press(room, what, rest)
    return True
