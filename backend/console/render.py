"""Templates into pages: the one place where local time and the signed-in person meet the HTML."""

from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from backend.events.views import STATE_NAMES
from backend.localtime import say_moment
from backend.staff.service import SignedIn
from backend.web import CLOCK, SETTINGS

HERE = Path(__file__).parent
TEMPLATES = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
# Nothing inline and nothing from elsewhere; htmx fetches fragments and listens to the stream of our own host.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def render(
    request: web.Request, template: str, *, signed: SignedIn | None = None, status: int = 200, **values: Any
) -> web.Response:
    """Fill ``template`` and answer it; ``moment`` says a time in local words, ``span`` how long ago it was."""
    now, zone = request.app[CLOCK].now(), request.app[SETTINGS].zone

    def moment(at: datetime) -> str:
        return say_moment(at, now=now, zone=zone)

    def minutes(at: datetime) -> int:
        return int((now - at).total_seconds() // 60)

    text = TEMPLATES.get_template(template).render(
        request=request, signed=signed, moment=moment, minutes=minutes, state_names=STATE_NAMES, now=now, zone=zone, **values
    )
    return web.Response(text=text, content_type="text/html", charset="utf-8", status=status)
