"""What the backend wants a resident to hear goes out in order, and what becomes of it is written down."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import select

from backend.outbox.models import Delivery
from bot.gateway.app import CHANNELS
from bot.gateway.channels.base import Blocked, Rejected, RetryAfter, Unreachable
from tests.gateway.running import TOKEN, Device, Town, town


class Postbox:
    """A channel that keeps what it is given, and first raises what it was told to."""

    name = "telegram"

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.troubles: list[Exception] = []

    async def send(self, address: str, message: dict[str, Any]) -> str:
        if self.troubles:
            raise self.troubles.pop(0)
        self.sent.append((address, message))
        return f"sent-{len(self.sent)}"


@pytest.fixture
def postbox() -> Postbox:
    return Postbox()


@pytest.fixture
async def with_telegram(sqlite_url: str, tmp_path: Path, postbox: Postbox) -> AsyncIterator[Town]:
    async def put_in(app: web.Application) -> AsyncIterator[None]:
        app[CHANNELS][postbox.name] = postbox
        yield

    async with town(sqlite_url, tmp_path, put_in) as everything:
        yield everything


async def say(running: Town, http: Any, text: str) -> None:
    """A resident writes in Telegram."""
    message = {"channel": "telegram", "external_id": text, "address": "4711", "kind": "text", "text": text}
    url = f"{running.backend.url}/internal/v1/messages"
    async with http.post(url, headers={"Authorization": f"Bearer {TOKEN}"}, json=message) as answer:
        assert answer.status == 201


async def deliveries(running: Town, state: str, count: int, seconds: float = 5.0) -> list[Delivery]:
    """The deliveries, once ``count`` of them are in ``state``."""
    async with asyncio.timeout(seconds):
        while True:
            async with running.database.read() as session:
                rows = list(await session.scalars(select(Delivery).order_by(Delivery.id)))
            if [row.state.value for row in rows].count(state) == count:
                return rows
            await asyncio.sleep(0.05)


async def test_a_reply_is_sent_through_its_channel_and_recorded(with_telegram: Town, postbox: Postbox, http: Any) -> None:
    buttons = [{"title": "确认", "payload": "/confirm_report", "says": "对 是的"}]
    with_telegram.engine.buttons["路灯坏了"] = buttons
    await say(with_telegram, http, "路灯坏了")
    rows = await deliveries(with_telegram, "delivered", 1)
    assert [row.external_id for row in rows] == ["sent-1"]
    address, message = postbox.sent[0]
    assert address == "4711"
    assert message["text"].startswith("您说的我收到了：路灯坏了\n\n")
    assert message["buttons"] == [{"title": "确认", "payload": "/confirm_report"}]


async def test_asked_to_wait_a_message_waits_as_long_and_keeps_its_place(
    with_telegram: Town, postbox: Postbox, http: Any
) -> None:
    postbox.troubles = [RetryAfter(0.6)]
    began = time.monotonic()
    await say(with_telegram, http, "路灯坏了")
    await deliveries(with_telegram, "delivered", 2)
    assert time.monotonic() - began > 0.6
    assert [message["sequence"] for _, message in postbox.sent] == [2, 3]


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [(Unreachable("timed out"), "timed out"), (KeyError("路灯坏了"), "KeyError")],
    ids=["unreachable", "a defect in the adapter"],
)
async def test_what_could_not_be_sent_is_tried_again(
    with_telegram: Town, postbox: Postbox, http: Any, trouble: Exception, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    postbox.troubles = [trouble]
    await say(with_telegram, http, "路灯坏了")
    await deliveries(with_telegram, "delivered", 2)
    assert reason in caplog.text
    assert "路灯坏了" not in caplog.text


async def test_what_the_channel_rejects_is_failed_and_the_next_goes_out(
    with_telegram: Town, postbox: Postbox, http: Any
) -> None:
    postbox.troubles = [Rejected("text too long")]
    await say(with_telegram, http, "路灯坏了")
    rows = await deliveries(with_telegram, "delivered", 1)
    assert [(row.state.value, row.reason) for row in rows] == [("failed", "text too long"), ("delivered", "")]


async def test_a_resident_who_blocked_us_is_remembered(with_telegram: Town, postbox: Postbox, http: Any) -> None:
    postbox.troubles = [Blocked("blocked by the resident")]
    await say(with_telegram, http, "路灯坏了")
    rows = await deliveries(with_telegram, "held", 2)
    assert rows[0].reason == "blocked by the resident"


async def test_a_push_reaches_an_open_page_within_two_seconds(running: Town, device: Device) -> None:
    await device.send("路灯坏了")
    await device.until(lambda messages: len(messages) == 3)
    async with device.stream("newest") as events:
        took = []
        for number in range(5):
            began = time.monotonic()
            await running.push(device.address, f"【已派遣】第{number}步")
            message = await events.next()
            took.append(time.monotonic() - began)
            assert (message["author"], message["text"]) == ("system", f"【已派遣】第{number}步")
    assert max(took) < 2.0
    await deliveries(running, "delivered", 7)
