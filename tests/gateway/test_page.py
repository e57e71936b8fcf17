"""The resident page's HTTP interface: who is known, what is refused and with which words."""

import asyncio
import io
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from backend.conversations import service as conversations
from bot.gateway.backend_client import BackendClient
from bot.gateway.pages import inbound
from bot.gateway.pages.api import WEB
from bot.gateway.pages.errors import PageError, TooFast
from bot.gateway.pages.limits import Limit
from bot.gateway.pages.seen import Seal
from tests.gateway.running import Device, Town, file_streetlight, town

NewDevice = Callable[[], Awaitable[Device]]


def photo(width: int = 40, height: int = 30) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "green").save(out, "JPEG")
    return out.getvalue()


# ---- the device


async def test_a_browser_gets_a_cookie_that_scripts_and_other_sites_cannot_use(running: Town, http: Any) -> None:
    async with http.get(f"{running.url}/") as answer:
        assert answer.status == 200
        cookie = answer.cookies["linlitong_device"]
    assert len(cookie.value) == 43
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")


async def test_a_device_is_known_again_by_its_cookie(running: Town, http: Any, device: Device) -> None:
    await device.send("路灯坏了")
    cookies = {"linlitong_device": device.token}
    async with http.get(f"{running.url}/api/messages", cookies=cookies) as answer:
        assert (await answer.json())["messages"][0]["text"] == "路灯坏了"
    async with http.post(f"{running.url}/api/session", cookies=cookies) as answer:
        assert answer.cookies["linlitong_device"].value == device.token


@pytest.mark.parametrize("token", ["", "short", "x" * 42, "x" * 44, "路" * 43, "x" * 42 + "'"])
async def test_without_a_token_of_ours_nothing_is_told(running: Town, http: Any, token: str) -> None:
    stranger = Device(http, running.url, token)
    for method, path in (("GET", "/api/messages"), ("GET", "/api/stream"), ("GET", "/api/events"), ("POST", "/api/photos")):
        status, told = await stranger.call(method, path)
        assert (status, told["error"]["code"]) == (401, "no_device")


async def test_the_record_holds_the_hash_of_the_token_not_the_token(running: Town, device: Device) -> None:
    await device.send("路灯坏了")
    async with running.database.read() as session:
        assert await conversations.find(session, channel="web", address=device.address) is not None
        assert await conversations.find(session, channel="web", address=device.token) is None


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}],
)
async def test_another_site_cannot_send_for_a_resident(running: Town, device: Device, headers: dict[str, str]) -> None:
    status, told = await device.call("POST", "/api/messages", json={}, headers=headers)
    assert (status, told["error"]["code"]) == (403, "foreign_origin")
    same = {"Origin": running.url, "Sec-Fetch-Site": "same-origin"}
    status, told = await device.call("POST", "/api/messages", json={}, headers=same)
    assert (status, told["error"]["code"]) == (422, "bad_input")


# ---- what can be sent

EMPTY = ["", " ", "\n\t", "\u200b\u200d", "\u202e\u2066", "\x00", "\ufeff", "\u3000", "\ud800"]


@pytest.mark.parametrize("text", EMPTY, ids=ascii)
async def test_a_message_with_nothing_to_see_gets_a_kind_sentence(device: Device, text: str) -> None:
    status, told = await device.send(text)
    if text == "\ud800":  # half a character becomes a question mark
        assert status == 202
        return
    assert (status, told["error"]) == (422, {"code": "empty", "sentence": "您还没有写字。打几个字，或者发张照片都行。"})


@pytest.mark.parametrize(
    "text",
    [
        "😀",
        "👨‍👩‍👧",
        "路" * 4096,
        "灯" * 10_000,
        "<script>alert(1)</script>",
        "路灯\x00坏了",
        "a\u202egnp.exe",
        "**粗** [点](javascript:alert(1))",
        "'; DROP TABLE message; --",
    ],
    ids=lambda text: ascii(text[:20]),
)
async def test_odd_texts_are_taken_and_answered(device: Device, text: str) -> None:
    status, _ = await device.send(text)
    assert status == 202
    messages = await device.until(lambda messages: len(messages) == 3)
    assert messages[0]["text"] == conversations.readable(text)


