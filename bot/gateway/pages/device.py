"""Who is asking: the device, known by a random token in a cookie (the page) or a bearer header (``linlitong chat``)."""

import hashlib
import re
import secrets
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.gateway.pages.errors import ForeignOrigin, NoDevice

COOKIE = "linlitong_device"
COOKIE_SECONDS = 400 * 24 * 3600  # the longest that browsers keep one
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
SECURE = web.AppKey("cookie_secure", bool)

routes = web.RouteTableDef()


def token_of(request: web.Request) -> str | None:
    """The device's token, or None when there is none or none of ours."""
    kind, _, bearer = request.headers.get("Authorization", "").partition(" ")
    given = bearer if kind == "Bearer" else request.cookies.get(COOKIE, "")
    return given if TOKEN.fullmatch(given) else None


def address_of(request: web.Request) -> str:
    """The resident's address: the token's hash, so that the record cannot speak for the device. Raises NoDevice."""
    token = token_of(request)
    if token is None:
        raise NoDevice
    return hashlib.sha256(token.encode()).hexdigest()


def remember(request: web.Request, response: web.StreamResponse) -> None:
    """Give a browser its token, or the one it has for longer."""
    response.set_cookie(
        COOKIE,
        token_of(request) or secrets.token_urlsafe(32),
        max_age=COOKIE_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=request.app[SECURE],
        path="/",
    )


@routes.post("/api/session")
async def begin(request: web.Request) -> web.Response:
    """A browser gets its cookie; a program that asks with ?bearer=1 gets {token}."""
    if request.query.get("bearer"):
        return web.json_response({"token": secrets.token_urlsafe(32)}, status=201)
    response = web.json_response({"ok": True})
    remember(request, response)
    return response


@web.middleware
async def same_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses what another site's page makes a resident's browser send. Raises ForeignOrigin."""
    if request.method not in {"GET", "HEAD"}:
        origin = request.headers.get("Origin")
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        if (origin is not None and urlsplit(origin).netloc != request.host) or site not in {"same-origin", "none"}:
            raise ForeignOrigin
    return await handler(request)
