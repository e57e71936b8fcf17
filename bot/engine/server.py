"""The engine's HTTP interface, for the gateway on the same machine."""

from __future__ import annotations

import hmac
import logging
import re
from dataclasses import asdict
from typing import Any

from aiohttp import web

from bot.engine.turns import Engine, TurnFailed

logger = logging.getLogger(__name__)

# In bytes; a message of 10,000 characters with its metadata fits several times.
BODY_LIMIT = 256 * 1024
TEXT_LIMIT = 20_000
IDENTIFIER = re.compile(r"[\x21-\x7e]{1,200}")

engine_key = web.AppKey("engine", Engine)

routes = web.RouteTableDef()


class BadRequest(Exception):
    """A request is not of the documented form."""


@routes.post("/turns")
async def post_turn(request: web.Request) -> web.Response:
    """{sender_id, message_id, text, metadata} -> {message_id, replies, parse}."""
    body = await _body(request, {"sender_id": str, "message_id": str, "text": str, "metadata": dict})
    for name in ("sender_id", "message_id"):
        if not IDENTIFIER.fullmatch(body[name]):
            raise BadRequest(f"{name} must be 1 to 200 printable ASCII characters")
    turn = await request.app[engine_key].turn(**body)
    return web.json_response(turn.as_json())


@routes.post("/parse")
async def post_parse(request: web.Request) -> web.Response:
    """{text} -> {intent, confidence, ranking, entities}."""
    body = await _body(request, {"text": str})
    return web.json_response(asdict(await request.app[engine_key].parse(body["text"])))


@routes.delete("/conversations/{sender_id}")
async def delete_conversation(request: web.Request) -> web.Response:
    """Forget a conversation -> {deleted}."""
    deleted = await request.app[engine_key].forget(request.match_info["sender_id"])
    return web.json_response({"deleted": deleted})


@routes.get("/health")
async def get_health(request: web.Request) -> web.Response:
    """-> {status, model}."""
    return web.json_response({"status": "ok", "model": request.app[engine_key].model})


def create_app(engine: Engine, service_token: str | None) -> web.Application:
    """The application; every request needs the token as a bearer when there is one."""
    app = web.Application(middlewares=[_errors, _bearer(service_token)], client_max_size=BODY_LIMIT)
    app[engine_key] = engine
    app.add_routes(routes)
    return app


async def _body(request: web.Request, fields: dict[str, type]) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError as error:
        raise BadRequest("the body is not JSON") from error
    if not isinstance(body, dict) or body.keys() != fields.keys():
        raise BadRequest(f"the body must be an object of {', '.join(fields)}")
    for name, kind in fields.items():
        if not isinstance(body[name], kind):
            raise BadRequest(f"{name} must be of type {kind.__name__}")
    if len(body["text"]) > TEXT_LIMIT:
        raise BadRequest(f"text must have at most {TEXT_LIMIT} characters")
    return body


def _error(status: int, code: str, detail: str) -> web.Response:
    return web.json_response({"error": {"code": code, "detail": detail}}, status=status)


@web.middleware
async def _errors(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        return await handler(request)
    except BadRequest as error:
        return _error(400, "bad_request", str(error))
    except TurnFailed as failure:
        logger.warning("%s: %s", failure.code, failure.detail)
        return _error(503, failure.code, failure.detail)
    except web.HTTPException as error:
        return _error(error.status, "http", error.reason)


def _bearer(service_token: str | None) -> Any:
    @web.middleware
    async def check(request: web.Request, handler: Any) -> web.StreamResponse:
        if service_token is not None:
            given = request.headers.get("Authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {service_token}".encode()):
                raise web.HTTPUnauthorized
        return await handler(request)

    return check