async def test_a_text_above_ten_thousand_characters_is_refused_kindly(device: Device) -> None:
    status, told = await device.send("路" * 10_001)
    assert (status, told["error"]["code"]) == (422, "too_long")
    status, told = await device.call("POST", "/api/messages", data=b"x" * 300_000)
    assert (status, told["error"]["code"]) == (413, "too_large")


async def test_a_button_appears_as_what_it_says(running: Town, device: Device) -> None:
    status, _ = await device.send(kind="button", payload='/rate{"number":"1234-5678","stars":5}', title="5星 很好")
    assert status == 202
    messages = await device.until(lambda messages: len(messages) == 3)
    assert messages[0]["text"] == "5星 很好"
    assert running.engine.turns[0]["text"] == '/rate{"number":"1234-5678","stars":5}'


async def test_a_location_and_a_photo_reach_the_engine_with_their_content(running: Town, device: Device) -> None:
    status, stored = await device.upload(photo())
    assert (status, stored["width"], stored["height"]) == (201, 40, 30)
    await device.send("就是这里", kind="photo", media=[stored["key"]])
    await device.until(lambda messages: len(messages) == 3)
    await device.send(kind="location", location={"latitude": 32.49, "longitude": 119.93})
    messages = await device.until(lambda messages: len(messages) == 5)
    sent_photo, sent_place = running.engine.turns
    assert (sent_photo["text"], sent_photo["metadata"]["text"]) == ("/share_photo", "就是这里")
    assert sent_photo["metadata"]["media"] == [stored["key"].partition(".")[0]]
    assert sent_place["text"] == "/share_location"
    assert sent_place["metadata"]["location"] == {"latitude": 32.49, "longitude": 119.93}
    assert messages[0]["media"] == [{"key": stored["key"], "mime": "image/jpeg", "url": stored["url"]}]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
BODIES = st.fixed_dictionaries(
    {"client_id": st.sampled_from(["client-00000001", "", "x" * 65]) | ANYTHING},
    optional={
        "kind": st.sampled_from(["text", "photo", "location", "button", "note"]) | ANYTHING,
        "text": ANYTHING,
        "payload": st.sampled_from(["/deny", "/x{}", '/x{"a":1}', "/x{[}", "/x{" + "[" * 60]) | ANYTHING,
        "title": ANYTHING,
        "media": st.lists(st.text(), max_size=10) | ANYTHING,
        "location": st.fixed_dictionaries({"latitude": ANYTHING, "longitude": ANYTHING}) | ANYTHING,
    },
)


@given(BODIES)
def test_whatever_a_browser_sends_is_either_a_message_or_refused_with_a_sentence(body: dict[str, Any]) -> None:
    try:
        outcome: Any = inbound.message(body, address="a", seal=Seal("secret"))
    except PageError as refused:
        outcome = [refused.sentence] * (refused.status in {404, 422})
    assert outcome
    json.dumps(outcome, ensure_ascii=False, allow_nan=False).encode()


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b'"a"', b"\xff", b"[" * 100_000], ids=lambda body: ascii(body[:5]))
async def test_a_body_that_is_no_object_is_refused_with_a_sentence(device: Device, body: bytes) -> None:
    status, told = await device.call("POST", "/api/messages", data=body)
    assert (status, told["error"]["code"]) == (422, "bad_input")


# ---- photos


