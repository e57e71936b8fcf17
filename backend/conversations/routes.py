"""Messages, turns and feeds, for the gateway; hand-over, for the actions."""

from typing import Any

from aiohttp import web
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations import service
from backend.conversations.models import Author, Holder, Message, MessageKind, TurnState
from backend.conversations.schemas import Blocking, Claim, Fail, Finish, Handoff, InboundMessage, Release
from backend.db import wake
from backend.desk import service as visits
from backend.desk.hours import calendar_of
from backend.events import service as events
from backend.house import BOOTH, DESK, GATE, patience_of
from backend.media import service as media
from backend.mediation import hearing as mediations
from backend.outbox import service as outbox
from backend.proposals import service as proposals
from backend.proposals.service import Ears
from backend.staff.conversations import Sealed
from backend.staff_chat import service as staff_chat
from backend.vault import numbers
from backend.vault import service as vaults
from backend.vault.service import Vault
from backend.web import CLOCK, DATABASE, SENTENCES, SETTINGS, VAULT, body_of, long_poll, number_in

routes = web.RouteTableDef()


@routes.post("/internal/v1/messages")
async def accept_message(request: web.Request) -> web.Response:
    body = await body_of(request, InboundMessage)
    now = request.app[CLOCK].now()
    today = now.astimezone(request.app[SETTINGS].zone).date()
    # Whatever was written, the record, the engine and every list show it without its numbers.
    text, found = numbers.take_out(service.readable(body.text), today=today)
    title, _ = numbers.take_out(service.readable(body.title), today=today)
    display_name, _ = numbers.take_out(service.readable(body.display_name), today=today)
    inbound = service.Inbound(
        channel=body.channel,
        external_id=body.external_id,
        address=body.address,
        kind=body.kind,
        text=text,
        title=title,
        display_name=display_name,
        media=body.media,
        location=body.location.model_dump() if body.location else None,
        edited=body.edited,
        refused=body.refused,
    )
    ears = Ears(request.app[DESK], request.app[BOOTH], request.app[VAULT])
    for attempt in (1, 2, 3):
        try:
            async with request.app[DATABASE].write() as session:
                if body.channel in staff_chat.CHANNELS:
                    desk = await request.app[DESK](session)
                    repeat = await staff_chat.take(session, inbound, desk=desk, sealed=Sealed(request.app[VAULT], found))
                    if repeat is not None:
                        taken = {"message_id": None, "repeat": repeat, "turns": [], "messages": []}
                        return web.json_response(taken, status=200 if repeat else 201)
                admitted = await request.app[GATE].seal(session, inbound)
                accepted = await service.accept(session, admitted, now=now, worker=body.worker)
                if found and not accepted.repeat:
                    await _keep(session, request.app[VAULT], accepted, found)
                if body.contact and not accepted.repeat:
                    await request.app[GATE].vouch(session, accepted.conversation, body.contact)
                await visits.hear(session, accepted, sentences=request.app[SENTENCES], now=now)
                await proposals.hear(session, accepted, ears)
                await mediations.hear(session, accepted, ears.desk_of)
                turns = await _taken_up(session, accepted, request)
                seen = await _seen(session, [accepted.message], request)
            break
        except IntegrityError:  # the same newcomer twice at once: the second finds what the first wrote
            if attempt == 3:
                raise
    return web.json_response(
        {
            "message_id": accepted.message.id,
            "conversation_id": accepted.conversation.id,
            "sequence": accepted.message.sequence,
            "repeat": accepted.repeat,
            "turns": [turn.as_dict() for turn in turns],
            "messages": seen,
        },
        status=200 if accepted.repeat else 201,
    )


@routes.post("/internal/v1/accounts/blocking")
async def note_blocking(request: web.Request) -> web.Response:
    """A channel says that a resident has blocked us, or has not any more. Nothing for one who never wrote."""
    body = await body_of(request, Blocking)
    turn = outbox.hold if body.blocked else outbox.let_go
    async with request.app[DATABASE].write() as session:
        await turn(session, channel=body.channel, address=body.address, now=request.app[CLOCK].now())
    return web.json_response({"ok": True})


