"""What an approved application is paid, period after period: which one is next, when it falls due, and when it ends.

A period is paid whose first day is not after the day on which the grant ends: who dies in March is paid for March. While a
re-check has it suspended nothing falls due; afterwards the periods between are paid or passed over, as the catalogue says.
"""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.db import lock, wake
from backend.errors import BadInput, Conflict, Forbidden
from backend.events.service import Desk
from backend.grids.models import Area
from backend.staff.models import Role
from backend.staff.scope import Scope
from backend.subsidies import cycles
from backend.subsidies.catalogue import Kind
from backend.subsidies.models import (
    ApplicationState,
    CheckState,
    PaymentState,
    SubsidyApplication,
    SubsidyCheck,
    SubsidyGrant,
    SubsidyPayment,
)

STOPPERS = frozenset({Role.STREET, Role.DISTRICT, Role.ADMIN})
# Why a grant ends; the words are in domain.yml (utter_name_subsidy_stop_*).
STOPS = ("death", "recheck", "moved", "not_wanted", "other")
OVER = "over"
NOTE_LIMIT = 500
EARLIEST = timedelta(days=5 * 366)
_OWED = (PaymentState.DUE, PaymentState.EXPORTED, PaymentState.PAID)


async def begin(session: AsyncSession, application: SubsidyApplication, kind: Kind, *, desk: Desk) -> SubsidyGrant:
    """The approved application is paid from here on; what is due by today falls due now. It begins after the periods that an
    earlier application, stopped since, has paid or still owes.

    Raises Conflict when the same person is paid the same kind under another application.
    """
    applied = application.created_at.astimezone(desk.zone).date()
    first = cycles.period_of(kind.cycle, applied if kind.pays_from == "application" else desk.today).begins
    if kind.pays_from == "next":
        first = cycles.moved(kind.cycle, first, 1)
    covered = await _covered_until(session, application)
    while kind.cycle != cycles.ONCE and first < covered:
        first = cycles.moved(kind.cycle, first, 1)
    grant = SubsidyGrant(
        application_id=application.id,
        person=application.person,
        kind=application.kind,
        cycle=kind.cycle,
        begins=first,
        next_from=first,
        ends_on=cycles.moved(kind.cycle, first, kind.periods - 1) if kind.periods else None,
        arrears=kind.arrears,
        ended="",
        note="",
    )
    try:
        async with session.begin_nested():
            session.add(grant)
            await session.flush()
    except IntegrityError:
        raise Conflict("这个人的这项补贴正在另一件申请里发，不能再批一件。", code="paid_already") from None
    await fall_due(session, grant, desk)
    return grant


async def _covered_until(session: AsyncSession, application: SubsidyApplication) -> date:
    """The day after the last period that this person was paid this kind for, or will be, under another application."""
    owed = SubsidyPayment.state.in_(_OWED) | (
        (SubsidyPayment.state == PaymentState.FAILED) & (SubsidyPayment.period_from <= SubsidyGrant.ends_on)
    )
    rows = await session.execute(
        select(SubsidyGrant.cycle, SubsidyPayment.period_from)
        .join(SubsidyPayment, SubsidyPayment.application_id == SubsidyGrant.application_id)
        .where(
            SubsidyGrant.person == application.person,
            SubsidyGrant.kind == application.kind,
            SubsidyGrant.application_id != application.id,
            owed,
        )
    )
    return max((cycles.moved(cycle, begins, 1) for cycle, begins in rows), default=date.min)


def due(desk: Desk) -> ColumnElement[bool]:
    """The next period has begun, and no re-check holds the grant up."""
    return SubsidyGrant.next_from.is_not(None) & (SubsidyGrant.next_from <= desk.today) & ~_suspended()


def _suspended() -> ColumnElement[bool]:
    return exists().where(
        SubsidyCheck.application_id == SubsidyGrant.application_id, SubsidyCheck.state == CheckState.SUSPENDED
    )


async def is_suspended(session: AsyncSession, grant: SubsidyGrant) -> bool:
    return bool(await session.scalar(select(exists().where(SubsidyGrant.id == grant.id, _suspended()))))


