"""The staff console's composition: the HTTP API for programs and the pages for people, on one address."""

from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from backend.api.routes import routes as api_routes
from backend.clock import Clock, SystemClock
from backend.console.broadcasts import routes as broadcast_routes
from backend.console.deliberation import routes as deliberation_routes
from backend.console.desks import routes as desk_routes
from backend.console.errors import console_errors
from backend.console.legal import routes as legal_routes
from backend.console.legal_aid import routes as aid_routes
from backend.console.mediation import routes as mediation_routes
from backend.console.numbers import routes as number_routes
from backend.console.opinions import routes as opinion_routes
from backend.console.pages import routes as page_routes
from backend.console.proposals import routes as proposal_routes
from backend.console.recheck import routes as recheck_routes
from backend.console.render import HEADERS, HERE
from backend.console.stream import end_streams, pulse
from backend.console.subsidies import routes as subsidy_routes
from backend.console.telegram import routes as telegram_routes
from backend.console.votes import routes as vote_routes
from backend.db import Database
from backend.errors import BadInput
from backend.house import BOOTH, DESK, desk_factory
from backend.intake.routes import READERS, readers_of
from backend.intake.service import Readers
from backend.legal.law import Law
from backend.legal.routes import LAW
from backend.metrics.requests import timed
from backend.metrics.routes import routes as metrics_routes
from backend.settings import Settings
from backend.vault.numbers import take_out
from backend.vault.service import Vault
from backend.votes.booth import booth_factory
from backend.web import CLOCK, DATABASE, SENTENCES, SETTINGS, VAULT
from wording import Sentences

ROOT = Path(__file__).parents[2]
ASSETS = {
    "htmx.js": ROOT / "node_modules" / "htmx.org" / "dist" / "htmx.min.js",
    "sse.js": ROOT / "node_modules" / "htmx-ext-sse" / "dist" / "sse.min.js",
    "console.js": HERE / "static" / "console.js",
    "console.css": HERE / "static" / "console.css",
    "icon.svg": HERE / "static" / "icon.svg",
}


@web.middleware
async def safe_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every answer says what a browser may do with it; an answer's own headers come first."""
    response = await handler(request)
    for name, value in HEADERS.items():
        if not response.prepared:
            response.headers.setdefault(name, value)
    return response


@web.middleware
async def no_numbers_in_addresses(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Addresses are kept by browsers and proxies: one with somebody's number in it is not answered. Searching is posted."""
    today = request.app[CLOCK].now().astimezone(request.app[SETTINGS].zone).date()
    if any(take_out(value, today=today)[1] for value in request.query.values()):
        raise BadInput("网址里不能有身份证号、手机号或银行卡号，请用搜索框。", code="number_in_address")
    return await handler(request)


async def asset(request: web.Request) -> web.StreamResponse:
    """A script or style; checked for a newer one on every visit."""
    path = ASSETS.get(request.match_info["name"])
    if path is None:
        raise web.HTTPNotFound
    return web.FileResponse(path, headers={"Cache-Control": "no-cache"})


def console_app(
    settings: Settings,
    database: Database,
    clock: Clock | None = None,
    *,
    law: Law | None = None,
    readers: Readers | None = None,
) -> web.Application:
    """The application on the staff address. Opens nothing before it is started."""
    app = web.Application(middlewares=[timed("staff"), safe_headers, console_errors, no_numbers_in_addresses])
    sentences = Sentences.load(ROOT / "domain.yml")
    app[SETTINGS], app[DATABASE], app[CLOCK], app[SENTENCES] = settings, database, clock or SystemClock(), sentences
    app[DESK] = desk_factory(settings, app[CLOCK], sentences)
    app[BOOTH] = booth_factory(settings, app[CLOCK], sentences)
    app[VAULT] = Vault.load(settings.vault_keys, settings.vault_hashing_key, settings.home)
    app[LAW] = law or Law(settings.home)
    app[READERS] = readers or readers_of(settings)
    rooms = (
        page_routes,
        vote_routes,
        deliberation_routes,
        subsidy_routes,
        recheck_routes,
        number_routes,
        legal_routes,
        broadcast_routes,
        aid_routes,
        desk_routes,
        proposal_routes,
        telegram_routes,
        opinion_routes,
        mediation_routes,
    )
    app.add_routes(
        [*api_routes, *metrics_routes, *(route for room in rooms for route in room), web.get("/static/{name}", asset)]
    )
    app.cleanup_ctx.append(pulse)
    app.on_shutdown.append(end_streams)
    return app
