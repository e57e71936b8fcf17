"""How fast Telegram may be written to."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

PER_SECOND = 30.0  # messages of a bot, https://core.telegram.org/bots/faq#broadcasting-to-users
CHAT_PAUSE = 1.0  # seconds between two messages in a chat, the same page
REMEMBERED = 10_000


class Pace:
    """Lets one message a second into a chat and thirty a second out of the bot; each waits for its place."""

    def __init__(
        self, *, per_second: float = PER_SECOND, chat_pause: float = CHAT_PAUSE, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._gap, self._chat_pause, self._now = 1 / per_second, chat_pause, now
        self._next = 0.0
        self._chats: dict[int, float] = {}

    @asynccontextmanager
    async def turn(self, chat: int) -> AsyncIterator[None]:
        """Begins when a message may be sent into ``chat``; the chat's pause is counted from its end."""
        while (left := self._chats.get(chat, 0.0) - self._now()) > 0:  # noqa: ASYNC110 - it is a time that is waited for
            await asyncio.sleep(left)
        mine = max(self._now(), self._next)
        self._next = mine + self._gap
        try:
            await asyncio.sleep(max(0.0, mine - self._now()))
            yield
        finally:
            self._forget()
            self._chats[chat] = self._now() + self._chat_pause

    def _forget(self) -> None:
        if len(self._chats) >= REMEMBERED:
            now = self._now()
            self._chats = {chat: moment for chat, moment in self._chats.items() if moment > now}
