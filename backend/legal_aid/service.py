"""An application's life: declared, accepted with or without all papers, decided in time, with reasons.

The times follow 法律援助法 (2022): seven days to decide (article 43), missing papers named at once and the application
taken as withdrawn when they do not come (article 43), a declaration instead of proof of means (article 41), none needed
from the groups of article 42, an objection to the judicial administration (article 49).
"""

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.db import lock, wake
from backend.errors import BadInput, Conflict, Forbidden, NotFound
from backend.events.service import Desk
from backend.legal import pushes
from backend.legal.models import Consult, ConsultHistory, ConsultState
from backend.legal_aid.models import AidState, Group, LegalAid, Paper
from backend.staff import notices
from backend.staff.models import Role, Staff
from backend.staff.scope import Scope

DECIDE_DAYS = 7
FAST_DAYS = 3
CURE_DAYS = 5
REMIND_BEFORE = timedelta(days=1)
REASON_LIMIT = 1000
GROUP_NAMES = {
    Group.WAGES: "农民工讨薪、工伤赔偿",
    Group.MINOR: "未成年人",
    Group.OLD: "老年人",
    Group.DISABLED: "残疾人",
    Group.NONE: "其他经济困难的人",
}
PAPER_NAMES = {Paper.IDENTITY: "身份证或户口簿", Paper.CASE: "和案子有关的材料"}
STATE_NAMES = {
    AidState.APPLIED: "正在审查",
    AidState.GRANTED: "同意援助",
    AidState.REFUSED: "不予援助",
    AidState.WITHDRAWN: "视为撤回",
}


def declaration(desk: Desk, group: Group) -> str:
    """The words that an applicant accepts: of their means, or of belonging to a group that need not declare them."""
    name = "utter_name_aid_declaration" if group is Group.NONE else "utter_name_aid_declaration_group"
    return desk.sentences.say(name, group=GROUP_NAMES[group]).text


def check_declared(declared: bool) -> None:
    """Raises BadInput unless the declaration was accepted."""
    if not declared:
        raise BadInput("要先看过并同意承诺书，才能申请。", code="not_declared")


async def of_consult(session: AsyncSession, consult: Consult) -> LegalAid | None:
    return await session.scalar(select(LegalAid).where(LegalAid.consult_id == consult.id))


async def apply(
    session: AsyncSession, consult: Consult, *, group: Group, missing: Collection[Paper], desk: Desk
) -> tuple[LegalAid, bool]:
    """Accept an application with its declaration; returns it, and whether it was there already.

    ``missing`` papers may follow until a day that is told (容缺受理). Raises Conflict for a consult that has ended.
    """
    known = await of_consult(session, consult)
    if known is not None:
        return known, True
    if consult.state is ConsultState.ENDED:
        raise Conflict("这个咨询已经结束了，请先把事情再说一遍，提交以后申请。", code="consult_ended")
    days = DECIDE_DAYS if group is Group.NONE else FAST_DAYS
    aid = LegalAid(
        consult_id=consult.id,
        group=group,
        declaration=declaration(desk, group),
        declared_at=desk.now,
        missing=sorted(paper.value for paper in missing),
        cure_by=desk.now + timedelta(days=CURE_DAYS) if missing else None,
        decide_by=desk.now + timedelta(days=days),
        state=AidState.APPLIED,
    )
    session.add(aid)
    await session.flush()
    _note(session, consult, "aid_applied", desk)
    words = f"{'快办：' if group is not Group.NONE else ''}咨询 {consult.number} 申请法律援助"
    await _tell_coordinators(session, words, desk)
    return aid, False


async def listed(session: AsyncSession, scope: Scope) -> list[tuple[LegalAid, Consult]]:
    """The applications, undecided ones first, the most pressing on top. Raises Forbidden for anyone but a coordinator."""
    _check(scope)
    rows = await session.execute(
        select(LegalAid, Consult)
        .join(Consult, Consult.id == LegalAid.consult_id)
        .order_by(LegalAid.state != AidState.APPLIED, LegalAid.decide_by)
        .limit(200)
    )
    return [(aid, consult) for aid, consult in rows]


async def by_number(session: AsyncSession, scope: Scope, number: str) -> tuple[LegalAid, Consult]:
    """An application and its consult, locked. Raises Forbidden, NotFound."""
    _check(scope)
    consult = await session.scalar(select(Consult).where(Consult.number == number))
    aid = await of_consult(session, consult) if consult else None
    if aid is None or consult is None:
        raise NotFound
    await lock(session, aid)
    return aid, consult


async def receive(session: AsyncSession, scope: Scope, aid: LegalAid, consult: Consult, paper: Paper, *, desk: Desk) -> None:
    """Tick a missing paper off; with the last one the resident is told. Raises Conflict."""
    _check_open(aid)
    if paper.value not in aid.missing:
        raise Conflict("这份材料不缺。", code="not_missing")
    aid.missing = [one for one in aid.missing if one != paper.value]
    _note(session, consult, "aid_paper", desk, staff_id=scope.staff_id, note=PAPER_NAMES[paper])
    if not aid.missing:
        aid.cure_by = None
        await pushes.say(session, consult, "utter_aid_complete", desk=desk, due=aid.decide_by)


