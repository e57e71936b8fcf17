"""The money: due payments go out as one CSV for the bank, and its answers come back as one; both may be done twice."""

import csv
import io
import secrets
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.db import lock
from backend.errors import BadInput, NotFound
from backend.events.service import Desk
from backend.subsidies import cycles, grants, reading
from backend.subsidies.applications import move, push
from backend.subsidies.models import ApplicationState, PaymentState, SubsidyApplication, SubsidyPayment
from backend.subsidies.recheck import not_suspended
from backend.vault.models import VaultItem, VaultUncovering
from backend.vault.numbers import take_out
from backend.vault.service import Vault

COLUMNS = ("reference", "name", "account", "amount_yuan", "period")
RESULT_COLUMNS = ("reference", "result", "reason")
RESULTS = {"成功": PaymentState.PAID, "失败": PaymentState.FAILED}
MOST = 5000
_FORMULA = ("=", "+", "-", "@", "\t")


@dataclass
class Imported:
    """What came of a bank's file; ``problems`` are (line, reason), and with one nothing was written."""

    paid: int = 0
    failed: int = 0
    known: int = 0
    problems: list[tuple[int, str]] = field(default_factory=list)


def _payable() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The grant is not suspended, and its account has not just been refused by the bank."""
    refused = select(SubsidyApplication.id).where(SubsidyApplication.state == ApplicationState.PAYMENT_FAILED)
    return not_suspended(), SubsidyPayment.application_id.not_in(refused)


async def due(session: AsyncSession) -> list[tuple[str, int, int]]:
    """(period, how many payments of it are due, their sum in fen), the oldest period first."""
    rows = await session.execute(
        select(SubsidyPayment.period, func.count(), func.sum(SubsidyPayment.amount_fen))
        .where(SubsidyPayment.state == PaymentState.DUE, *_payable())
        .group_by(SubsidyPayment.period)
        .order_by(func.min(SubsidyPayment.period_from), SubsidyPayment.period)
    )
    return [(period, count, int(total)) for period, count, total in rows]


async def make_batch(session: AsyncSession, period: str, *, staff_id: int, desk: Desk) -> str:
    """Put every due payment of ``period`` (MOST at a time), but those that are held up, into a new batch; returns its name.

    Raises BadInput when there is none.
    """
    rows = (
        await session.execute(
            select(SubsidyPayment, SubsidyApplication)
            .join(SubsidyApplication, SubsidyApplication.id == SubsidyPayment.application_id)
            .where(SubsidyPayment.state == PaymentState.DUE, SubsidyPayment.period == period, *_payable())
            .order_by(SubsidyPayment.id)
            .limit(MOST)
            .with_for_update(skip_locked=True)
        )
    ).all()
    if not rows:
        raise BadInput("现在没有要打款的。", code="nothing_due")
    name = f"P{desk.now.astimezone(desk.zone):%Y%m%d}-{secrets.token_hex(3)}"
    for payment, application in rows:
        payment.state, payment.batch = PaymentState.EXPORTED, name
        await lock(session, application)
        move(session, application, "export", desk=desk, staff_id=staff_id, note=_of(payment, name))
        await grants.follow(session, application)
    return name


def _of(payment: SubsidyPayment, note: str) -> str:
    """A step's note after the period that it is about."""
    return f"{cycles.say_period(payment.period)} {note}".strip()


async def batches(session: AsyncSession) -> list[tuple[str, str, int, int, int]]:
    """(name, period, payments, paid, failed) of each batch, newest first."""
    paid = func.count().filter(SubsidyPayment.state == PaymentState.PAID)
    failed = func.count().filter(SubsidyPayment.state == PaymentState.FAILED)
    rows = await session.execute(
        select(SubsidyPayment.batch, func.min(SubsidyPayment.period), func.count(), paid, failed)
        .where(SubsidyPayment.batch.is_not(None))
        .group_by(SubsidyPayment.batch)
        .order_by(SubsidyPayment.batch.desc())
        .limit(30)
    )
    return [tuple(row) for row in rows]


