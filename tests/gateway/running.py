"""The gateway among its neighbours, on loopback: the real backend on a database of its own, and a strict stand-in for the
engine."""

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from datetime import time as time_of_day
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from backend.app import internal_app
from backend.clock import SystemClock
from backend.conversations import service as conversations
from backend.db import Database
from backend.events import service as events
from backend.house import desk_factory
from backend.outbox import service as outbox
from backend.settings import Settings as BackendSettings
from bot.gateway.app import Context, gateway_app
from bot.gateway.settings import Settings
from linlitong.ports import free_port
from tests.support import small_city
from wording import Sentences

TOKEN = "service-token-of-the-tests"
SAID = "您说的我收到了：{}"


@dataclass
class Server:
    """An application on a port of its own that can be stopped and started again."""

    build: Callable[[], web.Application]
    port: int = 0
    runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        if not self.port:
            self.port = free_port()
        self.runner = web.AppRunner(self.build(), access_log=None, shutdown_timeout=0.2)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.port, reuse_address=True).start()

    async def stop(self) -> None:
        if self.runner:
            await self.runner.cleanup()
            self.runner = None


@dataclass
class FakeEngine:
    """The engine's interface and its promises: a message id that comes again gets the first answer.

    ``buttons`` maps a text to the buttons of its answer. ``troubles`` are what the next turns meet: "silent", "503",
    "hang", "html".
    """

    buttons: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    turns: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    seconds: float = 0.0

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/health", self.health)
        app.router.add_post("/turns", self.turn)
        return app

    async def health(self, request: web.Request) -> web.Response:
        return await _json({"status": "ok"})

    async def turn(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        body = await request.json()
        assert body.keys() == {"sender_id", "message_id", "text", "metadata"}
        assert all(isinstance(body[name], str) for name in ("sender_id", "message_id", "text"))
        self.turns.append(body)
        match self.troubles.pop(0) if self.troubles else "":
            case "silent":
                return await _json({"message_id": body["message_id"], "replies": [], "parse": {}})
            case "503":
                return await _json({"error": {"code": "turn_failed", "detail": "no actions"}}, status=503)
            case "html":
                return web.Response(text="<h1>proxy</h1>", content_type="text/html")
            case "hang":
                await asyncio.sleep(30)
        await asyncio.sleep(self.seconds)
        reply = {"text": SAID.format(body["text"]), "buttons": self.buttons.get(body["text"], []), "custom": None}
        answer = {"message_id": body["message_id"], "replies": [reply], "parse": {}}
        return await _json(self.answers.setdefault(body["message_id"], answer))


async def _json(body: dict[str, Any], status: int = 200) -> web.Response:
    return web.json_response(body, status=status)


@dataclass
class Town:
    """Everything that runs, and hands into it."""

    backend: Server
    engine_server: Server
    engine: FakeEngine
    gateway: Server
    database: Database

    @property
    def url(self) -> str:
        return self.gateway.url

    async def push(self, address: str, text: str, **options: Any) -> None:
        """Tell a resident something, as a backend service does it."""
        async with self.database.write() as session:
            conversation = await conversations.find(session, channel="web", address=address)
            assert conversation is not None
            await outbox.say(session, conversation, now=datetime.now(UTC), text=text, **options)


@asynccontextmanager
async def town(database_url: str, home: Path, *channels: Context, **settings: Any) -> AsyncIterator[Town]:
    """Start everything; ``settings`` are the gateway's."""
    database = Database(database_url)
    backend_settings = BackendSettings(service_token=TOKEN, home=home, quiet_from=time_of_day(0), quiet_until=time_of_day(0))
    engine = FakeEngine()
    backend = Server(lambda: internal_app(backend_settings, database))
    engine_server = Server(engine.app)
    await backend.start()
    await engine_server.start()
    gateway_settings = Settings(
        backend_url=backend.url, engine_url=engine_server.url, service_token=TOKEN, home=home, **settings
    )
    gateway = Server(lambda: gateway_app(gateway_settings, *channels))
    await gateway.start()
    try:
        yield Town(backend, engine_server, engine, gateway, database)
    finally:
        for server in (gateway, engine_server, backend):
            await server.stop()
        await database.close()


async def file_streetlight(running: Town, address: str, keys: list[str]) -> str:
    """Report a streetlight in a small city for the resident at a web address; returns the event's number."""
    sentences = Sentences.load(Path("domain.yml"))
    async with running.database.write() as session:
        await small_city.build(session)
        conversation = await small_city.resident(session, address, now=datetime.now(UTC))
        report = events.Report(
            description="3号楼门口路灯坏了<b>三天</b>",
            area_code="g1",
            address="宫涵社区3号楼",
            item_code="streetlight",
            photos=keys,
        )
        desk = await desk_factory(BackendSettings(), SystemClock(), sentences)(session)
        event = await events.file_event(session, report, desk=desk, conversation=conversation, message_id=None)
        return event.number


class Device:
    """A resident's device, as a program: it knows the page's HTTP interface."""

    def __init__(self, http: aiohttp.ClientSession, url: str, token: str) -> None:
        self.http, self.url = http, url
        self.headers = {"Authorization": f"Bearer {token}"}
        self.token = token
        self._ids = 0

    @property
    def address(self) -> str:
        return hashlib.sha256(self.token.encode()).hexdigest()

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        headers = self.headers | options.pop("headers", {})
        async with self.http.request(method, self.url + path, headers=headers, **options) as answer:
            return answer.status, json.loads(await answer.read())

    async def send(self, text: str = "", **body: Any) -> tuple[int, Any]:
        self._ids += 1
        message = {"client_id": f"client-{self._ids:08d}", "kind": "text", "text": text} | body
        return await self.call("POST", "/api/messages", json=message)

    async def upload(self, content: bytes) -> tuple[int, Any]:
        return await self.call("POST", "/api/photos", data=content)

    async def messages(self, after: int = 0) -> list[dict[str, Any]]:
        status, told = await self.call("GET", f"/api/messages?after={after}")
        assert status == 200
        return told["messages"]

    async def until(self, done: Callable[[list[dict[str, Any]]], bool], seconds: float = 5.0) -> list[dict[str, Any]]:
        """The conversation once ``done`` says so of it."""
        end = time.monotonic() + seconds
        while True:
            messages = await self.messages()
            if done(messages):
                return messages
            assert time.monotonic() < end, [(m["author"], m["text"], m["turn"]) for m in messages]
            await asyncio.sleep(0.02)

    @asynccontextmanager
    async def stream(self, after: str = "0", **headers: str) -> AsyncIterator["Events"]:
        timeout = aiohttp.ClientTimeout(total=None)
        async with self.http.get(
            f"{self.url}/api/stream?after={after}", headers=self.headers | headers, timeout=timeout
        ) as answer:
            assert answer.status == 200, await answer.text()
            yield Events(answer)


class Events:
    """Server-sent events, one after another."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def next(self, kind: str = "message", seconds: float = 3.0) -> dict[str, Any]:
        """The data of the next event of ``kind``; others are passed over."""
        async with asyncio.timeout(seconds):
            event: dict[str, str] = {}
            while True:
                line = (await self._answer.content.readline()).decode()
                if not line:
                    raise ConnectionError("the stream has ended")
                if line == "\n":
                    if event.get("event", "message") == kind and "data" in event:
                        return json.loads(event["data"])
                    event = {}
                elif not line.startswith(":"):
                    name, _, value = line.rstrip("\n").partition(": ")
                    event[name] = value
