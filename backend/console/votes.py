"""The console's pages for votes: make, announce, watch the turnout, enter paper ballots, open the box."""

import csv
import io
from datetime import datetime
from typing import Any

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.console.forms import Form
from backend.console.pages import Visit, page, see
from backend.deliberation.models import OutcomeKind
from backend.deliberation.service import origin_of
from backend.errors import BadInput, Forbidden, NotFound
from backend.grids.models import Area, Level
from backend.house import BOOTH
from backend.media.routes import serve
from backend.staff import conversations as talks
from backend.staff import events as work
from backend.staff.scope import VOTE_ROLES, Scope
from backend.votes import cards, closing, matching, opening, service
from backend.votes.booth import Booth
from backend.votes.desk import Act, VoteDesk
from backend.votes.models import Vote, VoteLog, VoteState
from backend.votes.rules import ABSTAIN, Basis, Kind, RuleName
from backend.web import DATABASE, SETTINGS, VAULT

routes = web.RouteTableDef()
NUMBER = r"{number:TP-\d{6}}"


def check_role(visit: Visit) -> None:
    """Raises Forbidden unless this person's role has to do with votes."""
    if visit.signed.scope.role not in VOTE_ROLES:
        raise Forbidden


@routes.get("/votes")
@page
async def votes_page(visit: Visit) -> web.StreamResponse:
    check_role(visit)
    async with visit.request.app[DATABASE].read() as session:
        return await visit.show(session, "votes.html", votes=await service.in_scope(session, visit.signed.scope))


@routes.get("/votes/new")
@page
async def new_page(visit: Visit) -> web.StreamResponse:
    check_role(visit)
    async with visit.request.app[DATABASE].read() as session:
        return await visit.show(session, "vote_new.html", areas=await areas_within(session, visit.signed.scope))


async def areas_within(session: AsyncSession, scope: Scope) -> list[Area]:
    """The areas of the scope above the grids, in the order of the tree, at most 500."""
    areas = await session.scalars(
        select(Area)
        .where(Area.path.startswith(scope.path, autoescape=True), Area.level != Level.GRID)
        .order_by(Area.path)
        .limit(500)
    )
    return list(areas)


def moment_in(visit: Visit, form: Form, name: str, what: str) -> datetime:
    """A local time of the form. Raises BadInput."""
    try:
        return datetime.fromisoformat(form[name]).replace(tzinfo=visit.request.app[SETTINGS].zone)
    except ValueError:
        raise BadInput(f"请填写{what}。", fields=[name]) from None


def _whole(form: Form, name: str, default: int) -> int:
    if not form[name]:
        return default
    if not form[name].isdecimal() or len(form[name]) > 4:
        raise BadInput("这里要填数字。", fields=[name])
    return int(form[name])


def draft_of(visit: Visit, form: Form) -> service.Draft:
    """The draft as it was filled in. Raises BadInput for what is not a time, a number or one of the choices."""
    try:
        kind, rule, basis = Kind(form["kind"]), RuleName(form["rule"]), Basis(form["basis"])
    except ValueError:
        raise BadInput("请选择投票方式、规则和投票单位。", fields=["kind", "rule", "basis"]) from None
    return service.Draft(
        title=form["title"],
        question=form["question"],
        kind=kind,
        rule=rule,
        basis=basis,
        starts_at=moment_in(visit, form, "starts_at", "开始时间"),
        ends_at=moment_in(visit, form, "ends_at", "结束时间"),
        options=[line for line in form["options"].splitlines() if line.strip()],
        most=_whole(form, "most", 1),
        seats=_whole(form, "seats", 1),
        public=form["public"] == "1",
        extension_days=_whole(form, "extension_days", 0),
        paper_desk=form["paper_desk"],
        attachments=form.photos,
        listed_matter=form["listed_matter"] == "1",
        assessment=form["assessment"],
        keyholders=[name for name in form["keyholders"].replace("，", " ").replace("、", " ").split() if name],
        keys_needed=_whole(form, "keys_needed", 2),
    )


