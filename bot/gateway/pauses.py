"""Waiting longer after each failure."""

import asyncio


class Pauses:
    """Seconds that double from ``first`` to ``longest`` until something works again."""

    def __init__(self, first: float = 0.2, longest: float = 2.0) -> None:
        self._first, self._longest, self._next = first, longest, first

    async def wait(self) -> None:
        seconds, self._next = self._next, min(self._next * 2, self._longest)
        await asyncio.sleep(seconds)

    def reset(self) -> None:
        self._next = self._first
