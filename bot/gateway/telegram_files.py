"""Fetching what residents sent from the Bot API's file address."""

import asyncio
import logging

import aiohttp
from telegram import error

from bot.gateway.telegram_bot import TelegramBot, reason_of, seconds_of

logger = logging.getLogger(__name__)

LIMIT = 20 * 1024 * 1024  # bytes, as much as the Bot API gives out and the backend takes
TRIES = 3
SECONDS = 20.0  # for all tries together; the other residents' updates wait meanwhile
AT_ONCE = 4  # files held in memory


class NotFetched(Exception):
    """The file is too large, gone, or could not be had in time; ``str()`` says which."""


class Files:
    """``http`` must know the machine's proxies if it has any, as the library does."""

    def __init__(self, bot: TelegramBot, http: aiohttp.ClientSession, *, limit: int = LIMIT, seconds: float = SECONDS) -> None:
        self._bot, self._http, self._limit, self._seconds = bot, http, limit, seconds
        self._room = asyncio.Semaphore(AT_ONCE)

    async def fetch(self, file_id: str, size: int) -> bytes:
        """The file's content. ``size`` is what was told of it, 0 for unknown. Raises NotFetched."""
        if size > self._limit:
            raise NotFetched("too large")
        try:
            async with self._room, asyncio.timeout(self._seconds):
                return await self._patiently(file_id)
        except TimeoutError:
            raise NotFetched("too slow") from None

    async def _patiently(self, file_id: str) -> bytes:
        reason = ""
        for number in range(TRIES):
            pause = 0.5 * 2**number
            try:
                return await self._once(file_id)
            except error.BadRequest as refused:
                raise NotFetched(reason_of(refused)) from None
            except error.RetryAfter as wait:
                pause, reason = seconds_of(wait), "asked to wait"
            except (error.TelegramError, aiohttp.ClientError) as failure:
                reason = type(failure).__name__
            logger.warning("a file is not fetched yet: %s", reason)
            await asyncio.sleep(pause)
        raise NotFetched(reason)

    async def _once(self, file_id: str) -> bytes:
        file = await self._bot.get_file(file_id)
        if (file.file_size or 0) > self._limit:
            raise NotFetched("too large")
        content = bytearray()
        async with self._http.get(file.file_path or "", raise_for_status=True) as answer:
            async for chunk in answer.content.iter_chunked(64 * 1024):
                content += chunk
                if len(content) > self._limit:
                    raise NotFetched("too large")
        return bytes(content)
