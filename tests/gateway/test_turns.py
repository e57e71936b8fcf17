"""A resident's message becomes a turn, and is answered whatever fails on the way."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from bot.gateway import app as gateway
from bot.gateway.engine_client import EngineClient
from tests.gateway.running import SAID, Device, Town

PRIVACY = "说明一下：您发来的内容只用来办事，办结后保存三年。想删除，跟我说“删除我的数据”就行。"


def texts(messages: list[dict]) -> list[str]:
    return [message["text"] for message in messages]


async def test_the_first_message_is_answered_and_then_told_what_is_kept(running: Town, device: Device) -> None:
    async with device.stream() as events:
        status, accepted = await device.send("路灯坏了")
        assert (status, accepted["repeat"]) == (202, False)
        own, answer, privacy = [await events.next() for _ in range(3)]
    assert (own["author"], own["text"]) == ("resident", "路灯坏了")
    assert own["turn"] in {"pending", "running"}  # it may have been taken up already
    assert (answer["author"], answer["text"]) == ("bot", SAID.format("路灯坏了"))
    assert privacy["text"] == PRIVACY
    assert [own["sequence"], answer["sequence"], privacy["sequence"]] == [1, 2, 3]


async def test_an_answer_takes_less_than_half_a_second(running: Town, device: Device) -> None:
    took = []
    async with device.stream() as events:
        for number in range(5):
            began = time.monotonic()
            await device.send(f"第{number}句")
            while (await events.next())["text"] != SAID.format(f"第{number}句"):
                pass
            took.append(time.monotonic() - began)
    assert min(took) < 0.5, took  # the quickest: what the way costs, not what else the machine does


async def test_the_stream_says_when_a_turn_has_ended(running: Town, device: Device) -> None:
    async with device.stream() as events:
        _, accepted = await device.send("路灯坏了")
        turn = await events.next("turn")
        while turn["turn"] == "running":
            turn = await events.next("turn")
    assert turn == {"message_id": accepted["message_id"], "turn": "done"}


async def test_the_engine_is_told_what_the_contract_says(running: Town, device: Device) -> None:
    _, accepted = await device.send("/restart 路灯坏了")
    await device.until(lambda messages: len(messages) == 3)
    (turn,) = running.engine.turns
    assert turn["message_id"] == str(accepted["message_id"])
    assert turn["text"] == "／restart 路灯坏了"
    assert turn["metadata"]["text"] == "/restart 路灯坏了"
    assert turn["metadata"]["conversation"] == turn["sender_id"]


async def test_the_same_message_fifty_times_at_once_is_one_row_one_turn_one_reply(running: Town, device: Device) -> None:
    sent = await asyncio.gather(*(device.send("路灯坏了", client_id="the-same-id") for _ in range(50)))
    assert {status for status, _ in sent} == {202}
    assert len({told["message_id"] for _, told in sent}) == 1
    assert [told["repeat"] for _, told in sent].count(False) == 1
    messages = await device.until(lambda messages: len(messages) >= 3)
    assert texts(messages) == ["路灯坏了", SAID.format("路灯坏了"), PRIVACY]
    assert len(running.engine.turns) == 1


async def test_quick_messages_are_answered_in_their_order(running: Town, device: Device) -> None:
    running.engine.seconds = 0.02
    for number in range(8):
        await device.send(f"第{number}句")
    messages = await device.until(lambda messages: [m["author"] for m in messages].count("bot") == 9)
    replies = [m["text"] for m in messages if m["author"] == "bot" and m["text"] != PRIVACY]
    assert replies == [SAID.format(f"第{number}句") for number in range(8)]
    assert [turn["text"] for turn in running.engine.turns] == [f"第{number}句" for number in range(8)]


async def test_many_residents_are_answered_side_by_side(running: Town, new_device: Callable[[], Awaitable[Device]]) -> None:
    running.engine.seconds = 0.5
    devices = [await new_device() for _ in range(8)]
    began = time.monotonic()
    await asyncio.gather(*(device.send("在吗") for device in devices))
    for device in devices:
        await device.until(lambda messages: len(messages) == 3)
    assert time.monotonic() - began < 15.0


@pytest.mark.parametrize("trouble", ["silent", "503", "html"])
async def test_a_turn_that_fails_once_is_answered_the_second_time(running: Town, device: Device, trouble: str) -> None:
    running.engine.troubles = [trouble]
    await device.send("路灯坏了")
    messages = await device.until(lambda messages: len(messages) == 3)
    assert texts(messages) == ["路灯坏了", SAID.format("路灯坏了"), PRIVACY]
    assert len(running.engine.turns) == 2


async def test_while_the_engine_is_away_the_resident_is_told_once_and_answered_later(running: Town, device: Device) -> None:
    await running.engine_server.stop()
    await device.send("路灯坏了")
    told = await device.until(lambda messages: len(messages) == 2, seconds=8)
    assert "不用重发" in told[1]["text"]
    await running.engine_server.start()
    messages = await device.until(lambda messages: len(messages) == 4, seconds=10)
    assert texts(messages)[2:] == [SAID.format("路灯坏了"), PRIVACY]


async def test_an_engine_that_hangs_counts_as_failed(running: Town, device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    await running.gateway.stop()
    monkeypatch.setattr(gateway, "EngineClient", lambda *given: EngineClient(*given, patience=0.3))
    await running.gateway.start()
    running.engine.troubles = ["hang"]
    await device.send("路灯坏了")
    messages = await device.until(lambda messages: len(messages) == 3)
    assert texts(messages)[1] == SAID.format("路灯坏了")


async def test_when_the_backend_comes_back_everything_goes_on(running: Town, device: Device) -> None:
    await device.send("第一句")
    await device.until(lambda messages: len(messages) == 3)
    await running.backend.stop()
    status, told = await device.send("第二句", client_id="second-message")
    assert (status, told["error"]["code"]) == (503, "not_ready")
    await running.backend.start()
    status, _ = await device.send("第二句", client_id="second-message")
    assert status == 202
    messages = await device.until(lambda messages: len(messages) == 5, seconds=10)
    assert texts(messages)[3:] == ["第二句", SAID.format("第二句")]


async def test_a_turn_left_behind_by_a_dead_gateway_is_taken_up_at_its_next_start(running: Town, device: Device) -> None:
    await running.gateway.stop()
    async with device.http.post(
        f"{running.backend.url}/internal/v1/messages",
        headers={"Authorization": "Bearer service-token-of-the-tests"},
        json={"channel": "web", "external_id": "left-behind", "address": device.address, "kind": "text", "text": "在吗"},
    ) as answer:
        assert answer.status == 201
    async with device.http.post(
        f"{running.backend.url}/internal/v1/turns/claim",
        headers={"Authorization": "Bearer service-token-of-the-tests"},
        json={"worker": "gateway-1", "limit": 1},
    ) as answer:
        assert len((await answer.json())["turns"]) == 1
    await running.gateway.start()
    messages = await device.until(lambda messages: len(messages) == 3)
    assert texts(messages)[1] == SAID.format("在吗")


async def test_health_names_who_is_missing(running: Town, device: Device) -> None:
    assert await device.call("GET", "/health") == (200, {"status": "ok"})
    await running.engine_server.stop()
    assert await device.call("GET", "/health") == (503, {"status": "waiting", "for": ["engine"]})
    await running.backend.stop()
    assert await device.call("GET", "/health") == (503, {"status": "waiting", "for": ["backend", "engine"]})
