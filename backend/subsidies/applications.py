"""An application's life. Every change is one row of STEPS and leaves a SubsidyStep behind."""

import secrets
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Conversation
from backend.db import lock, wake
from backend.errors import BadInput, Conflict, Forbidden, NotFound
from backend.events.service import Desk
from backend.grids.models import Area, Level
from backend.localtime import say_day, say_moment
from backend.outbox import service as outbox
from backend.staff.models import Role
from backend.staff.scope import Scope
from backend.subsidies import cycles, grants, service
from backend.subsidies.advice import advise
from backend.subsidies.catalogue import Kind, ReviewLevel
from backend.subsidies.models import (
    ApplicationState,
    SubsidyApplication,
    SubsidyDocument,
    SubsidyStep,
)
from backend.vault.models import VaultItem

State = ApplicationState
_A = "23456789"
MONEY = frozenset({State.APPROVED, State.PAYING, State.PAID, State.PAYMENT_FAILED})
# Where several payments are on their way, grants.follow says where the application stands after a step of the money.
# what: (from, to). Approving at the last level goes to PUBLISHED or APPROVED; at an earlier one it stays in REVIEW.
STEPS: dict[str, tuple[frozenset[State], State]] = {
    "consent": (frozenset({State.CONSENT}), State.REVIEW),
    "more": (frozenset({State.REVIEW}), State.MORE),
    "answer": (frozenset({State.MORE}), State.REVIEW),
    "pass": (frozenset({State.REVIEW}), State.REVIEW),
    "publish": (frozenset({State.REVIEW}), State.PUBLISHED),
    "approve": (frozenset({State.REVIEW, State.PUBLISHED}), State.APPROVED),
    "object": (frozenset({State.PUBLISHED}), State.REVIEW),
    "refuse": (frozenset({State.REVIEW}), State.REFUSED),
    "withdraw": (frozenset({State.CONSENT, State.REVIEW, State.MORE}), State.WITHDRAWN),
    "export": (MONEY, State.PAYING),
    "paid": (MONEY, State.PAID),
    "payment_failed": (MONEY, State.PAYMENT_FAILED),
    "account": (frozenset({State.PAYMENT_FAILED}), State.APPROVED),
    "stop": (MONEY, State.PAID),
}
# Why an application is refused; the words are in domain.yml (utter_name_subsidy_refusal_*).
REFUSALS = ("not_eligible", "income", "property", "papers", "false_statement", "moved")
MORE_DAYS = 15
REMIND = (7, 3, 1)
NOTE_LIMIT = 500
_ROLES = {"community": Role.COMMUNITY, "street": Role.STREET, "district": Role.DISTRICT, "department": Role.DEPARTMENT}


class Duplicate(Conflict):
    """The same person has applied for the same kind and period; ``details`` has the number of the first."""

    code = "duplicate_application"


@dataclass(frozen=True)
class Form:
    """What the resident has confirmed."""

    kind: str
    about: str
    facts: dict[str, Any]
    catalogue_id: int
    name: VaultItem
    identity: VaultItem
    account: VaultItem
    phone_id: int | None
    area_code: str
    papers: dict[str, list[str]]
    consent: str = "paper"  # of an application for somebody else: paper, or code (asked in a chat of their own)


