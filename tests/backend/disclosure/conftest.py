from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.clock import FakeClock
from backend.db import Database
from tests.backend.opinions.forum import Forum, forum_over


@pytest.fixture
async def forum(database: Database, clock: FakeClock, tmp_path: Path) -> AsyncIterator[Forum]:
    async with forum_over(database, clock, tmp_path) as forum:
        yield forum
