"""Applications as residents see them: their own with every step, and what is published, with masked names."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Conversation
from backend.events.service import Desk
from backend.grids.models import Area
from backend.localtime import say_day, say_moment
from backend.subsidies import applications, cycles, grants, reading, service
from backend.subsidies.applications import State, may_withdraw
from backend.subsidies.catalogue import Catalogue
from backend.subsidies.models import PaymentState, SubsidyApplication

PAGE = 30
HAND_IN = frozenset((State.REVIEW, State.MORE, State.PAYMENT_FAILED))


async def of_conversation(session: AsyncSession, conversation: Conversation, *, desk: Desk) -> list[dict[str, Any]]:
    """The cards of a resident's applications, newest first."""
    found = await applications.of_conversation(session, conversation)
    catalogues = await service.by_ids(session, {a.catalogue_id for a in found})
    return [_card(a, catalogues[a.catalogue_id], desk) | {"money": await money(session, a, desk=desk)} for a in found]


def _card(a: SubsidyApplication, catalogue: Catalogue, desk: Desk) -> dict[str, Any]:
    """{number, name, state, state_code, who, on_behalf, amount, created, due, may_withdraw, may_hand_in, by_code}."""
    say = desk.sentences.say
    return {
        "number": a.number,
        "name": catalogue.kinds[a.kind].name,
        "state": say(f"utter_name_subsidy_state_{a.state.value}").text,
        "state_code": a.state.value,
        "who": say(f"utter_name_subsidy_who_{a.about}").text,
        "on_behalf": a.about != "self",
        "amount": reading.say_hundredths(a.amount_fen),
        "created": say_moment(a.created_at, now=desk.now, zone=desk.zone),
        "due": say_moment(a.due_at, now=desk.now, zone=desk.zone) if a.due_at else None,
        "may_withdraw": may_withdraw(a),
        "may_hand_in": a.state in HAND_IN,
        "by_code": a.state is State.CONSENT,
    }


async def money(session: AsyncSession, a: SubsidyApplication, *, desk: Desk) -> list[str]:
    """What was paid last and what comes next, a line each; nothing before it is approved."""
    outlook = await grants.outlook(session, a)
    grant, last, coming = outlook["grant"], outlook["last"], outlook["coming"]
    if grant is None:
        return []

    def line(name: str, /, **values: object) -> str:
        return desk.sentences.say(f"utter_name_subsidy_{name}", **values).text

    lines = []
    if last is not None and last.done_at is not None:
        when = say_day(last.done_at.astimezone(desk.zone).date())
        amount = reading.say_hundredths(last.amount_fen)
        lines.append(line("last", period=_spaced(last.period), amount=amount, when=when))
    amount = reading.say_hundredths(a.amount_fen)
    if a.state is State.PAYMENT_FAILED:
        lines.append(line("next_failed"))
    elif outlook["suspended"]:
        lines.append(line("next_suspended"))
    elif coming is not None:
        name = "next_due" if coming.state is PaymentState.DUE else "next_bank"
        paid = reading.say_hundredths(coming.amount_fen)
        lines.append(line(name, period=_spaced(coming.period), amount=paid))
    elif grant.next_from is not None:
        label = cycles.period_of(grant.cycle, grant.next_from).label
        lines.append(line("next_later", period=cycles.say_period(label), amount=amount))
    if grant.ended in grants.STOPS and grant.ends_on is not None:
        lines.append(line("next_stopped", day=say_day(grant.ends_on), why=line(f"stop_{grant.ended}")))
    return lines


def _spaced(label: str) -> str:
    """A period before an amount."""
    said = cycles.say_period(label)
    return f"{said} " if said else ""


async def page(session: AsyncSession, a: SubsidyApplication, *, desk: Desk) -> dict[str, Any]:
    """The card with {person, basis, papers: [{name, media, cure_by}], steps: [{name, text, when}]}.

    The reviewers' names, and their words among themselves, are not in it.
    """
    catalogue = await service.by_id(session, a.catalogue_id)
    kind = catalogue.kinds[a.kind]
    say = desk.sentences.say
    names = {paper.code: paper.name for paper in kind.documents} | {"consent": say("utter_name_subsidy_consent").text}
    papers = [
        {
            "name": names.get(d.code) or say("utter_name_subsidy_step_answer").text,
            "media": d.media,
            "cure_by": say_day(d.cure_by) if d.cure_by else None,
        }
        for d in await applications.documents_of(session, a)
    ]
    steps = [
        {
            "name": say(f"utter_name_subsidy_step_{step.what}").text,
            "text": step.note if step.what in ("more", "payment_failed") else _reason(step.what, step.reason, desk),
            "when": say_moment(step.at, now=desk.now, zone=desk.zone),
        }
        for step in await applications.trail_of(session, a)
    ]
    more = {
        "person": a.name_masked,
        "basis": kind.basis,
        "papers": papers,
        "steps": steps,
    }
    return _card(a, catalogue, desk) | more | {"money": await money(session, a, desk=desk)}


def _reason(what: str, reason: str, desk: Desk) -> str:
    return desk.sentences.say(f"utter_name_subsidy_refusal_{reason}").text if what == "refuse" and reason else ""


async def kinds(session: AsyncSession) -> list[dict[str, str]]:
    """{code, name} of each kind in force."""
    _, catalogue = await service.in_force(session)
    return [{"code": code, "name": kind.name} for code, kind in catalogue.kinds.items()]


async def published(
    session: AsyncSession, *, kind: str, before: int | None, desk: Desk
) -> tuple[list[dict[str, Any]], int | None]:
    """(what is published now, the newest first, PAGE at a time; from which id on there is more, None at the end)."""
    query = (
        select(SubsidyApplication, Area.name)
        .join(Area, Area.code == SubsidyApplication.area_code)
        .where(SubsidyApplication.state == State.PUBLISHED, SubsidyApplication.published_until >= desk.today)
        .order_by(SubsidyApplication.id.desc())
        .limit(PAGE + 1)
    )
    if kind:
        query = query.where(SubsidyApplication.kind == kind)
    if before is not None:
        query = query.where(SubsidyApplication.id < before)
    rows = (await session.execute(query)).all()
    catalogues = await service.by_ids(session, {a.catalogue_id for a, _ in rows})
    found = [
        {
            "number": a.number,
            "person": a.name_masked,
            "kind": catalogues[a.catalogue_id].kinds[a.kind].name,
            "amount": reading.say_hundredths(a.amount_fen),
            "area": area,
            "until": say_day(a.published_until) if a.published_until else "",
        }
        for a, area in rows[:PAGE]
    ]
    return found, rows[PAGE - 1][0].id if len(rows) > PAGE else None
