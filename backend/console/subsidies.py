"""The console's pages about subsidies: the reviewing desk, one application, 公示, payments."""

from collections.abc import Awaitable, Callable
from datetime import date
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from backend.console.pages import Visit, page, see
from backend.errors import BadInput, Forbidden, LinlitongError, NotFound
from backend.house import DESK
from backend.media.routes import serve
from backend.staff.models import Role
from backend.subsidies import applications, cycles, grants, objections, payments, reading, review
from backend.subsidies.models import ApplicationState
from backend.vault import service as vaults
from backend.vault.models import Secret
from backend.web import CLOCK, DATABASE, SENTENCES, SETTINGS, VAULT

routes = web.RouteTableDef()
NUMBER = r"/subsidies/{number:B\d{4}-\d{4}}"
TABS = (
    ApplicationState.REVIEW,
    ApplicationState.MORE,
    ApplicationState.PUBLISHED,
    ApplicationState.PAID,
    ApplicationState.REFUSED,
)
MOST_AT_ONCE = 100


def _states(request: web.Request) -> dict[ApplicationState, str]:
    say = request.app[SENTENCES].say
    return {state: say(f"utter_name_subsidy_state_{state.value}").text for state in ApplicationState}


@routes.get("/subsidies")
@page
async def desk(visit: Visit) -> web.StreamResponse:
    """The applications on this person's desk, by state, found by number or masked name."""
    return await _desk(visit, done=[])


async def _desk(visit: Visit, *, done: list[str]) -> web.StreamResponse:
    asked = visit.request.query
    states = {state.value: state for state in TABS}
    state = states.get(asked.get("state", ""), ApplicationState.REVIEW)
    before = asked.get("before", "")
    words = asked.get("q", "")[:32]
    async with visit.request.app[DATABASE].read() as session:
        rows = await review.listed(
            session,
            visit.signed.scope,
            words=words,
            state=state,
            before=int(before) if before.isdecimal() and len(before) < 18 else None,
        )
        return await visit.show(
            session,
            "subsidies.html",
            rows=rows,
            tab=state,
            tabs=TABS,
            states=_states(visit.request),
            words=words,
            more=len(rows) == review.PAGE,
            done=done,
            pays=visit.signed.scope.role is Role.ADMIN,
        )


@routes.post("/subsidies/search")
@page
async def search(visit: Visit) -> web.StreamResponse:
    """Look for applications; an identity number leads to that person's newest one. Posted, so that it is in no address."""
    form = await visit.form()
    vault = visit.request.app[VAULT]
    for found in form.found.get("q", []):
        if found.kind is Secret.IDENTITY and found.value is not None:
            async with visit.request.app[DATABASE].read() as session:
                number = await review.newest_of(session, visit.signed.scope, vault.hash(found.kind, found.value))
            if number is not None:
                return see(f"/subsidies/{number}")
    return see(f"/subsidies?{urlencode({'state': form['state'], 'q': form['q']})}")


@routes.get(NUMBER)
@page
async def application(visit: Visit) -> web.StreamResponse:
    return await _application(visit)


async def _application(visit: Visit, uncovered: dict[str, str] | None = None) -> web.StreamResponse:
    say = visit.request.app[SENTENCES].say
    async with visit.request.app[DATABASE].read() as session:
        row, shown = await review.page(session, visit.signed.scope, visit.request.match_info["number"])
        return await visit.show(
            session,
            "subsidy.html",
            row=row,
            states=_states(visit.request),
            who=say(f"utter_name_subsidy_who_{row.about}").text,
            refusal_names={code: say(f"utter_name_subsidy_refusal_{code}").text for code in applications.REFUSALS},
            uncovered=uncovered or {},
            may_object=row.state is ApplicationState.PUBLISHED,
            objections=await objections.of(session, row),
            outlook=await grants.outlook(session, row),
            said_period=_said,
            say_amount=reading.say_hundredths,
            may_stop=visit.signed.scope.role in grants.STOPPERS,
            overpaid=grants.overpaid,
            stop_names={code: say(f"utter_name_subsidy_stop_{code}").text for code in grants.STOPS},
            **shown,
        )


async def on_application(
    visit: Visit, act: Callable[[AsyncSession, applications.SubsidyApplication, applications.Desk], Awaitable[None]]
) -> web.StreamResponse:
    """Change the application in one transaction and show it again."""
    number = visit.request.match_info["number"]
    async with visit.request.app[DATABASE].write() as session:
        desk_ = await visit.request.app[DESK](session)
        row, _ = await review.page(session, visit.signed.scope, number)
        await act(session, row, desk_)
    return see(f"/subsidies/{number}")


@routes.post(NUMBER + "/decisions")
@page
async def decide(visit: Visit) -> web.StreamResponse:
    form = await visit.form()
    revision = int(form["revision"]) if form["revision"].isdecimal() else None

    async def act(session: AsyncSession, row: applications.SubsidyApplication, desk_: applications.Desk) -> None:
        await applications.decide(
            session,
            row,
            form["what"],
            scope=visit.signed.scope,
            desk=desk_,
            reason=form["reason"],
            note=form["note"],
            revision=revision,
        )

    return await on_application(visit, act)


@routes.post(NUMBER + "/objections")
@page
async def objection(visit: Visit) -> web.StreamResponse:
    form = await visit.form()

    async def act(session: AsyncSession, row: applications.SubsidyApplication, desk_: applications.Desk) -> None:
        await applications.objected(session, row, scope=visit.signed.scope, desk=desk_, note=form["note"])

    return await on_application(visit, act)


