"""The console's pages. Each is whole by itself; htmx asks for the same page again and takes the part that changed."""

import hmac
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.api.operations import id_in, still_in
from backend.api.routes import media_in_scope, notice_list, remote_of
from backend.api.schemas import EventQuery, Transition
from backend.catalogue.models import Department
from backend.console.forms import Form, read_form
from backend.console.render import render
from backend.console.stream import address_of, stream
from backend.conversations.models import Conversation
from backend.deliberation.models import OutcomeKind
from backend.deliberation.service import origin_of
from backend.desk import answers
from backend.desk import service as visits
from backend.desk.figures import desk_figures
from backend.errors import BadInput, NotSignedIn
from backend.events import service as events
from backend.events import withheld
from backend.events.models import Event, EventState, History
from backend.events.numbers import read_number
from backend.events.pushes import title_of
from backend.events.service import Actor, Desk
from backend.house import BOOTH, DESK
from backend.mediation import proposals as mediation_proposals
from backend.mediation import service as mediations
from backend.mediation.desks import MEDIATION_ROLES
from backend.opinions.service import NUMBER as OPINION_NUMBER
from backend.proposals import service as proposals
from backend.staff import conversations as talks
from backend.staff import events as work
from backend.staff import notices, service
from backend.staff.schemas import Handler
from backend.staff.scope import DESK_ROLES, LAW_ROLES, VOTE_ROLES
from backend.triage import service as triage
from backend.vault.numbers import Found
from backend.web import CLOCK, DATABASE, SENTENCES, SETTINGS, VAULT

COOKIE = "linlitong_staff"
KNOCK = "linlitong_sign_in"
PAGE_SIZE = 30
FIGURE_DAYS = ("7", "30", "90")
PROPOSALS = 5  # shown in a conversation
TABS = ("mine", "all", "late", "closed")

routes = web.RouteTableDef()


@dataclass(frozen=True)
class Visit:
    """A signed-in request for a page, with what every page's frame shows."""

    request: web.Request
    token: str
    signed: service.SignedIn

    async def show(
        self, session: AsyncSession, template: str, *, live: dict[str, str] | None = None, **values: Any
    ) -> web.Response:
        """Render the page with a stream of the changes to ``live``, the topics of stream.py, and to the frame."""
        scope = self.signed.scope
        return render(
            self.request,
            template,
            signed=self.signed,
            has_desk=scope.role in DESK_ROLES,
            has_votes=scope.role in VOTE_ROLES,
            has_mediations=scope.role in MEDIATION_ROLES,
            waiting=await talks.waiting(session, scope),
            unread=await notices.unread(session, scope.staff_id),
            stream=await address_of(session, scope, {"notices": "", "desk": ""} | (live or {})),
            **values,
        )

    async def form(self, *, phones: bool = True, files: bool = False) -> Form:
        """The form that was sent, with personal numbers masked; without ``phones`` an office's number stays.

        Raises NotSignedIn where the sign-in ended while it was on its way.
        """
        form = await read_form(self.request, csrf=self.signed.csrf, phones=phones, files=files)
        await still_in(self.request, self.token)
        return form


