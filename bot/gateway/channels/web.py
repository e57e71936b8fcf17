"""The resident page as a channel: its mailbox is the conversation's feed, so sending means waking the open pages."""

import asyncio
from collections import defaultdict
from typing import Any

Stored = dict[str, Any]  # a message as the backend's feed shows it


class Bell:
    """Rung for an open page when something is new: with the messages where they are known, else to have it look."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self._heard: list[Stored] | None = []

    def ring(self, messages: list[Stored] | None = None) -> None:
        known = self._heard is not None and messages
        self._heard = [*self._heard, *messages] if known else None
        self._rung.set()

    async def wait(self, seconds: float) -> list[Stored] | None:
        """What was said since the last time; None when the page has to look, as it has to after ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return None
        self._rung.clear()
        heard, self._heard = self._heard, []
        return heard


class Web:
    """A page that is open reads what is new at once; one that is closed reads it when it is opened."""

    name = "web"

    def __init__(self) -> None:
        self._open: dict[str, set[Bell]] = defaultdict(set)
        self.closed = False

    async def send(self, address: str, message: dict[str, Any]) -> None:
        self.tell(address)

    def tell(self, address: str, messages: list[Stored] | None = None) -> None:
        """Ring at every open page of ``address``."""
        for bell in self._open.get(address, ()):
            bell.ring(messages)

    def listen(self, address: str) -> Bell:
        """A bell that is rung whenever something is new for ``address``; give it back with ``leave``."""
        bell = Bell()
        self._open[address].add(bell)
        return bell

    def leave(self, address: str, bell: Bell) -> None:
        self._open[address].discard(bell)
        if not self._open[address]:
            del self._open[address]

    def close(self) -> None:
        """Let every open page's stream end; the page then connects again by itself."""
        self.closed = True
        for address in self._open:
            self.tell(address)
