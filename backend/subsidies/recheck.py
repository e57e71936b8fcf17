"""The yearly re-check (生存认证, 收入复核) as a campaign over the living grants of one kind.

Everybody is asked in their chat and reminded; who has not answered is visited. A grant is suspended by a person only, and
not before the published day is over; a suspended grant is not paid until a person resumes it.
"""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, func, insert, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Conversation
from backend.db import lock, wake
from backend.errors import BadInput, Conflict, Forbidden, NotFound
from backend.events.service import Desk
from backend.grids.models import Area
from backend.localtime import say_day
from backend.outbox import service as outbox
from backend.staff.models import Role
from backend.staff.scope import Scope
from backend.subsidies import applications, grants, service
from backend.subsidies.applications import NOTE_LIMIT, REMIND, cure_left
from backend.subsidies.catalogue import Kind
from backend.subsidies.models import (
    ApplicationState,
    CheckState,
    CheckWhat,
    SubsidyApplication,
    SubsidyCampaign,
    SubsidyCheck,
    SubsidyGrant,
    SubsidyPayment,
)

LIVING = (ApplicationState.APPROVED, ApplicationState.PAYING, ApplicationState.PAID, ApplicationState.PAYMENT_FAILED)
ANSWERS = ("same", "changed", "gone")
MAKERS = frozenset({Role.STREET, Role.DISTRICT, Role.ADMIN})
VISITORS = frozenset({Role.GRID_MEMBER, Role.GRID_HEAD, Role.COMMUNITY, Role.STREET, Role.DISTRICT, Role.ADMIN})
OPEN = (CheckState.ASKED, CheckState.FLAGGED)
LEAST_DAYS, PAGE = 7, 50


def what_of(kind: Kind) -> CheckWhat:
    """What this kind's re-check asks."""
    return CheckWhat.INCOME if "收入" in kind.recheck else CheckWhat.LIVING


async def make(session: AsyncSession, scope: Scope, code: str, *, answer_by: date, photo: bool, desk: Desk) -> SubsidyCampaign:
    """Ask for every living grant of kind ``code`` in the area of ``scope``, except those in another campaign still open.

    Raises Forbidden below the street, BadInput for a kind without a re-check or a day that is too near, Conflict when
    there is nobody to ask.
    """
    if scope.role not in MAKERS or scope.area_code is None:
        raise Forbidden
    _, catalogue = await service.in_force(session)
    kind = catalogue.kinds.get(code)
    if kind is None or not kind.recheck:
        raise BadInput("请选择要年审的补贴。", fields=["kind"])
    if answer_by < desk.today + timedelta(days=LEAST_DAYS):
        raise BadInput(f"截止日期至少要在 {LEAST_DAYS} 天以后。", fields=["answer_by"])
    campaign = SubsidyCampaign(
        kind=code,
        what=what_of(kind),
        photo=photo,
        area_code=scope.area_code,
        answer_by=answer_by,
        staff_id=scope.staff_id,
        created_at=desk.now,
    )
    session.add(campaign)
    await session.flush()
    within = select(Area.code).where(Area.path.startswith(scope.path, autoescape=True))
    asked_elsewhere = exists().where(
        SubsidyCheck.application_id == SubsidyApplication.id,
        or_(
            SubsidyCheck.state == CheckState.SUSPENDED,
            SubsidyCheck.campaign_id.in_(select(SubsidyCampaign.id).where(SubsidyCampaign.answer_by >= desk.today)),
        ),
    )
    ended = exists().where(SubsidyGrant.application_id == SubsidyApplication.id, SubsidyGrant.ended.in_(grants.STOPS))
    ids = (
        await session.scalars(
            select(SubsidyApplication.id)
            .where(
                SubsidyApplication.kind == code,
                SubsidyApplication.state.in_(LIVING),
                SubsidyApplication.area_code.in_(within),
                ~asked_elsewhere,
                ~ended,
            )
            .order_by(SubsidyApplication.id)
        )
    ).all()
    if not ids:
        raise Conflict("现在没有要年审的。", code="nobody_to_ask")
    new = {"campaign_id": campaign.id, "state": CheckState.ASKED, "answer": "", "media": [], "visit_note": "", "reason": ""}
    await session.execute(insert(SubsidyCheck), [new | {"application_id": id_, "revision": 0} for id_ in ids])
    wake(session, "subsidies")
    return campaign


