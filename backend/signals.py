"""Wake-up calls inside one process: "there may be work". Whoever misses one finds the work by polling."""

import asyncio


class Signal:
    """Many wait, one rings, all wake. ``count`` grows with each ring, so that one during work is not missed:
    take ``count`` before looking for work and give it to ``wait``."""

    def __init__(self) -> None:
        self.count = 0
        self._waiting: set[asyncio.Future[None]] = set()

    def ring(self) -> None:
        self.count += 1
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        self._waiting.clear()

    async def wait(self, seconds: float, *, since: int | None = None) -> bool:
        """Return True when rung (at once if that happened after ``since``), False after ``seconds``."""
        if since is not None and since != self.count:
            return True
        future = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await asyncio.wait_for(future, seconds)
            return True
        except TimeoutError:
            return False
        finally:
            self._waiting.discard(future)
