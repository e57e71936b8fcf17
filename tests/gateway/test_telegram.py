"""What residents do in Telegram is in the record before Telegram is told that it was received."""

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image

from backend.media import service as media
from bot.gateway import telegram_polling
from bot.gateway.channels.telegram import keyboard_of
from bot.gateway.telegram_inbound import VOUCHED
from bot.gateway.telegram_webhook import path_of, secret_of
from tests.gateway.fake_bot_api import Fault
from tests.gateway.running import SAID
from tests.gateway.telegram_town import TelegramTown, telegram_town, until
from wording import Sentences

CHAT = 4711
GROUP = -100123
FILM = {"width": 1, "height": 1, "duration": 1, "mime_type": "video/mp4"}


@pytest.fixture
async def telegram(sqlite_url: str, tmp_path: Path) -> AsyncIterator[TelegramTown]:
    async with telegram_town(sqlite_url, tmp_path) as running:
        yield running


def phone_photo() -> bytes:
    """A photo as a phone takes it, with the place where it was taken."""
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (32.0, 29.0, 0.0), 3: "E", 4: (119.0, 55.0, 0.0)}
    exif[0x010F] = "SomePhone"
    out = io.BytesIO()
    Image.new("RGB", (640, 480), "steelblue").save(out, "JPEG", exif=exif)
    return out.getvalue()


async def test_a_message_is_answered_in_its_chat(telegram: TelegramTown) -> None:
    telegram.api.say(CHAT, "3号楼路灯坏了")
    answer, privacy = await telegram.answered(CHAT, 2)
    assert answer["text"] == SAID.format("3号楼路灯坏了")
    (row,) = await telegram.stored(CHAT, 1)
    assert (row.text, row.kind.value, row.external_id[0]) == ("3号楼路灯坏了", "text", "m")
    rows = await telegram.deliveries("delivered", 2)
    assert [row.external_id for row in rows] == [str(answer["message_id"]), str(privacy["message_id"])]


async def test_fifty_times_the_same_update_at_once_is_one_row_and_one_reply(sqlite_url: str, tmp_path: Path) -> None:
    async with telegram_town(sqlite_url, tmp_path, webhook_url="https://city.example") as telegram:
        url = telegram.gateway.url + path_of(telegram.settings)
        update = {"update_id": 1, "message": telegram.api.message(CHAT, text="路灯坏了")}
        async with aiohttp.ClientSession() as http:
            secret = secret_of(telegram.settings)
            statuses = await asyncio.gather(*(telegram.api.post(http, url, update, secret) for _ in range(50)))
        assert set(statuses) == {200}
        await telegram.answered(CHAT, 2)
        await telegram.stored(CHAT, 1)
        assert len(telegram.town.engine.turns) == 1


async def test_updates_that_come_twice_and_out_of_order_are_taken_once_in_order(telegram: TelegramTown) -> None:
    await until(lambda: "getUpdates" in telegram.api.calls)
    texts = [f"第{number}句" for number in range(20)]
    given = [{"update_id": 5000 + n, "message": telegram.api.message(CHAT, text=text)} for n, text in enumerate(texts)]
    telegram.api.updates.extend([*reversed(given), *given])
    telegram.api.say(CHAT + 1, "响一下")
    assert [row.text for row in await telegram.stored(CHAT, 20)] == texts


async def test_what_was_fetched_and_not_committed_is_given_again(telegram: TelegramTown) -> None:
    await telegram.town.backend.stop()
    for number in range(5):
        telegram.api.say(CHAT + number, "路灯坏了")
    await asyncio.sleep(0.5)
    assert len(telegram.api.updates) == 5, "confirmed before it was stored"
    await telegram.gateway.stop()
    await telegram.town.backend.start()
    await telegram.gateway.start()
    for number in range(5):
        assert [row.text for row in await telegram.stored(CHAT + number, 1)] == ["路灯坏了"]


async def test_a_backend_that_is_down_for_a_while_loses_nothing(telegram: TelegramTown) -> None:
    await telegram.town.backend.stop()
    for number in range(10):
        telegram.api.say(CHAT, f"第{number}句")
    await asyncio.sleep(0.5)
    await telegram.town.backend.start()
    assert [row.text for row in await telegram.stored(CHAT, 10)] == [f"第{number}句" for number in range(10)]


