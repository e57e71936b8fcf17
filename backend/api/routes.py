"""The staff HTTP API under /api/v1, for programs; the console's pages show the same."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.api import deliberation as _deliberation  # noqa: F401 - enters its operations
from backend.api import desk as _desk  # noqa: F401 - enters its operations
from backend.api import legal as _legal  # noqa: F401 - enters its operations
from backend.api import mediation as _mediation  # noqa: F401 - enters its operations
from backend.api import openapi
from backend.api import opinions as _opinions  # noqa: F401 - enters its operations
from backend.api import subsidies as _subsidies  # noqa: F401 - enters its operations
from backend.api import votes as _votes  # noqa: F401 - enters its operations
from backend.api.operations import OPERATIONS, Call, bearer, id_in, operation
from backend.api.schemas import (
    AreaQuery,
    CallIn,
    Credentials,
    EventQuery,
    Handover,
    ItemCorrection,
    Me,
    Meaning,
    MediaQuery,
    NewEvent,
    Photo,
    Reply,
    Result,
    Session,
    TranscriptQuery,
    Transition,
)
from backend.catalogue.models import Department, Item
from backend.conversations import service as conversations
from backend.desk import service as visits
from backend.errors import NotFound
from backend.events import service as events
from backend.events import withheld
from backend.events.service import Actor, Desk
from backend.grids.models import Area
from backend.house import DESK
from backend.media.routes import keep, read_bounded, serve
from backend.staff import conversations as talks
from backend.staff import events as work
from backend.staff import notices, service
from backend.staff.schemas import (
    AreaCard,
    AreaList,
    CodeAndName,
    ConversationList,
    ConversationPage,
    DepartmentList,
    EventList,
    EventPage,
    ItemCard,
    ItemList,
    Notice,
    NoticeList,
    ReceiverList,
    StaffCard,
)
from backend.web import CLOCK, DATABASE, SENTENCES, SETTINGS, VAULT

VERSION = "1"

EventWork = Callable[[AsyncSession, events.Event, Desk], Awaitable[None]]
ConversationWork = Callable[[AsyncSession, conversations.Conversation], Awaitable[None]]


def remote_of(request: web.Request) -> str:
    """Who connects: behind a proxy on this machine, the address that the proxy saw."""
    seen = request.remote or ""
    forwarded = request.headers.get("X-Forwarded-For", "").rsplit(",", 1)[-1].strip()
    return forwarded if forwarded and seen in ("127.0.0.1", "::1") else seen


def card_of(signed: service.SignedIn) -> StaffCard:
    return StaffCard(username=signed.staff.username, name=signed.staff.name, role=signed.staff.role, scope=signed.scope_name)


@operation("POST", "/api/v1/sessions", status=201, body=Credentials, answer=Session, open_to_all=True)
async def sign_in(call: Call) -> Session:
    """Sign in; the token goes into Authorization: Bearer."""
    request = call.request
    token, signed = await service.sign_in(
        request.app[DATABASE],
        username=call.body.username,
        password=call.body.password,
        remote=remote_of(request),
        now=request.app[CLOCK].now(),
        hours=request.app[SETTINGS].session_hours,
    )
    return Session(token=token, expires_at=signed.expires_at, staff=card_of(signed))


@operation("GET", "/api/v1/sessions", answer=Me)
async def who_am_i(call: Call) -> Me:
    """Who is signed in, and until when."""
    return Me(expires_at=call.signed.expires_at, staff=card_of(call.signed))


@operation("DELETE", "/api/v1/sessions", status=204)
async def sign_out(call: Call) -> None:
    """Sign out; the token is worth nothing from now on."""
    async with call.request.app[DATABASE].write() as session:
        await service.sign_out(session, bearer(call.request))


@operation("GET", "/api/v1/events", query=EventQuery, answer=EventList)
async def list_events(call: Call) -> EventList:
    """The events in your scope: newest first, or by due time with mine or late."""
    now, query = call.request.app[CLOCK].now(), call.query
    async with call.request.app[DATABASE].read() as session:
        found, total = await work.matching(
            session,
            call.signed.scope,
            now=now,
            state=query.state,
            item=query.item,
            area=query.area,
            only_late=query.late,
            mine=query.mine,
            words=query.q,
            page=query.page,
            page_size=query.page_size,
        )
        cards = [await work.card(session, event, now) for event in found]
    return EventList(events=cards, page=query.page, page_size=query.page_size, total=total)


@operation("POST", "/api/v1/events", status=201, body=NewEvent, answer=EventPage)
async def report_event(call: Call) -> EventPage:
    """Report an event yourself; it goes through the same door as a resident's."""
    async with call.request.app[DATABASE].write() as session:
        desk = await call.request.app[DESK](session)
        await work.check_photos(session, None, call.body.photos)
        event = await events.file_event(
            session,
            events.Report(**call.body.model_dump()),
            desk=desk,
            reporter_staff_id=call.signed.scope.staff_id,
        )
        return await work.page(session, call.signed.scope, event, desk.now, desk.zone)


