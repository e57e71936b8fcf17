"""The resident page as a channel: its mailbox is the conversation's feed, so sending means waking the open pages."""

import asyncio
from collections import defaultdict
from typing import Any


class Web:
    """A page that is open reads what is new at once; one that is closed reads it when it is opened."""

    name = "web"

    def __init__(self) -> None:
        self._open: dict[str, set[asyncio.Event]] = defaultdict(set)
        self.closed = False

    async def send(self, address: str, message: dict[str, Any]) -> None:
        self.wake(address)

    def wake(self, address: str) -> None:
        for bell in self._open.get(address, ()):
            bell.set()

    def listen(self, address: str) -> asyncio.Event:
        """An event that is set whenever something is new for ``address``; give it back with ``leave``."""
        bell = asyncio.Event()
        self._open[address].add(bell)
        return bell

    def leave(self, address: str, bell: asyncio.Event) -> None:
        self._open[address].discard(bell)
        if not self._open[address]:
            del self._open[address]

    def close(self) -> None:
        """Let every open page's stream end; the page then connects again by itself."""
        self.closed = True
        for address in self._open:
            self.wake(address)