async def _taken_up(session: AsyncSession, accepted: service.Accepted, request: web.Request) -> list[service.Turn]:
    """The turn of a new message if it is leased to the worker who brought it; else whoever claims turns is called."""
    message = accepted.message
    if accepted.repeat:
        return []
    if message.turn_state is TurnState.RUNNING:
        return [await service.turn_of(session, message, accepted.conversation, sentences=request.app[SENTENCES])]
    wake(session, "turns")
    return []


async def _keep(session: AsyncSession, vault: Vault, accepted: service.Accepted, found: list[numbers.Found]) -> None:
    """Store the numbers of a message, and with the message what was wrong with those that are none."""
    message = accepted.message
    resident_id = accepted.conversation.resident_id
    await vaults.keep(session, vault, found, resident_id=resident_id, message_id=message.id, now=message.created_at)
    message.payload = message.payload | {"numbers": [[one.kind.value, one.problem] for one in found]}


@routes.post("/internal/v1/turns/claim")
async def claim_turns(request: web.Request) -> web.Response:
    body = await body_of(request, Claim)
    database, clock = request.app[DATABASE], request.app[CLOCK]

    async def look() -> list[service.Turn]:
        async with database.write() as session:
            return await service.claim_turns(
                session, worker=body.worker, limit=body.limit, sentences=request.app[SENTENCES], now=clock.now()
            )

    turns = await long_poll(request, database.signals["turns"], body.wait_seconds, look)
    if turns is None:
        return web.Response(status=499)
    return web.json_response({"turns": [turn.as_dict() for turn in turns]})


@routes.post(r"/internal/v1/turns/{message_id:\d+}/finish")
async def finish_turn(request: web.Request) -> web.Response:
    """Also where the conversation is read, and what was written there, so that an open page can show it at once."""
    body = await body_of(request, Finish)
    message_id = int(request.match_info["message_id"])
    async with request.app[DATABASE].write() as session:
        turn = await service.ending(session, message_id)
        written = await service.finish_turn(
            session,
            turn,
            replies=body.replies,
            sentences=request.app[SENTENCES],
            now=request.app[CLOCK].now(),
            watched=body.watched,
            danger=body.danger,
            at_once=body.at_once,
        )
        seen = await _seen(session, written, request)
        if written and await events.waits_for(session, written[0].conversation_id):
            wake(session, "events")
    place = {"channel": turn.account.channel, "address": turn.account.address}
    return web.json_response({"ok": True, "written": bool(written), **place, "messages": seen})


@routes.post(r"/internal/v1/turns/{message_id:\d+}/fail")
async def fail_turn(request: web.Request) -> web.Response:
    await body_of(request, Fail)
    async with request.app[DATABASE].write() as session:
        state, seconds = await service.fail_turn(
            session,
            int(request.match_info["message_id"]),
            sentences=request.app[SENTENCES],
            now=request.app[CLOCK].now(),
        )
    return web.json_response({"state": state.value, "next_in_seconds": seconds})


@routes.post("/internal/v1/turns/release")
async def release_turns(request: web.Request) -> web.Response:
    body = await body_of(request, Release)
    async with request.app[DATABASE].write() as session:
        count = await service.release_turns(session, worker=body.worker)
    return web.json_response({"released": count})


