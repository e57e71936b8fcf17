"""Photos and files in and out, for the gateway."""

import asyncio

from aiohttp import web

from backend.conversations import service as conversations
from backend.errors import BadInput
from backend.media import service
from backend.web import CLOCK, DATABASE, SETTINGS

routes = web.RouteTableDef()


async def read_bounded(request: web.Request, limit: int) -> bytes:
    """The raw body, at most ``limit`` bytes. Raises TooLarge as soon as it is known to be more."""
    if (request.content_length or 0) > limit:
        raise service.TooLarge
    body = bytearray()
    async for chunk in request.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > limit:
            raise service.TooLarge
    return bytes(body)


async def keep(request: web.Request, raw: bytes, *, kind: str, resident_id: int | None) -> web.Response:
    """Check, clean and store an upload; answers {key, mime, width, height}."""
    settings = request.app[SETTINGS]
    size = None
    if kind == "photo":
        raw, *size = await asyncio.to_thread(service.clean_photo, raw)
        mime = "image/jpeg"
    elif kind == "file":
        mime = await asyncio.to_thread(service.file_type, raw, request.content_type)
    else:
        raise BadInput(fields=["kind"])
    async with request.app[DATABASE].write() as session:
        media = await service.store(
            session,
            settings.home / "media",
            raw,
            mime=mime,
            size=tuple(size) if size else None,
            resident_id=resident_id,
            now=request.app[CLOCK].now(),
        )
    return web.json_response({"key": media.key, "mime": media.mime, "width": media.width, "height": media.height}, status=201)


@routes.post("/internal/v1/media")
async def upload(request: web.Request) -> web.Response:
    raw = await read_bounded(request, request.app[SETTINGS].media_max_bytes)
    async with request.app[DATABASE].read() as session:
        conversation = await conversations.find(
            session, channel=request.query.get("channel", ""), address=request.query.get("address", "")
        )
    resident_id = conversation.resident_id if conversation else None
    return await keep(request, raw, kind=request.query.get("kind", "photo"), resident_id=resident_id)


@routes.get("/internal/v1/media/{key}")
async def download(request: web.Request) -> web.StreamResponse:
    return await serve(request, request.match_info["key"])


async def serve(request: web.Request, key: str) -> web.StreamResponse:
    """The stored file with its own type, never sniffed, private to the asker."""
    async with request.app[DATABASE].read() as session:
        media = await service.get(session, key)
    return web.FileResponse(
        service.path_of(request.app[SETTINGS].home / "media", media.key),
        headers={
            "Content-Type": media.mime,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, max-age=86400, immutable",
        },
    )