def page(work_: Callable[[Visit], Awaitable[web.StreamResponse]]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A handler for the signed-in only; the sign-in is looked up anew for every request."""

    async def handle(request: web.Request) -> web.StreamResponse:
        token = request.cookies.get(COOKIE, "")
        if not token:
            raise NotSignedIn
        async with request.app[DATABASE].read() as session:
            signed = await service.who(session, token, now=request.app[CLOCK].now())
        return await work_(Visit(request, token, signed))

    return handle


def see(location: str) -> web.Response:
    """Look there next (303): an answer, not an error, so that what was written stays written."""
    return web.Response(status=303, headers={"Location": location})


@routes.get("/sign-in")
async def sign_in_page(request: web.Request) -> web.Response:
    return _sign_in(request)


def _sign_in(request: web.Request, *, sentence: str = "", username: str = "", status: int = 200) -> web.Response:
    """The form carries a secret that only this browser's cookie has: nobody else can send it from another site."""
    secret = request.cookies.get(KNOCK) or secrets.token_urlsafe(24)
    response = render(request, "sign_in.html", status=status, csrf=secret, sentence=sentence, username=username)
    response.set_cookie(KNOCK, secret, httponly=True, samesite="Strict", secure=request.app[SETTINGS].cookie_secure)
    return response


@routes.post("/sign-in")
async def sign_in(request: web.Request) -> web.StreamResponse:
    form = await request.post()
    given, secret = str(form.get("csrf", "")), request.cookies.get(KNOCK, "")
    username, password = str(form.get("username", "")), str(form.get("password", ""))
    if not secret or not hmac.compare_digest(given.encode(), secret.encode()):
        return _sign_in(request, sentence="页面放得太久了，请再登录一次。", username=username, status=403)
    settings = request.app[SETTINGS]
    try:
        token, _ = await service.sign_in(
            request.app[DATABASE],
            username=username,
            password=password[:200],
            remote=remote_of(request),
            now=request.app[CLOCK].now(),
            hours=settings.session_hours,
        )
    except (service.WrongPassword, service.TooManyTries) as error:
        return _sign_in(request, sentence=error.sentence, username=username, status=error.status)
    response = see("/")
    response.set_cookie(
        COOKIE,
        token,
        max_age=settings.session_hours * 3600,
        httponly=True,
        samesite="Lax",
        secure=settings.cookie_secure,
    )
    return response


@routes.post("/sign-out")
@page
async def sign_out(visit: Visit) -> web.StreamResponse:
    await visit.form()
    async with visit.request.app[DATABASE].write() as session:
        await service.sign_out(session, visit.token)
    response = see("/sign-in")
    response.del_cookie(COOKIE)
    return response


@routes.get("/")
@page
async def queue(visit: Visit) -> web.StreamResponse:
    """The queue under one of four tabs, searched and filtered; the legal desk has a queue of its own."""
    asked = visit.request.query
    scope, now = visit.signed.scope, visit.request.app[CLOCK].now()
    if scope.role in LAW_ROLES:
        return see("/legal")
    tab = asked.get("tab", "")
    if tab not in TABS:
        tab = "mine" if scope.desk else "all"
    try:
        query = EventQuery.model_validate(
            {key: asked[key] for key in ("state", "item", "q", "page") if asked.get(key)} | {"page_size": PAGE_SIZE}
        )
    except ValidationError:
        raise BadInput from None
    async with visit.request.app[DATABASE].read() as session:
        found, total = await work.matching(
            session,
            scope,
            now=now,
            state=query.state,
            item=query.item,
            only_late=tab == "late",
            mine=tab == "mine",
            closed=tab == "closed",
            words=query.q,
            page=query.page,
            page_size=PAGE_SIZE,
        )
        return await visit.show(
            session,
            "queue.html",
            live={"queue": ""},
            tab=tab,
            query=query,
            cards=[await work.card(session, event, now) for event in found],
            total=total,
            pages=max(1, -(-total // PAGE_SIZE)),
            counts=await work.counts(session, scope, now),
            items=await work.admitted_items(session),
        )


@routes.post("/search")
@page
async def search(visit: Visit) -> web.StreamResponse:
    """Look for events: posted, so that no address holds what was written; it leads to the list, numbers masked."""
    form = await visit.form()
    asked = {name: form[name] for name in ("tab", "q", "state", "item") if form[name]}
    return see(f"/?{urlencode(asked)}")


@routes.get(r"/events/{number:\d{4}-?\d{4}}")
@page
async def event_page(visit: Visit) -> web.StreamResponse:
    now = visit.request.app[CLOCK].now()
    async with visit.request.app[DATABASE].read() as session:
        event = await work.by_number(session, visit.signed.scope, visit.request.match_info["number"])
        shown = await work.page(session, visit.signed.scope, event, now, visit.request.app[SETTINGS].zone)
        mediation = await mediations.of_source(session, event.number)
        mediates = visit.signed.scope.role in MEDIATION_ROLES
        dispatching = any(step.to is EventState.DISPATCHED for step in shown.next_steps)
        suggested = await events.find_handler(session, event, event.state) if dispatching else None
        return await visit.show(
            session,
            "event.html",
            live={"event": event.number},
            event=shown,
            withheld=await withheld.any_of(session, shown.number),
            origin=await origin_of(session, OutcomeKind.EVENT, event.number),
            mediation=mediation if mediates else None,
            may_propose=mediates and mediation is None and mediation_proposals.suits(visit.signed.scope, event),
            choices=await work.handler_choices(session, event) if dispatching else [],
            suggested=suggested,
            items=await work.admitted_items(session) if shown.may_correct else [],
            departments=list(await session.scalars(select(Department).order_by(Department.code))) if shown.may_call_in else [],
        )


async def on_event(
    visit: Visit, act: Callable[[AsyncSession, Event, Desk], Awaitable[None]], note: Iterable[Found] = ()
) -> web.StreamResponse:
    """Change the event in one transaction and show it again. The numbers that were masked in ``note`` go to the vault."""
    async with visit.request.app[DATABASE].write() as session:
        desk = await visit.request.app[DESK](session)
        event = await work.by_number(session, visit.signed.scope, visit.request.match_info["number"])
        await act(session, event, desk)
        staff_id = visit.signed.scope.staff_id
        await withheld.keep(session, visit.request.app[VAULT], event, note, staff_id=staff_id, desk=desk)
    return see(f"/events/{event.number}")


@routes.post(r"/events/{number:\d{4}-?\d{4}}/steps")
@page
async def take_step(visit: Visit) -> web.StreamResponse:
    form = await visit.form()
    kind, _, code = form["handler"].partition(":")
    if form["to"] == EventState.DISPATCHED and not code:
        raise BadInput("请选择派给谁。", fields=["handler"])
    try:
        body = Transition(
            to=form["to"],  # type: ignore[arg-type]
            note=form["note"],
            photos=form.photos,
            handler=Handler.model_validate({"kind": kind, "code": code})
            if code and form["to"] == EventState.DISPATCHED
            else None,
            revision=int(form["revision"]) if form["revision"].isdecimal() else None,
        )
    except ValidationError:
        raise BadInput from None

    async def act(session: AsyncSession, event: Event, desk: Desk) -> None:
        await work.step(
            session,
            visit.signed.scope,
            event,
            body.to,
            desk=desk,
            note=body.note,
            handler=body.handler,
            photos=body.photos,
            revision=body.revision,
        )

    return await on_event(visit, act, form.found.get("note", []))


@routes.post(r"/events/{number:\d{4}-?\d{4}}/departments")
@page
async def call_in(visit: Visit) -> web.StreamResponse:
    form = await visit.form()

    async def act(session: AsyncSession, event: Event, desk: Desk) -> None:
        actor = Actor.staff(visit.signed.scope)
        await events.call_in(session, event, form["department"], actor=actor, desk=desk, note=form["note"])

    return await on_event(visit, act, form.found.get("note", []))


@routes.post(r"/events/{number:\d{4}-?\d{4}}/results")
@page
async def give_result(visit: Visit) -> web.StreamResponse:
    form = await visit.form()

    async def act(session: AsyncSession, event: Event, desk: Desk) -> None:
        await events.give_result(session, event, actor=Actor.staff(visit.signed.scope), desk=desk, result=form["result"])

    return await on_event(visit, act, form.found.get("result", []))


@routes.post(r"/events/{number:\d{4}-?\d{4}}/item")
@page
async def correct_item(visit: Visit) -> web.StreamResponse:
    form = await visit.form()
    revision = int(form["revision"]) if form["revision"].isdecimal() else None

    async def act(session: AsyncSession, event: Event, desk: Desk) -> None:
        await work.correct_item(
            session, visit.signed.scope, event, form["item"], desk=desk, note=form["note"], revision=revision
        )

    return await on_event(visit, act, form.found.get("note", []))


@routes.get("/report")
@page
async def report_page(visit: Visit) -> web.StreamResponse:
    """A form for what a resident has told a staff member in person or by phone."""
    async with visit.request.app[DATABASE].read() as session:
        return await visit.show(
            session,
            "report.html",
            grids=await work.grids_within(session, visit.signed.scope),
            items=await work.admitted_items(session),
        )


@routes.post("/report")
@page
async def report(visit: Visit) -> web.StreamResponse:
    form = await visit.form()
    if not form["description"]:
        raise BadInput("请写清楚是什么事。", fields=["description"])
    code, _, _ = form["grid"].partition(" ")
    async with visit.request.app[DATABASE].write() as session:
        if code not in {grid.code for grid in await work.grids_within(session, visit.signed.scope)}:
            raise BadInput("请从列表里选一个网格。", fields=["grid"])
        event = await events.file_event(
            session,
            events.Report(form["description"], code, form["address"], item_code=form["item"] or None, photos=form.photos),
            desk=await visit.request.app[DESK](session),
            reporter_staff_id=visit.signed.scope.staff_id,
        )
    return see(f"/events/{event.number}")


@routes.get("/conversations")
@page
async def desk_page(visit: Visit) -> web.StreamResponse:
    async with visit.request.app[DATABASE].read() as session:
        return await visit.show(session, "desk.html", cards=await talks.on_desk(session, visit.signed.scope), conversation=None)


@routes.get("/conversations/{conversation_id}")
@page
async def conversation_page(visit: Visit) -> web.StreamResponse:
    before = visit.request.query.get("before", "")
    async with visit.request.app[DATABASE].read() as session:
        row = await talks.by_id(session, visit.signed.scope, id_in(visit.request))
        holds = row.staff_id == visit.signed.scope.staff_id
        desk = await visit.request.app[DESK](session)
        quick = await answers.filled_for(session, row, visit.signed.scope, desk=desk) if holds else []
        asked = visit.request.query.get("answer", "")
        return await visit.show(
            session,
            "desk.html",
            live={"conversation": str(row.id)},
            once=secrets.token_urlsafe(12),
            cards=await talks.on_desk(session, visit.signed.scope),
            conversation=await talks.page(session, visit.signed.scope, row, before=int(before) if before.isdecimal() else None),
            receivers=await talks.receivers(session, visit.signed.scope, row) if holds else [],
            proposals=(await proposals.listed(session, row))[:PROPOSALS],
            subsidies=await proposals.subsidies_offered(session) if holds else [],
            votes=await proposals.votes_offered(session, row, booth=visit.request.app[BOOTH]()) if holds else [],
            disputes=[
                (event.number, await title_of(session, event))
                for event in await mediation_proposals.of_talk(session, visit.signed.scope, row)
            ],
            under_mediation=await mediations.asked_for(session, row.resident_id)
            if holds and visit.signed.scope.role in MEDIATION_ROLES
            else [],
            quick=quick,
            chosen=next((one for one in quick if str(one.answer.id) == asked), None),
        )


async def on_conversation(
    visit: Visit, act: Callable[[AsyncSession, Conversation], Awaitable[object]], *, then: str = ""
) -> web.StreamResponse:
    async with visit.request.app[DATABASE].write() as session:
        row = await talks.by_id(session, visit.signed.scope, id_in(visit.request))
        await act(session, row)
    return see(then or f"/conversations/{row.id}")


@routes.post("/conversations/{conversation_id}/claim")
@page
async def claim(visit: Visit) -> web.StreamResponse:
    await visit.form()
    app = visit.request.app

    async def act(session: AsyncSession, row: Conversation) -> None:
        await talks.claim(session, visit.signed.scope, row, sentences=app[SENTENCES], now=app[CLOCK].now())

    return await on_conversation(visit, act)


@routes.post("/conversations/{conversation_id}/replies")
@page
async def reply(visit: Visit) -> web.StreamResponse:
    form = await visit.form(files=True)

    async def act(session: AsyncSession, row: Conversation) -> None:
        now = visit.request.app[CLOCK].now()
        text, note, once = form["text"][:4000], form["as"] == "note", form["once"][:64]
        sealed = talks.Sealed(visit.request.app[VAULT], form.found.get("text", []))
        await talks.reply(
            session, visit.signed.scope, row, text=text, note=note, now=now, once=once, sealed=sealed, media=form.photos
        )

    return await on_conversation(visit, act)


@routes.post("/conversations/{conversation_id}/return")
@page
async def give_back(visit: Visit) -> web.StreamResponse:
    await visit.form()
    app = visit.request.app

    async def act(session: AsyncSession, row: Conversation) -> None:
        await talks.give_back(session, visit.signed.scope, row, sentences=app[SENTENCES], now=app[CLOCK].now())

    return await on_conversation(visit, act, then="/conversations")


@routes.post("/conversations/{conversation_id}/transfer")
@page
async def offer_transfer(visit: Visit) -> web.StreamResponse:
    form = await visit.form()

    async def act(session: AsyncSession, row: Conversation) -> None:
        now = visit.request.app[CLOCK].now()
        await talks.offer(session, visit.signed.scope, row, to=form["to"], reason=form["reason"], now=now)

    return await on_conversation(visit, act)


@routes.post("/conversations/{conversation_id}/transfer/accept")
@page
async def accept_transfer(visit: Visit) -> web.StreamResponse:
    await visit.form()

    async def act(session: AsyncSession, row: Conversation) -> None:
        await visits.accept(session, row, scope=visit.signed.scope, desk=await visit.request.app[DESK](session))

    return await on_conversation(visit, act)


@routes.post("/conversations/{conversation_id}/transfer/drop")
@page
async def drop_transfer(visit: Visit) -> web.StreamResponse:
    await visit.form()

    async def act(session: AsyncSession, row: Conversation) -> None:
        await visits.drop_offer(session, row, scope=visit.signed.scope, now=visit.request.app[CLOCK].now())

    return await on_conversation(visit, act, then="" if (await _holds(visit)) else "/conversations")


async def _holds(visit: Visit) -> bool:
    async with visit.request.app[DATABASE].read() as session:
        row = await talks.by_id(session, visit.signed.scope, id_in(visit.request))
        return row.staff_id == visit.signed.scope.staff_id


@routes.post("/conversations/{conversation_id}/messages/{message_id}/intent")
@page
async def mark_misunderstood(visit: Visit) -> web.StreamResponse:
    form = await visit.form()

    async def act(session: AsyncSession, row: Conversation) -> None:
        message_id = id_in(visit.request, "message_id")
        await talks.mark(session, visit.signed.scope, row, message_id, form["intent"], now=visit.request.app[CLOCK].now())

    return await on_conversation(visit, act)


@routes.get("/figures")
@page
async def figures_page(visit: Visit) -> web.StreamResponse:
    """How the desks do, and how well dispatching by itself does, within the asker's scope."""
    asked = visit.request.query.get("days", "")
    days = int(asked) if asked in FIGURE_DAYS else 30
    mine = History.event_id.in_(select(Event.id).where(visit.signed.scope.events()))
    async with visit.request.app[DATABASE].read() as session:
        now, zone = visit.request.app[CLOCK].now(), visit.request.app[SETTINGS].zone
        has_desk = visit.signed.scope.role in DESK_ROLES
        return await visit.show(
            session,
            "figures.html",
            days=days,
            choices=FIGURE_DAYS,
            dispatch=await triage.dispatch_figures(session, now - timedelta(days=days), scope=mine),
            desk=await desk_figures(session, visit.signed.scope, days=days, now=now, zone=zone) if has_desk else None,
        )


@routes.get("/notices")
@page
async def notices_page(visit: Visit) -> web.StreamResponse:
    async with visit.request.app[DATABASE].read() as session:
        listed = await notice_list(session, visit.signed.scope.staff_id)
        return await visit.show(session, "notices.html", notices=listed.notices)


@routes.post("/notices/read")
@page
async def read_all(visit: Visit) -> web.StreamResponse:
    await visit.form()
    await _mark(visit, None)
    return see("/notices")


@routes.post(r"/notices/{notice_id:\d{1,18}}/open")
@page
async def open_notice(visit: Visit) -> web.StreamResponse:
    """Mark one as read and go where it points."""
    await visit.form()
    notice_id = int(visit.request.match_info["notice_id"])
    await _mark(visit, notice_id)
    async with visit.request.app[DATABASE].read() as session:
        listed = await notice_list(session, visit.signed.scope.staff_id)
    notice = next((n for n in listed.notices if n.notice_id == notice_id), None)
    if notice and notice.event_number:
        return see(f"/events/{notice.event_number}")
    if notice and (opinion := OPINION_NUMBER.search(notice.text)):
        return see(f"/opinions/{opinion[0]}")
    if notice and visit.signed.scope.role in LAW_ROLES and (number := read_number(notice.text)):
        return see(f"/legal/consults/{number}")
    return see(f"/conversations/{notice.conversation_id}" if notice and notice.conversation_id else "/notices")


async def _mark(visit: Visit, notice_id: int | None) -> None:
    app = visit.request.app
    async with app[DATABASE].write() as session:
        await notices.mark_read(session, visit.signed.scope.staff_id, now=app[CLOCK].now(), notice_id=notice_id)


@routes.get("/media/{key}")
@page
async def media(visit: Visit) -> web.StreamResponse:
    conversation = visit.request.query.get("conversation", "")
    return await media_in_scope(visit.request, visit.signed, int(conversation[:18]) if conversation.isdecimal() else None)


@routes.get("/stream")
@page
async def changes(visit: Visit) -> web.StreamResponse:
    return await stream(visit.request, visit.token)
