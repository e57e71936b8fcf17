"""What residents are told arrives in Telegram: whole, plain, in order, at its pace, or it is known why not."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from backend.residents.models import Account
from bot.gateway.channels.telegram import keyboard_of, parts_of
from bot.gateway.telegram_pace import Pace
from bot.gateway.telegram_text import split, units
from tests.gateway.fake_bot_api import Fault
from tests.gateway.telegram_town import TelegramTown, telegram_town, until

CHAT = 4711


@pytest.fixture
async def telegram(sqlite_url: str, tmp_path: Path) -> AsyncIterator[TelegramTown]:
    """A resident has said something and was answered with two messages."""
    async with telegram_town(sqlite_url, tmp_path) as running:
        running.api.say(CHAT, "你好")
        await running.answered(CHAT, 2)
        yield running


def texts(telegram: TelegramTown, chat: int = CHAT) -> list[str]:
    return [message["text"] for message in telegram.arrived(chat)[2:]]


async def test_asked_to_wait_it_waits_as_long_and_keeps_the_order(telegram: TelegramTown) -> None:
    telegram.api.faults["sendMessage"] = [Fault(429, retry_after=2)]
    began = time.monotonic()
    for text in ("一", "二", "三"):
        await telegram.push(CHAT, text)
    await telegram.answered(CHAT, 5)
    assert time.monotonic() - began > 2
    assert texts(telegram) == ["一", "二", "三"]


@pytest.mark.parametrize("fault", [Fault(502), Fault(reset=True), Fault(401)], ids=["bad gateway", "broken", "token refused"])
async def test_what_did_not_arrive_is_sent_again(telegram: TelegramTown, fault: Fault) -> None:
    telegram.api.faults["sendMessage"] = [fault]
    await telegram.push(CHAT, "一")
    await telegram.push(CHAT, "二")
    await telegram.answered(CHAT, 4)
    assert texts(telegram) == ["一", "二"]


async def test_a_lost_answer_may_show_a_message_twice_but_never_not_at_all(telegram: TelegramTown) -> None:
    telegram.api.faults["sendMessage"] = [Fault(reset=True, after=True)]
    await telegram.push(CHAT, "一")
    await telegram.push(CHAT, "二")
    await telegram.answered(CHAT, 5)
    assert texts(telegram) == ["一", "一", "二"]


async def test_a_resident_who_blocked_us_is_remembered_and_others_are_served(telegram: TelegramTown) -> None:
    telegram.api.say(CHAT + 1, "你好")
    await telegram.answered(CHAT + 1, 2)
    telegram.api.blocked.add(CHAT)
    await telegram.push(CHAT, "一")
    await telegram.push(CHAT + 1, "一")
    await telegram.answered(CHAT + 1, 3)
    rows = await telegram.deliveries("held", 1)
    assert [row.reason for row in rows if row.reason] == ["bot was blocked by the user"]
    assert await blocked(telegram) == [True, False]


async def blocked(telegram: TelegramTown) -> list[bool]:
    async with telegram.town.database.read() as session:
        return [each.blocked_at is not None for each in await session.scalars(select(Account).order_by(Account.id))]


async def test_what_is_said_to_who_blocked_us_is_kept_and_arrives_when_they_let_us_in_again(telegram: TelegramTown) -> None:
    telegram.api.blocked.add(CHAT)
    telegram.api.membership(CHAT, "kicked")
    async with asyncio.timeout(10):
        while await blocked(telegram) != [True]:  # noqa: ASYNC110 - nobody rings when it happens
            await asyncio.sleep(0.02)
    calls = telegram.api.calls.count("sendMessage")
    await telegram.push(CHAT, "一")
    await telegram.push(CHAT, "二")
    await telegram.deliveries("held", 2)
    telegram.api.blocked.discard(CHAT)
    telegram.api.membership(CHAT, "member")
    await telegram.answered(CHAT, 4)
    assert texts(telegram) == ["一", "二"]
    assert telegram.api.calls.count("sendMessage") == calls + 2  # nobody knocked at the closed door
    assert await blocked(telegram) == [False]


async def test_a_refused_photo_fails_alone_and_is_said_to_be_missing(telegram: TelegramTown) -> None:
    from tests.gateway.test_telegram import phone_photo

    keys = []
    for number in range(2):
        telegram.api.photo(CHAT, phone_photo())
        keys += (await telegram.stored(CHAT, 2 + number))[-1].payload["media"]
    await telegram.answered(CHAT, 4)
    refusal = Fault(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")
    telegram.api.faults |= {"sendMediaGroup": [refusal], "sendPhoto": [refusal]}
    await telegram.push(CHAT, "【已处置】修好了", media=keys, buttons=[{"title": "已解决", "payload": "/verify"}])
    arrived = (await telegram.answered(CHAT, 7))[4:]
    assert [bool(message.get("photo_bytes")) for message in arrived] == [True, False, False]
    assert [message.get("text") for message in arrived[1:]] == ["（有照片没能发出来。）", "【已处置】修好了"]
    assert arrived[2]["reply_markup"]["inline_keyboard"][0][0]["text"] == "已解决"


@pytest.mark.parametrize(
    ("description", "reason"),
    [("Bad Request: chat not found", "chat not found"), ("Bad Request: TOPIC_CLOSED", "topic_closed")],
)
async def test_what_telegram_will_never_take_fails_with_its_reason_and_the_next_goes_out(
    telegram: TelegramTown, description: str, reason: str
) -> None:
    telegram.api.faults["sendMessage"] = [Fault(400, description)]
    await telegram.push(CHAT, "一")
    await telegram.push(CHAT, "二")
    await telegram.answered(CHAT, 3)
    rows = await telegram.deliveries("failed", 1)
    assert [row.reason for row in rows if row.state.value == "failed"] == [reason]
    assert texts(telegram) == ["二"]


async def test_markup_is_only_text(telegram: TelegramTown) -> None:
    text = "<b>粗</b> *星* [链接](http://a.example) `码` &amp; _线_"
    await telegram.push(CHAT, text)
    await telegram.answered(CHAT, 3)
    assert texts(telegram) == [text]


async def test_a_long_text_arrives_in_order_and_is_not_begun_anew(telegram: TelegramTown) -> None:
    lines = [f"第{number}行，说的是同一件事。" for number in range(700)]
    telegram.api.faults["sendMessage"] = [Fault(), Fault(429, retry_after=1)]
    await telegram.push(CHAT, "\n".join(lines), buttons=[{"title": "确认", "payload": "/confirm_report"}])
    await telegram.push(CHAT, "后来的")
    await telegram.answered(CHAT, 6)
    *pieces, last = telegram.arrived(CHAT)[2:]
    assert "\n".join(piece["text"] for piece in pieces).split("\n") == lines
    assert [bool(piece.get("reply_markup")) for piece in pieces] == [False, False, True]
    assert last["text"] == "后来的"


async def test_photos_are_uploaded_as_an_album_before_their_text(telegram: TelegramTown) -> None:
    from tests.gateway.test_telegram import phone_photo

    keys = []
    for number in range(3):
        telegram.api.photo(CHAT, phone_photo())
        keys += (await telegram.stored(CHAT, 2 + number))[-1].payload["media"]
    await telegram.answered(CHAT, 5)
    await telegram.push(CHAT, "【已处置】修好了", media=keys, buttons=[{"title": "已解决", "payload": "/verify"}])
    arrived = (await telegram.answered(CHAT, 9))[5:]
    assert [bool(message.get("photo_bytes")) for message in arrived] == [True, True, True, False]
    assert arrived[3]["text"] == "【已处置】修好了"
    assert arrived[3]["reply_markup"]["inline_keyboard"][0][0]["text"] == "已解决"


async def test_at_its_own_pace_telegram_never_has_to_complain(sqlite_url: str, tmp_path: Path) -> None:
    async with telegram_town(sqlite_url, tmp_path, pace=Pace()) as telegram:
        telegram.api.strict = True
        for chat in range(1, 7):
            for text in ("一", "二"):
                telegram.api.say(chat, text)
        for chat in range(1, 7):
            await until(lambda chat=chat: len(telegram.arrived(chat)) == 3, 20)
            moments = [message["at"] for message in telegram.arrived(chat)]
            assert min(later - earlier for earlier, later in itertools.pairwise(moments)) > 0.98
        assert telegram.api.calls.count("sendMessage") == 18, "something had to be sent twice"


async def test_thirty_a_second_leave_the_bot() -> None:
    pace = Pace()

    async def send(chat: int) -> None:
        async with pace.turn(chat):
            pass

    began = time.monotonic()
    await asyncio.gather(*(send(chat) for chat in range(61)))
    assert 1.99 < time.monotonic() - began < 30


def message(text: str = "", **content: Any) -> dict[str, Any]:
    return {"message_id": 1, "text": text, "buttons": [], "media": [], **content}


def test_a_caption_that_is_too_long_follows_its_photo() -> None:
    media = [{"key": "a", "mime": "image/jpeg"}]
    assert [(part.text, part.photos) for part in parts_of(message("短", media=media))] == [("短", ("a",))]
    long = "长" * 1025
    assert [(part.text, part.photos) for part in parts_of(message(long, media=media))] == [("", ("a",)), (long, ())]


def test_buttons_without_a_text_get_one() -> None:
    (part,) = parts_of(message(buttons=[{"title": "是", "payload": "/affirm"}]))
    assert part.text == "请选择："


def test_files_and_many_photos_are_parts_of_their_own() -> None:
    photos = [{"key": str(number), "mime": "image/jpeg"} for number in range(12)]
    parts = parts_of(message("好", media=[*photos, {"key": "f", "mime": "video/mp4"}]))
    seen = [(len(part.photos), part.file, part.text) for part in parts]
    assert seen == [(10, "", ""), (2, "", ""), (0, "f", ""), (0, "", "好")]


def test_a_payload_too_long_for_telegram_costs_only_its_button() -> None:
    keyboard = keyboard_of([{"title": "长", "payload": "/" + "x" * 64}, {"title": "好", "payload": "/" + "x" * 63}])
    assert keyboard is not None
    assert [[button.text for button in row] for row in keyboard.inline_keyboard] == [["好"]]


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("", 10, []),
        ("  \n ", 10, []),
        ("十个字以内的话", 10, ["十个字以内的话"]),
        ("第一行的话\n第二行的话长", 10, ["第一行的话", "第二行的话长"]),
        ("一二三四五六。七八九十", 10, ["一二三四五六。", "七八九十"]),
        ("一二三四五六七八九十甲", 10, ["一二三四五六七八九十", "甲"]),
        ("😀" * 6, 10, ["😀" * 5, "😀"]),
        ("a😀" * 4, 5, ["a😀a", "😀a😀", "a😀"]),
    ],
)
def test_texts_are_cut_where_it_hurts_least(text: str, limit: int, pieces: list[str]) -> None:
    assert split(text, limit) == pieces
    assert all(units(piece) <= limit for piece in pieces)