async def submit(session: AsyncSession, conversation: Conversation | None, form: Form, *, desk: Desk) -> SubsidyApplication:
    """File the application. Raises Duplicate with the number of the first, BadInput where the facts do not fit (any more)."""
    catalogue = await service.by_id(session, form.catalogue_id)
    kind = catalogue.kinds[form.kind]
    fits = advise(catalogue, form.facts, [form.kind]).fits
    if not fits:
        raise BadInput(desk.sentences.say("utter_subsidy_not_fitting", name=kind.name).text, code="not_eligible")
    running = await grants.paid_elsewhere(session, form.identity.lookup, form.kind)
    if running is not None:
        number = (await session.get_one(SubsidyApplication, running)).number
        raise Duplicate(desk.sentences.say("utter_subsidy_paid_already", name=kind.name, number=number).text, number=number)
    today = desk.today
    first = kind.levels[0]
    waits = form.about != "self" and form.consent == "code"
    application = SubsidyApplication(
        number=_number(),
        kind=form.kind,
        period=str(today.year),
        person=form.identity.lookup,
        identity_id=form.identity.id,
        name_id=form.name.id,
        account_id=form.account.id,
        phone_id=form.phone_id,
        name_masked=form.name.masked,
        catalogue_id=form.catalogue_id,
        conversation_id=conversation.id if conversation else None,
        about=form.about,
        facts=form.facts,
        amount_fen=fits[0].fen or 0,
        area_code=form.area_code,
        state=State.CONSENT if waits else State.REVIEW,
        desk=first.level,
        desk_code=await _desk_code(session, first, form.area_code),
        due_at=None if waits else desk.calendar.add_working_hours(desk.now, first.days * _day_hours(desk)),
        consent="own" if form.about == "self" else form.consent,
        created_at=desk.now,
    )
    try:
        async with session.begin_nested():
            session.add(application)
            await session.flush()
    except IntegrityError:
        number = await session.scalar(
            select(SubsidyApplication.number).where(
                SubsidyApplication.person == form.identity.lookup,
                SubsidyApplication.kind == form.kind,
                SubsidyApplication.period == str(today.year),
                SubsidyApplication.state.notin_([State.REFUSED, State.WITHDRAWN]),
                ~SubsidyApplication.stopped,
            )
        )
        if number is None:
            raise
        raise Duplicate(
            desk.sentences.say("utter_subsidy_duplicate", name=kind.name, number=number).text, number=number
        ) from None
    for paper in kind.papers(form.facts):
        media = form.papers.get(paper.code) or []
        session.add(
            SubsidyDocument(
                application_id=application.id,
                code=paper.code,
                media=media,
                cure_by=None if media else today + timedelta(days=paper.cure_days),
            )
        )
    if form.about != "self" and not waits:
        session.add(SubsidyDocument(application_id=application.id, code="consent", media=form.papers.get("consent") or []))
    _trail(session, application, "submit", desk=desk)
    await session.flush()
    wake(session, "console")
    return application


async def set_clock(session: AsyncSession, application: SubsidyApplication, *, desk: Desk) -> None:
    """This level's time begins now."""
    kind = await kind_of(session, application)
    days = kind.levels[application.level].days
    application.due_at, application.late_at = desk.calendar.add_working_hours(desk.now, days * _day_hours(desk)), None


def may_withdraw(application: SubsidyApplication) -> bool:
    """Whether the resident may still take it back: not once it is published or decided."""
    return application.state in STEPS["withdraw"][0]


async def withdraw(session: AsyncSession, application: SubsidyApplication, *, desk: Desk) -> None:
    """The resident takes it back; the same may be applied for anew. Raises Conflict when it is too late."""
    await lock(session, application)
    if not may_withdraw(application):
        raise Conflict(desk.sentences.say("utter_subsidy_withdraw_late", number=application.number).text, code="too_late")
    move(session, application, "withdraw", desk=desk)
    application.due_at = None
    wake(session, "console")


async def by_number(session: AsyncSession, number: str) -> SubsidyApplication:
    """Return the application. Raises NotFound."""
    found = await session.scalar(select(SubsidyApplication).where(SubsidyApplication.number == number.strip().upper()))
    if found is None:
        raise NotFound("没有这个编号的申请。")
    return found


async def of_conversation(session: AsyncSession, conversation: Conversation) -> list[SubsidyApplication]:
    """The applications made in a conversation, newest first."""
    return list(
        await session.scalars(
            select(SubsidyApplication)
            .where(SubsidyApplication.conversation_id == conversation.id)
            .order_by(SubsidyApplication.id.desc())
        )
    )


async def kind_of(session: AsyncSession, application: SubsidyApplication) -> Kind:
    """The kind as it was when the application was made."""
    return (await service.by_id(session, application.catalogue_id)).kinds[application.kind]


async def documents_of(session: AsyncSession, application: SubsidyApplication) -> list[SubsidyDocument]:
    return list(
        await session.scalars(
            select(SubsidyDocument).where(SubsidyDocument.application_id == application.id).order_by(SubsidyDocument.id)
        )
    )


async def trail_of(session: AsyncSession, application: SubsidyApplication) -> list[SubsidyStep]:
    return list(
        await session.scalars(select(SubsidyStep).where(SubsidyStep.application_id == application.id).order_by(SubsidyStep.id))
    )


def may_decide(scope: Scope, application: SubsidyApplication) -> bool:
    """Whether the application lies on this person's desk."""
    code = scope.department_code if scope.role is Role.DEPARTMENT else scope.area_code
    return scope.role is _ROLES.get(application.desk) and code == application.desk_code


