"""The page's HTTP interface: send, read, follow."""

from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from bot.gateway.backend_client import BackendClient, BackendDown
from bot.gateway.channels.web import Web
from bot.gateway.pages import inbound, seen, stream
from bot.gateway.pages.device import address_of
from bot.gateway.pages.errors import BadRequest, PhotoTooLarge
from bot.gateway.pages.limits import Limit
from bot.gateway.pages.seen import SEAL
from bot.gateway.turns import Turns

BACKEND = web.AppKey("backend", BackendClient)
WEB = web.AppKey("web", Web)
TURNS = web.AppKey("turns", Turns)
LIMIT = web.AppKey("limit", Limit)
MEDIA_BYTES = web.AppKey("media_bytes", int)
LOOK_EVERY = web.AppKey("look_every", float)
RECOUNT = Path(__file__).parents[3] / "scripts" / "recount.py"

routes = web.RouteTableDef()


@routes.post("/api/messages")
async def send(request: web.Request) -> web.Response:
    """202 {message_id, sequence, repeat} once the backend has committed the message; a repeat changes nothing."""
    address = address_of(request)
    message = inbound.message(await inbound.body_of(request), address=address, seal=request.app[SEAL])
    request.app[LIMIT].take(address)
    accepted = await request.app[TURNS].accept(message)
    request.app[WEB].tell(address, accepted["messages"])
    return web.json_response({key: accepted[key] for key in ("message_id", "sequence", "repeat")}, status=202)


class Bounded:
    """A request's body as it comes in, at most ``limit`` bytes of it; ``over`` tells that there was more."""

    def __init__(self, request: web.Request, limit: int) -> None:
        self._request, self._limit = request, limit
        self.over = False

    async def chunks(self) -> AsyncIterator[bytes]:
        total = 0
        async for chunk in self._request.content.iter_chunked(64 * 1024):
            total += len(chunk)
            if total > self._limit:
                self.over = True
                raise PhotoTooLarge
            yield chunk


@routes.post("/api/photos")
async def upload(request: web.Request) -> web.Response:
    """Take a photo as the raw body: 201 {key, url, width, height}. The key is good for this device's messages only."""
    address = address_of(request)
    request.app[LIMIT].take(address)
    limit = request.app[MEDIA_BYTES]
    if (request.content_length or 0) > limit:
        raise PhotoTooLarge
    body = Bounded(request, limit)
    try:
        stored = await request.app[BACKEND].upload(
            channel=Web.name, address=address, kind="photo", content=body.chunks(), mime="application/octet-stream"
        )
    except BackendDown:
        if body.over:
            raise PhotoTooLarge from None
        raise
    key = request.app[SEAL].close(stored["key"], address)
    answer = {"key": key, "url": f"/media/{key}", "width": stored["width"], "height": stored["height"]}
    return web.json_response(answer, status=201)


@routes.get("/api/messages")
async def read(request: web.Request) -> web.Response:
    """{messages, last_sequence}: those ``after`` a sequence, or the newest ``last`` ones (``before`` a sequence)."""
    address, backend, seal = address_of(request), request.app[BACKEND], request.app[SEAL]
    last = min(_number(request, "last", 0), stream.PAGE)
    if last:
        before = min(_number(request, "before", 0) or stream.NEWEST, stream.NEWEST)
        feed = await backend.newest(channel=Web.name, address=address, before=before, last=last)
    else:
        after, limit = _number(request, "after", 0), min(_number(request, "limit", stream.PAGE), stream.PAGE)
        feed = await backend.feed(channel=Web.name, address=address, after=after, limit=max(limit, 1))
    messages = [seen.message(each, address=address, seal=seal) for each in feed["messages"]]
    return web.json_response({"messages": messages, "last_sequence": feed["last_sequence"]})


@routes.get("/api/stream")
async def follow(request: web.Request) -> web.StreamResponse:
    address, backend = address_of(request), request.app[BACKEND]
    after = await stream.start_of(request, backend, address)
    tail = stream.Tail(backend, address, request.app[SEAL], after=after)
    return await stream.serve(request, tail, request.app[WEB], address, every=request.app[LOOK_EVERY])


@routes.get("/api/events")
async def events(request: web.Request) -> web.Response:
    """{events: [card]}: what this device's resident reported or joined, newest first."""
    return web.json_response({"events": await request.app[BACKEND].events(channel=Web.name, address=address_of(request))})


@routes.get(r"/api/events/{number:\d{4}-\d{4}}")
async def event(request: web.Request) -> web.Response:
    """{event} with its timeline; 404 for anyone else's."""
    address = address_of(request)
    found = await request.app[BACKEND].event(request.match_info["number"], channel=Web.name, address=address)
    return web.json_response({"event": seen.event(found, address=address, seal=request.app[SEAL])})


@routes.get(r"/media/{name:[A-Za-z0-9_-]+\.[0-9a-f]+}")
async def media(request: web.Request) -> web.Response:
    """A photo or file of this device's conversation or events; 404 for anyone else."""
    key = request.app[SEAL].open(request.match_info["name"], address_of(request))
    content, mime = await request.app[BACKEND].media(key)
    return web.Response(
        body=content,
        content_type=mime,
        headers={"Cache-Control": "private, max-age=86400, immutable", "Content-Security-Policy": "sandbox"},
    )


def _number(request: web.Request, name: str, default: int) -> int:
    given = request.query.get(name, str(default))
    if not (given.isascii() and given.isdecimal()) or len(given) > 15:
        raise BadRequest
    return int(given)


@routes.get(r"/api/votes/{number:TP-\d{6}}")
async def published_vote(request: web.Request) -> web.Response:
    """Everything that is published of a decided vote, for anyone: its ballots without names, to be recounted."""
    number = request.match_info["number"]
    content = await request.app[BACKEND].published(number)
    headers = {"Content-Disposition": f'attachment; filename="{number}.json"', "X-Content-Type-Options": "nosniff"}
    return web.Response(body=content, content_type="application/json", headers=headers)


@routes.get("/api/recount.py")
async def recount_script(_request: web.Request) -> web.FileResponse:
    """The program that recounts it; it needs nothing but Python."""
    headers = {"Content-Disposition": 'attachment; filename="recount.py"', "X-Content-Type-Options": "nosniff"}
    return web.FileResponse(RECOUNT, headers=headers | {"Content-Type": "text/x-python; charset=utf-8"})