async def test_a_photo_is_shown_to_nobody_but_its_device(device: Device, new_device: NewDevice, http: Any) -> None:
    _, stored = await device.upload(photo())
    async with http.get(device.url + stored["url"], headers=device.headers) as answer:
        assert (answer.status, answer.content_type) == (200, "image/jpeg")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    other = await new_device()
    status, _ = await other.call("GET", stored["url"])
    assert status == 404
    status, told = await other.send(kind="photo", media=[stored["key"]])
    assert (status, told["error"]["code"]) == (404, "not_found")
    key = stored["key"].partition(".")[0]
    for guess in (key, f"{key}.", f"{key}.{'0' * 22}"):
        status, _ = await device.call("GET", f"/media/{guess}")
        assert status == 404


async def test_a_text_file_named_jpg_is_refused_kindly(device: Device) -> None:
    status, told = await device.upload("这不是照片".encode() * 100)
    assert (status, told["error"]["code"]) == (422, "not_an_image")
    assert "换一张照片" in told["error"]["sentence"]


@pytest.mark.parametrize("told_ahead", [True, False])
async def test_a_photo_of_30_mb_is_refused_kindly(device: Device, told_ahead: bool) -> None:
    async def pieces() -> Any:
        for _ in range(30):
            yield b"x" * 1_000_000

    status, told = await device.call("POST", "/api/photos", data=b"x" * 30_000_000 if told_ahead else pieces())
    assert (status, told["error"]["code"]) == (413, "too_large")
    assert "20 MB" in told["error"]["sentence"]


# ---- too fast