@operation("GET", "/api/v1/events/{number}", answer=EventPage)
async def read_event(call: Call) -> EventPage:
    """One event with its history, photos, desks, and what you may do next."""
    async with call.request.app[DATABASE].read() as session:
        event = await work.by_number(session, call.signed.scope, call.request.match_info["number"])
        app = call.request.app
        return await work.page(session, call.signed.scope, event, app[CLOCK].now(), app[SETTINGS].zone)


async def _on_event(call: Call, act: EventWork) -> EventPage:
    """Find the event, let ``act(session, event, desk)`` change it, and answer it as it is then."""
    async with call.request.app[DATABASE].write() as session:
        desk = await call.request.app[DESK](session)
        event = await work.by_number(session, call.signed.scope, call.request.match_info["number"])
        await act(session, event, desk)
        for found in call.found.values():
            staff_id = call.signed.scope.staff_id
            await withheld.keep(session, call.request.app[VAULT], event, found, staff_id=staff_id, desk=desk)
        await session.flush()
        return await work.page(session, call.signed.scope, event, desk.now, desk.zone)


@operation("POST", "/api/v1/events/{number}/transitions", body=Transition, answer=EventPage)
async def move_event(call: Call) -> EventPage:
    """Take the event one step further; the resident is told."""
    body = call.body

    async def act(session: AsyncSession, event: events.Event, desk: Desk) -> None:
        await work.step(
            session,
            call.signed.scope,
            event,
            body.to,
            desk=desk,
            note=body.note,
            handler=body.handler,
            photos=body.photos,
            revision=body.revision,
        )

    return await _on_event(call, act)


@operation("POST", "/api/v1/events/{number}/item", body=ItemCorrection, answer=EventPage)
async def correct_item(call: Call) -> EventPage:
    """Correct what kind of matter it is; the due time stays."""

    async def act(session: AsyncSession, event: events.Event, desk: Desk) -> None:
        body = call.body
        await work.correct_item(
            session, call.signed.scope, event, body.item_code, desk=desk, note=body.note, revision=body.revision
        )

    return await _on_event(call, act)


@operation("POST", "/api/v1/events/{number}/departments", body=CallIn, answer=EventPage)
async def call_in_department(call: Call) -> EventPage:
    """Ask one more department to work on it (会办)."""

    async def act(session: AsyncSession, event: events.Event, desk: Desk) -> None:
        actor = Actor.staff(call.signed.scope)
        await events.call_in(session, event, call.body.department_code, actor=actor, desk=desk, note=call.body.note)

    return await _on_event(call, act)


@operation("POST", "/api/v1/events/{number}/results", body=Result, answer=EventPage)
async def give_result(call: Call) -> EventPage:
    """Report back as a department that was called in."""

    async def act(session: AsyncSession, event: events.Event, desk: Desk) -> None:
        await events.give_result(session, event, actor=Actor.staff(call.signed.scope), desk=desk, result=call.body.result)

    return await _on_event(call, act)


@operation("GET", "/api/v1/conversations", answer=ConversationList)
async def list_conversations(call: Call) -> ConversationList:
    """Who waits for a person or talks with one: waiting first, then yours, then others'."""
    async with call.request.app[DATABASE].read() as session:
        return ConversationList(conversations=await talks.on_desk(session, call.signed.scope))


@operation("GET", "/api/v1/conversations/{conversation_id}", query=TranscriptQuery, answer=ConversationPage)
async def read_conversation(call: Call) -> ConversationPage:
    """One conversation with its transcript, the last 200 messages or those before one of them."""
    async with call.request.app[DATABASE].read() as session:
        row = await talks.by_id(session, call.signed.scope, id_in(call.request))
        return await talks.page(session, call.signed.scope, row, before=call.query.before)


