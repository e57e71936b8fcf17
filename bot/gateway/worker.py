"""Leased work: claimed by long poll, done side by side up to a limit, reported back until the lease runs out."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from bot.gateway.backend_client import BackendDown, BackendRefused
from bot.gateway.pauses import Pauses

logger = logging.getLogger(__name__)

LEASE = 30.0  # seconds, the backend's
Item = dict[str, Any]


class Worker:
    """Claims items with ``claim(limit)`` and gives each to ``work(item)``, ``slots`` at a time, until it is cancelled.

    What was claimed is finished before ``run`` ends, up to ``grace`` seconds after the cancellation.
    """

    def __init__(
        self,
        name: str,
        claim: Callable[[int], Awaitable[list[Item]]],
        work: Callable[[Item], Awaitable[None]],
        *,
        slots: int,
        grace: float = 5.0,
    ) -> None:
        self._name, self._claim, self._work = name, claim, work
        self._slots, self._grace = slots, grace
        self._tasks: set[asyncio.Task[None]] = set()
        self._running = False

    @property
    def free(self) -> bool:
        """Whether an item may be given to ``take`` that was not claimed here."""
        return self._running and len(self._tasks) < self._slots

    def take(self, item: Item) -> None:
        """Begin to work on a leased item."""
        task = asyncio.create_task(self._work(item))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    async def run(self) -> None:
        pauses = Pauses()
        self._running = True
        try:
            while True:
                if len(self._tasks) >= self._slots:
                    await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
                    continue
                try:
                    items = await self._claim(self._slots - len(self._tasks))
                except (BackendDown, BackendRefused) as error:
                    logger.warning("%s: cannot claim: %s", self._name, error)
                    await pauses.wait()
                    continue
                pauses.reset()
                for item in items:
                    self.take(item)
        finally:
            self._running = False
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=self._grace)
            for task in self._tasks:
                task.cancel()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("%s: a defect: %s", self._name, type(error).__name__, exc_info=without_words(error))


def without_words(error: BaseException) -> Any:
    """The traceback without the error's own words, which may quote a resident."""
    return (RuntimeError, RuntimeError(type(error).__name__), error.__traceback__)


async def report(what: str, call: Callable[[], Awaitable[Any]]) -> bool:
    """Tell the backend a result, again and again while it is down and the lease lasts; False when it refused or
    the lease ran out. The item then comes back by itself."""
    pauses = Pauses()
    try:
        async with asyncio.timeout(LEASE):
            while True:
                try:
                    await call()
                except BackendDown as error:
                    logger.warning("%s: not reported yet: %s", what, error)
                    await pauses.wait()
                except BackendRefused as error:
                    logger.error("%s: report refused: %s", what, error)
                    return False
                else:
                    return True
    except TimeoutError:
        logger.error("%s: not reported within the lease", what)
        return False