@routes.get("/internal/v1/feed")
async def feed(request: web.Request) -> web.Response:
    """{messages, last_sequence}: those ``after`` a sequence, or the ``last`` ones (``before`` a sequence). A turn that is
    done stands there with its replies: both are read at once."""
    last = number_in(request, "last", 0, high=500)
    before = number_in(request, "before", 2**53, low=1, high=2**53)
    after = number_in(request, "after", 0, high=2**53)
    limit = number_in(request, "limit", 100, low=1, high=500)
    async with request.app[DATABASE].read() as session:
        conversation = await service.find(
            session, channel=request.query.get("channel", ""), address=request.query.get("address", "")
        )
        if conversation is None:
            return web.json_response({"messages": [], "last_sequence": 0})
        if last:
            messages = await service.newest(session, conversation.id, before=before, last=last)
        else:
            messages = await service.feed(session, conversation.id, after=after, limit=limit)
        seen = await _seen(session, messages, request)
    last_sequence = max(conversation.last_sequence, *(message["sequence"] for message in seen), 0)
    return web.json_response({"messages": seen, "last_sequence": last_sequence})


async def _seen(session: AsyncSession, messages: list[Message], request: web.Request) -> list[dict[str, Any]]:
    """The messages as they are shown, receipts and staff's numbers filled in."""
    types = await media.types(session, [key for m in messages for key in m.payload.get("media") or []])
    seen = [as_seen(m, types) for m in messages]
    for row, message in zip(messages, seen, strict=True):
        message["text"] = await request.app[GATE].unveil(session, message["text"])
        if row.author is Author.STAFF and (sealed := row.payload.get("sealed")):
            message["text"] = await vaults.filled_in(session, request.app[VAULT], message["text"], sealed)
    return seen


def as_seen(message: Message, types: dict[str, str]) -> dict[str, Any]:
    """A message as the resident's page and the console show it. A button appears as its title."""
    payload = message.payload
    is_button = message.kind is MessageKind.BUTTON
    return {
        "message_id": message.id,
        "sequence": message.sequence,
        "at": message.created_at.isoformat(),
        "author": message.author.value,
        "kind": message.kind.value,
        "text": payload.get("title") or "" if is_button else message.text,
        "payload": message.text if is_button else None,
        "buttons": [{"title": b["title"], "payload": b["payload"]} for b in message.buttons],
        "media": [{"key": key, "mime": types.get(key, "")} for key in payload.get("media") or []],
        "location": payload.get("location"),
        "in_reply_to": message.in_reply_to,
        "turn": message.turn_state.value if message.turn_state else None,
    }


@routes.post("/internal/v1/conversations/{key}/handoff/withdraw")
async def withdraw_handoff(request: web.Request) -> web.Response:
    """The resident wants no person any more. Answers {withdrawn}: false when nobody was waited for, or somebody has come."""
    async with request.app[DATABASE].write() as session:
        now = request.app[CLOCK].now()
        conversation = await service.by_tracker_key(session, request.match_info["key"])
        withdrawn = await service.no_person(session, conversation, now=now)
        if withdrawn:
            await visits.withdraw(session, conversation, now=now)
    return web.json_response({"withdrawn": withdrawn})


@routes.post("/internal/v1/conversations/{key}/handoff")
async def hand_off(request: web.Request) -> web.Response:
    """Ask for a person. Answers {waiting, already, community, phone, open, opens, ahead, minutes}."""
    body = await body_of(request, Handoff)
    async with request.app[DATABASE].write() as session:
        desk = await request.app[DESK](session)
        conversation = await service.by_tracker_key(session, request.match_info["key"])
        new = await service.ask_for_person(session, conversation, now=desk.now, area_code=body.community)
        if conversation.holder is Holder.WAITING:
            await visits.begin(
                session,
                conversation,
                desk=desk,
                patience=patience_of(request.app[SETTINGS]),
                reason=body.reason[:32],
                grid=body.grid,
                in_form=body.in_form,
            )
        calendar = await calendar_of(session, desk.calendar, conversation.desk_area_code)
        place = await service.desk_of(session, conversation, calendar=calendar, now=desk.now, zone=desk.zone)
        place |= {
            "ahead": await visits.ahead(session, conversation),
            "minutes": await visits.usual_minutes(session, conversation.desk_area_code, now=desk.now),
        }
    return web.json_response({"waiting": True, "already": not new, **place})