@routes.post("/votes")
@page
async def make(visit: Visit) -> web.StreamResponse:
    form = await visit.form(phones=False)
    check_role(visit)
    booth = visit.request.app[BOOTH]()
    async with visit.request.app[DATABASE].write() as session:
        vote = await service.create(
            session, draft_of(visit, form), area_code=form["area"], scope=visit.signed.scope, booth=booth
        )
    return see(f"/votes/{vote.number}")


async def show(visit: Visit, **more: Any) -> web.Response:
    """The page of one vote; ``phrase`` is shown once, right after it was made."""
    booth = visit.request.app[BOOTH]()
    async with visit.request.app[DATABASE].read() as session:
        vote = await service.by_number(session, visit.request.match_info["number"], scope=visit.signed.scope)
        logged = await session.scalars(select(VoteLog).where(VoteLog.vote_id == vote.id).order_by(VoteLog.id.desc()).limit(100))
        trail = list(logged)
        decided = vote.state is VoteState.DECIDED
        return await visit.show(
            session,
            "vote.html",
            vote=vote,
            titles=service.titles_of(vote),
            holders=await service.keyholders(session, vote),
            turnout=await service.turnout(session, vote, booth=booth, by_part=True),
            weighted=service.rule_of(vote).by_area,
            square_metres=cards.square_metres,
            result=cards.result_values(vote, booth=booth) if decided else None,
            trail=trail,
            names=await work.staff_names(session, {row.staff_id for row in trail}),
            begun=booth.now >= vote.starts_at,
            abstain=ABSTAIN,
            phrase=more.get("phrase"),
            origin=await origin_of(session, OutcomeKind.VOTE, vote.number),
        )


@routes.get(f"/votes/{NUMBER}")
@page
async def vote_page(visit: Visit) -> web.StreamResponse:
    return await show(visit)


@routes.get(f"/votes/{NUMBER}/attachments/{{key}}")
@page
async def attachment(visit: Visit) -> web.StreamResponse:
    """A photo of the vote, for whoever may run it."""
    number, key = visit.request.match_info["number"], visit.request.match_info["key"]
    async with visit.request.app[DATABASE].read() as session:
        vote = await service.by_number(session, number, scope=visit.signed.scope)
    if key not in vote.attachments:
        raise NotFound
    return await serve(visit.request, key)


def at_desk(visit: Visit) -> VoteDesk:
    """Whoever is signed in, as one who runs votes."""
    app = visit.request.app
    return VoteDesk(app[DATABASE], app[BOOTH], app[VAULT], visit.signed.scope, app[SETTINGS].zone)


async def on_vote(visit: Visit, what: str, act: Act) -> Any:
    """Do something to the vote of the address; see VoteDesk."""
    return await at_desk(visit).on_vote(visit.request.match_info["number"], what, act)


def _back(visit: Visit) -> web.Response:
    return see(f"/votes/{visit.request.match_info['number']}")


@routes.post(f"/votes/{NUMBER}/electorate")
@page
async def import_electorate(visit: Visit) -> web.StreamResponse:
    form = await visit.form()
    await at_desk(visit).import_electorate(visit.request.match_info["number"], form.fields.get("csv", ""))
    return _back(visit)


@routes.post(f"/votes/{NUMBER}/register")
@page
async def draw_electorate(visit: Visit) -> web.StreamResponse:
    await visit.form()
    await at_desk(visit).draw_electorate(visit.request.match_info["number"])
    return _back(visit)


@routes.post(f"/votes/{NUMBER}/keys")
@page
async def hand_key(visit: Visit) -> web.StreamResponse:
    """Make a keyholder's phrase and show it, this once."""
    form = await visit.form()

    async def act(session: AsyncSession, vote: Vote, booth: Booth) -> tuple[str, str]:
        return await service.hand_key(session, vote, _whole(form, "holder", 0), scope=visit.signed.scope, booth=booth)

    return await show(visit, phrase=await on_vote(visit, "key_handed", act))


@routes.post(f"/votes/{NUMBER}/announce")
@page
async def announce(visit: Visit) -> web.StreamResponse:
    form = await visit.form()

    await at_desk(visit).announce(visit.request.match_info["number"], assessment=form["assessment"])
    return _back(visit)