def untold(desk: Desk) -> ColumnElement[bool]:
    """Asked, and not told yet, of those who have a chat; nobody is told when the day is over."""
    reachable = exists().where(
        SubsidyApplication.id == SubsidyCheck.application_id, SubsidyApplication.conversation_id.is_not(None)
    )
    return (SubsidyCheck.state == CheckState.ASKED) & SubsidyCheck.told_at.is_(None) & reachable & _running(desk.today)


def _running(today: date, *, within: int | None = None) -> ColumnElement[bool]:
    """The campaign's last day is not over, and no more than ``within`` days away."""
    running = SubsidyCampaign.answer_by >= today
    if within is not None:
        running &= SubsidyCampaign.answer_by <= today + timedelta(days=within)
    return SubsidyCheck.campaign_id.in_(select(SubsidyCampaign.id).where(running))


def unanswered(desk: Desk) -> ColumnElement[bool]:
    """Told, not answered, and the next mark (7, 3, 1 days before the last) has come."""
    marks = [
        _running(desk.today, within=mark) & or_(SubsidyCheck.reminded.is_(None), SubsidyCheck.reminded > mark)
        for mark in REMIND
    ]
    return (SubsidyCheck.state == CheckState.ASKED) & SubsidyCheck.told_at.is_not(None) & or_(*marks)


async def tell(session: AsyncSession, check: SubsidyCheck, desk: Desk) -> None:
    """The question itself, with its buttons."""
    check.told_at = desk.now
    campaign = await session.get_one(SubsidyCampaign, check.campaign_id)
    check.reminded = cure_left(campaign.answer_by, desk.today)
    await _ask(session, check, campaign, "", desk)
    wake(session, "subsidies")  # the next ones at once


async def remind(session: AsyncSession, check: SubsidyCheck, desk: Desk) -> None:
    campaign = await session.get_one(SubsidyCampaign, check.campaign_id)
    check.reminded = cure_left(campaign.answer_by, desk.today)
    await _ask(session, check, campaign, "_again", desk)
    wake(session, "subsidies")


async def _ask(session: AsyncSession, check: SubsidyCheck, campaign: SubsidyCampaign, again: str, desk: Desk) -> None:
    left = (campaign.answer_by - desk.today).days
    await _push(
        session, check, f"{campaign.what.value}{again}", desk, day=say_day(campaign.answer_by), left=left, check=check.id
    )


async def _push(session: AsyncSession, check: SubsidyCheck, step: str, desk: Desk, /, **values: object) -> None:
    """Response utter_subsidy_recheck_<step>, to the chat of the application; nothing where it has none."""
    application = await session.get_one(SubsidyApplication, check.application_id)
    if application.conversation_id is None:
        return
    conversation = await session.get_one(Conversation, application.conversation_id)
    kind = await applications.kind_of(session, application)
    values |= {"name": kind.name, "number": application.number, "person": application.name_masked}
    said = desk.sentences.say(f"utter_subsidy_recheck_{step}", **values)
    await outbox.say(session, conversation, now=desk.now, text=said.text, buttons=said.buttons)


async def of_chat(session: AsyncSession, check_id: int, conversation: Conversation) -> tuple[SubsidyCheck, SubsidyCampaign]:
    """The check that this resident was asked about. Raises NotFound for another's."""
    check = await session.get(SubsidyCheck, check_id)
    application = await session.get_one(SubsidyApplication, check.application_id) if check else None
    if check is None or application is None or application.conversation_id != conversation.id:
        raise NotFound
    return check, await session.get_one(SubsidyCampaign, check.campaign_id)


