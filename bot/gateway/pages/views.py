"""The pages themselves: the chat, 我的办件, one event."""

from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web

from bot.gateway.backend_client import BackendRefused
from bot.gateway.channels.web import Web
from bot.gateway.pages import seen
from bot.gateway.pages.api import BACKEND
from bot.gateway.pages.assets import Assets
from bot.gateway.pages.device import address_of, remember, token_of
from bot.gateway.pages.errors import Nothing
from bot.gateway.pages.seen import SEAL

TEMPLATES = web.AppKey("templates", jinja2.Environment)
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",  # data: the icons in WeUI's own style sheet; blob: a photo before it is sent
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(self), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}

# Consults and mediations have numbers of the same form and no page.
ELSEWHERE = "“我的办件”里没有这个编号。法律咨询、调解办到哪一步，在对话里把编号发给我就行。"

routes = web.RouteTableDef()


def templates(assets: Assets) -> jinja2.Environment:
    """The environment of the pages' templates; everything is escaped, and a missing value is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = assets.url
    return environment


def page(request: web.Request, template: str, *, status: int = 200, **values: Any) -> web.Response:
    text = request.app[TEMPLATES].get_template(template).render(**values)
    response = web.Response(text=text, content_type="text/html", headers=HEADERS, status=status)
    if status == 200:
        remember(request, response)
    return response


def notice(request: web.Request, sentence: str, status: int) -> web.Response:
    """A page with one sentence, for what did not work."""
    return page(request, "notice.html", status=status, sentence=sentence)


@routes.get("/")
async def chat(request: web.Request) -> web.Response:
    return page(request, "chat.html", tab="chat")


@routes.get("/events")
async def events(request: web.Request) -> web.Response:
    """Cards of what the resident reported or joined; empty on a device that is new."""
    known = token_of(request) is not None
    cards = await request.app[BACKEND].events(channel=Web.name, address=address_of(request)) if known else []
    return page(request, "events.html", tab="events", events=cards)


@routes.get(r"/events/{number:\d{4}-\d{4}}")
async def event(request: web.Request) -> web.Response:
    address = address_of(request)
    try:
        found = await request.app[BACKEND].event(request.match_info["number"], channel=Web.name, address=address)
    except BackendRefused as refused:
        if refused.status != 404:
            raise
        raise Nothing(sentence=ELSEWHERE) from None
    return page(request, "event.html", tab="events", event=seen.event(found, address=address, seal=request.app[SEAL]))