@pytest.mark.parametrize(
    "fault",
    [Fault(hang=0.1), Fault(reset=True), Fault(reset=True, after=True), Fault(502), Fault(429, retry_after=1)],
    ids=["silence", "broken", "lost answer", "bad gateway", "too many"],
)
async def test_fetching_goes_on_after_trouble(telegram: TelegramTown, fault: Fault) -> None:
    telegram.api.faults["getUpdates"] = [fault]
    telegram.api.say(CHAT, "一")
    telegram.api.say(CHAT, "二")
    assert [row.text for row in await telegram.stored(CHAT, 2)] == ["一", "二"]


async def test_a_photo_is_kept_without_its_place_and_can_be_sent_back(telegram: TelegramTown) -> None:
    raw = phone_photo()
    assert b"SomePhone" in raw
    telegram.api.photo(CHAT, raw, caption="路灯坏了")
    (row,) = await telegram.stored(CHAT, 1)
    assert (row.kind.value, row.text, len(row.payload["media"])) == ("photo", "路灯坏了", 1)
    await telegram.answered(CHAT, 2)
    await telegram.push(CHAT, "【已处置】修好了", media=row.payload["media"])
    sent = (await telegram.answered(CHAT, 3))[-1]
    assert sent["caption"] == "【已处置】修好了"
    assert b"SomePhone" not in sent["photo_bytes"]
    assert dict(Image.open(io.BytesIO(sent["photo_bytes"])).getexif()) == {}


async def test_an_album_is_one_message_for_each_photo(telegram: TelegramTown) -> None:
    for caption in ("三张都是3号楼", None, None):
        telegram.api.photo(CHAT, phone_photo(), caption=caption, media_group_id="1")
    rows = await telegram.stored(CHAT, 3)
    assert [(row.kind.value, row.text) for row in rows] == [("photo", "三张都是3号楼"), ("photo", ""), ("photo", "")]
    assert len({row.payload["media"][0] for row in rows}) == 3


async def test_a_photo_is_fetched_again_after_trouble(telegram: TelegramTown) -> None:
    telegram.api.faults["file"] = [Fault(status=500), Fault(reset=True)]
    telegram.api.photo(CHAT, phone_photo())
    (row,) = await telegram.stored(CHAT, 1)
    assert row.kind.value == "photo"


@pytest.mark.parametrize("content", [b"I am no photo", b""], ids=["a text", "empty"])
async def test_what_cannot_be_read_is_answered_too(telegram: TelegramTown, content: bytes) -> None:
    telegram.api.photo(CHAT, content)
    (row,) = await telegram.stored(CHAT, 1)
    assert row.kind.value == "unreadable"
    assert (await telegram.answered(CHAT, 2))[0]["text"] == SAID.format("/share_unreadable")


async def test_a_photo_that_cannot_be_fetched_is_answered(telegram: TelegramTown) -> None:
    telegram.api.faults["file"] = [Fault(status=500)] * 3
    telegram.api.photo(CHAT, phone_photo())
    (row,) = await telegram.stored(CHAT, 1)
    assert row.kind.value == "unreadable"


async def test_a_photo_that_is_refused_does_not_take_its_words_with_it(telegram: TelegramTown) -> None:
    telegram.api.photo(CHAT, b"I am no photo", caption="宫涵社区3号楼垃圾没人收")
    (row,) = await telegram.stored(CHAT, 1)
    assert (row.kind.value, row.text) == ("text", "宫涵社区3号楼垃圾没人收")
    refused, answer, *_ = [message["text"] for message in await telegram.answered(CHAT, 3)]
    assert "没收下来" in refused
    assert "宫涵社区3号楼垃圾没人收" in answer


@pytest.mark.parametrize("tells", ["nobody", "getFile", "the update"])
async def test_thirty_megabytes_are_not_taken(telegram: TelegramTown, tells: str) -> None:
    content = b"\xff\xd8" + b"\0" * (30 * 1024 * 1024)
    if tells == "the update":
        telegram.api.attach(CHAT, "document", content, mime_type="image/jpeg", file_name="a.jpg")
    else:
        telegram.api.files["big"] = content
        telegram.api.lies |= {"big"} if tells == "nobody" else set()
        file = {"file_id": "big", "file_unique_id": "u", "mime_type": "image/jpeg"}
        telegram.api.give(message=telegram.api.message(CHAT, document=file))
    (row,) = await telegram.stored(CHAT, 1)
    assert (row.kind.value, row.payload["media"]) == ("unreadable", [])
    assert ("file" in telegram.api.calls) == (tells == "nobody")