async def export(session: AsyncSession, vault: Vault, name: str, *, staff_id: int, desk: Desk) -> str:
    """A batch as CSV with full names and accounts; each value uncovered is written down. Raises NotFound."""
    rows = (
        await session.execute(
            select(SubsidyPayment, SubsidyApplication)
            .join(SubsidyApplication, SubsidyApplication.id == SubsidyPayment.application_id)
            .where(SubsidyPayment.batch == name)
            .order_by(SubsidyPayment.id)
        )
    ).all()
    if not rows:
        raise NotFound
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for payment, application in rows:
        values = []
        for item_id in (application.name_id, payment.account_id):
            item = await session.get_one(VaultItem, item_id)
            values.append(vault.open(item))
            session.add(VaultUncovering(item_id=item.id, staff_id=staff_id, reason=f"打款批次 {name}", at=desk.now))
        holder = f"'{values[0]}" if values[0].startswith(_FORMULA) else values[0]
        amount = f"{payment.amount_fen // 100}.{payment.amount_fen % 100:02d}"
        writer.writerow([payment.reference, holder, values[1], amount, payment.period])
    return out.getvalue()


async def import_results(session: AsyncSession, raw: bytes, *, staff_id: int, desk: Desk) -> Imported:
    """Take in a bank's answers: reference, result (成功 or 失败), reason. A line that is known already changes nothing.

    Every wrong line is found; with one of them nothing is written at all.
    """
    done = Imported()
    try:
        lines = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))
    except (UnicodeDecodeError, csv.Error):
        raise BadInput("这个文件读不出来，要 UTF-8 编码的 CSV。", code="not_csv") from None
    if not lines or not set(RESULT_COLUMNS[:2]) <= lines[0].keys():
        raise BadInput("第一行要有 reference、result、reason 三列。", code="wrong_columns")
    found: list[tuple[int, SubsidyPayment, PaymentState, str]] = []
    seen: set[str] = set()
    for number, line in enumerate(lines, 2):
        reference, said = (line.get("reference") or "").strip(), (line.get("result") or "").strip()
        payment = await session.scalar(select(SubsidyPayment).where(SubsidyPayment.reference == reference).with_for_update())
        state = RESULTS.get(said)
        if payment is None or payment.state in (PaymentState.DUE, PaymentState.CANCELLED):
            done.problems.append((number, "没有打过这一笔"))
        elif state is None:
            done.problems.append((number, "结果只能是“成功”或“失败”"))
        elif reference in seen:
            done.problems.append((number, "这一笔在文件里写了两次"))
        elif payment.state in (PaymentState.PAID, PaymentState.FAILED) and payment.state is not state:
            done.problems.append((number, "这一笔上次的结果不一样，请先和银行核对"))
        elif payment.state is state:
            done.known += 1
        else:
            reason, _ = take_out((line.get("reason") or "").strip(), today=desk.today)
            found.append((number, payment, state, reason[:100]))
        seen.add(reference)
    if done.problems:
        return done
    for number, payment, state, reason in found:
        await _settle(session, payment, state, reason or "银行没有说明原因", line=number, staff_id=staff_id, desk=desk)
        done.paid += state is PaymentState.PAID
        done.failed += state is PaymentState.FAILED
    return done


async def _settle(
    session: AsyncSession, payment: SubsidyPayment, state: PaymentState, reason: str, *, line: int, staff_id: int, desk: Desk
) -> None:
    payment.state, payment.result_line, payment.done_at = state, line, desk.now
    application = await session.get_one(SubsidyApplication, payment.application_id)
    await lock(session, application)
    if state is PaymentState.PAID:
        item = await session.get_one(VaultItem, payment.account_id)
        move(session, application, "paid", desk=desk, staff_id=staff_id, note=_of(payment, ""))
        await grants.follow(session, application)
        amount = reading.say_hundredths(payment.amount_fen)
        period = _of(payment, "")
        period = f"{period} " if period else ""
        await push(session, application, "paid", desk=desk, period=period, amount=amount, tail=item.masked[-4:])
    else:
        payment.reason = reason
        move(session, application, "payment_failed", desk=desk, staff_id=staff_id, note=_of(payment, reason))
        await grants.follow(session, application)
        if application.state is ApplicationState.PAYMENT_FAILED:  # else its period is not to be paid any more
            await push(session, application, "payment_failed", desk=desk, why=reason)
