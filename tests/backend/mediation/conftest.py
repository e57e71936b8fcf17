from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.clock import FakeClock
from backend.db import Database
from tests.backend.legal.desk import legal_desk
from tests.backend.mediation.table import Table, laid


@pytest.fixture
async def table(database: Database, clock: FakeClock, tmp_path: Path) -> AsyncIterator[Table]:
    async with legal_desk(database, clock, tmp_path) as desk:
        yield await laid(desk)
