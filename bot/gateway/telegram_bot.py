"""Telegram's library, set up for us."""

import logging
import os
from datetime import timedelta
from typing import Any, cast

from telegram import Bot
from telegram.error import BadRequest, Forbidden, RetryAfter, TelegramError
from telegram.request import HTTPXRequest

LONG_POLL = 25  # seconds
UPDATES = ["message", "edited_message", "callback_query", "my_chat_member"]

os.environ["PTB_TIMEDELTA"] = "1"  # the library's times are timedeltas, as in its next version they always are

# Their lines quote what residents wrote, and the address of every call, which holds the token.
for _name in ("telegram", "httpx"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


class TelegramBot(Bot):
    """The library's bot, and the updates as they came: one that it cannot read does not hide the others."""

    def __init__(self, token: str, api_base_url: str) -> None:
        base = api_base_url.rstrip("/")
        super().__init__(
            token,
            base_url=f"{base}/bot",
            base_file_url=f"{base}/file/bot",
            request=HTTPXRequest(read_timeout=10, write_timeout=10, connect_timeout=5, pool_timeout=5),
            get_updates_request=HTTPXRequest(connection_pool_size=1, read_timeout=10, connect_timeout=5),
        )

    async def raw_updates(self, offset: int | None) -> list[dict[str, Any]]:
        """The updates from ``offset`` on, oldest first, waiting for the first. Asking confirms all before ``offset``."""
        asked = {"offset": offset, "timeout": LONG_POLL, "allowed_updates": UPDATES}
        updates = await self._post("getUpdates", asked, read_timeout=LONG_POLL + 10)
        return sorted(updates, key=lambda update: update["update_id"])


def seconds_of(error: RetryAfter) -> float:
    return cast("timedelta", error.retry_after).total_seconds()


def reason_of(error: TelegramError) -> str:
    """What Telegram said, for the record: its own short description, else the kind of error. Never what was written."""
    if isinstance(error, BadRequest | Forbidden):
        return error.message.removeprefix("Bad Request: ").removeprefix("Forbidden: ").split(". The server")[0][:100].lower()
    return type(error).__name__
