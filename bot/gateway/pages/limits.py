"""How fast one device may send."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from bot.gateway.pages.errors import TooFast


class Limit:
    """A bucket of ``per_minute`` for each address, filled evenly; the addresses used last are remembered."""

    def __init__(self, per_minute: int, *, now: Callable[[], float] = time.monotonic, addresses: int = 20_000) -> None:
        self._size, self._now, self._addresses = float(per_minute), now, addresses
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str) -> None:
        """Count one message. Raises TooFast."""
        now, per_second = self._now(), self._size / 60
        left, at = self._buckets.pop(address, (self._size, now))
        left = min(self._size, left + (now - at) * per_second)
        self._buckets[address] = (left - 1 if left >= 1 else left, now)
        if len(self._buckets) > self._addresses:
            self._buckets.popitem(last=False)
        if left < 1:
            raise TooFast(wait=math.ceil((1 - left) / per_second))