async def _on_conversation(call: Call, act: ConversationWork) -> ConversationPage:
    async with call.request.app[DATABASE].write() as session:
        row = await talks.by_id(session, call.signed.scope, id_in(call.request))
        await act(session, row)
        await session.flush()
        return await talks.page(session, call.signed.scope, row)


@operation("POST", "/api/v1/conversations/{conversation_id}/claim", answer=ConversationPage)
async def claim_conversation(call: Call) -> ConversationPage:
    """Take a waiting conversation; the bot is silent from now on."""

    async def act(session: AsyncSession, row: conversations.Conversation) -> None:
        app = call.request.app
        await talks.claim(session, call.signed.scope, row, sentences=app[SENTENCES], now=app[CLOCK].now())

    return await _on_conversation(call, act)


@operation("POST", "/api/v1/conversations/{conversation_id}/replies", status=201, body=Reply, answer=ConversationPage)
async def reply(call: Call) -> ConversationPage:
    """Answer the resident, or keep an internal note."""

    async def act(session: AsyncSession, row: conversations.Conversation) -> None:
        now = call.request.app[CLOCK].now()
        body = call.body
        sealed = talks.Sealed(call.request.app[VAULT], call.found.get("text", []))
        await talks.uploaded(session, row, body.media)
        await talks.reply(
            session,
            call.signed.scope,
            row,
            text=body.text,
            note=body.note,
            now=now,
            once=body.once,
            sealed=sealed,
            media=body.media,
        )

    return await _on_conversation(call, act)


@operation("POST", "/api/v1/conversations/{conversation_id}/return", answer=ConversationPage)
async def return_conversation(call: Call) -> ConversationPage:
    """Give the conversation back to the bot; the resident is told."""

    async def act(session: AsyncSession, row: conversations.Conversation) -> None:
        app = call.request.app
        await talks.give_back(session, call.signed.scope, row, sentences=app[SENTENCES], now=app[CLOCK].now())

    return await _on_conversation(call, act)


@operation(
    "POST", "/api/v1/conversations/{conversation_id}/messages/{message_id}/intent", body=Meaning, answer=ConversationPage
)
async def mark_misunderstood(call: Call) -> ConversationPage:
    """Say what a resident's message meant, for the model to learn from."""

    async def act(session: AsyncSession, row: conversations.Conversation) -> None:
        await talks.mark(
            session,
            call.signed.scope,
            row,
            id_in(call.request, "message_id"),
            call.body.intent,
            now=call.request.app[CLOCK].now(),
        )

    return await _on_conversation(call, act)


@operation("GET", "/api/v1/conversations/{conversation_id}/receivers", answer=ReceiverList)
async def list_receivers(call: Call) -> ReceiverList:
    """To which desks and colleagues the conversation can be transferred."""
    async with call.request.app[DATABASE].read() as session:
        row = await talks.by_id(session, call.signed.scope, id_in(call.request))
        return ReceiverList(receivers=await talks.receivers(session, call.signed.scope, row))


@operation("POST", "/api/v1/conversations/{conversation_id}/transfer", body=Handover, answer=ConversationPage)
async def offer_transfer(call: Call) -> ConversationPage:
    """Offer the resident to a colleague or a desk; you stay responsible until they accept."""

    async def act(session: AsyncSession, row: conversations.Conversation) -> None:
        now = call.request.app[CLOCK].now()
        await talks.offer(session, call.signed.scope, row, to=call.body.to, reason=call.body.reason, now=now)

    return await _on_conversation(call, act)


@operation("POST", "/api/v1/conversations/{conversation_id}/transfer/accept", answer=ConversationPage)
async def accept_transfer(call: Call) -> ConversationPage:
    """Take over a conversation that is offered to you or your desk; the resident is told."""

    async def act(session: AsyncSession, row: conversations.Conversation) -> None:
        await visits.accept(session, row, scope=call.signed.scope, desk=await call.request.app[DESK](session))

    return await _on_conversation(call, act)


@operation("DELETE", "/api/v1/conversations/{conversation_id}/transfer", status=204)
async def drop_transfer(call: Call) -> None:
    """Take your offer back, or decline one that was made to you."""
    async with call.request.app[DATABASE].write() as session:
        row = await talks.by_id(session, call.signed.scope, id_in(call.request))
        await visits.drop_offer(session, row, scope=call.signed.scope, now=call.request.app[CLOCK].now())


