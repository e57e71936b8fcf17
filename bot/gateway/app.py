"""The gateway's composition root: the resident page, and the loops that carry turns and deliveries."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

import aiohttp
from aiohttp import web

from bot.gateway.backend_client import BackendClient, BackendDown, BackendRefused
from bot.gateway.channels.base import Channel
from bot.gateway.channels.web import Web
from bot.gateway.delivery import Deliveries
from bot.gateway.engine_client import EngineClient
from bot.gateway.pages import api, assets, device, disclosure, errors, subsidies, views
from bot.gateway.pages.limits import Limit
from bot.gateway.pages.seen import SEAL, Seal
from bot.gateway.pauses import Pauses
from bot.gateway.settings import Settings
from bot.gateway.turns import Turns

logger = logging.getLogger(__name__)

Context = Callable[[web.Application], AsyncIterator[None]]

SETTINGS = web.AppKey("settings", Settings)
ENGINE = web.AppKey("engine", EngineClient)
CHANNELS = web.AppKey("channels", dict[str, Channel])
LOOPS = web.AppKey("loops", asyncio.Task[None])
BODY_BYTES = 256 * 1024
STAFF_CHANNELS = frozenset({"telegram"})  # where staff can work
STAFF_SLOTS = 4
LOOK_EVERY = 10.0  # seconds after which an open page looks by itself, should nobody have rung


def gateway_app(settings: Settings, *channels: Context) -> web.Application:
    """The whole gateway. Each of ``channels`` is a cleanup context that puts a further channel into app[CHANNELS]."""
    app = web.Application(middlewares=[errors.errors_middleware, device.same_origin], client_max_size=BODY_BYTES, logger=logger)
    files = assets.Assets()
    templates = views.templates(files)
    app[SETTINGS] = settings
    app[CHANNELS] = {}
    app[SEAL] = Seal(settings.service_token)
    app[device.SECURE] = settings.cookie_secure
    app[api.LIMIT] = Limit(settings.messages_per_minute)
    app[api.MEDIA_BYTES] = settings.media_max_bytes
    app[api.LOOK_EVERY] = LOOK_EVERY
    app[views.TEMPLATES] = templates
    app[errors.NOTICE] = views.notice
    app.router.add_get("/health", health)
    app.router.add_get("/assets/{version}/{name}", files.serve)
    for routes in (views.routes, disclosure.routes, subsidies.routes, device.routes, api.routes):
        app.add_routes(routes)
    app.on_response_prepare.append(never_sniff)
    app.cleanup_ctx.extend((clients, web_channel, *channels, loops))
    return app


async def clients(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()) as http:
        app[api.BACKEND] = BackendClient(http, settings.backend_url, settings.service_token, worker=settings.gateway_worker)
        app[ENGINE] = EngineClient(http, settings.engine_url, settings.service_token)
        yield


async def web_channel(app: web.Application) -> AsyncIterator[None]:
    app[api.WEB] = app[CHANNELS][Web.name] = channel = Web()
    app[api.TURNS] = Turns(app[api.BACKEND], app[ENGINE], channel, slots=app[SETTINGS].gateway_turns)

    async def close(_app: web.Application) -> None:
        channel.close()

    app.on_shutdown.append(close)
    yield


async def loops(app: web.Application) -> AsyncIterator[None]:
    app[LOOPS] = task = asyncio.create_task(carry(app))
    yield
    task.cancel()
    await asyncio.wait({task})


async def carry(app: web.Application) -> None:
    """Free what this worker held when it died, then carry turns and deliveries until cancelled.

    Ends early only by a defect; the process then ends too, and is started again.
    """
    settings, backend = app[SETTINGS], app[api.BACKEND]
    pauses = Pauses()
    while True:
        try:
            await backend.release()
            break
        except (BackendDown, BackendRefused) as error:
            logger.warning("leases not released yet: %s", error)
            await pauses.wait()
    logger.info("carrying turns and deliveries for %s", ", ".join(app[CHANNELS]))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(app[api.TURNS].run())
        for name, channel in app[CHANNELS].items():  # one that is slow takes no slots from another
            tasks.create_task(Deliveries(backend, {name: channel}, slots=settings.gateway_deliveries).run())
            if name in STAFF_CHANNELS:
                tasks.create_task(Deliveries(backend, {name: channel}, slots=STAFF_SLOTS, staff=True).run())


async def health(request: web.Request) -> web.Response:
    """200 {"status": "ok"} when the backend and the engine answer too, else 503 {"status": "waiting", "for": [names]}."""
    backend, engine = await asyncio.gather(request.app[api.BACKEND].healthy(), request.app[ENGINE].healthy())
    missing = [name for name, well in (("backend", backend), ("engine", engine)) if not well]
    if missing:
        return web.json_response({"status": "waiting", "for": missing}, status=503)
    return web.json_response({"status": "ok"})


async def never_sniff(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["X-Content-Type-Options"] = "nosniff"