@pytest.mark.parametrize(
    ("kind", "content", "about", "stored", "mime"),
    [
        ("video", b"\0\0\0\x18ftypmp42", FILM, "video", "video/mp4"),
        ("document", b"%PDF-1.7 ...", {"mime_type": "application/pdf", "file_name": "a.pdf"}, "file", "application/pdf"),
        ("document", phone_photo(), {"mime_type": "image/jpeg", "file_name": "a.jpg"}, "photo", "image/jpeg"),
        ("document", b"MZ", {"mime_type": "application/x-dosexec", "file_name": "a.exe"}, "unreadable", None),
        ("voice", b"OggS", {"duration": 3}, "voice", None),
    ],
)
async def test_files_are_kept_where_they_can_be_read(
    telegram: TelegramTown, kind: str, content: bytes, about: dict[str, Any], stored: str, mime: str | None
) -> None:
    telegram.api.attach(CHAT, kind, content, **about)
    (row,) = await telegram.stored(CHAT, 1)
    assert row.kind.value == stored
    async with telegram.town.database.read() as session:
        types = await media.types(session, row.payload["media"])
    assert list(types.values()) == ([mime] if mime else [])


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ({"dice": {"emoji": "🎲", "value": 3}}, "sticker"),
        ({"contact": {"phone_number": "+8613900000000", "first_name": "李"}}, "unreadable"),
        ({"a_kind_of_next_year": {"x": 1}}, "unreadable"),
        ({"text": 7}, "unreadable"),
    ],
)
async def test_every_kind_of_message_is_answered(telegram: TelegramTown, content: dict[str, Any], kind: str) -> None:
    telegram.api.give(message=telegram.api.message(CHAT, **content))
    (row,) = await telegram.stored(CHAT, 1)
    assert row.kind.value == kind
    await telegram.answered(CHAT, 2)


async def test_an_update_that_nobody_can_read_does_not_stop_the_others(
    telegram: TelegramTown, caplog: pytest.LogCaptureFixture
) -> None:
    telegram.api.give(message={"message_id": "x", "text": "秘密"})
    telegram.api.give(message=telegram.api.message(CHAT) | {"date": "yesterday", "text": "秘密"})
    telegram.api.say(CHAT, "路灯坏了")
    rows = await telegram.stored(CHAT, 2)
    assert [(row.kind.value, row.text) for row in rows] == [("unreadable", ""), ("text", "路灯坏了")]
    assert "秘密" not in caplog.text
    assert "not understood" in caplog.text


@pytest.mark.parametrize(("owner", "kind"), [(CHAT, "button"), (CHAT + 1, "unreadable")])
async def test_only_the_sender_s_own_number_is_vouched_for_and_it_is_not_kept(
    telegram: TelegramTown, owner: int, kind: str
) -> None:
    card = {"phone_number": "+8613900000000", "first_name": "李", "user_id": owner}
    telegram.api.give(message=telegram.api.message(CHAT, contact=card))
    (row,) = await telegram.stored(CHAT, 1)
    assert (row.kind.value, row.text == VOUCHED[0]) == (kind, kind == "button")
    assert "139" not in f"{row.text}{row.payload}"


@pytest.mark.parametrize("response", ["utter_ask_vote_phone", "utter_vote_phone_typed"])
def test_where_a_number_is_asked_for_the_key_that_sends_it_is_shown(response: str) -> None:
    keyboard = keyboard_of(Sentences.load(Path("domain.yml")).say(response).buttons)
    assert keyboard is not None
    ((key,),) = keyboard.to_dict()["keyboard"]
    assert (key["text"], key["request_contact"]) == ("发送我的手机号", True)


async def test_a_chats_own_news_is_no_message(telegram: TelegramTown) -> None:
    telegram.api.give(message=telegram.api.message(CHAT, message_auto_delete_timer_changed={"message_auto_delete_time": 60}))
    telegram.api.give(channel_post=telegram.api.message(-1, text="广告"))
    telegram.api.say(CHAT, "路灯坏了")
    assert [row.text for row in await telegram.stored(CHAT, 1)] == ["路灯坏了"]


async def test_a_place_is_a_place(telegram: TelegramTown) -> None:
    here = {"latitude": 32.49, "longitude": 119.92}
    telegram.api.give(message=telegram.api.message(CHAT, location=here))
    venue = {"location": here, "title": "宫涵公园", "address": "东门"}
    telegram.api.give(message=telegram.api.message(CHAT, location=here, venue=venue))
    rows = await telegram.stored(CHAT, 2)
    assert [(row.kind.value, row.text, row.payload["location"]) for row in rows] == [
        ("location", "", here),
        ("location", "宫涵公园，东门", here),
    ]


