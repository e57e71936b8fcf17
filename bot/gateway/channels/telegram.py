"""Telegram as a channel: an outbound message becomes one or several of Telegram's, at the pace it allows."""

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    KeyboardButton,
    LinkPreviewOptions,
    Message,
    ReplyKeyboardMarkup,
    error,
)

from bot.gateway.backend_client import BackendDown, BackendRefused
from bot.gateway.channels.base import Blocked, Rejected, RetryAfter, Unreachable
from bot.gateway.telegram_bot import reason_of, seconds_of
from bot.gateway.telegram_pace import Pace
from bot.gateway.telegram_text import CAPTION_UNITS, split, units

logger = logging.getLogger(__name__)

PAYLOAD_BYTES = 64
OWN_NUMBER = '/vouch_phone{"sent":"no"}'  # a button that sends the number of one's own account; typed, it sends none
ALBUM = 10
SHORT = 8  # characters of a button that leaves room for another beside it
CHOOSE = "请选择："
PHOTO_LOST = "（有照片没能发出来。）"
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
UPLOAD_SECONDS = 20
UNFINISHED = 1000

Media = Callable[[str], Awaitable[tuple[bytes, str]]]


@dataclass(frozen=True)
class Part:
    """One of Telegram's messages: ``photos`` with ``text`` as their caption, a ``file``, or the text alone."""

    text: str = ""
    photos: tuple[str, ...] = ()
    file: str = ""
    keyboard: InlineKeyboardMarkup | ReplyKeyboardMarkup | None = None


class Telegram:
    """Plain text only: nothing that people wrote is read as markup.

    A message of several parts that is tried again goes on after the last part that was taken, as long as this
    process lives. A part whose answer never came is sent again: it may then be seen twice, but never not at all.
    """

    name = "telegram"

    def __init__(self, bot: Bot, media: Media, pace: Pace) -> None:
        self._bot, self._media, self._pace = bot, media, pace
        self._taken: OrderedDict[int, int] = OrderedDict()

    async def send(self, address: str, message: dict[str, Any]) -> str:
        chat, message_id = int(address), message["message_id"]
        parts = parts_of(message)
        if not parts:
            raise Rejected("nothing in it")
        taken = self._taken.pop(message_id, 0)
        sent = ""
        for number, part in enumerate(parts[taken:], start=taken):
            try:
                sent = str((await self._part(chat, part)).message_id)
            except (RetryAfter, Unreachable):
                self._remember(message_id, number)
                raise
        return sent

    def _remember(self, message_id: int, parts: int) -> None:
        self._taken[message_id] = parts
        if len(self._taken) > UNFINISHED:
            self._taken.popitem(last=False)

    async def _part(self, chat: int, part: Part) -> Message:
        try:
            photos = [(await self._media(key))[0] for key in part.photos]
            file, mime = await self._media(part.file) if part.file else (b"", "")
        except BackendDown:
            raise Unreachable("photo not read") from None
        except BackendRefused as refused:
            raise Rejected(f"photo refused: {refused}") from None
        try:
            async with self._pace.turn(chat):
                return await self._call(chat, part, photos, file, mime)
        except error.BadRequest as failure:
            if not photos:
                raise meaning(failure) from None
        except error.TelegramError as failure:
            raise meaning(failure) from None
        return await self._without_refused(chat, part, photos)

    async def _without_refused(self, chat: int, part: Part, photos: list[bytes]) -> Message:
        """A photo was refused: the others go one by one, and the words say that one is missing."""
        try:
            for photo in photos if len(photos) > 1 else ():
                with suppress(error.BadRequest):
                    async with self._pace.turn(chat):
                        await self._bot.send_photo(chat, photo, read_timeout=UPLOAD_SECONDS)
            text = f"{part.text}\n{PHOTO_LOST}".strip()
            async with self._pace.turn(chat):
                return await self._bot.send_message(chat, text, reply_markup=part.keyboard, link_preview_options=NO_PREVIEW)
        except error.TelegramError as failure:
            raise meaning(failure) from None

    async def _call(self, chat: int, part: Part, photos: list[bytes], file: bytes, mime: str) -> Message:
        if file:
            name = f"file.{mime.rpartition('/')[2]}"
            return await self._bot.send_document(chat, file, filename=name, reply_markup=part.keyboard)
        if len(photos) > 1:
            album = [InputMediaPhoto(photo) for photo in photos]
            return (await self._bot.send_media_group(chat, album, read_timeout=UPLOAD_SECONDS))[-1]
        if photos:
            return await self._bot.send_photo(
                chat, photos[0], caption=part.text or None, reply_markup=part.keyboard, read_timeout=UPLOAD_SECONDS
            )
        return await self._bot.send_message(chat, part.text, reply_markup=part.keyboard, link_preview_options=NO_PREVIEW)


def meaning(failure: error.TelegramError) -> Exception:
    """What the library's error means for a delivery."""
    reason = reason_of(failure)
    match failure:
        case error.RetryAfter():
            return RetryAfter(seconds_of(failure), "asked to wait")
        case error.Forbidden():
            return Blocked(reason)
        case error.BadRequest() | error.ChatMigrated():
            return Rejected(reason)
    return Unreachable(reason)


def parts_of(message: dict[str, Any]) -> list[Part]:
    """The message in Telegram's pieces, in order: photos, files, text; the buttons stand under the last."""
    photos = [each["key"] for each in message["media"] if each["mime"].startswith("image/")]
    files = [each["key"] for each in message["media"] if not each["mime"].startswith("image/")]
    keyboard = keyboard_of(message["buttons"])
    text = message["text"].strip()
    if len(photos) == 1 and not files and units(text) <= CAPTION_UNITS:
        return [Part(text, tuple(photos), keyboard=keyboard)]
    parts = [Part(photos=tuple(photos[first : first + ALBUM])) for first in range(0, len(photos), ALBUM)]
    parts += [Part(file=key) for key in files]
    pieces = split(text) or ([CHOOSE] if keyboard else [])
    parts += [Part(piece, keyboard=keyboard if number == len(pieces) else None) for number, piece in enumerate(pieces, 1)]
    return parts


def keyboard_of(buttons: list[dict[str, str]]) -> InlineKeyboardMarkup | ReplyKeyboardMarkup | None:
    """Two short buttons in a row, a long one alone. A button that Telegram would refuse is left out; its title can
    still be typed. A number can be sent only from a keyboard of another kind, which has no other buttons."""
    for button in buttons:
        if button["payload"] == OWN_NUMBER:
            keys = [[KeyboardButton(button["title"], request_contact=True)]]
            return ReplyKeyboardMarkup(keys, resize_keyboard=True, one_time_keyboard=True)
    rows: list[list[InlineKeyboardButton]] = []
    room = False
    for button in buttons:
        if len(button["payload"].encode()) > PAYLOAD_BYTES:
            logger.error("a button's payload is longer than %d bytes: left out", PAYLOAD_BYTES)
            continue
        short = len(button["title"]) <= SHORT
        if not (short and room):
            rows.append([])
        rows[-1].append(InlineKeyboardButton(button["title"], callback_data=button["payload"]))
        room = short and not room
    return InlineKeyboardMarkup(rows) if rows else None