async def take_answer(session: AsyncSession, check: SubsidyCheck, answer: str, *, media: list[str], desk: Desk) -> None:
    """The resident's answer: same, changed or gone. An answer counts after the day too, until a person has decided.

    Raises Conflict when it was answered or decided.
    """
    await lock(session, check)
    if check.state is not CheckState.ASKED:
        raise Conflict(desk.sentences.say("utter_subsidy_gone").text)
    check.answer, check.answered_at, check.media = answer, desk.now, media
    check.state = CheckState.ANSWERED if answer == "same" else CheckState.FLAGGED
    check.revision += 1
    wake(session, "console")


async def visited(session: AsyncSession, check: SubsidyCheck, answer: str, *, note: str, scope: Scope, desk: Desk) -> None:
    """Staff went there and found this. Raises Forbidden, BadInput without a note or with another answer, Conflict."""
    await lock(session, check)
    await check_within(session, check, scope, VISITORS)
    if answer not in ANSWERS or not note.strip():
        raise BadInput("请选择走访结果，并写明情况。", fields=["answer", "note"])
    if check.state not in OPEN:
        raise Conflict("这一户已经有结果了。")
    check.answer, check.visit_note = answer, note.strip()[:NOTE_LIMIT]
    check.visited_by, check.visited_at = scope.staff_id, desk.now
    check.state = CheckState.ANSWERED if answer == "same" else CheckState.FLAGGED
    check.revision += 1
    if answer == "same":
        await _push(session, check, "visited", desk)
    wake(session, "console")


async def suspend(session: AsyncSession, check: SubsidyCheck, *, reason: str, scope: Scope, desk: Desk) -> None:
    """A person stops the payments. Raises Forbidden, BadInput without a reason, Conflict before the day is over."""
    await lock(session, check)
    await check_within(session, check, scope, MAKERS)
    campaign = await session.get_one(SubsidyCampaign, check.campaign_id)
    if desk.today <= campaign.answer_by:
        raise Conflict(f"{say_day(campaign.answer_by)}以前不能停发。", code="too_early")
    if not reason.strip():
        raise BadInput("请写明停发的原因。", fields=["note"])
    if check.state not in OPEN:
        raise Conflict("这一户已经有结果了。")
    application = await session.get_one(SubsidyApplication, check.application_id)
    await grants.settle_up(session, application, desk=desk)
    _decided(check, CheckState.SUSPENDED, reason, scope, desk)
    await _push(session, check, "suspended", desk, why=check.reason)


async def resume(session: AsyncSession, check: SubsidyCheck, *, reason: str, scope: Scope, desk: Desk) -> None:
    """A person lets the payments go on. Raises Forbidden, BadInput without a reason, Conflict."""
    await lock(session, check)
    await check_within(session, check, scope, MAKERS)
    if not reason.strip():
        raise BadInput("请写明恢复的原因。", fields=["note"])
    if check.state is not CheckState.SUSPENDED:
        raise Conflict("这一户没有停发。")
    _decided(check, CheckState.RESUMED, reason, scope, desk)
    application = await session.get_one(SubsidyApplication, check.application_id)
    arrears = await grants.resumed(session, application, desk=desk)
    await _push(session, check, "resumed" if arrears else "resumed_without", desk)
    wake(session, "subsidies")


def _decided(check: SubsidyCheck, state: CheckState, reason: str, scope: Scope, desk: Desk) -> None:
    check.state, check.reason = state, reason.strip()[:NOTE_LIMIT]
    check.decided_by, check.decided_at = scope.staff_id, desk.now
    check.revision += 1


async def check_within(session: AsyncSession, check: SubsidyCheck, scope: Scope, roles: frozenset[Role]) -> None:
    """Raises Forbidden unless the grant lies in their part of the city and their role is one of ``roles``."""
    application = await session.get_one(SubsidyApplication, check.application_id)
    area = await session.get_one(Area, application.area_code)
    grid = scope.path and scope.role in VISITORS - MAKERS and scope.path.startswith(area.path)
    if scope.role not in roles or not (scope.covers(area.path) or grid):
        raise Forbidden


