"""The live part of the page: server-sent events that follow a conversation."""

import json
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from bot.gateway.backend_client import BackendClient, BackendDown
from bot.gateway.channels.web import Stored, Web
from bot.gateway.pages import seen
from bot.gateway.pages.errors import BadRequest
from bot.gateway.pages.seen import Seal

PAGE = 100  # messages of one request to the backend
OPEN_TURNS = {"pending", "running"}
NEWEST = 2**53  # above every sequence


class Tail:
    """What is new in a conversation since a sequence, and which of its turns have ended."""

    def __init__(self, backend: BackendClient, address: str, seal: Seal, *, after: int) -> None:
        self._backend, self._address, self._seal = backend, address, seal
        self.after = after
        self._open: dict[int, str] = {}  # sequence of a resident's message: its turn when last told

    async def news(self, heard: list[Stored] | None = None) -> list[dict[str, Any]]:
        """New messages in order, and {message_id, turn} for each turn that has moved on. Raises BackendDown.

        The backend is asked unless ``heard``, what the bell said, goes on where this stands.
        """
        if heard is not None and self._goes_on(heard):
            return [told for stored in heard for told in self._told(stored)]
        news: list[dict[str, Any]] = []
        start = min([self.after, *(sequence - 1 for sequence in self._open)])
        while True:
            page = await self._backend.feed(channel=Web.name, address=self._address, after=start, limit=PAGE)
            for stored in page["messages"]:
                news += self._told(stored)
            if len(page["messages"]) < PAGE:
                return news
            start = page["messages"][-1]["sequence"]

    def _goes_on(self, heard: list[Stored]) -> bool:
        new = [stored["sequence"] for stored in heard if stored["sequence"] > self.after]
        return new == list(range(self.after + 1, self.after + 1 + len(new)))

    def _told(self, stored: dict[str, Any]) -> Iterator[dict[str, Any]]:
        sequence, turn = stored["sequence"], stored["turn"]
        before = self._open.pop(sequence, None)
        if turn in OPEN_TURNS:
            self._open[sequence] = turn
        if sequence > self.after:
            self.after = sequence
            yield seen.message(stored, address=self._address, seal=self._seal)
        elif before is not None and before != turn:
            yield {"message_id": stored["message_id"], "turn": turn}


async def newest(backend: BackendClient, address: str) -> int:
    """The sequence of the last message in the conversation, 0 before the first."""
    found: int = (await backend.feed(channel=Web.name, address=address, after=NEWEST, limit=1))["last_sequence"]
    return found


async def start_of(request: web.Request, backend: BackendClient, address: str) -> int:
    """Where the page wants to go on: Last-Event-ID, else ?after=, a sequence or "newest". Raises BadRequest."""
    given = request.headers.get("Last-Event-ID") or request.query.get("after", "0")
    if given == "newest":
        return await newest(backend, address)
    if not (given.isascii() and given.isdecimal()) or len(given) > 15:
        raise BadRequest
    return int(given)


async def serve(request: web.Request, tail: Tail, web_channel: Web, address: str, *, every: float) -> web.StreamResponse:
    """Write what is new when the channel rings, and look by itself ``every`` seconds.

    A message is ``id: SEQUENCE``, a turn's end ``event: turn``. ``event: beat`` says that nothing is new,
    ``event: down`` that the backend does not answer.
    Ends when the browser has gone or the gateway stops.
    """
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    bell = web_channel.listen(address)
    try:
        await response.prepare(request)
        await response.write(b"retry: 1000\n\n")
        heard: list[Stored] | None = None
        while not web_channel.closed:
            try:
                events = [_event(each) for each in await tail.news(heard)]
                pause = every
            except BackendDown:
                events, pause = [b"event: down\ndata: {}\n\n"], 1.0
            await response.write(b"".join(events) or b"event: beat\ndata: {}\n\n")
            heard = await bell.wait(pause)
    except ConnectionError:
        pass  # the browser has gone
    finally:
        web_channel.leave(address, bell)
    return response


def _event(news: dict[str, Any]) -> bytes:
    name = f"id: {news['sequence']}" if "sequence" in news else "event: turn"
    return f"{name}\ndata: {json.dumps(news, ensure_ascii=False)}\n\n".encode()
