"""What happens to applications by themselves: a level that is late climbs, gaps are reminded of, a 公示 comes to its end."""

from datetime import timedelta

from sqlalchemy import ColumnElement, or_
from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue.models import HandlerKind
from backend.db import Database
from backend.duties import Duty, do_due
from backend.events.service import Desk
from backend.grids.models import Area
from backend.house import DeskFactory
from backend.localtime import say_day
from backend.staff import notices
from backend.subsidies import applications, consent, grants, objections, recheck
from backend.subsidies.applications import REMIND, cure_left, move, push
from backend.subsidies.models import (
    ApplicationState,
    SubsidyApplication,
    SubsidyCheck,
    SubsidyConsent,
    SubsidyDocument,
    SubsidyGrant,
)

OPEN = (ApplicationState.REVIEW, ApplicationState.MORE)


async def climb(session: AsyncSession, application: SubsidyApplication, desk: Desk) -> None:
    """Mark a late level, tell the level above it and the resident."""
    application.late_at = desk.now
    above = await session.get(Area, application.desk_code)
    above = await session.get(Area, above.parent_code) if above is not None and above.parent_code else None
    kind = HandlerKind(above.level.value) if above is not None and above.level.value != "city" else None
    if above is not None and kind is not None:
        for staff_id in await notices.at_desk(session, kind, above.code):
            notices.tell(session, staff_id, f"补贴申请 {application.number} 在下级超期未审，请督办。", now=desk.now)
    for staff_id in await notices.at_desk(session, HandlerKind(application.desk), application.desk_code):
        notices.tell(session, staff_id, f"补贴申请 {application.number} 已超期，请尽快审核。", now=desk.now)
    await push(session, application, "late", desk=desk)


async def end_publication(session: AsyncSession, application: SubsidyApplication, desk: Desk) -> None:
    move(session, application, "approve", desk=desk)
    await applications.approved(session, application, desk=desk)


def _late(desk: Desk) -> ColumnElement[bool]:
    late = (SubsidyApplication.state == ApplicationState.REVIEW) & (SubsidyApplication.due_at <= desk.now)
    return late & SubsidyApplication.late_at.is_(None)


def _published_long_enough(desk: Desk) -> ColumnElement[bool]:
    over = SubsidyApplication.published_until < desk.today
    return (SubsidyApplication.state == ApplicationState.PUBLISHED) & over & objections.none_open()


def _consent_over(desk: Desk) -> ColumnElement[bool]:
    return (SubsidyConsent.answer == "") & (SubsidyConsent.until <= desk.now)


def _gap_due(desk: Desk) -> ColumnElement[bool]:
    """Gaps whose next mark (7, 3, 1 days before) has come and was not told."""
    today = desk.today
    marks = [
        (SubsidyDocument.cure_by <= today + timedelta(days=mark))
        & or_(SubsidyDocument.reminded.is_(None), SubsidyDocument.reminded > mark)
        for mark in REMIND
    ]
    return SubsidyDocument.cure_by.is_not(None) & (SubsidyDocument.cure_by >= today) & or_(*marks)


async def remind(session: AsyncSession, document: SubsidyDocument, desk: Desk) -> None:
    """Tell the resident which paper is missing and how long there is; marks that were missed are not told afterwards."""
    application = await session.get_one(SubsidyApplication, document.application_id)
    assert document.cure_by is not None
    document.reminded = cure_left(document.cure_by, desk.today)
    if application.state not in OPEN:
        return
    kind = await applications.kind_of(session, application)
    paper = next((paper.name for paper in kind.documents if paper.code == document.code), document.code)
    left = (document.cure_by - desk.today).days
    await push(session, application, "gap", desk=desk, paper=paper, day=say_day(document.cure_by), left=left)


DUTIES = (
    Duty(SubsidyApplication, _late, climb),
    Duty(SubsidyApplication, _published_long_enough, end_publication),
    Duty(SubsidyDocument, _gap_due, remind),
    Duty(SubsidyConsent, _consent_over, consent.expire),
    Duty(SubsidyConsent, lambda desk: consent.undeliverable(), consent.not_reached),
    Duty(SubsidyGrant, grants.due, grants.fall_due),
    Duty(SubsidyCheck, recheck.untold, recheck.tell),
    Duty(SubsidyCheck, recheck.unanswered, recheck.remind),
)


async def run_once(database: Database, desk_of: DeskFactory) -> int:
    """Do everything that is due, each in its own transaction; returns how many were done."""
    return await do_due(database, desk_of, DUTIES)
