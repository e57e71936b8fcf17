"""What residents say against an application that is published. It does not become final while one is open."""

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue.models import HandlerKind
from backend.conversations.models import Conversation
from backend.db import lock, wake
from backend.errors import BadInput, Conflict, Forbidden, NotFound
from backend.events.service import Desk
from backend.outbox import service as outbox
from backend.staff import notices
from backend.staff.scope import Scope
from backend.subsidies import applications
from backend.subsidies.applications import NOTE_LIMIT
from backend.subsidies.models import ApplicationState, SubsidyApplication, SubsidyObjection

TAKEN, DISMISSED = "taken", "dismissed"


def none_open() -> ColumnElement[bool]:
    """No objection against the application waits for an answer."""
    waiting = exists().where(SubsidyObjection.application_id == SubsidyApplication.id, SubsidyObjection.answer == "")
    return ~waiting


async def object_to(session: AsyncSession, number: str, conversation: Conversation, *, text: str, desk: Desk) -> None:
    """A resident objects within the window. Raises BadInput without words, NotFound, Conflict afterwards or the second time."""
    application = await applications.by_number(session, number)
    await lock(session, application)
    if application.state is not ApplicationState.PUBLISHED or (application.published_until or desk.today) < desk.today:
        raise Conflict(desk.sentences.say("utter_subsidy_objection_late").text, code="not_published")
    if not text.strip():
        raise BadInput(desk.sentences.say("utter_subsidy_objection_empty").text, fields=["text"])
    objection = SubsidyObjection(
        application_id=application.id,
        conversation_id=conversation.id,
        text=text.strip()[:NOTE_LIMIT],
        at=desk.now,
        answer="",
        note="",
    )
    try:
        async with session.begin_nested():
            session.add(objection)
            await session.flush()
    except IntegrityError:
        raise Conflict(desk.sentences.say("utter_subsidy_objection_again").text, code="objected_already") from None
    for staff_id in await notices.at_desk(session, HandlerKind(application.desk), application.desk_code):
        notices.tell(session, staff_id, f"补贴公示 {application.number} 收到一条异议，请核实。", now=desk.now)
    wake(session, "console")


async def of(session: AsyncSession, application: SubsidyApplication) -> list[SubsidyObjection]:
    """The objections against an application, the oldest first."""
    mine = select(SubsidyObjection).where(SubsidyObjection.application_id == application.id)
    return list(await session.scalars(mine.order_by(SubsidyObjection.id)))


async def answer(
    session: AsyncSession,
    application: SubsidyApplication,
    objection_id: int,
    *,
    taken: bool,
    note: str,
    scope: Scope,
    desk: Desk,
) -> None:
    """Take an objection up (the last level looks again) or dismiss it with a reason; whoever objected is told.

    Raises Forbidden where the application is not on their desk, BadInput without a reason, NotFound, Conflict.
    """
    await lock(session, application)
    if not applications.may_decide(scope, application):
        raise Forbidden("这件申请不在您的审批台上。")
    objection = await session.get(SubsidyObjection, objection_id, with_for_update=True)
    if objection is None or objection.application_id != application.id:
        raise NotFound
    if objection.answer:
        raise Conflict("这条异议已经答复过了。")
    if not note.strip():
        raise BadInput("请写明核实的情况。", fields=["note"])
    objection.answer, objection.note = TAKEN if taken else DISMISSED, note.strip()[:NOTE_LIMIT]
    objection.staff_id, objection.answered_at = scope.staff_id, desk.now
    if taken and application.state is ApplicationState.PUBLISHED:
        await applications.objected(session, application, scope=scope, desk=desk, note=f"居民异议：{objection.text}")
    if objection.conversation_id is not None:
        conversation = await session.get_one(Conversation, objection.conversation_id)
        name = f"utter_subsidy_objection_{objection.answer}"
        said = desk.sentences.say(name, number=application.number, note=objection.note)
        await outbox.say(session, conversation, now=desk.now, text=said.text, buttons=said.buttons)
    wake(session, "console")
