from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.clock import FakeClock
from backend.db import Database
from tests.backend.legal.desk import LegalDesk, legal_desk


@pytest.fixture
async def desk(database: Database, clock: FakeClock, tmp_path: Path) -> AsyncIterator[LegalDesk]:
    async with legal_desk(database, clock, tmp_path) as desk:
        yield desk