async def fall_due(session: AsyncSession, grant: SubsidyGrant, desk: Desk) -> None:
    """A payment for each period that has begun and is not paid for yet."""
    application = await session.get_one(SubsidyApplication, grant.application_id)
    while grant.next_from is not None and grant.next_from <= desk.today:
        add_payment(session, application, cycles.period_of(grant.cycle, grant.next_from), desk=desk)
        _on(grant)
    wake(session, "subsidies")  # the next grant at once


def _on(grant: SubsidyGrant) -> None:
    """To the period after the next one; to the end after the last."""
    assert grant.next_from is not None
    after = cycles.moved(grant.cycle, grant.next_from, 1)
    over = after == grant.next_from or (grant.ends_on is not None and after > grant.ends_on)
    grant.next_from = None if over else after
    if over and not grant.ended:
        grant.ended = OVER


def add_payment(
    session: AsyncSession, application: SubsidyApplication, period: cycles.Period, *, desk: Desk, again: int = 0
) -> None:
    """The payment of a period falls due; ``again`` counts the earlier tries that failed."""
    label = period.label.replace("-", "")
    session.add(
        SubsidyPayment(
            application_id=application.id,
            reference=f"{application.number.replace('-', '')}-{label}-{again}",
            period=period.label,
            period_from=period.begins,
            amount_fen=application.amount_fen,
            account_id=application.account_id,
            state=PaymentState.DUE,
            created_at=desk.now,
        )
    )


async def of(session: AsyncSession, application: SubsidyApplication) -> SubsidyGrant | None:
    """The grant of an application; None before it is approved."""
    return await session.scalar(select(SubsidyGrant).where(SubsidyGrant.application_id == application.id))


async def payments_of(session: AsyncSession, application: SubsidyApplication) -> list[SubsidyPayment]:
    """Every payment of an application, the newest period first."""
    mine = select(SubsidyPayment).where(SubsidyPayment.application_id == application.id)
    return list(await session.scalars(mine.order_by(SubsidyPayment.period_from.desc(), SubsidyPayment.id.desc())))


async def paid_elsewhere(session: AsyncSession, person: str, kind: str) -> int | None:
    """The id of the application under which this person is being paid this kind."""
    return await session.scalar(
        select(SubsidyGrant.application_id).where(
            SubsidyGrant.person == person, SubsidyGrant.kind == kind, SubsidyGrant.next_from.is_not(None)
        )
    )


async def resumed(session: AsyncSession, application: SubsidyApplication, *, desk: Desk) -> bool:
    """The re-check is passed, late; returns whether the periods between are paid as well. Else it goes on with this one."""
    grant = await of(session, application)
    if grant is None or grant.arrears:
        return True
    await lock(session, grant)
    now = cycles.period_of(grant.cycle, desk.today).begins
    while grant.next_from is not None and grant.next_from < now:
        _on(grant)
    return False


async def stop(
    session: AsyncSession,
    application: SubsidyApplication,
    *,
    reason: str,
    on: date | None,
    note: str,
    scope: Scope,
    desk: Desk,
) -> SubsidyGrant:
    """Staff end a grant: nothing is paid for periods that begin after ``on``; what is due for them and not at the bank yet is
    cancelled. A suspension ends with it: what had fallen due before it is paid up to ``on``, what it has held up since then is
    not made up for.

    Raises Forbidden, BadInput without a reason of STOPS, a day, or a note, Conflict when it has ended.
    """
    area = await session.get_one(Area, application.area_code)
    if scope.role not in STOPPERS or not scope.covers(area.path):
        raise Forbidden
    if reason not in STOPS or not note.strip():
        raise BadInput("请选择停发的原因，并写明情况。", fields=["reason", "note"])
    if on is None or not desk.today - EARLIEST <= on <= desk.today + EARLIEST:
        raise BadInput("请填停发的日期，前后不能超过五年。", fields=["on"])
    checks = await _locked_checks(session, application)  # before the grant, as recheck.py does
    grant = await of(session, application)
    if grant is None:
        raise Conflict("这件申请还没有开始发放。")
    await lock(session, grant)
    if grant.ended in STOPS:
        raise Conflict("这件已经停发了。")
    grant.ended, grant.note = reason, note.strip()[:NOTE_LIMIT]
    grant.ends_on = min(on, grant.ends_on) if grant.ends_on else on
    grant.ended_by, grant.ended_at = scope.staff_id, desk.now
    suspended = any(check.state is CheckState.SUSPENDED for check in checks)
    if suspended or (grant.next_from is not None and grant.next_from > grant.ends_on):
        grant.next_from = None
    await fall_due(session, grant, desk)
    for payment in await payments_of(session, application):
        if payment.period_from > grant.ends_on and payment.state in (PaymentState.DUE, PaymentState.FAILED):
            await lock(session, payment)
            if payment.state in (PaymentState.DUE, PaymentState.FAILED):
                payment.state = PaymentState.CANCELLED
    for check in checks:
        check.state, check.decided_by, check.decided_at = CheckState.ENDED, scope.staff_id, desk.now
        check.revision += 1
    await session.flush()
    once_paid = grant.cycle == cycles.ONCE and any(p.state in _OWED for p in await payments_of(session, application))
    application.stopped = not once_paid
    wake(session, "console")
    return grant


