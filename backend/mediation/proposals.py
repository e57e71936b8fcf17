"""Staff give a dispute to mediation: an event of the right item, or what was brought to the counter or by another house."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Conversation
from backend.errors import BadInput, Conflict
from backend.events.models import Event, EventState
from backend.events.service import Desk
from backend.mediation import service
from backend.mediation.desks import MEDIATION_ROLES
from backend.mediation.ladder import BY_ITEM, kind_of
from backend.mediation.models import Mediation, Origin
from backend.mediation.schemas import NewMediation
from backend.staff import events as work
from backend.staff.scope import Scope

SHOWN = 5


def suits(scope: Scope, event: Event) -> bool:
    """Whether the event's item is a quarrel between people of this person's area, and its reporter can be asked."""
    return (
        scope.covers(event.area_path)
        and event.item_code in BY_ITEM
        and event.conversation_id is not None
        and not event.anonymous
    )


async def of_talk(session: AsyncSession, scope: Scope, conversation: Conversation) -> list[Event]:
    """The latest events of the conversation's resident that suit and are not under mediation, where the asker holds it."""
    if scope.role not in MEDIATION_ROLES or conversation.staff_id != scope.staff_id:
        return []
    rows = await session.scalars(
        select(Event)
        .where(
            Event.reporter_id == conversation.resident_id,
            Event.item_code.in_(BY_ITEM),
            Event.state != EventState.WITHDRAWN,
        )
        .order_by(Event.id.desc())
        .limit(SHOWN)
    )
    fit = [event for event in rows if suits(scope, event)]
    return [event for event in fit if await service.of_source(session, event.number) is None]


async def propose(session: AsyncSession, scope: Scope, body: NewMediation, *, desk: Desk) -> Mediation:
    """The new mediation. Raises as service.propose does, and Conflict for an event whose reporter cannot be asked."""
    if not body.event:
        if body.matter is None:
            raise BadInput("请选择是哪一类纠纷。", fields=["matter"])
        if body.origin in (Origin.CHAT, Origin.EVENT, Origin.CONSULT):
            raise BadInput("请选择从哪里来的。", fields=["origin"])
        return await service.propose(
            session,
            scope,
            body.text,
            area_code=body.area_code,
            matter=body.matter,
            kind=body.kind or kind_of(body.text, body.matter),
            origin=body.origin,
            applicant=body.applicant,
            respondent=body.respondent,
            conversation=None,
            source_number="",
            desk=desk,
        )
    event = await work.by_number(session, scope, body.event)
    matter = body.matter or BY_ITEM.get(event.item_code or "")
    if matter is None:
        raise BadInput("请选择是哪一类纠纷。", fields=["matter"])
    if event.conversation_id is None or event.anonymous:
        raise Conflict("上报人匿名或者不在线上，没法问他愿不愿意。", code="nobody_to_ask")
    return await service.propose(
        session,
        scope,
        event.description,
        area_code=event.area_code,
        matter=matter,
        kind=body.kind or kind_of(event.description, matter),
        origin=Origin.EVENT,
        applicant="",
        respondent=body.respondent,
        conversation=await session.get_one(Conversation, event.conversation_id),
        source_number=event.number,
        desk=desk,
    )
