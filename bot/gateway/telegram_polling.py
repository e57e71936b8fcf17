"""Fetching updates ourselves: the next are asked for, and these forgotten by Telegram, only when these are stored."""

import asyncio
import logging
from typing import Any

from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError

from bot.gateway.backend_client import BackendDown
from bot.gateway.pauses import Pauses
from bot.gateway.telegram_bot import TelegramBot, reason_of, seconds_of
from bot.gateway.telegram_intake import Intake

logger = logging.getLogger(__name__)

CONFLICT_PAUSE = 30.0  # seconds
AT_ONCE = 16  # residents; the record is written one message after another anyway


class Polling:
    """Residents' updates are taken side by side, each resident's in order.

    The library's own Updater hands updates to a queue and confirms them; what is in the queue when the process dies
    is lost. Here a process that dies is given them again.
    """

    def __init__(self, bot: TelegramBot, intake: Intake) -> None:
        self._bot, self._intake = bot, intake
        self._room = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Until cancelled. Raises InvalidToken."""
        offset: int | None = None
        pauses = Pauses(longest=30.0)
        while True:
            try:
                updates = await self._bot.raw_updates(offset)
            except InvalidToken:
                raise
            except Conflict:
                logger.error("another program fetches this bot's updates, and only one may; trying on")
                await asyncio.sleep(CONFLICT_PAUSE)
            except RetryAfter as wait:
                await asyncio.sleep(seconds_of(wait))
            except TelegramError as failure:
                logger.warning("no updates: %s", reason_of(failure))
                await pauses.wait()
            else:
                pauses.reset()
                if updates:
                    await self._take_all(updates)
                    offset = updates[-1]["update_id"] + 1

    async def _take_all(self, updates: list[dict[str, Any]]) -> None:
        chats: dict[int, list[dict[str, Any]]] = {}
        for update in updates:
            chats.setdefault(chat_of(update), []).append(update)
        async with asyncio.TaskGroup() as tasks:
            for theirs in chats.values():
                tasks.create_task(self._in_order(theirs))

    async def _in_order(self, updates: list[dict[str, Any]]) -> None:
        pauses = Pauses()
        for update in updates:
            while True:
                try:
                    async with self._room:
                        await self._intake.take(update)
                    break
                except BackendDown as down:
                    logger.warning("update %s is not stored yet: %s", update["update_id"], down)
                    await pauses.wait()
            pauses.reset()


def chat_of(update: dict[str, Any]) -> int:
    """The id of the chat that an update belongs to, 0 where it has none."""
    inside = update.get("callback_query") or update
    for name in ("message", "edited_message", "my_chat_member"):
        match inside.get(name):
            case {"chat": {"id": int(chat)}}:
                return chat
    return 0