async def decide(
    session: AsyncSession,
    application: SubsidyApplication,
    what: str,
    *,
    scope: Scope,
    desk: Desk,
    reason: str = "",
    note: str = "",
    revision: int | None = None,
) -> None:
    """A reviewer's word: "approve" (this level's), "more", "refuse", "object". Raises Forbidden where it is not theirs or
    they have decided at another level (four eyes), Conflict where it does not follow or somebody was quicker, BadInput.
    """
    await lock(session, application)
    if not may_decide(scope, application):
        raise Forbidden("这件申请不在您的审批台上。")
    if revision is not None and revision != application.revision:
        raise Conflict("别人刚刚处理过这件申请，请刷新后再看。")
    decided = await session.scalar(
        select(SubsidyStep.id).where(
            SubsidyStep.application_id == application.id,
            SubsidyStep.staff_id == scope.staff_id,
            SubsidyStep.what.in_(["pass", "publish", "approve", "refuse"]),
            SubsidyStep.level != application.level,
        )
    )
    if decided is not None:
        raise Forbidden("这件申请您在上一级已经审过，要换一位同事来审。", code="four_eyes")
    kind = await kind_of(session, application)
    note = note.strip()[:NOTE_LIMIT]
    match what:
        case "approve":
            await _approve(session, application, kind, scope=scope, desk=desk, note=note)
        case "more":
            if not note:
                raise BadInput("请写明要补什么。", fields=["note"])
            move(session, application, "more", desk=desk, staff_id=scope.staff_id, note=note)
            application.due_at = None
            await push(session, application, "more", desk=desk, note=note, days=MORE_DAYS)
        case "refuse":
            if reason not in REFUSALS:
                raise BadInput("请从列表里选择不予批准的原因。", fields=["reason"])
            move(session, application, "refuse", desk=desk, staff_id=scope.staff_id, reason=reason, note=note)
            application.due_at = None
            why = desk.sentences.say(f"utter_name_subsidy_refusal_{reason}").text
            await push(session, application, "refused", desk=desk, why=why, note=f"（{note}）" if note else "")
        case _:
            raise BadInput(code="unknown_step")
    wake(session, "console")


async def _approve(
    session: AsyncSession, application: SubsidyApplication, kind: Kind, *, scope: Scope, desk: Desk, note: str
) -> None:
    documents = await documents_of(session, application)
    if any(d.code == "consent" and not d.media for d in documents):
        raise Conflict("还没有本人的同意书，不能批准。", code="consent_missing")
    last = application.level == len(kind.levels) - 1
    if last and any(not d.media for d in documents):
        raise Conflict("材料还没有补齐，不能批准。", code="papers_missing")
    if not last:
        move(session, application, "pass", desk=desk, staff_id=scope.staff_id, note=note)
        application.level += 1
        level = kind.levels[application.level]
        application.desk = level.level
        application.desk_code = await _desk_code(session, level, application.area_code)
        application.due_at = desk.calendar.add_working_hours(desk.now, level.days * _day_hours(desk))
        application.late_at = None
        await push(session, application, "passed", desk=desk, due=say_moment(application.due_at, now=desk.now, zone=desk.zone))
        return
    application.due_at = None
    if kind.publication_days:
        move(session, application, "publish", desk=desk, staff_id=scope.staff_id, note=note)
        today = desk.today
        application.published_until = today + timedelta(days=kind.publication_days)
        await push(session, application, "published", desk=desk, days=kind.publication_days)
    else:
        move(session, application, "approve", desk=desk, staff_id=scope.staff_id, note=note)
        await approved(session, application, desk=desk)


async def approved(session: AsyncSession, application: SubsidyApplication, *, desk: Desk) -> None:
    """Its payments begin, and the resident is told. Raises Conflict of grants.begin."""
    grant = await grants.begin(session, application, await kind_of(session, application), desk=desk)
    first = cycles.say_period(cycles.period_of(grant.cycle, grant.begins).label)
    if grant.next_from == grant.begins and first:
        await push(session, application, "approved_later", desk=desk, period=first)
    else:
        await push(session, application, "approved", desk=desk)


async def answer(
    session: AsyncSession, application: SubsidyApplication, *, text: str, media: list[str], code: str | None, desk: Desk
) -> None:
    """What the resident hands in: a paper that was missing, or what a reviewer asked for."""
    await lock(session, application)
    if code is not None:
        document = next((d for d in await documents_of(session, application) if d.code == code), None)
        if document is None:
            raise NotFound
        document.media = [*document.media, *media]
        document.cure_by = None
    elif media:
        session.add(
            SubsidyDocument(application_id=application.id, code=f"more_{application.revision}", media=media, cure_by=None)
        )
    if application.state is State.MORE:
        kind = await kind_of(session, application)
        move(session, application, "answer", desk=desk, note=text[:NOTE_LIMIT])
        days = kind.levels[application.level].days
        application.due_at = desk.calendar.add_working_hours(desk.now, days * _day_hours(desk))
        application.late_at = None
    else:
        _trail(session, application, "paper", desk=desk, note=text[:NOTE_LIMIT])
    wake(session, "console")