@routes.post(f"/votes/{NUMBER}/codes")
@page
async def print_codes(visit: Visit) -> web.StreamResponse:
    """New slip codes as a CSV file, this once."""
    await visit.form()

    async def act(session: AsyncSession, vote: Vote, booth: Booth) -> list[tuple[str, str, str]]:
        return await matching.make_codes(session, vote, scope=visit.signed.scope, booth=booth)

    slips = await on_vote(visit, "codes", act)
    return _table(visit, "codes", [("unit", "name", "code"), *slips])


def _table(visit: Visit, what: str, rows: list[tuple[str, ...]]) -> web.Response:
    """The rows as a CSV file to keep."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    headers = {"Content-Disposition": f'attachment; filename="{visit.request.match_info["number"]}-{what}.csv"'}
    return web.Response(body=out.getvalue().encode("utf-8-sig"), content_type="text/csv", charset="utf-8", headers=headers)


@routes.get(f"/votes/{NUMBER}/attendance")
@page
async def attendance(visit: Visit) -> web.StreamResponse:
    """Who took part, as a CSV file, once the vote has ended."""
    async with visit.request.app[DATABASE].read() as session:
        vote = await service.by_number(session, visit.request.match_info["number"], scope=visit.signed.scope)
        there = await closing.who_took_part(session, vote)
    if not there:
        raise NotFound
    rows = [(unit, name, "是" if took else "否") for unit, name, took in there]
    return _table(visit, "attendance", [("unit", "name", "took_part"), *rows])


@routes.post(f"/votes/{NUMBER}/paper")
@page
async def enter_paper(visit: Visit) -> web.StreamResponse:
    form = await visit.form()

    async def act(session: AsyncSession, vote: Vote, booth: Booth) -> None:
        choice = tuple(form["choice"].replace("，", ",").replace(" ", ",").split(",")) if form["choice"] else ()
        await service.enter_paper(session, vote, code=form["unit"], choice=choice, scope=visit.signed.scope, booth=booth)

    await on_vote(visit, "paper", act)
    return _back(visit)


@routes.post(f"/votes/{NUMBER}/matches")
@page
async def match(visit: Visit) -> web.StreamResponse:
    """Match a resident whose identity was checked to a unit, or with ``end`` let nobody vote online for it."""
    form = await visit.form()

    async def act(session: AsyncSession, vote: Vote, booth: Booth) -> None:
        scope = visit.signed.scope
        if form["end"] == "1":
            await matching.unmatch(session, vote, code=form["unit"], scope=scope, booth=booth)
            return
        conversation = await talks.by_id(session, scope, _conversation_id(form))
        await matching.match_by_staff(session, vote, code=form["unit"], conversation=conversation, scope=scope, booth=booth)

    await on_vote(visit, "matched", act)
    return _back(visit)


def _conversation_id(form: Form) -> int:
    if not form["conversation"].isdecimal() or len(form["conversation"]) > 18:
        raise BadInput("请填写对话编号，就是对话页地址里的数字。", fields=["conversation"])
    return int(form["conversation"])


@routes.post(f"/votes/{NUMBER}/cancel")
@page
async def cancel(visit: Visit) -> web.StreamResponse:
    form = await visit.form()

    async def act(session: AsyncSession, vote: Vote, booth: Booth) -> None:
        await service.cancel(session, vote, reason=form["reason"], scope=visit.signed.scope, booth=booth)

    await on_vote(visit, "cancelled", act)
    return _back(visit)


@routes.post(f"/votes/{NUMBER}/open")
@page
async def open_box(visit: Visit) -> web.StreamResponse:
    form = await visit.form()
    phrases = [form[f"phrase{place}"] for place in range(1, 8) if form[f"phrase{place}"]]
    await at_desk(visit).open_box(visit.request.match_info["number"], phrases)
    return _back(visit)


@routes.get(f"/votes/{NUMBER}/published")
@page
async def published(visit: Visit) -> web.StreamResponse:
    """The published file, for the notice board and for recounting."""
    async with visit.request.app[DATABASE].read() as session:
        vote = await service.by_number(session, visit.request.match_info["number"], scope=visit.signed.scope)
        text = await opening.published(session, vote)
    headers = {"Content-Disposition": f'attachment; filename="{vote.number}.json"'}
    return web.Response(text=text, content_type="application/json", headers=headers)