async def test_commands_are_buttons(telegram: TelegramTown) -> None:
    for text in ("/start", "/start group", "/help", "/confirm_report"):
        telegram.api.say(CHAT, text)
    rows = await telegram.stored(CHAT, 4)
    assert [(row.kind.value, row.text) for row in rows] == [
        ("button", "/start"),
        ("button", "/start"),
        ("button", "/show_menu"),
        ("text", "/confirm_report"),
    ]


async def test_an_edited_message_is_a_correction(telegram: TelegramTown) -> None:
    first = telegram.api.say(CHAT, "3号楼路灯坏了")["message"]
    edited = first | {"text": "5号楼路灯坏了", "edit_date": first["date"] + 5}
    telegram.api.give(edited_message=edited)
    telegram.api.give(edited_message=edited)
    moving = telegram.api.message(CHAT, location={"latitude": 1.0, "longitude": 1.0, "live_period": 600})
    telegram.api.give(edited_message=moving | {"edit_date": moving["date"] + 5})
    rows = await telegram.stored(CHAT, 2)
    assert [(row.text, row.payload["edited"]) for row in rows] == [("3号楼路灯坏了", False), ("5号楼路灯坏了", True)]
    assert rows[1].external_id == f"e{first['message_id']}:{first['date'] + 5}"


CONFIRM = [
    {"title": "确认", "payload": "/confirm_report"},
    {"title": "修改", "payload": "/edit_report"},
    {"title": "不是一回事，另外再报一件", "payload": "/report_separately"},
]


async def asked(telegram: TelegramTown) -> dict[str, Any]:
    """A message with buttons in the chat."""
    telegram.town.engine.buttons["路灯坏了"] = CONFIRM
    telegram.api.say(CHAT, "路灯坏了")
    (question,) = await telegram.answered(CHAT, 1)
    return question


async def test_a_button_is_pressed_once(telegram: TelegramTown) -> None:
    question = await asked(telegram)
    keyboard = question["reply_markup"]["inline_keyboard"]
    assert [[button["text"] for button in row] for row in keyboard] == [["确认", "修改"], ["不是一回事，另外再报一件"]]
    before = json.loads(json.dumps(question))
    presses = [telegram.api.press(before, title) for title in ("确认", "确认", "修改")]
    row = (await telegram.stored(CHAT, 2))[1]
    assert (row.kind.value, row.text, row.payload["title"]) == ("button", "/confirm_report", "确认")
    told = [telegram.api.presses[press["callback_query"]["id"]] for press in presses]
    assert told == ["", "这一步您已经选过了。", "这一步您已经选过了。"]
    left = [[button["text"] for button in row] for row in question["reply_markup"]["inline_keyboard"]]
    assert left == [["✅ 确认"]]
    telegram.api.press(question, "✅ 确认")
    await telegram.stored(CHAT, 2)


async def test_a_press_that_was_never_offered_is_not_taken(telegram: TelegramTown) -> None:
    question = await asked(telegram)
    press = telegram.api.press(question, "", data='/withdraw_confirmed{"number":"1234-5678"}')
    await telegram.stored(CHAT, 1)
    assert telegram.api.presses[press["callback_query"]["id"]] == ""


async def test_a_press_is_taken_though_telegram_has_forgotten_it(telegram: TelegramTown) -> None:
    question = await asked(telegram)
    telegram.api.faults["answerCallbackQuery"] = [Fault(400, "Bad Request: query is too old")]
    telegram.api.faults["editMessageReplyMarkup"] = [Fault(429, retry_after=5)]
    telegram.api.press(question, "修改")
    assert (await telegram.stored(CHAT, 2))[1].text == "/edit_report"


async def test_in_a_group_it_asks_to_write_privately_once_and_keeps_nothing(telegram: TelegramTown) -> None:
    api = telegram.api
    for text in ("谁家路灯坏了", "@linlitong_test_bot 路灯坏了", "@Linlitong_Test_Bot 我叫王阿姨"):
        api.give(message=api.message(GROUP, group=True, text=text))
    await until(lambda: not api.updates)
    (told,) = telegram.arrived(GROUP)
    assert told["text"] == "这里人多，您的事请私下跟我说，只有您和工作人员看得到。"
    (button,) = told["reply_markup"]["inline_keyboard"][0]
    assert button["url"] == "https://t.me/linlitong_test_bot?start=group"
    await telegram.stored(GROUP, 0)


