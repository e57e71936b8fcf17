"""A resident in a terminal: what is typed goes to the resident page's HTTP interface, what comes back is printed."""

import asyncio
import json
import re
import secrets
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import click

from linlitong.home import write_atomically

PATIENCE = 15.0  # seconds until the next line is sent although the turn has not ended
SETTLE = 0.3  # seconds of quiet after a turn, for what is pushed right behind it
STUBBORN = 60.0  # seconds in which a message is sent again while nobody answers
OPEN = {"pending", "running"}
ORDER = re.compile(r"\[(photo|location|button)(?:\]\s*| )(.*)", re.DOTALL)

Message = dict[str, Any]


class Screen(Protocol):
    def show(self, message: Message, chat: "Chat") -> None: ...


class Lines:
    """One JSON object a line: {at, kind, text, buttons, message_id}, and author and media."""

    def show(self, message: Message, chat: "Chat") -> None:
        shown = {key: message[key] for key in ("at", "kind", "text", "buttons", "message_id", "author")}
        media = [chat.url + each["url"] for each in message["media"]]
        click.echo(json.dumps({**shown, "media": media}, ensure_ascii=False))


class Bubbles:
    """For people: who, when, what, and the buttons with their numbers."""

    def show(self, message: Message, chat: "Chat") -> None:
        clock = datetime.fromisoformat(message["at"]).astimezone().strftime("%H:%M")
        who = {"staff": "工作人员", "page": "提示"}.get(message["author"], "邻里通")
        lines = [f"\n{who} {clock}", *(f"  {line}" for line in message["text"].splitlines())]
        lines += [f"  [照片] {chat.url}{each['url']}" for each in message["media"]]
        if message["buttons"]:
            lines.append("  " + "  ".join(f"[{n}] {button['title']}" for n, button in enumerate(message["buttons"], 1)))
        click.echo("\n".join(lines))