async def test_too_many_messages_in_a_minute_are_refused_kindly_and_only_for_that_device(
    sqlite_url: str, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    async with town(sqlite_url, tmp_path, messages_per_minute=3) as running:
        fast, slow = Device(http, running.url, "f" * 43), Device(http, running.url, "s" * 43)
        assert [(await fast.send(f"第{n}句"))[0] for n in range(4)] == [202, 202, 202, 429]
        _, told = await fast.send("还有")
        assert told["error"]["sentence"] == "您发得太快了，歇几秒再发。"
        assert (await slow.send("你好"))[0] == 202


def test_the_limit_fills_up_evenly() -> None:
    now = 0.0
    limit = Limit(60, now=lambda: now)
    for _ in range(60):
        limit.take("a")
    with pytest.raises(TooFast) as refused:
        limit.take("a")
    assert refused.value.wait == 1
    now = 2.0
    limit.take("a")
    limit.take("a")
    with pytest.raises(TooFast):
        limit.take("a")


# ---- reading


async def test_the_stream_goes_on_after_the_last_message_that_was_seen(running: Town, device: Device) -> None:
    await device.send("路灯坏了")
    await device.until(lambda messages: len(messages) == 3)
    async with device.stream() as events:
        assert [(await events.next())["sequence"] for _ in range(3)] == [1, 2, 3]
    for number in range(3):
        await running.push(device.address, f"【处置中】{number}")
    async with device.stream(**{"Last-Event-ID": "3"}) as events:
        assert [(await events.next())["text"] for _ in range(3)] == [f"【处置中】{number}" for number in range(3)]


async def test_a_stream_of_hundreds_of_missed_messages_loses_none(running: Town, device: Device) -> None:
    await device.send("路灯坏了")
    await device.until(lambda messages: len(messages) == 3)
    for number in range(250):
        await running.push(device.address, f"第{number}条")
    async with device.stream("3") as events:
        assert [(await events.next())["text"] for _ in range(250)] == [f"第{number}条" for number in range(250)]


async def test_two_open_pages_show_the_same(running: Town, device: Device) -> None:
    async with device.stream() as one, device.stream() as two:
        await device.send("路灯坏了")
        assert [await one.next() for _ in range(3)] == [await two.next() for _ in range(3)]


async def test_the_stream_says_when_the_backend_is_down_and_goes_on_when_it_is_back(running: Town, device: Device) -> None:
    await device.send("路灯坏了")
    async with device.stream() as events:
        for _ in range(3):
            await events.next()
        await running.backend.stop()
        running.gateway.runner.app[WEB].tell(device.address)
        await events.next("down")
        await running.backend.start()
        await running.push(device.address, "【已派遣】")
        assert (await events.next(seconds=6))["text"] == "【已派遣】"


async def test_open_streams_do_not_hold_up_a_stop(running: Town, device: Device) -> None:
    async with device.stream() as events:
        await events.next("beat")
        async with asyncio.timeout(3):
            await running.gateway.stop()


async def test_history_is_read_backwards_page_by_page(running: Town, device: Device) -> None:
    await device.send("路灯坏了")
    await device.until(lambda messages: len(messages) == 3)
    for number in range(10):
        await running.push(device.address, f"第{number}条")

    async def sequences(query: str) -> list[int]:
        _, told = await device.call("GET", f"/api/messages?{query}")
        return [message["sequence"] for message in told["messages"]]

    assert await sequences("last=5") == [9, 10, 11, 12, 13]
    assert await sequences("last=5&before=9") == [4, 5, 6, 7, 8]
    assert await sequences("last=5&before=4") == [1, 2, 3]
    assert await sequences("last=5&before=1") == []


async def test_a_turn_that_is_done_is_read_with_its_reply(
    running: Town, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The turn ends between what the page asks for and what it reads: as slow as a busy machine makes it."""
    running.engine.seconds = 0.4
    read = BackendClient.feed

    async def slowly(self: BackendClient, **which: Any) -> dict[str, Any]:
        found = await read(self, **which)
        await asyncio.sleep(1.5 if which["limit"] == 1 else 0)
        return found

    monkeypatch.setattr(BackendClient, "feed", slowly)
    await device.send("路灯坏了")
    async with asyncio.timeout(10):
        while True:
            _, told = await device.call("GET", "/api/messages?last=5")
            if told["messages"][0]["turn"] == "done":
                break
    assert len(told["messages"]) == 3
    assert told["last_sequence"] == 3


@pytest.mark.parametrize("query", ["after=-1", "after=x", "after=1e9", "last=五", "after=9999999999999999"])
async def test_a_bad_number_is_refused_with_a_sentence(device: Device, query: str) -> None:
    status, told = await device.call("GET", f"/api/messages?{query}")
    assert (status, told["error"]["code"]) == (422, "bad_input")


# ---- 我的办件


async def test_my_events_are_mine_alone(running: Town, device: Device, new_device: NewDevice) -> None:
    _, stored = await device.upload(photo())
    number = await file_streetlight(running, device.address, [stored["key"].partition(".")[0]])
    _, told = await device.call("GET", "/api/events")
    assert [event["number"] for event in told["events"]] == [number]
    status, told = await device.call("GET", f"/api/events/{number}")
    assert (status, told["event"]["photos"]) == (200, [stored["url"]])
    assert told["event"]["timeline"]
    stranger = await new_device()
    assert await stranger.call("GET", "/api/events") == (200, {"events": []})
    status, _ = await stranger.call("GET", f"/api/events/{number}")
    assert status == 404


async def test_the_pages_show_my_events_with_what_was_written_as_text(running: Town, device: Device, http: Any) -> None:
    number = await file_streetlight(running, device.address, [])
    for path in ("/events", f"/events/{number}"):
        async with http.get(running.url + path, headers=device.headers) as answer:
            page = await answer.text()
            assert (answer.status, number in page) == (200, True)
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert "&lt;b&gt;三天&lt;/b&gt;" in page
    assert "<b>三天</b>" not in page


async def test_a_page_that_cannot_be_shown_says_so_as_a_page(running: Town, device: Device, http: Any) -> None:
    await device.send("路灯坏了")
    for path, sentence in (("/events/1234-5678", "里没有这个编号"), ("/nowhere", "没有找到")):
        async with http.get(running.url + path, headers=device.headers) as answer:
            assert (answer.status, answer.content_type) == (404, "text/html")
            assert sentence in await answer.text()
    await running.backend.stop()
    async with http.get(f"{running.url}/events", headers=device.headers) as answer:
        assert answer.status == 503
        assert "系统正在恢复" in await answer.text()