@pytest.mark.parametrize(
    ("text", "told"),
    [("/start", 1), ("/start@linlitong_test_bot", 1), ("/start@another_bot", 0), ("@linlitong_test_bot2 好", 0)],
)
async def test_in_a_group_only_what_is_meant_for_us_is_heard(telegram: TelegramTown, text: str, told: int) -> None:
    command = {"type": "bot_command", "offset": 0, "length": len(text)}
    entities = [command] if text.startswith("/") else []
    telegram.api.give(message=telegram.api.message(GROUP, group=True, text=text, entities=entities))
    await until(lambda: not telegram.api.updates)
    assert len(telegram.arrived(GROUP)) == told


async def test_the_webhook_takes_only_what_telegram_signed(sqlite_url: str, tmp_path: Path) -> None:
    secret = "a-secret-of-the-city"
    async with (
        telegram_town(sqlite_url, tmp_path, webhook_url="https://city.example/hook/", webhook_secret=secret) as telegram,
        aiohttp.ClientSession() as http,
    ):
        path = path_of(telegram.settings)
        await until(lambda: telegram.api.webhook is not None)
        announced = telegram.api.webhook
        assert announced is not None
        assert (announced.url, announced.secret_token) == (f"https://city.example/hook{path}", secret)
        assert announced.max_connections == 1
        update = {"update_id": 1, "message": telegram.api.message(CHAT, text="路灯坏了")}
        for wrong in (None, "", "another", secret[:-1]):
            assert await telegram.api.post(http, telegram.gateway.url + path, update, wrong) == 403
        assert await telegram.api.post(http, telegram.gateway.url + "/telegram/guessed", update, secret) == 404
        await telegram.stored(CHAT, 0)
        assert await telegram.api.post(http, telegram.gateway.url + path, update, secret) == 200
        await telegram.stored(CHAT, 1)
        for nonsense in ([], {"update_id": "1"}, "x"):
            assert await telegram.api.post(http, telegram.gateway.url + path, nonsense, secret) == 400
        await telegram.town.backend.stop()
        update = {"update_id": 2, "message": telegram.api.message(CHAT, text="还有")}
        assert await telegram.api.post(http, telegram.gateway.url + path, update, secret) == 503
        await telegram.town.backend.start()
        assert await telegram.api.post(http, telegram.gateway.url + path, update, secret) == 200
        await telegram.stored(CHAT, 2)


async def test_a_second_poller_is_named_and_the_first_goes_on_later(
    telegram: TelegramTown, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(telegram_polling, "CONFLICT_PAUSE", 0.1)
    await until(lambda: "getUpdates" in telegram.api.calls)
    telegram.api.faults["getUpdates"] = [Fault(409, "Conflict: terminated by other getUpdates request")]
    telegram.api.say(CHAT, "一")
    await telegram.stored(CHAT, 1)
    telegram.api.say(CHAT, "二")
    await telegram.stored(CHAT, 2)
    assert caplog.text.count("another program fetches this bot's updates") == 1


async def test_a_wrong_token_is_said_once_and_the_page_goes_on(
    sqlite_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with telegram_town(sqlite_url, tmp_path, start=False) as telegram, aiohttp.ClientSession() as http:
        telegram.settings.bot_token = "123456:wrong"
        await telegram.gateway.start()
        await until(lambda: "TELEGRAM_BOT_TOKEN" in caplog.text)
        await asyncio.sleep(0.3)
        assert telegram.api.calls == ["getMe"]
        assert caplog.text.count("TELEGRAM_BOT_TOKEN") == 1
        assert "123456:wrong" not in caplog.text
        async with http.post(f"{telegram.gateway.url}/api/session") as answer:
            assert answer.status == 200


async def test_the_log_holds_no_token_and_no_words(telegram: TelegramTown, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    telegram.api.faults["sendMessage"] = [Fault(502), Fault(403, "Forbidden: bot was blocked by the user")]
    telegram.api.say(CHAT, "一个秘密")
    await telegram.deliveries("held", 2)
    ours = "".join(record.getMessage() for record in caplog.records if not record.name.startswith(("aiosqlite", "sqlalchemy")))
    assert "一个秘密" not in ours
    assert telegram.settings.bot_token not in ours
