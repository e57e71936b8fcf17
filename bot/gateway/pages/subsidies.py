"""我的补贴: what one may have, applying with papers by photo, how it stands, and 公示 for everyone. It works without scripts.

What is asked comes from the backend, which asks the same in the chat: whoever begins here may go on there.
"""

import json
import secrets
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

from aiohttp import BodyPartReader, web

from bot.gateway.backend_client import BackendDown, BackendRefused
from bot.gateway.channels.web import Web
from bot.gateway.pages.api import BACKEND, LIMIT, MEDIA_BYTES
from bot.gateway.pages.device import address_of, token_of
from bot.gateway.pages.errors import BadRequest, PhotoTooLarge, TooLong
from bot.gateway.pages.inbound import PHOTOS
from bot.gateway.pages.seen import SEAL
from bot.gateway.pages.views import page

NUMBER = r"{number:B\d{4}-\d{4}}"
FIELD_BYTES = 8_000
FIELDS = 20
CODE_LIMIT = 32

routes = web.RouteTableDef()


def choices(buttons: list[dict[str, str]]) -> list[dict[str, str]]:
    """{title, choice} of the buttons that the page can press itself; those of other services have no choice."""
    found = []
    for button in buttons:
        _, _, values = button["payload"].partition("{")
        choice = json.loads("{" + values).get("subsidy_choice", "") if values else ""
        found.append({"title": button["title"], "choice": choice})
    return found


def shown(request: web.Request, *, status: int = 200, **values: Any) -> web.Response:
    """The page of the talk; each form has a key of its own, so that sending it twice is sending it once."""
    values = {"replies": [], "question": None, "problem": "", "over": False, "begin": False} | values
    for said in [*values["replies"], *([values["question"]] if values["question"] else [])]:
        said["choices"] = choices(said["buttons"])
    return page(request, "subsidy_talk.html", tab="subsidies", status=status, once=secrets.token_urlsafe(16), **values)


@routes.get("/subsidies")
async def mine(request: web.Request) -> web.Response:
    """The device's applications; empty on one that is new."""
    cards = []
    if token_of(request) is not None:
        cards = await request.app[BACKEND].subsidies(channel=Web.name, address=address_of(request))
    return page(request, "subsidies.html", tab="subsidies", applications=cards)


@routes.get("/subsidies/talk")
async def talk(request: web.Request) -> web.Response:
    """What is asked now; with ``start`` the first words are asked for."""
    begin = "start" in request.query or token_of(request) is None
    question = None
    if not begin:
        question = await request.app[BACKEND].subsidy_question(channel=Web.name, address=address_of(request))
    return shown(request, question=question, begin=question is None)


@routes.post("/subsidies/talk")
async def hear(request: web.Request) -> web.Response:
    """Take in what was written, pressed and photographed, and show what is answered and asked then."""
    address = address_of(request)
    request.app[LIMIT].take(address)
    fields, media, problem = await form_of(request, address)
    body = {key: fields.get(key, "") for key in ("once", "text", "choice")}
    if problem or not (body["text"].strip() or body["choice"] or media):
        question = await request.app[BACKEND].subsidy_question(channel=Web.name, address=address)
        empty = "您还没有写，也没有选。"
        return shown(request, question=question, begin=question is None, problem=problem or empty, status=422)
    said = {"channel": Web.name, "address": address, "media": media, "start": fields.get("start") == "1"}
    answer = await request.app[BACKEND].subsidy_said(body | said)
    return shown(request, **answer)


@routes.get(f"/subsidies/{NUMBER}")
async def one(request: web.Request) -> web.Response:
    address = address_of(request)
    found = await request.app[BACKEND].subsidy(request.match_info["number"], channel=Web.name, address=address)
    seal = request.app[SEAL]
    papers = [paper | {"urls": [f"/media/{seal.close(key, address)}" for key in paper["media"]]} for paper in found["papers"]]
    once = secrets.token_urlsafe(16)
    return page(request, "subsidy.html", tab="subsidies", one=found | {"papers": papers}, once=once)


@routes.get("/subsidies/published")
async def published(request: web.Request) -> web.Response:
    """公示, for everyone, with or without a device."""
    return await _published(request)


async def _published(request: web.Request, *, told: str = "", problem: str = "", status: int = 200) -> web.Response:
    kind, before = request.query.get("kind", "")[:CODE_LIMIT], request.query.get("before", "")[:18]
    found = await request.app[BACKEND].subsidies_published(kind=kind, before=before)
    following = "/subsidies/published?" + urlencode({"kind": kind, "before": found["more"]}) if found["more"] else ""
    values = {"found": found, "kind": kind, "following": following, "told": told, "problem": problem}
    return page(request, "subsidies_published.html", tab="subsidies", status=status, **values)


@routes.post(f"/subsidies/published/{NUMBER}")
async def object_to(request: web.Request) -> web.Response:
    address = address_of(request)
    request.app[LIMIT].take(address)
    text = str((await request.post()).get("text", ""))
    number = request.match_info["number"]
    try:
        told = await request.app[BACKEND].subsidy_objection(number, {"channel": Web.name, "address": address, "text": text})
    except BackendRefused as refused:
        return await _published(request, problem=refused.sentence, status=refused.status)
    return await _published(request, told=told)


async def form_of(request: web.Request, address: str) -> tuple[dict[str, str], list[str], str]:
    """(fields, the keys of the stored photos, why a photo was refused or ""). Raises BadRequest, TooLong, PhotoTooLarge."""
    fields: dict[str, str] = {}
    media: list[str] = []
    problem = ""
    if request.content_type != "multipart/form-data":
        return {name: str(value) for name, value in (await request.post()).items()}, [], ""
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or part.name is None or len(fields) > FIELDS:
            raise BadRequest
        if part.filename is None:
            fields[part.name] = await _words(part)
        elif part.filename and len(media) < PHOTOS:
            try:
                stored = await request.app[BACKEND].upload(
                    channel=Web.name,
                    address=address,
                    kind="photo",
                    content=_chunks(part, request.app[MEDIA_BYTES]),
                    mime="application/octet-stream",
                )
                media.append(stored["key"])
            except BackendRefused as refused:
                problem = refused.sentence
            except BackendDown:
                if part.at_eof():
                    raise
                raise PhotoTooLarge from None  # it was cut off in the middle
    return fields, media, problem


async def _words(part: BodyPartReader) -> str:
    words = bytearray()
    while chunk := await part.read_chunk():
        words += chunk
        if len(words) > FIELD_BYTES:
            raise TooLong
    return words.decode(errors="replace")


async def _chunks(part: BodyPartReader, limit: int) -> AsyncIterator[bytes]:
    total = 0
    while chunk := await part.read_chunk(64 * 1024):
        total += len(chunk)
        if total > limit:
            raise PhotoTooLarge
        yield chunk
