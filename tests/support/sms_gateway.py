"""The city's SMS gateway as docs/sms.md describes it, and strict: what does not keep to it is refused with 400."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated

from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import BaseModel, ConfigDict, Field, ValidationError

TOKEN = "sms-token-of-the-tests"


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,64}$")]
    to: Annotated[str, Field(pattern=r"^\+861\d{10}$")]
    text: Annotated[str, Field(min_length=1, max_length=500)]
    expires: datetime


class SmsGateway:
    """``taken`` holds what was taken, by id. ``answers`` are given first, one a request: (status, headers, body), or "hang"
    for no answer at all; ``lost`` takes it and gives no answer, as a broken line does. ``told`` is set when it was asked."""

    def __init__(self) -> None:
        self.taken: dict[str, Body] = {}
        self.answers: list[tuple[int, dict[str, str], dict[str, str]] | str] = []
        self.asked = 0
        self.strangers: list[str] = []
        self.url = ""
        self.told = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        self.told.set()
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"error": "unknown_token"}, status=401)
        try:
            body = Body.model_validate_json(await request.read())
        except ValidationError as error:
            self.strangers.append(str(error))
            return web.json_response({"error": "bad_request"}, status=400)
        if request.headers.get("Idempotency-Key") != body.id or request.content_type != "application/json":
            self.strangers.append("headers")
            return web.json_response({"error": "bad_request"}, status=400)
        scripted = self.answers.pop(0) if self.answers else None
        if scripted == "lost":
            self.taken[body.id] = body
        if isinstance(scripted, str):
            await asyncio.sleep(5)
            raise web.HTTPInternalServerError
        if scripted is not None:
            return web.json_response(scripted[2], status=scripted[0], headers=scripted[1])
        if body.id in self.taken:
            return web.json_response({"error": "duplicate"}, status=409)
        self.taken[body.id] = body
        return web.json_response({"id": f"g-{len(self.taken)}"}, status=202)


@asynccontextmanager
async def sms_gateway() -> AsyncIterator[SmsGateway]:
    """Runs one on loopback."""
    gateway = SmsGateway()
    app = web.Application()
    app.router.add_post("/send", gateway.handle)
    server = TestServer(app)
    await server.start_server(shutdown_timeout=0)
    gateway.url = str(server.make_url("/send"))
    try:
        yield gateway
    finally:
        await server.close()