def move(
    session: AsyncSession,
    application: SubsidyApplication,
    what: str,
    *,
    desk: Desk,
    staff_id: int | None = None,
    reason: str = "",
    note: str = "",
) -> None:
    """Take step ``what`` of the table. Raises Conflict where it does not follow."""
    allowed, to = STEPS[what]
    if application.state not in allowed:
        raise Conflict
    _trail(session, application, what, desk=desk, staff_id=staff_id, reason=reason, note=note)
    application.state = to
    application.revision += 1


def _trail(
    session: AsyncSession,
    application: SubsidyApplication,
    what: str,
    *,
    desk: Desk,
    staff_id: int | None = None,
    reason: str = "",
    note: str = "",
) -> None:
    session.add(
        SubsidyStep(
            application_id=application.id,
            what=what,
            level=application.level,
            staff_id=staff_id,
            reason=reason,
            note=note,
            at=desk.now,
        )
    )


async def push(session: AsyncSession, application: SubsidyApplication, step: str, *, desk: Desk, **values: object) -> None:
    """Tell the resident of a step: response utter_subsidy_push_<step>."""
    if application.conversation_id is None:
        return
    conversation = await session.get_one(Conversation, application.conversation_id)
    kind = await kind_of(session, application)
    said = desk.sentences.say(f"utter_subsidy_push_{step}", name=kind.name, number=application.number, **values)
    await outbox.say(session, conversation, now=desk.now, text=said.text, buttons=said.buttons)


async def _desk_code(session: AsyncSession, level: ReviewLevel, area_code: str) -> str:
    """The code of the desk: the department's, or the area of this level around ``area_code``."""
    if level.level == "department":
        return level.department
    area = await session.get_one(Area, area_code)
    while area.level is not Level(level.level):
        if area.parent_code is None:
            raise BadInput("这个地方没有对应的审批单位。", code="no_desk")
        area = await session.get_one(Area, area.parent_code)
    return area.code


def _day_hours(desk: Desk) -> float:
    """The working hours of a working day."""
    opens, closes = desk.calendar.opens, desk.calendar.closes
    return (closes.hour - opens.hour) + (closes.minute - opens.minute) / 60


def _number() -> str:
    """A number that cannot be guessed and is easy to read out: B2345-6789, without 0 and 1."""
    digits = "".join(secrets.choice(_A) for _ in range(8))
    return f"B{digits[:4]}-{digits[4:]}"


def cure_left(cure_by: date, today: date) -> int | None:
    """The reminder mark (7, 3 or 1 days) that is due for a gap; None before the first."""
    left = (cure_by - today).days
    return next((mark for mark in reversed(REMIND) if left <= mark), None)


async def new_account(session: AsyncSession, application: SubsidyApplication, account: VaultItem, *, desk: Desk) -> None:
    """The right account after a failed payment: what failed is paid again with its next batch. Raises Conflict."""
    await lock(session, application)
    move(session, application, "account", desk=desk)
    application.account_id = account.id
    await grants.pay_again(session, application, desk=desk)
    await grants.follow(session, application)


async def stop(
    session: AsyncSession,
    application: SubsidyApplication,
    *,
    reason: str,
    on: date | None,
    note: str,
    scope: Scope,
    desk: Desk,
) -> None:
    """Staff end the payments; the resident is told. Raises what grants.stop raises."""
    await lock(session, application)
    grant = await grants.stop(session, application, reason=reason, on=on, note=note, scope=scope, desk=desk)
    move(session, application, "stop", desk=desk, staff_id=scope.staff_id, reason=reason, note=grant.note)
    await grants.follow(session, application)
    assert grant.ends_on is not None
    why = desk.sentences.say(f"utter_name_subsidy_stop_{reason}").text
    again = "" if reason == "death" else desk.sentences.say("utter_name_subsidy_stop_again").text
    await push(session, application, "stopped", desk=desk, why=why, day=say_day(grant.ends_on), again=again)


async def objected(session: AsyncSession, application: SubsidyApplication, *, scope: Scope, desk: Desk, note: str) -> None:
    """Somebody objects within the window of the 公示: the last level looks again. Raises Conflict afterwards, BadInput."""
    await lock(session, application)
    if not note.strip():
        raise BadInput("请写明异议的内容。", fields=["note"])
    kind = await kind_of(session, application)
    move(session, application, "object", desk=desk, staff_id=scope.staff_id, note=note.strip()[:NOTE_LIMIT])
    days = kind.levels[application.level].days
    application.published_until, application.late_at = None, None
    application.due_at = desk.calendar.add_working_hours(desk.now, days * _day_hours(desk))
    await push(session, application, "objected", desk=desk)