class Refused(Exception):
    """The page has a sentence for what was typed."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code)
        self.code, self.sentence = code, sentence


@dataclass
class Chat:
    """One device. ``keep`` is the file that holds its token and the last message it has shown."""

    url: str
    keep: Path
    screen: Screen
    wait: float
    seen: int = 0
    buttons: dict[str, str] = field(default_factory=dict)  # every payload that was offered: its title
    offered: list[dict[str, str]] = field(default_factory=list)  # the buttons shown last
    ended: set[int] = field(default_factory=set)  # messages whose turn is over
    heard_at: float = 0.0

    async def run(self) -> None:
        """Until the input ends. Raises click.ClickException when nobody answers at the start."""
        timeout = aiohttp.ClientTimeout(total=20, connect=3)
        async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as self.http:
            self.headers = await self._sign_in()
            self._news = asyncio.Event()
            listening = asyncio.create_task(self._listen())
            try:
                async for line in typed():
                    await self._say(line)
                await self._quiet_since(time.monotonic())
                if self.wait:
                    await self._fail_with(listening, asyncio.sleep(self.wait))
            finally:
                listening.cancel()
                with suppress(asyncio.CancelledError):
                    await listening

    async def _sign_in(self) -> dict[str, str]:
        kept: dict[str, Any] = {}
        with suppress(FileNotFoundError):
            kept = json.loads(self.keep.read_text())
        self.seen = kept.get("seen", 0)
        try:
            if "token" not in kept:
                async with self.http.post(f"{self.url}/api/session?bearer=1") as answer:
                    kept = await answer.json()
            self.token: str = kept["token"]
            headers = {"Authorization": f"Bearer {self.token}"}
            async with self.http.get(f"{self.url}/api/messages?limit=1", headers=headers) as answer:
                answer.raise_for_status()
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError):
            raise click.ClickException(f"Linlitong does not answer at {self.url}; start it with make run.") from None
        self._remember()
        return headers

    def _remember(self) -> None:
        self.keep.parent.mkdir(mode=0o700, exist_ok=True)
        write_atomically(self.keep, {"token": self.token, "seen": self.seen}, mode=0o600)

    # ---- what is typed

    async def _say(self, line: str) -> None:
        """Send one line and wait until it is answered."""
        try:
            accepted = await self._send(await self._message(line))
        except Refused as refused:
            self._tell(refused.sentence)
            return
        await self._answered(accepted["message_id"])

    async def _message(self, line: str) -> dict[str, Any]:
        """The line as the page's message, without its id. Raises Refused."""
        if line.isdecimal() and isinstance(self.screen, Bubbles) and 0 < int(line) <= len(self.offered):
            return {"kind": "button", **self.offered[int(line) - 1]}
        found = ORDER.fullmatch(line)
        if found is None:
            return {"kind": "text", "text": line}
        kind, value = found[1], found[2].strip()
        if not line.startswith(f"[{kind}]"):
            value = value.removesuffix("]").strip()
        match kind:
            case "photo":
                return {"kind": "photo", "media": [await self._upload(Path(value))]}
            case "location":
                return {"kind": "location", "location": place(value)}
        return {"kind": "button", "payload": value, "title": self.buttons.get(value, "")}

    async def _upload(self, path: Path) -> str:
        try:
            content = await asyncio.to_thread(path.read_bytes)
        except OSError:
            raise Refused("no_file", "这个文件打不开，请检查路径。") from None
        stored = await self._post("/api/photos", data=content)
        key: str = stored["key"]
        return key

    async def _send(self, message: dict[str, Any]) -> dict[str, Any]:
        return await self._post("/api/messages", json={"client_id": secrets.token_hex(16), **message})

    async def _post(self, path: str, **body: Any) -> dict[str, Any]:
        """The answer; tries again while nobody is there or it goes too fast. Raises Refused."""
        end, pause = time.monotonic() + STUBBORN, 0.2
        while True:
            told: dict[str, Any] = {"error": {"code": "no_answer", "sentence": "没有连上邻里通，这条没有发出去。"}}
            status, wait = 0, 0.0
            with suppress(aiohttp.ClientError, TimeoutError, ValueError):
                async with self.http.post(self.url + path, headers=self.headers, **body) as answer:
                    status, wait = answer.status, float(answer.headers.get("Retry-After", 0))
                    told = await answer.json()
            if 200 <= status < 300:
                return told
            if (400 <= status < 500 and status != 429) or time.monotonic() > end:
                raise Refused(told["error"]["code"], told["error"]["sentence"])
            await asyncio.sleep(wait or pause)
            pause = min(pause * 2, 2.0)

    # ---- what comes

    async def _answered(self, message_id: int) -> None:
        """Return when the message's turn is over and it has been quiet for a moment, at most after PATIENCE."""
        end = time.monotonic() + PATIENCE
        while message_id not in self.ended and time.monotonic() < end:
            self._news.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), max(0.0, end - time.monotonic()))
        await self._quiet_since(time.monotonic())

    async def _quiet_since(self, began: float) -> None:
        end = began + PATIENCE
        while (left := min(max(began, self.heard_at) + SETTLE, end) - time.monotonic()) > 0:  # noqa: ASYNC110 - a time
            await asyncio.sleep(left)

    @staticmethod
    async def _fail_with(task: asyncio.Task[None], other: Any) -> None:
        """Wait for ``other``; raise what ``task`` raises meanwhile."""
        waiting = asyncio.ensure_future(other)
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            waiting.cancel()
            task.result()

    async def _listen(self) -> None:
        """Follow the conversation; come back when the line breaks."""
        timeout = aiohttp.ClientTimeout(total=None, connect=3, sock_read=25)
        while True:
            with suppress(aiohttp.ClientError, TimeoutError):
                headers = self.headers | {"Last-Event-ID": str(self.seen)}
                async with self.http.get(f"{self.url}/api/stream", headers=headers, timeout=timeout) as answer:
                    answer.raise_for_status()
                    async for name, data in events(answer):
                        self._hear(name, data)
            await asyncio.sleep(0.2)

    def _hear(self, name: str, news: Message) -> None:
        if name == "turn" or news.get("author") == "resident":
            if news["turn"] not in OPEN:
                self.ended.add(news["message_id"])
        elif name == "message":
            self.heard_at = time.monotonic()
            self.offered = news["buttons"] or self.offered
            self.buttons |= {button["payload"]: button["title"] for button in news["buttons"]}
            self.screen.show(news, self)
        if "sequence" in news:
            self.seen = news["sequence"]
            self._remember()
        self._news.set()

    def _tell(self, sentence: str) -> None:
        """Show what the page itself says: it is no message of the conversation, so it has no id."""
        at = datetime.now(UTC).isoformat()
        message = {"at": at, "kind": "text", "text": sentence, "buttons": [], "message_id": None, "author": "page", "media": []}
        self.screen.show(message, self)


def place(value: str) -> dict[str, float]:
    """LAT,LON. Raises Refused."""
    try:
        latitude, longitude = (float(part) for part in value.split(","))
    except ValueError:
        raise Refused("bad_location", "位置请写成“纬度,经度”，比如 32.49,119.93。") from None
    return {"latitude": latitude, "longitude": longitude}


async def events(answer: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, Message]]:
    """The server-sent events of a response: name and data."""
    name, data = "message", ""
    async for raw in answer.content:
        line = raw.decode().rstrip("\n")
        field_name, _, value = line.partition(": ")
        if field_name == "event":
            name = value
        elif field_name == "data":
            data = value
        elif not line:
            if data:
                yield name, json.loads(data)
            name, data = "message", ""


async def typed() -> AsyncIterator[str]:
    """Lines of the standard input. A byte that is no UTF-8 becomes a question mark."""
    if sys.stdin.isatty():
        click.echo("和邻里通说话，一行一句；Ctrl-D 结束。")
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[bytes]()

    def read() -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile
            for line in sys.stdin.buffer:
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, b"")

    threading.Thread(target=read, daemon=True).start()
    while line := await lines.get():
        yield line.decode(errors="replace").rstrip("\r\n")
