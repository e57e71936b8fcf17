"""Pushes to staff, for the gateway: as deliveries to residents, in a queue of their own."""

from typing import Any

from aiohttp import web

from backend.conversations.schemas import Release
from backend.media import service as media
from backend.outbox.routes import ClaimDeliveries, Result
from backend.outbox.service import Outcome
from backend.staff_chat import pushes
from backend.staff_chat.models import StaffPush
from backend.web import CLOCK, DATABASE, body_of, long_poll

routes = web.RouteTableDef()


@routes.post("/internal/v1/staff-pushes/claim")
async def claim(request: web.Request) -> web.Response:
    """{deliveries: [as those of residents, with negative message ids]}"""
    body = await body_of(request, ClaimDeliveries)
    database, clock = request.app[DATABASE], request.app[CLOCK]

    async def look() -> list[dict[str, Any]]:
        async with database.write() as session:
            found = await pushes.claim(session, worker=body.worker, channels=body.channels, limit=body.limit, now=clock.now())
            types = await media.types(session, [key for one in found for key in one.media])
            return [_as_dict(one, types) for one in found]

    found = await long_poll(request, database.signals["staff pushes"], body.wait_seconds, look)
    return web.Response(status=499) if found is None else web.json_response({"deliveries": found})


def _as_dict(row: StaffPush, types: dict[str, str]) -> dict[str, Any]:
    return {
        "delivery_id": row.id,
        "channel": row.channel,
        "address": row.address,
        "attempts": row.attempts,
        "message": {
            "message_id": -row.id,
            "text": row.text,
            "buttons": row.buttons,
            "media": [{"key": key, "mime": types.get(key, "")} for key in row.media],
        },
    }


@routes.post(r"/internal/v1/staff-pushes/{push_id:\d+}/result")
async def record(request: web.Request) -> web.Response:
    body = await body_of(request, Result)
    outcome = Outcome(body.outcome, body.external_id, body.retry_after, body.reason)
    async with request.app[DATABASE].write() as session:
        row = await pushes.record(
            session,
            int(request.match_info["push_id"]),
            worker=body.worker,
            outcome=outcome,
            now=request.app[CLOCK].now(),
        )
    return web.json_response({"state": row.state.value})


@routes.post("/internal/v1/staff-pushes/release")
async def release(request: web.Request) -> web.Response:
    body = await body_of(request, Release)
    async with request.app[DATABASE].write() as session:
        count = await pushes.release(session, worker=body.worker)
    return web.json_response({"released": count})