def not_suspended() -> ColumnElement[bool]:
    """The payment's grant is not suspended."""
    suspended = exists().where(
        SubsidyCheck.application_id == SubsidyPayment.application_id, SubsidyCheck.state == CheckState.SUSPENDED
    )
    return ~suspended


async def campaigns(
    session: AsyncSession, scope: Scope, *, only: int | None = None
) -> list[tuple[SubsidyCampaign, str, dict[CheckState, int]]]:
    """Each campaign in this person's part of the city (or around it), or ``only`` this, with its kind's name and
    counts by state, newest first."""
    _, catalogue = await service.in_force(session)
    query = select(SubsidyCampaign, Area.path).join(Area, Area.code == SubsidyCampaign.area_code)
    if only is not None:
        query = query.where(SubsidyCampaign.id == only)
    rows = await session.execute(query.order_by(SubsidyCampaign.id.desc()).limit(PAGE))
    seen = [c for c, path in rows if scope.path and (path.startswith(scope.path) or scope.path.startswith(path))]
    counted = await session.execute(
        select(SubsidyCheck.campaign_id, SubsidyCheck.state, func.count())
        .where(SubsidyCheck.campaign_id.in_([c.id for c in seen]), _seen_by(scope))
        .group_by(SubsidyCheck.campaign_id, SubsidyCheck.state)
    )
    counts: dict[int, dict[CheckState, int]] = {}
    for campaign_id, state, number in counted:
        counts.setdefault(campaign_id, {})[state] = number
    names = {code: kind.name for code, kind in catalogue.kinds.items()}
    return [(c, names.get(c.kind, c.kind), counts.get(c.id, {})) for c in seen]


def _seen_by(scope: Scope) -> ColumnElement[bool]:
    """The checks whose grant lies in this person's area; for a grid's people, in the community around it."""
    communities = select(Area.code).where(
        or_(Area.path.startswith(scope.path, autoescape=True), literal(scope.path).startswith(Area.path))
    )
    applications_ = select(SubsidyApplication.id).where(SubsidyApplication.area_code.in_(communities))
    return SubsidyCheck.application_id.in_(applications_)


async def listed(
    session: AsyncSession, scope: Scope, campaign_id: int, *, state: CheckState, before: int | None = None
) -> tuple[SubsidyCampaign, list[dict[str, Any]]]:
    """The campaign and its checks in ``state``, PAGE at a time. Raises NotFound outside of this person's part."""
    campaign = await session.get(SubsidyCampaign, campaign_id)
    area = await session.get_one(Area, campaign.area_code) if campaign else None
    near = area is not None and scope.path and (area.path.startswith(scope.path) or scope.path.startswith(area.path))
    if campaign is None or not near or scope.role not in VISITORS:
        raise NotFound
    query = (
        select(SubsidyCheck, SubsidyApplication, Area.name)
        .join(SubsidyApplication, SubsidyApplication.id == SubsidyCheck.application_id)
        .join(Area, Area.code == SubsidyApplication.area_code)
        .where(SubsidyCheck.campaign_id == campaign.id, SubsidyCheck.state == state, _seen_by(scope))
        .order_by(SubsidyCheck.id.desc())
        .limit(PAGE)
    )
    if before is not None:
        query = query.where(SubsidyCheck.id < before)
    rows = await session.execute(query)
    return campaign, [
        {"check": check, "number": a.number, "name": a.name_masked, "area": name, "reachable": a.conversation_id is not None}
        for check, a, name in rows
    ]


async def area_name(session: AsyncSession, application: SubsidyApplication) -> str:
    """The name of the community in which the grant's person lives."""
    return (await session.get_one(Area, application.area_code)).name