@routes.post(NUMBER + r"/objections/{objection:\d{1,18}}")
@page
async def answer_objection(visit: Visit) -> web.StreamResponse:
    """Answer what a resident says against a published application: take it up, or dismiss it with what was found."""
    form = await visit.form()

    async def act(session: AsyncSession, row: applications.SubsidyApplication, desk_: applications.Desk) -> None:
        await objections.answer(
            session,
            row,
            int(visit.request.match_info["objection"]),
            taken=form["what"] == "take",
            note=form["note"],
            scope=visit.signed.scope,
            desk=desk_,
        )

    return await on_application(visit, act)


@routes.post(NUMBER + "/stop")
@page
async def stop(visit: Visit) -> web.StreamResponse:
    """End the payments, with a reason, a day and a note."""
    form = await visit.form()
    try:
        on = date.fromisoformat(form["on"])
    except ValueError:
        on = None

    async def act(session: AsyncSession, row: applications.SubsidyApplication, desk_: applications.Desk) -> None:
        scope = visit.signed.scope
        await applications.stop(session, row, reason=form["reason"], on=on, note=form["note"], scope=scope, desk=desk_)

    return await on_application(visit, act)


@routes.post(NUMBER + "/uncoverings")
@page
async def uncover(visit: Visit) -> web.StreamResponse:
    """Show one value in full; the reason is written down with who and when."""
    form = await visit.form()
    app = visit.request.app
    async with app[DATABASE].write() as session:
        _, shown = await review.page(session, visit.signed.scope, visit.request.match_info["number"])
        item = shown["items"].get(form["what"])
        if item is None:
            raise NotFound
        _, value = await vaults.uncover(
            session,
            app[VAULT],
            item.id,
            staff_id=visit.signed.scope.staff_id,
            reason=form["reason"],
            now=app[CLOCK].now(),
        )
    return await _application(visit, {form["what"]: value})


@routes.get(NUMBER + "/media/{key}")
@page
async def photo(visit: Visit) -> web.StreamResponse:
    key = visit.request.match_info["key"]
    async with visit.request.app[DATABASE].read() as session:
        _, shown = await review.page(session, visit.signed.scope, visit.request.match_info["number"])
    if not any(key in media for _, media, _ in shown["documents"]):
        raise NotFound
    return await serve(visit.request, key)


@routes.post("/subsidies/decisions")
@page
async def decide_many(visit: Visit) -> web.StreamResponse:
    """Pass the chosen applications at this level, each in its own transaction; what does not go is said."""
    form = await visit.form()
    numbers = [name.removeprefix("pick-") for name in form.fields if name.startswith("pick-")][:MOST_AT_ONCE]
    if not numbers:
        raise BadInput("请先勾选要通过的申请。")
    done = []
    for number in numbers:
        try:
            async with visit.request.app[DATABASE].write() as session:
                desk_ = await visit.request.app[DESK](session)
                row, _ = await review.page(session, visit.signed.scope, number)
                await applications.decide(session, row, "approve", scope=visit.signed.scope, desk=desk_)
            done.append(f"{number} 已通过")
        except LinlitongError as error:
            done.append(f"{number} 没有通过：{error.sentence}")
    return await _desk(visit, done=done)


@routes.get("/subsidies/published")
@page
async def published(visit: Visit) -> web.StreamResponse:
    """公示: masked names only."""
    app = visit.request.app
    async with app[DATABASE].read() as session:
        today = app[CLOCK].now().astimezone(app[SETTINGS].zone).date()
        return await visit.show(session, "published.html", rows=await review.published(session, today=today))


def _cashier(visit: Visit) -> None:
    if visit.signed.scope.role is not Role.ADMIN:
        raise Forbidden


@routes.get("/subsidies/payments")
@page
async def payment_page(visit: Visit) -> web.StreamResponse:
    return await _payments(visit)


def _said(period: str) -> str:
    return cycles.say_period(period) or "一次性"


async def _payments(visit: Visit, imported: payments.Imported | None = None) -> web.StreamResponse:
    _cashier(visit)
    async with visit.request.app[DATABASE].read() as session:
        due = await payments.due(session)
        return await visit.show(
            session,
            "payments.html",
            due=[(period, _said(period), count, reading.say_hundredths(total)) for period, count, total in due],
            batches=[(name, _said(period), *rest) for name, period, *rest in await payments.batches(session)],
            imported=imported,
        )


@routes.post("/subsidies/payments")
@page
async def make_batch(visit: Visit) -> web.StreamResponse:
    _cashier(visit)
    form = await visit.form()
    async with visit.request.app[DATABASE].write() as session:
        desk_ = await visit.request.app[DESK](session)
        await payments.make_batch(session, form["period"], staff_id=visit.signed.scope.staff_id, desk=desk_)
    return see("/subsidies/payments")


@routes.post(r"/subsidies/payments/{batch:P\d{8}-[0-9a-f]{6}}")
@page
async def export(visit: Visit) -> web.StreamResponse:
    """A batch as CSV for the bank."""
    _cashier(visit)
    await visit.form()
    name = visit.request.match_info["batch"]
    app = visit.request.app
    async with app[DATABASE].write() as session:
        desk_ = await app[DESK](session)
        text = await payments.export(session, app[VAULT], name, staff_id=visit.signed.scope.staff_id, desk=desk_)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return web.Response(body=text.encode("utf-8-sig"), content_type="text/csv", charset="utf-8", headers=headers)


@routes.post("/subsidies/payments/results")
@page
async def results(visit: Visit) -> web.StreamResponse:
    """The bank's answers, pasted as CSV."""
    _cashier(visit)
    form = await visit.form()
    async with visit.request.app[DATABASE].write() as session:
        desk_ = await visit.request.app[DESK](session)
        imported = await payments.import_results(
            session, form["csv"].encode(), staff_id=visit.signed.scope.staff_id, desk=desk_
        )
    return await _payments(visit, imported)
