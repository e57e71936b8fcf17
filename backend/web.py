"""What every HTTP route shares: typed keys, JSON in and out, one place where errors become answers."""

import asyncio
import hmac
import json
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ValidationError

from backend.clock import Clock
from backend.db import Database
from backend.errors import BadInput, LinlitongError, NotFound, NotSignedIn
from backend.settings import Settings
from backend.signals import Signal
from backend.vault.service import Vault
from wording import Sentences

logger = logging.getLogger(__name__)

SETTINGS = web.AppKey("settings", Settings)
DATABASE = web.AppKey("database", Database)
CLOCK = web.AppKey("clock", Clock)
SENTENCES = web.AppKey("sentences", Sentences)
VAULT = web.AppKey("vault", Vault)

Body = TypeVar("Body", bound=BaseModel)
Found = TypeVar("Found")
LOOK_EVERY = 1.0  # seconds between two looks when nobody rings


def error_response(error: LinlitongError) -> web.Response:
    """{"error": {code, sentence, details?}} with the error's status."""
    body: dict[str, Any] = {"code": error.code, "sentence": error.sentence}
    if error.details:
        body["details"] = error.details
    return web.json_response({"error": body}, status=error.status)


@web.middleware
async def errors_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn errors into JSON. Unknown ones are logged with a correlation id and no text of people's."""
    try:
        return await handler(request)
    except LinlitongError as error:
        return error_response(error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        known = {404: NotFound, 413: BadInput}.get(error.status, BadInput)
        answer = known(code=error.reason.lower().replace(" ", "_"))
        answer.status = error.status
        return error_response(answer)
    except Exception as error:
        correlation = secrets.token_hex(4)
        route = request.match_info.route.resource
        logger.error(
            "unhandled %s in %s %s, correlation %s",
            type(error).__name__,
            request.method,
            route.canonical if route else "?",
            correlation,
            exc_info=without_values(error),
        )
        return error_response(LinlitongError(correlation=correlation))


def without_values(error: Exception) -> Any:
    """The traceback without the error's own words: database errors quote parameters, which are residents'."""
    return (RuntimeError, RuntimeError(type(error).__name__), error.__traceback__)


def service_auth(token: str) -> Any:
    """A middleware that lets in only the bearer of ``token``; /health is open."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path != "/health":
            given = request.headers.get("Authorization", "")
            if not token or not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
                raise NotSignedIn
        return await handler(request)

    return check


async def body_of(request: web.Request, schema: type[Body]) -> Body:
    """Read the JSON body as ``schema``. Raises BadInput naming the fields that are wrong, never their values."""
    try:
        return schema.model_validate(await request.json())
    except ValidationError as error:
        fields = sorted({".".join(str(part) for part in problem["loc"]) for problem in error.errors()})
        raise BadInput(fields=fields) from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise BadInput(code="not_json") from None


def number_in(request: web.Request, name: str, default: int, *, low: int = 0, high: int = 1000) -> int:
    """A whole-number query parameter, kept within ``low`` and ``high``. Raises BadInput."""
    try:
        return min(max(int(request.query.get(name, default)), low), high)
    except ValueError:
        raise BadInput(fields=[name]) from None


async def long_poll(
    request: web.Request, signal: Signal, seconds: float, look: Callable[[], Awaitable[list[Found]]]
) -> list[Found] | None:
    """What ``look`` finds, looking again when ``signal`` rings and every LOOK_EVERY until ``seconds`` are over.

    None when whoever asked has gone: nothing is leased to a ghost.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        seen = signal.count
        if request.transport is None:
            return None
        found = await look()
        left = deadline - loop.time()
        if found or left <= 0:
            return found
        await signal.wait(min(left, LOOK_EVERY), since=seen)
