"""Deliveries, for the gateway."""

from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, Field

from backend.conversations.models import Message
from backend.conversations.schemas import Claim, Release
from backend.house import GATE, quiet_of
from backend.media import service as media
from backend.outbox import service
from backend.outbox.models import Delivery
from backend.staff_chat import service as staff_chat
from backend.staff_chat.said import say
from backend.vault import service as vaults
from backend.web import CLOCK, DATABASE, SETTINGS, VAULT, body_of, long_poll

routes = web.RouteTableDef()


class ClaimDeliveries(Claim):
    channels: list[str] = Field(min_length=1)


class Result(BaseModel):
    worker: str
    outcome: Literal["delivered", "retry", "failed", "blocked"]
    external_id: str | None = Field(None, max_length=128)
    retry_after: float | None = Field(None, ge=0, le=86_400)
    reason: str = Field("", max_length=1000)


@routes.post("/internal/v1/deliveries/claim")
async def claim(request: web.Request) -> web.Response:
    body = await body_of(request, ClaimDeliveries)
    database, clock = request.app[DATABASE], request.app[CLOCK]
    quiet = quiet_of(request.app[SETTINGS])

    async def look() -> list[dict[str, Any]]:
        async with database.write() as session:
            claimed = await service.claim(
                session, worker=body.worker, channels=body.channels, limit=body.limit, now=clock.now(), quiet=quiet
            )
            types = await media.types(session, [key for _, m in claimed for key in m.payload.get("media") or []])
            deliveries = [_as_dict(d, m, types) for d, m in claimed]
            for (_, message), delivery in zip(claimed, deliveries, strict=True):
                text = await request.app[GATE].unveil(session, message.text)
                if sealed := message.payload.get("sealed"):
                    text = await vaults.filled_in(session, request.app[VAULT], text, sealed)
                delivery["message"]["text"] = text
            both = await staff_chat.in_both_roles(session, {(d["channel"], d["address"]) for d in deliveries})
            for delivery in deliveries:
                if (delivery["channel"], delivery["address"]) in both:
                    delivery["message"]["text"] = say("as_resident", delivery["message"]["text"])
        return deliveries

    found = await long_poll(request, database.signals["deliveries"], body.wait_seconds, look)
    return web.Response(status=499) if found is None else web.json_response({"deliveries": found})


def _as_dict(delivery: Delivery, message: Message, types: dict[str, str]) -> dict[str, Any]:
    return {
        "delivery_id": delivery.id,
        "conversation_id": delivery.conversation_id,
        "channel": delivery.channel,
        "address": delivery.address,
        "attempts": delivery.attempts,
        "message": {
            "message_id": message.id,
            "sequence": message.sequence,
            "at": message.created_at.isoformat(),
            "author": message.author.value,
            "kind": message.kind.value,
            "text": message.text,
            "buttons": [{"title": b["title"], "payload": b["payload"]} for b in message.buttons],
            "media": [{"key": key, "mime": types.get(key, "")} for key in message.payload.get("media") or []],
        },
    }


@routes.post(r"/internal/v1/deliveries/{delivery_id:\d+}/result")
async def record(request: web.Request) -> web.Response:
    body = await body_of(request, Result)
    outcome = service.Outcome(body.outcome, body.external_id, body.retry_after, body.reason)
    async with request.app[DATABASE].write() as session:
        delivery = await service.record(
            session,
            int(request.match_info["delivery_id"]),
            worker=body.worker,
            outcome=outcome,
            now=request.app[CLOCK].now(),
        )
    return web.json_response({"state": delivery.state.value})


@routes.post("/internal/v1/deliveries/release")
async def release(request: web.Request) -> web.Response:
    body = await body_of(request, Release)
    async with request.app[DATABASE].write() as session:
        count = await service.release(session, worker=body.worker)
    return web.json_response({"released": count})
