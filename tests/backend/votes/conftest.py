from pathlib import Path

import pytest

from backend.clock import FakeClock
from backend.db import Database
from backend.settings import Settings
from backend.vault.service import Vault
from backend.votes.booth import booth_factory
from backend.votes.door import Door
from tests.backend.votes.hall import Hall
from tests.support.small_city import build
from wording import Sentences


@pytest.fixture
async def hall(database: Database, clock: FakeClock, sentences: Sentences, tmp_path: Path) -> Hall:
    async with database.write() as session:
        city = await build(session)
    booth_of = booth_factory(Settings(home=tmp_path), clock, sentences)
    return Hall(database, clock, city, booth_of, tmp_path, Door(booth_of, Vault({"a": b"1" * 32}, b"2" * 32)))
