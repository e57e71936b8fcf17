"""What residents are told of an opinion, in the chat, through the outbox."""

import re

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Conversation
from backend.events.pushes import desk_name
from backend.events.service import Desk
from backend.feedback.masking import masked
from backend.localtime import say_moment
from backend.opinions.models import Opinion, OpinionSupporter
from backend.outbox import service as outbox

TITLE = 24
OPENING = re.compile(r"^(我?想?(给你们)?提个?(小?建议|意见)[，,：: ]*|我?(建议|希望)[，,：: ]*)")
LEVELS = {"community": "社区", "street": "街道", "district": "区里"}


def title_of(opinion: Opinion) -> str:
    """The beginning of its words on one line, with what could tell whose it is masked."""
    words = OPENING.sub("", masked(opinion.text))
    return words if len(words) <= TITLE else words[: TITLE - 1] + "…"


async def values_of(session: AsyncSession, opinion: Opinion, desk: Desk) -> dict[str, str]:
    """What the sentences are filled with."""
    return {
        "number": opinion.number,
        "title": title_of(opinion),
        "owner": await desk_name(session, opinion.owner, opinion.owner_code),
        "due": say_moment(opinion.due_at, now=desk.now, zone=desk.zone),
        "level": LEVELS.get(opinion.level.value, "上级"),
        "answer": opinion.answer,
        "became": opinion.became_number,
    }


async def to_author(session: AsyncSession, opinion: Opinion, response: str, *, desk: Desk) -> None:
    """Say ``response`` to whoever filed it, if they are still known."""
    if opinion.conversation_id is None:
        return
    conversation = await session.get_one(Conversation, opinion.conversation_id)
    said = desk.sentences.say(response, **await values_of(session, opinion, desk))
    await outbox.say(session, conversation, now=desk.now, text=said.text, buttons=said.buttons)


async def to_supporters(session: AsyncSession, opinion: Opinion, response: str, *, desk: Desk) -> None:
    """Say ``response`` to everyone who seconds it."""
    joined = await session.scalars(
        select(Conversation)
        .join(OpinionSupporter, OpinionSupporter.conversation_id == Conversation.id)
        .where(OpinionSupporter.opinion_id == opinion.id)
        .order_by(OpinionSupporter.at)
    )
    said = desk.sentences.say(response, **await values_of(session, opinion, desk))
    for conversation in joined.all():
        await outbox.say(session, conversation, now=desk.now, text=said.text, buttons=said.buttons)
