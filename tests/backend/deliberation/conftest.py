from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from backend.app import internal_app
from backend.clock import FakeClock
from backend.db import Database
from backend.settings import Settings
from tests.backend.deliberation.square import Square
from tests.backend.legal.desk import TOKEN
from tests.backend.staff.town import town_over


@pytest.fixture
async def square(database: Database, clock: FakeClock, tmp_path: Path) -> AsyncIterator[Square]:
    """A town whose community GH has three known residents, r1 to r3; far away lives r9."""
    async with town_over(database, clock, tmp_path) as town:
        app = internal_app(Settings(home=tmp_path, database_url=database.url, service_token=TOKEN), database, clock)
        # The tests are the clerk, and nothing here reads addresses or items.
        app.cleanup_ctx[:] = [each for each in app.cleanup_ctx if each.__name__ != "_clerk"]
        app.on_startup[:] = [each for each in app.on_startup if each.__name__ != "_prepare"]
        async with TestClient(TestServer(app)) as internal:
            square = Square(town, internal)
            for resident, area in (("r1", "GH1"), ("r2", "GH2"), ("r3", "GH1"), ("r9", "JP1")):
                await town.reported(resident=resident, area=area, taken_up=False)
            yield square
