"""The backend's internal API, as the gateway needs it."""

import json
from collections.abc import AsyncIterable
from typing import Any

import aiohttp

LONG_POLL = 5.0  # seconds; a poll whose gateway died may still take a lease, so it is short
TIMEOUT = aiohttp.ClientTimeout(total=10, connect=2)
SLOW = aiohttp.ClientTimeout(total=60, connect=2)  # uploads, downloads, long polls


class BackendDown(Exception):
    """The backend did not answer, or not with sense; the same call may be tried again."""


class BackendRefused(Exception):
    """The backend answered 4xx; trying again changes nothing. ``sentence`` is for the resident."""

    def __init__(self, status: int, code: str, sentence: str) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code, self.sentence = status, code, sentence


class BackendClient:
    """Every method raises BackendDown or BackendRefused. ``worker`` names this gateway's leases."""

    def __init__(self, http: aiohttp.ClientSession, url: str, token: str, *, worker: str) -> None:
        self._http, self._url, self._worker = http, url.rstrip("/"), worker
        self._headers = {"Authorization": f"Bearer {token}"}

    async def accept(self, message: dict[str, Any], *, take_up: bool = False) -> dict[str, Any]:
        """Commit an inbound message: {message_id, conversation_id, sequence, repeat, turns, messages}.

        ``take_up``: ``turns`` holds its turn, leased, if it may begin. ``messages`` holds it as the page shows it.
        """
        return await self._json("POST", "/messages", json=message | ({"worker": self._worker} if take_up else {}))

    async def note_blocking(self, *, channel: str, address: str, blocked: bool) -> None:
        """A resident blocked us, or does so no longer."""
        await self._json("POST", "/accounts/blocking", json={"channel": channel, "address": address, "blocked": blocked})

    async def upload(
        self, *, channel: str, address: str, kind: str, content: bytes | AsyncIterable[bytes], mime: str
    ) -> dict[str, Any]:
        """Store a photo or file: {key, mime, width, height}. An error that ``content`` raises comes out as it is."""
        return await self._json(
            "POST",
            "/media",
            params={"channel": channel, "address": address, "kind": kind},
            data=content,
            headers={"Content-Type": mime},
            timeout=SLOW,
        )

    async def media(self, key: str) -> tuple[bytes, str]:
        """The content of a stored file and its type."""
        content, mime = await self._call("GET", f"/media/{key}", timeout=SLOW)
        return content, mime

    async def claim_turns(self, *, limit: int, wait: float = LONG_POLL) -> list[dict[str, Any]]:
        """Lease up to ``limit`` turns, at most one of a conversation; waits up to ``wait`` seconds for the first."""
        body = {"worker": self._worker, "limit": limit, "wait_seconds": wait}
        return (await self._json("POST", "/turns/claim", json=body, timeout=SLOW))["turns"]

    async def finish_turn(self, message_id: int, replies: list[dict[str, Any]], *, at_once: list[str]) -> dict[str, Any]:
        """{channel, address, messages}: where the conversation is read, and what is new in it as the page shows it.

        On channels ``at_once`` it is delivered with that.
        """
        body = {"worker": self._worker, "replies": replies, "at_once": at_once}
        return await self._json("POST", f"/turns/{message_id}/finish", json=body)

    async def finish_watch(self, message_id: int, *, danger: bool) -> None:
        """End the turn of a message that a person answers."""
        body = {"worker": self._worker, "watched": True, "danger": danger}
        await self._json("POST", f"/turns/{message_id}/finish", json=body)

    async def fail_turn(self, message_id: int, code: str) -> dict[str, Any]:
        """{state, next_in_seconds}"""
        return await self._json("POST", f"/turns/{message_id}/fail", json={"worker": self._worker, "code": code})

    async def claim_deliveries(self, *, channels: list[str], limit: int, wait: float = LONG_POLL) -> list[dict[str, Any]]:
        """Lease the oldest open delivery of up to ``limit`` conversations; waits like claim_turns."""
        body = {"worker": self._worker, "channels": channels, "limit": limit, "wait_seconds": wait}
        return (await self._json("POST", "/deliveries/claim", json=body, timeout=SLOW))["deliveries"]

    async def record_delivery(self, delivery_id: int, outcome: dict[str, Any]) -> None:
        await self._json("POST", f"/deliveries/{delivery_id}/result", json={"worker": self._worker, **outcome})

    async def claim_staff_pushes(self, *, channels: list[str], limit: int, wait: float = LONG_POLL) -> list[dict[str, Any]]:
        """What goes to staff in a messenger, leased as deliveries to residents are."""
        body = {"worker": self._worker, "channels": channels, "limit": limit, "wait_seconds": wait}
        return (await self._json("POST", "/staff-pushes/claim", json=body, timeout=SLOW))["deliveries"]

    async def record_staff_push(self, push_id: int, outcome: dict[str, Any]) -> None:
        await self._json("POST", f"/staff-pushes/{push_id}/result", json={"worker": self._worker, **outcome})

    async def release(self) -> None:
        """Free what an earlier process of this worker's name had leased."""
        for what in ("turns", "deliveries", "staff-pushes"):
            await self._json("POST", f"/{what}/release", json={"worker": self._worker})

    async def feed(self, *, channel: str, address: str, after: int, limit: int) -> dict[str, Any]:
        """{messages, last_sequence}: what stands in a resident's conversation after a sequence."""
        params = {"channel": channel, "address": address, "after": str(after), "limit": str(limit)}
        return await self._json("GET", "/feed", params=params)

    async def newest(self, *, channel: str, address: str, before: int, last: int) -> dict[str, Any]:
        """{messages, last_sequence}: the ``last`` messages of a resident's conversation below the sequence ``before``."""
        params = {"channel": channel, "address": address, "before": str(before), "last": str(last)}
        return await self._json("GET", "/feed", params=params)

    async def events(self, *, channel: str, address: str) -> list[dict[str, Any]]:
        """The resident's events as cards, newest first."""
        return (await self._json("GET", "/residents/events", params={"channel": channel, "address": address}))["events"]

    async def event(self, number: str, *, channel: str, address: str) -> dict[str, Any]:
        """One event with its timeline; BackendRefused with 404 for anyone who neither reported nor joined it."""
        params = {"channel": channel, "address": address}
        return (await self._json("GET", f"/residents/events/{number}", params=params))["event"]

    async def published(self, number: str) -> bytes:
        """What is published of a decided vote, as JSON. Raises Refused before that, and for an unknown number."""
        return (await self._call("GET", f"/votes/{number}/published", timeout=SLOW))[0]

    async def disclosure(self, **search: Any) -> dict[str, Any]:
        """What is disclosed: {entries, more, area, topics, areas, words}, by ``q``, ``area``, ``topic`` and ``page``."""
        return await self._json("POST", "/disclosure/search", json=search)

    async def disclosed(self, entry: str) -> dict[str, Any]:
        """One entry. Raises BackendRefused with 404 where there is none."""
        return (await self._json("GET", f"/disclosure/{entry}"))["entry"]

    async def subsidies(self, *, channel: str, address: str) -> list[dict[str, Any]]:
        """The resident's applications as cards, newest first."""
        params = {"channel": channel, "address": address}
        return (await self._json("GET", "/residents/subsidies", params=params))["applications"]

    async def subsidy(self, number: str, *, channel: str, address: str) -> dict[str, Any]:
        """One application with its papers and steps; BackendRefused with 404 for anyone else's."""
        params = {"channel": channel, "address": address}
        return (await self._json("GET", f"/residents/subsidies/{number}", params=params))["application"]

    async def subsidy_question(self, *, channel: str, address: str) -> dict[str, Any] | None:
        """{text, buttons} of what is asked now, None where nothing was begun."""
        params = {"channel": channel, "address": address}
        return (await self._json("GET", "/residents/subsidies/talk", params=params))["question"]

    async def subsidy_said(self, body: dict[str, Any]) -> dict[str, Any]:
        """{replies, question, over} to what was written or pressed."""
        return await self._json("POST", "/residents/subsidies/talk", json=body)

    async def subsidies_published(self, *, kind: str, before: str) -> dict[str, Any]:
        """{published, more, kinds}: what is published now."""
        return await self._json("GET", "/subsidies/published", params={"kind": kind, "before": before})

    async def subsidy_objection(self, number: str, body: dict[str, Any]) -> str:
        """Object to what is published; returns the sentence for whoever did."""
        return (await self._json("POST", f"/subsidies/published/{number}/objections", json=body))["sentence"]

    async def healthy(self) -> bool:
        try:
            async with self._http.get(f"{self._url}/health", timeout=aiohttp.ClientTimeout(total=2)) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def _json(self, method: str, path: str, **options: Any) -> Any:
        content, mime = await self._call(method, path, **options)
        if mime != "application/json":
            raise BackendDown(f"{mime} instead of JSON")
        return _parse(content)

    async def _call(self, method: str, path: str, **options: Any) -> tuple[bytes, str]:
        options["headers"] = self._headers | options.get("headers", {})
        options.setdefault("timeout", TIMEOUT)
        try:
            async with self._http.request(method, f"{self._url}/internal/v1{path}", allow_redirects=False, **options) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise BackendDown(type(error).__name__) from error
        if 400 <= answer.status < 500:
            told = _parse(content)["error"]
            raise BackendRefused(answer.status, told["code"], told["sentence"])
        if answer.status >= 300:
            raise BackendDown(f"status {answer.status}")
        return content, answer.content_type


def _parse(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        raise BackendDown("no JSON") from None
