"""How everything stands that a resident has asked for: what the assistant shows to 我的事怎么样了, told in one answer."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Conversation
from backend.events import service as events
from backend.events import views as event_views
from backend.events.service import Desk
from backend.legal import service as legal
from backend.legal import views as legal_views
from backend.mediation import views as mediation_views
from backend.opinions import service as opinions
from backend.opinions import views as opinion_views
from backend.subsidies import cards as subsidies


async def of_conversation(session: AsyncSession, conversation: Conversation, *, desk: Desk) -> dict[str, list[dict[str, Any]]]:
    """{events, applications, consults, opinions, mediations} of its resident: cards, the newest first in each.

    ``opinions`` are their own and those they seconded.
    """
    resident_id = conversation.resident_id
    suggested = await opinions.of_resident(session, resident_id)
    return {
        "events": [
            await event_views.card(session, event, resident_id=resident_id, desk=desk)
            for event in await events.of_resident(session, resident_id)
        ],
        "applications": await subsidies.of_conversation(session, conversation, desk=desk),
        "consults": [legal_views.card(consult) for consult in await legal.of_resident(session, resident_id)],
        "opinions": await opinion_views.cards(session, suggested, resident_id=resident_id, desk=desk),
        "mediations": await mediation_views.of_resident(session, resident_id, desk=desk),
    }
