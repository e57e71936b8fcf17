"""What the page sends, checked: every problem has a sentence, and nothing a browser can send ends in a 5xx."""

import json
import math
import re
import unicodedata
from typing import Any

from aiohttp import web

from bot.gateway.pages.errors import BadRequest, Empty, TooLong
from bot.gateway.pages.seen import Seal

CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
PAYLOAD = re.compile(r"/[a-z][a-z0-9_]*(\{.*\})?")
PAYLOAD_BYTES = 64
TEXT_LIMIT = 10_000
TITLE_LIMIT = 100
PHOTOS = 9
INVISIBLE = {"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"}


async def body_of(request: web.Request) -> dict[str, Any]:
    """The JSON object in the body. Raises BadRequest."""
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        raise BadRequest from None
    if not isinstance(body, dict):
        raise BadRequest
    return body


def message(body: dict[str, Any], *, address: str, seal: Seal) -> dict[str, Any]:
    """The body of POST /api/messages as the backend's inbound message.

    {client_id, kind: text | photo | location | button, and text | payload, title | location | media}.
    Raises BadRequest, Empty, TooLong, or Nothing for a photo that this device did not upload.
    """
    client_id = _string(body, "client_id")
    if not CLIENT_ID.fullmatch(client_id):
        raise BadRequest
    inbound = {"channel": "web", "external_id": client_id, "address": address, "display_name": "", "kind": body.get("kind")}
    match inbound["kind"]:
        case "text":
            return inbound | {"text": _text(body, needed=True)}
        case "photo":
            return inbound | {"text": _text(body, needed=False), "media": _media(body, address, seal)}
        case "location":
            return inbound | {"location": _location(body)}
        case "button":
            title = _string(body, "title")[:TITLE_LIMIT]
            return inbound | {"text": _payload(body), "title": title if visible(title) else "（选择）"}
    raise BadRequest


def visible(text: str) -> bool:
    """Whether there is anything to see in the text; an emoji counts, zero-width marks do not."""
    return any(unicodedata.category(character) not in INVISIBLE for character in text)


def _string(body: dict[str, Any], name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise BadRequest
    return value.encode("utf-8", "replace").decode()  # a half of a surrogate pair is no character


def _text(body: dict[str, Any], *, needed: bool) -> str:
    text = _string(body, "text")
    if needed and not visible(text):
        raise Empty
    if len(text) > TEXT_LIMIT:
        raise TooLong
    return text


def _payload(body: dict[str, Any]) -> str:
    payload = _string(body, "payload")
    if not (found := PAYLOAD.fullmatch(payload)) or len(payload.encode()) > PAYLOAD_BYTES:
        raise BadRequest
    try:
        entities = json.loads(found[1] or "{}")
    except (ValueError, RecursionError):
        raise BadRequest from None
    if not isinstance(entities, dict):
        raise BadRequest
    return payload


def _location(body: dict[str, Any]) -> dict[str, float]:
    given = body.get("location")
    if not isinstance(given, dict):
        raise BadRequest
    location = {}
    for name, limit in (("latitude", 90), ("longitude", 180)):
        value = given.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > limit:
            raise BadRequest
        location[name] = float(value)
    return location


def _media(body: dict[str, Any], address: str, seal: Seal) -> list[str]:
    names = body.get("media")
    if not isinstance(names, list) or not 0 < len(names) <= PHOTOS or not all(isinstance(name, str) for name in names):
        raise BadRequest
    return [seal.open(name, address) for name in names]
