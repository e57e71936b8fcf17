"""What a resident is told of their consult, in the chat, through the outbox."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Conversation
from backend.events.service import Desk
from backend.legal.models import Consult
from backend.localtime import say_moment
from backend.outbox import service as outbox


async def say(session: AsyncSession, consult: Consult, response: str, *, desk: Desk, **values: object) -> None:
    """Say ``response`` with the consult's number; moments are said in local words."""
    local = {
        name: say_moment(value, now=desk.now, zone=desk.zone) if isinstance(value, datetime) else value
        for name, value in values.items()
    }
    said = desk.sentences.say(response, **local | {"number": consult.number})
    conversation = await session.get_one(Conversation, consult.conversation_id)
    await outbox.say(session, conversation, now=desk.now, text=said.text, buttons=said.buttons)
