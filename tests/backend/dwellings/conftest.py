from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.clock import FakeClock
from backend.db import Database
from tests.backend.staff.town import Town, town_over


@pytest.fixture
async def town(database: Database, clock: FakeClock, tmp_path: Path) -> AsyncIterator[Town]:
    async with town_over(database, clock, tmp_path) as town:
        yield town