@operation("GET", "/api/v1/departments", answer=DepartmentList)
async def list_departments(call: Call) -> DepartmentList:
    """Every department an event can be given to."""
    async with call.request.app[DATABASE].read() as session:
        rows = await session.scalars(select(Department).order_by(Department.code))
        return DepartmentList(departments=[CodeAndName(code=row.code, name=row.name) for row in rows])


@operation("GET", "/api/v1/items", answer=ItemList)
async def list_items(call: Call) -> ItemList:
    """The admission list (事项准入清单); what is not admitted names the right channel."""
    async with call.request.app[DATABASE].read() as session:
        rows = await session.scalars(select(Item).order_by(Item.category, Item.code))
        return ItemList(items=[ItemCard.model_validate(row, from_attributes=True) for row in rows])


@operation("GET", "/api/v1/areas", query=AreaQuery, answer=AreaList)
async def list_areas(call: Call) -> AreaList:
    """The city's tree: districts, streets, communities, grids."""
    query = select(Area).order_by(Area.path)
    if call.query.parent:
        query = query.where(Area.parent_code == call.query.parent)
    query = query.offset((call.query.page - 1) * call.query.page_size).limit(call.query.page_size)
    async with call.request.app[DATABASE].read() as session:
        rows = await session.scalars(query)
        return AreaList(areas=[AreaCard.model_validate(row, from_attributes=True) for row in rows])


@operation("POST", "/api/v1/photos", status=201, upload="image/*", answer=Photo)
async def upload_photo(call: Call) -> web.StreamResponse:
    """Upload a photo (the raw bytes); its key goes into a step or a report."""
    raw = await read_bounded(call.request, call.request.app[SETTINGS].media_max_bytes)
    return await keep(call.request, raw, kind="photo", resident_id=None)


@operation("POST", "/api/v1/files", status=201, upload="*/*", answer=Photo)
async def upload_file(call: Call) -> web.StreamResponse:
    """Upload a PDF or video (the raw bytes); its key goes into a reply."""
    raw = await read_bounded(call.request, call.request.app[SETTINGS].media_max_bytes)
    return await keep(call.request, raw, kind="file", resident_id=None)


@operation("GET", "/api/v1/media/{key}", query=MediaQuery, media="*/*")
async def read_media(call: Call) -> web.StreamResponse:
    """A photo or file of an event or conversation in your scope."""
    return await media_in_scope(call.request, call.signed, call.query.conversation)


async def media_in_scope(request: web.Request, signed: service.SignedIn, conversation_id: int | None) -> web.StreamResponse:
    """Serve the file named in the path. Raises NotFound outside the scope."""
    key = request.match_info["key"]
    async with request.app[DATABASE].read() as session:
        seen = await work.photo_in_scope(session, signed.scope, key) or (
            conversation_id is not None and await talks.photo_in_scope(session, signed.scope, key, conversation_id)
        )
    if not seen:
        raise NotFound
    return await serve(request, key)


@operation("GET", "/api/v1/notices", answer=NoticeList)
async def list_notices(call: Call) -> NoticeList:
    """Your last 50 notices, newest first."""
    async with call.request.app[DATABASE].read() as session:
        return await notice_list(session, call.signed.scope.staff_id)


async def notice_list(session: AsyncSession, staff_id: int) -> NoticeList:
    rows = await notices.inbox(session, staff_id)
    return NoticeList(
        unread=await notices.unread(session, staff_id),
        notices=[
            Notice(
                notice_id=row.id,
                text=row.text,
                at=row.created_at,
                read=row.read_at is not None,
                event_number=number,
                conversation_id=row.conversation_id,
            )
            for row, number in rows
        ],
    )


@operation("POST", "/api/v1/notices/read", status=204)
async def read_notices(call: Call) -> None:
    """Mark every notice as read."""
    async with call.request.app[DATABASE].write() as session:
        await notices.mark_read(session, call.signed.scope.staff_id, now=call.request.app[CLOCK].now())


@operation("GET", "/api/v1/openapi.json", media="application/json", open_to_all=True)
async def read_openapi(_call: Call) -> web.StreamResponse:
    """This document."""
    return web.json_response(openapi.document(OPERATIONS, version=VERSION))


routes = [web.route(o.method, o.path, o.handle) for o in OPERATIONS]
