"""Messages and photos as a device sees them. A photo's name carries a signature that is good for this device only."""

import hashlib
import hmac
from typing import Any

from aiohttp import web

from bot.gateway.delivery import plain
from bot.gateway.pages.errors import Nothing

SIGNATURE = 22  # characters of base16: 88 bits


class Seal:
    """Signs media keys for an address; nothing has to be looked up to know whose photo it is."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(b"media seal " + secret.encode()).digest()

    def close(self, key: str, address: str) -> str:
        """The name under which ``address`` may see and send the file."""
        return f"{key}.{self._sign(key, address)}"

    def open(self, name: str, address: str) -> str:
        """The key in a name. Raises Nothing when it was not made for ``address``."""
        key, _, signature = name.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(key, address).encode()):
            raise Nothing
        return key

    def _sign(self, key: str, address: str) -> str:
        return hmac.new(self._key, f"{address} {key}".encode(), hashlib.sha256).hexdigest()[:SIGNATURE]


SEAL = web.AppKey("seal", Seal)


def message(stored: dict[str, Any], *, address: str, seal: Seal) -> dict[str, Any]:
    """A message of the feed: {message_id, sequence, at, author, kind, text, payload, buttons,
    media: [{key, mime, url}], location, turn}. ``payload`` is what a pressed button stands for."""
    media = []
    for each in stored["media"]:
        name = seal.close(each["key"], address)
        media.append({"key": name, "mime": each["mime"], "url": f"/media/{name}"})
    return {
        **{key: stored[key] for key in ("message_id", "sequence", "at", "author", "kind", "text", "location")},
        "payload": stored.get("payload"),
        "buttons": plain(stored)["buttons"],
        "media": media,
        "turn": stored["turn"],
    }


def event(stored: dict[str, Any], *, address: str, seal: Seal) -> dict[str, Any]:
    """An event whose photos, and its steps' photos, are addresses on this page."""

    def urls(keys: list[str]) -> list[str]:
        return [f"/media/{seal.close(key, address)}" for key in keys]

    timeline = [step | {"photos": urls(step["photos"])} for step in stored["timeline"]]
    return stored | {"photos": urls(stored["photos"]), "timeline": timeline}
