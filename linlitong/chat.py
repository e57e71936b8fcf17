"""A resident in the terminal: the same conversation through the same door as the web page."""

import asyncio
import json
import os
import re
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from linlitong.home import Home

LOOK_EVERY = 0.15
ANSWER_SECONDS = 20.0
SETTLE_SECONDS = 0.8
OPEN = {"pending", "running"}
PHOTO = re.compile(r"\[photo\]\s*(?P<path>.*)|\[photo (?P<inside>[^\]]+)\]")
LOCATION = re.compile(r"\[location\]?\s*(?P<latitude>-?\d+(?:\.\d+)?)\s*[,，]\s*(?P<longitude>-?\d+(?:\.\d+)?)\s*\]?")
BUTTON = re.compile(r"\[button\]\s*(?P<payload>/.*)|\[button (?P<inside>/.*)\]")

Show = Callable[[dict[str, Any]], None]


class CannotChat(Exception):
    """The page cannot be reached, or a file cannot be read; ``str()`` is the sentence for the terminal."""


def address(home: Home, url: str | None) -> str:
    """Where the resident page is: ``url``, else the running system's, else LINLITONG_RESIDENT_PORT's."""
    running = home.running()
    known = (running or {}).get("urls", {}).get("resident")
    return (url or known or f"http://127.0.0.1:{os.environ.get('LINLITONG_RESIDENT_PORT') or 8080}").rstrip("/")


@dataclass
class Chat:
    """One device's talk. ``after`` is the sequence of the last message that was shown."""

    session: aiohttp.ClientSession
    url: str
    show: Show
    after: int = 0
    last_buttons: list[dict[str, str]] | None = None

    async def call(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """The JSON answer, {"error": {code, sentence}} included. Raises CannotChat when there is none."""
        try:
            async with self.session.request(method, self.url + path, **more) as response:
                answer: dict[str, Any] = await response.json()
                return answer
        except (aiohttp.ClientError, TimeoutError, ValueError):
            raise CannotChat(f"{self.url} does not answer. Is `linlitong run` running?") from None

    async def look(self) -> list[dict[str, Any]]:
        """Show what is new and return it, the resident's own messages included."""
        new: list[dict[str, Any]] = (await self.call("GET", f"/api/messages?after={self.after}"))["messages"]
        shown = []
        for message in new:
            if message["author"] == "resident" and message["turn"] in OPEN:
                break  # what comes after it is shown once it is answered, in order
            self.after = message["sequence"]
            shown.append(message)
            if message["author"] != "resident":
                self.last_buttons = message["buttons"] or self.last_buttons
                self.show(received(message))
        return shown

    async def listen(self, seconds: float) -> None:
        """Show what comes within ``seconds``."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            await self.look()
            await asyncio.sleep(LOOK_EVERY)

    async def say(self, line: str) -> None:
        """Send one line and show everything until it has been answered and nothing more comes for a moment."""
        body = await self.body_of(line)
        sent = await self.call("POST", "/api/messages", json=body | {"client_id": secrets.token_hex(16)})
        if "error" in sent:
            self.show(notice(sent["error"]["sentence"]))
            return
        until = time.monotonic() + ANSWER_SECONDS
        quiet_since = None
        while time.monotonic() < until:
            shown = await self.look()
            if shown or (quiet_since is None and self.after >= sent["sequence"]):
                quiet_since = time.monotonic()
            if quiet_since and self.after >= sent["sequence"] and time.monotonic() - quiet_since >= SETTLE_SECONDS:
                return
            await asyncio.sleep(LOOK_EVERY)

    async def body_of(self, line: str) -> dict[str, Any]:
        """The message that a line stands for. Raises CannotChat for a photo that cannot be read."""
        if found := LOCATION.fullmatch(line.strip()):
            where = {name: float(found[name]) for name in ("latitude", "longitude")}
            return {"kind": "location", "location": where}
        if found := BUTTON.fullmatch(line.strip()):
            payload = found["payload"] or found["inside"]
            title = next((b["title"] for b in self.last_buttons or [] if b["payload"] == payload), "")
            return {"kind": "button", "payload": payload, "title": title}
        if found := PHOTO.fullmatch(line.strip()):
            return await self.photo(Path((found["path"] or found["inside"] or "").strip()))
        return {"kind": "text", "text": line}

    async def photo(self, path: Path) -> dict[str, Any]:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise CannotChat(f"{path}: {error.strerror}") from None
        stored = await self.call("POST", "/api/photos", data=content)
        if "error" in stored:
            self.show(notice(stored["error"]["sentence"]))
            raise Refused
        return {"kind": "photo", "media": [stored["key"]]}


class Refused(Exception):
    """The page refused an upload and has said why."""


def received(message: dict[str, Any]) -> dict[str, Any]:
    """What the resident receives as {at, kind, text, buttons, message_id}."""
    return {name: message[name] for name in ("at", "kind", "text", "buttons", "message_id")}


def notice(sentence: str) -> dict[str, Any]:
    """What the page says itself, without a message in the conversation."""
    return {"at": datetime.now(UTC).isoformat(), "kind": "notice", "text": sentence, "buttons": [], "message_id": None}


async def token_of(home: Home, name: str, url: str, session: aiohttp.ClientSession) -> str:
    """The device token kept for ``name`` and this page; a new one is asked for the first time."""
    folder = home.path / "chat"
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / (re.sub(r"[^\w-]", "_", name) + ".json")
    known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    if "token" not in known:
        try:
            async with session.post(f"{url}/api/session?bearer=1") as response:
                known = {"token": (await response.json())["token"]}
        except (aiohttp.ClientError, TimeoutError, ValueError):
            raise CannotChat(f"{url} does not answer. Is `linlitong run` running?") from None
        file.touch(mode=0o600)
        file.write_text(json.dumps(known))
    return known["token"]


async def lines_of_stdin() -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        yield line.rstrip("\n")


async def talk(home: Home, *, name: str, url: str | None, wait: float, show: Show, terminal: bool) -> None:
    """Carry lines from standard input to the page and everything that is received to ``show``. Raises CannotChat."""
    page = address(home, url)
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        session.headers["Authorization"] = f"Bearer {await token_of(home, name, page, session)}"
        chat = Chat(session, page, show)
        chat.after = (await chat.call("GET", "/api/messages?last=1"))["last_sequence"]
        listening = asyncio.create_task(chat.listen(float("inf"))) if terminal else None
        async for line in lines_of_stdin():
            if not line.strip() and not line:
                continue
            if terminal and line.isdigit() and chat.last_buttons and 0 < int(line) <= len(chat.last_buttons):
                line = f"[button] {chat.last_buttons[int(line) - 1]['payload']}"  # noqa: PLW2901
            try:
                await chat.say(line)
            except Refused:
                continue
        if listening:
            listening.cancel()
        await chat.listen(wait)
