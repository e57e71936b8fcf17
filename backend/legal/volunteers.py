"""Volunteers' profiles: they apply, a coordinator decides, and nobody answers without an approval."""

import re
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.db import lock, wake
from backend.errors import BadInput, Conflict, Forbidden, NotFound
from backend.legal.areas import LawArea
from backend.legal.models import ConsultHistory, Volunteer, VolunteerState
from backend.staff import notices
from backend.staff.models import Role, Staff
from backend.staff.scope import Scope

# 律师执业证号: seventeen digits (司法部《律师执业证管理办法》); legal workers' are shorter.
_LICENCE = re.compile(r"[0-9A-Z]{8,20}")
TEXT_LIMIT = 100


async def of_staff(session: AsyncSession, staff_id: int) -> Volunteer | None:
    """The profile of an account, None when it has none."""
    return await session.scalar(select(Volunteer).where(Volunteer.staff_id == staff_id))


async def listed(session: AsyncSession, scope: Scope) -> list[tuple[Volunteer, Staff]]:
    """All profiles with their accounts, undecided ones first. Raises Forbidden for anyone but a coordinator."""
    _check_coordinator(scope)
    rows = await session.execute(
        select(Volunteer, Staff)
        .join(Staff, Staff.id == Volunteer.staff_id)
        .order_by(Volunteer.state != VolunteerState.APPLIED, Volunteer.id)
    )
    return [(profile, staff) for profile, staff in rows]


async def apply(
    session: AsyncSession,
    scope: Scope,
    *,
    licence: str,
    areas: Collection[str],
    hours: str,
    languages: str,
    now: datetime,
) -> Volunteer:
    """Write a volunteer's own profile. A new licence number or a new area is decided anew.

    Raises Forbidden for another role, BadInput for what is missing or wrong.
    """
    if scope.role is not Role.LAW_VOLUNTEER:
        raise Forbidden
    licence, known = licence.strip().upper(), {area.value for area in LawArea}
    if not _LICENCE.fullmatch(licence):
        raise BadInput("执业证号要填 8 到 20 位数字或大写字母。", fields=["licence"])
    chosen = sorted(set(areas))
    if not chosen or not set(chosen) <= known:
        raise BadInput("请至少选一个擅长的领域。", fields=["areas"])
    hours, languages = hours.strip(), languages.strip()
    if not hours or not languages or max(len(hours), len(languages)) > TEXT_LIMIT:
        raise BadInput(f"请写明值班时间和会说的话，各不超过 {TEXT_LIMIT} 个字。", fields=["hours", "languages"])
    profile = await of_staff(session, scope.staff_id)
    if profile is None:
        profile = Volunteer(staff_id=scope.staff_id, licence="", areas=[], state=VolunteerState.APPLIED)
        session.add(profile)
    grown = profile.licence != licence or not set(chosen) <= set(profile.areas)
    profile.licence, profile.areas, profile.hours, profile.languages = licence, chosen, hours, languages
    profile.updated_at = now
    if grown or profile.state is VolunteerState.REFUSED:
        profile.state, profile.reason, profile.decided_by, profile.decided_at = VolunteerState.APPLIED, "", None, None
        coordinators = select(Staff.id).where(Staff.role == Role.LAW_COORDINATOR, Staff.disabled_at.is_(None))
        for staff_id in await session.scalars(coordinators):
            notices.tell(session, staff_id, f"律师志愿者{scope.name}的资料等您审核", now=now)
    await session.flush()
    _note(session, profile, "profile_applied" if grown else "profile_changed", now=now, by=scope.staff_id)
    return profile


async def decide(session: AsyncSession, scope: Scope, staff_id: int, *, approve: bool, reason: str, now: datetime) -> Volunteer:
    """Approve or refuse a profile, at any time: refusing an approved one takes the queue away and frees what they hold.

    Raises Forbidden, NotFound, BadInput for a refusal without a reason, Conflict for what is decided so already.
    """
    _check_coordinator(scope)
    profile = await of_staff(session, staff_id)
    if profile is None:
        raise NotFound
    await lock(session, profile)
    if not approve and not reason:
        raise BadInput("不通过要写明原因。", fields=["reason"])
    to = VolunteerState.APPROVED if approve else VolunteerState.REFUSED
    if profile.state is to:
        raise Conflict("已经是这个结果了。", code="decided")
    profile.state, profile.reason, profile.decided_by, profile.decided_at = to, reason[:200], scope.staff_id, now
    words = "您的律师志愿者资料已通过，可以接单了" if approve else f"您的律师志愿者资料没有通过：{reason}"
    notices.tell(session, staff_id, words, now=now)
    _note(session, profile, "profile_approved" if approve else "profile_refused", now=now, by=scope.staff_id, note=reason)
    wake(session, "legal")
    return profile


def _check_coordinator(scope: Scope) -> None:
    if scope.role is not Role.LAW_COORDINATOR:
        raise Forbidden


def _note(session: AsyncSession, profile: Volunteer, step: str, *, now: datetime, by: int, note: str = "") -> None:
    session.add(ConsultHistory(volunteer_id=profile.staff_id, step=step, staff_id=by, note=note[:200], at=now))
    wake(session, "console")