async def _locked_checks(session: AsyncSession, application: SubsidyApplication) -> list[SubsidyCheck]:
    """The re-checks of a grant that have no result, or hold it up."""
    waiting = (CheckState.ASKED, CheckState.FLAGGED, CheckState.SUSPENDED)
    mine = select(SubsidyCheck).where(SubsidyCheck.application_id == application.id, SubsidyCheck.state.in_(waiting))
    found = await session.scalars(mine.order_by(SubsidyCheck.id).with_for_update().execution_options(populate_existing=True))
    return list(found)


def overpaid(grant: SubsidyGrant, paid: list[SubsidyPayment]) -> list[SubsidyPayment]:
    """What went out for periods after the end: a person claims it back."""
    out = (PaymentState.EXPORTED, PaymentState.PAID)
    return [p for p in paid if grant.ends_on is not None and p.period_from > grant.ends_on and p.state in out]


async def follow(session: AsyncSession, application: SubsidyApplication) -> None:
    """The application stands where its payments do: failed before all, then paid once, then at the bank, then due."""
    await session.flush()
    found = await payments_of(session, application)
    states = {payment.state for payment in found}
    if unpaid(await of(session, application), found):
        application.state = ApplicationState.PAYMENT_FAILED
    elif PaymentState.PAID in states:
        application.state = ApplicationState.PAID
    elif PaymentState.EXPORTED in states:
        application.state = ApplicationState.PAYING
    else:
        application.state = ApplicationState.APPROVED


def unpaid(grant: SubsidyGrant | None, found: list[SubsidyPayment]) -> list[SubsidyPayment]:
    """Of each period whose payment failed and that is still to be paid, one failed payment."""
    owed = {payment.period for payment in found if payment.state in _OWED}
    last = grant.ends_on if grant is not None and grant.ends_on else date.max
    failed = [p for p in found if p.state is PaymentState.FAILED and p.period not in owed and p.period_from <= last]
    return list({payment.period: payment for payment in failed}.values())


async def pay_again(session: AsyncSession, application: SubsidyApplication, *, desk: Desk) -> None:
    """Every period whose payment failed falls due anew; what is due goes to the application's account as it is now."""
    found = await payments_of(session, application)
    for payment in found:
        if payment.state is PaymentState.DUE:
            payment.account_id = application.account_id
    for failed in unpaid(await of(session, application), found):
        again = sum(payment.period == failed.period for payment in found)
        add_payment(session, application, cycles.Period(failed.period, failed.period_from), desk=desk, again=again)


async def settle_up(session: AsyncSession, application: SubsidyApplication, *, desk: Desk) -> None:
    """What has begun falls due before the grant is held up: nobody loses a period because the clerk was late."""
    grant = await of(session, application)
    if grant is not None:
        await lock(session, grant)
        if not await is_suspended(session, grant):
            await fall_due(session, grant, desk)


async def outlook(session: AsyncSession, application: SubsidyApplication) -> dict[str, Any]:
    """{grant, payments (newest first), last (the latest paid), coming (due or at the bank, the oldest), suspended}."""
    grant = await of(session, application)
    found = await payments_of(session, application) if grant else []
    return {
        "grant": grant,
        "payments": found,
        "last": next((p for p in found if p.state is PaymentState.PAID), None),
        "coming": next((p for p in reversed(found) if p.state in (PaymentState.DUE, PaymentState.EXPORTED)), None),
        "suspended": grant is not None and await is_suspended(session, grant),
    }