async def decide(
    session: AsyncSession, scope: Scope, aid: LegalAid, consult: Consult, *, grant: bool, reason: str, desk: Desk
) -> None:
    """Grant or refuse, with the reason that the resident reads, and how to object. Raises BadInput, Conflict."""
    _check_open(aid)
    reason = reason.strip()
    if not reason or len(reason) > REASON_LIMIT:
        raise BadInput(f"请写明理由，最多 {REASON_LIMIT} 个字。", fields=["reason"])
    if grant and aid.missing:
        raise Conflict("材料还没补齐，不能同意。", code="papers_missing")
    aid.state = AidState.GRANTED if grant else AidState.REFUSED
    aid.reason, aid.decided_by, aid.decided_at, aid.cure_by = reason, scope.staff_id, desk.now, None
    _note(session, consult, "aid_granted" if grant else "aid_refused", desk, staff_id=scope.staff_id, note=reason)
    await pushes.say(session, consult, "utter_aid_granted" if grant else "utter_aid_refused", desk=desk, reason=reason)


def to_remind(desk: Desk) -> ColumnElement[bool]:
    return (
        (LegalAid.state == AidState.APPLIED) & LegalAid.reminded_at.is_(None) & (LegalAid.cure_by <= desk.now + REMIND_BEFORE)
    )


def to_withdraw(desk: Desk) -> ColumnElement[bool]:
    return (LegalAid.state == AidState.APPLIED) & (LegalAid.cure_by <= desk.now)


def too_late(desk: Desk) -> ColumnElement[bool]:
    return (LegalAid.state == AidState.APPLIED) & LegalAid.late_told_at.is_(None) & (LegalAid.decide_by <= desk.now)


async def remind(session: AsyncSession, aid: LegalAid, desk: Desk) -> None:
    """Tell the resident, a day before, which papers are still missing."""
    aid.reminded_at = desk.now
    consult = await session.get_one(Consult, aid.consult_id)
    await pushes.say(session, consult, "utter_aid_remind", desk=desk, papers=papers(aid.missing), due=aid.cure_by)


async def withdraw(session: AsyncSession, aid: LegalAid, desk: Desk) -> None:
    aid.state, aid.cure_by = AidState.WITHDRAWN, None
    consult = await session.get_one(Consult, aid.consult_id)
    _note(session, consult, "aid_withdrawn", desk)
    await pushes.say(session, consult, "utter_aid_withdrawn", desk=desk, papers=papers(aid.missing))


async def leave(session: AsyncSession, resident_id: int, *, desk: Desk) -> None:
    """The resident's data is being deleted: what is not decided counts as withdrawn, and the coordinators are told; also of
    what was granted, as somebody may be at work on it.
    """
    rows = await session.execute(
        select(LegalAid, Consult)
        .join(Consult, Consult.id == LegalAid.consult_id)
        .where(Consult.resident_id == resident_id, LegalAid.state.in_([AidState.APPLIED, AidState.GRANTED]))
    )
    for aid, consult in rows.all():
        words = f"咨询 {consult.number}：受援人删除了个人数据，联系不上了"
        if aid.state is AidState.APPLIED:
            aid.state, aid.cure_by = AidState.WITHDRAWN, None
            _note(session, consult, "aid_withdrawn", desk)
            words = f"咨询 {consult.number}：申请人删除了个人数据，法律援助申请不用再办"
        await _tell_coordinators(session, words, desk)


async def tell_late(session: AsyncSession, aid: LegalAid, desk: Desk) -> None:
    aid.late_told_at = desk.now
    consult = await session.get_one(Consult, aid.consult_id)
    await _tell_coordinators(session, f"超期：咨询 {consult.number} 的法律援助申请还没决定", desk)


def papers(codes: Collection[str]) -> str:
    return "、".join(PAPER_NAMES[Paper(code)] for code in codes)


async def _tell_coordinators(session: AsyncSession, words: str, desk: Desk) -> None:
    coordinators = select(Staff.id).where(Staff.role == Role.LAW_COORDINATOR, Staff.disabled_at.is_(None))
    for staff_id in await session.scalars(coordinators):
        notices.tell(session, staff_id, words, now=desk.now)


def _check(scope: Scope) -> None:
    if scope.role is not Role.LAW_COORDINATOR:
        raise Forbidden


def _check_open(aid: LegalAid) -> None:
    if aid.state is not AidState.APPLIED:
        raise Conflict("这个申请已经有结果了。", code="decided")


def _note(
    session: AsyncSession, consult: Consult, step: str, desk: Desk, *, staff_id: int | None = None, note: str = ""
) -> None:
    consult.revision += 1
    session.add(ConsultHistory(consult_id=consult.id, step=step, staff_id=staff_id, note=note[:200], at=desk.now))
    wake(session, "console")
