"""The way of one update: committed in the backend first, then told to whoever sent it."""

import logging
import re
import time
from typing import Any

from telegram import (
    CallbackQuery,
    ChatMember,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Message,
    MessageEntity,
    Update,
    error,
)

from bot.gateway.backend_client import BackendClient, BackendDown, BackendRefused
from bot.gateway.telegram_bot import TelegramBot, reason_of
from bot.gateway.telegram_files import Files, NotFetched
from bot.gateway.telegram_inbound import CHANNEL, Attachment, read_message, read_press, read_raw
from bot.gateway.telegram_pace import Pace
from bot.gateway.turns import Turns
from bot.gateway.worker import without_words

logger = logging.getLogger(__name__)

AGAIN = "这一步您已经选过了。"
IN_GROUP = "这里人多，您的事请私下跟我说，只有您和工作人员看得到。"
IN_PRIVATE = "私下跟我说"
TICK = "✅ "
GROUP_PAUSE = 60.0  # seconds in which a group is told once
HOPELESS = {400, 413, 422}  # what the backend will answer again however often it is asked


class Intake:
    """Takes updates one after another; the same one again changes nothing."""

    def __init__(self, bot: TelegramBot, backend: BackendClient, turns: Turns, files: Files, pace: Pace) -> None:
        self._bot, self._backend, self._turns, self._files, self._pace = bot, backend, turns, files, pace
        self._groups: dict[int, float] = {}

    async def take(self, raw: dict[str, Any]) -> None:
        """Return when the update is stored, or needs no storing. Raises BackendDown: not stored, give it again.

        One that cannot be understood is stored as unreadable, so that its sender is answered.
        """
        try:
            await self._dispatch(Update.de_json(raw, self._bot))
        except BackendDown:
            raise
        except Exception as defect:
            what = f"update {raw.get('update_id')}: not understood: {type(defect).__name__}"
            logger.error("%s", what, exc_info=without_words(defect))
            if unreadable := read_raw(raw):
                await self._last_resort(unreadable)

    async def _last_resort(self, unreadable: dict[str, Any]) -> None:
        try:
            await self._accept(unreadable)
        except BackendRefused as refused:
            logger.error("an unreadable message was refused too: %s", refused)

    async def _dispatch(self, update: Update) -> None:
        if query := update.callback_query:
            await self._pressed(query)
        elif (ours := update.my_chat_member) and ours.chat.type == "private":
            await self._blocked(str(ours.chat.id), blocked=ours.new_chat_member.status == ChatMember.BANNED)
        elif message := update.message or update.edited_message:
            if message.chat.type == "private":
                await self._written(message, edited=update.edited_message is not None)
            elif update.message and message.chat.type in {"group", "supergroup"}:
                await self._in_group(message)

    async def _blocked(self, address: str, *, blocked: bool) -> None:
        """The resident blocked the bot, or let it in again: what is to be said to them waits, or goes out."""
        try:
            await self._backend.note_blocking(channel=CHANNEL, address=address, blocked=blocked)
        except BackendRefused as refused:
            raise BackendDown(str(refused)) from None

    async def _written(self, message: Message, *, edited: bool) -> None:
        if (read := read_message(message, edited=edited)) is None:
            return
        inbound, attachment = read
        if attachment:
            inbound |= await self._attach(inbound, attachment)
        await self._accept(inbound)

    async def _attach(self, inbound: dict[str, Any], attachment: Attachment) -> dict[str, Any]:
        """What the attachment adds to the message: its key, or that it was refused; the words beside it stay a message."""
        try:
            content = await self._files.fetch(attachment.file_id, attachment.size)
            stored = await self._backend.upload(
                channel=CHANNEL, address=inbound["address"], kind=attachment.kind, content=content, mime=attachment.mime
            )
        except (NotFetched, BackendRefused) as reason:
            if isinstance(reason, BackendRefused) and reason.status not in HOPELESS:
                raise BackendDown(str(reason)) from None
            logger.warning("a %s is not read: %s", inbound["kind"], reason)
            return {"kind": "text", "refused": True} if inbound.get("text") else {"kind": "unreadable"}
        return {"media": [stored["key"]]}

    async def _accept(self, inbound: dict[str, Any]) -> dict[str, Any]:
        """Commit the message. Raises BackendDown, or BackendRefused when the backend will never take it."""
        try:
            return await self._turns.accept(inbound)
        except BackendRefused as refused:
            if refused.status in HOPELESS:
                raise
            raise BackendDown(str(refused)) from None

    async def _pressed(self, query: CallbackQuery) -> None:
        """Store the press, then stop the button's waiting sign and mark what was chosen."""
        if query.message is None or query.message.chat.type != "private" or (inbound := read_press(query)) is None:
            await self._tell(query, "")
            return
        accepted = await self._accept(inbound)
        await self._tell(query, AGAIN if accepted["repeat"] else "")
        if not accepted["repeat"]:
            await self._mark(query, inbound["title"])

    async def _tell(self, query: CallbackQuery, text: str) -> None:
        try:
            await self._bot.answer_callback_query(query.id, text or None)
        except error.TelegramError as failure:  # Telegram forgets a press after some seconds
            logger.info("a press was not answered: %s", reason_of(failure))

    async def _mark(self, query: CallbackQuery, title: str) -> None:
        """Leave only the chosen button, ticked. The record keeps a second press out, marked or not."""
        message = query.message
        if not isinstance(message, Message):
            return
        chosen = InlineKeyboardMarkup([[InlineKeyboardButton(f"{TICK}{title}", callback_data=query.data)]])
        try:
            await self._bot.edit_message_reply_markup(message.chat.id, message.message_id, reply_markup=chosen)
        except error.TelegramError as failure:
            logger.info("a pressed button was not marked: %s", reason_of(failure))

    async def _in_group(self, message: Message) -> None:
        """Whoever speaks to us before others is asked to write privately; what they wrote is not kept."""
        now = time.monotonic()
        if not self._meant(message) or now < self._groups.get(message.chat.id, 0.0):
            return
        self._groups = {chat: until for chat, until in self._groups.items() if until > now}
        self._groups[message.chat.id] = now + GROUP_PAUSE
        link = InlineKeyboardButton(IN_PRIVATE, url=f"https://t.me/{self._bot.username}?start=group")
        try:
            async with self._pace.turn(message.chat.id):
                await self._bot.send_message(message.chat.id, IN_GROUP, reply_markup=InlineKeyboardMarkup([[link]]))
        except error.TelegramError as failure:
            logger.warning("a group was not told: %s", reason_of(failure))

    def _meant(self, message: Message) -> bool:
        """Whether a message in a group is for us: a command, a mention, an answer to us."""
        answered = message.reply_to_message
        if answered and answered.from_user and answered.from_user.id == self._bot.id:
            return True
        words = message.text or message.caption or ""
        if message.entities and message.entities[0].type == MessageEntity.BOT_COMMAND and message.entities[0].offset == 0:
            _, _, whose = words.split(maxsplit=1)[0].partition("@")
            return whose.lower() in {"", self._bot.username.lower()}
        return bool(re.search(rf"@{re.escape(self._bot.username)}\b", words, re.IGNORECASE | re.ASCII))
