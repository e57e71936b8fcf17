"""The record on both databases, a clock that stands still, and the sentences as they are said."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backend.clock import FakeClock
from backend.db import Database
from wording import Sentences

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
def clock() -> FakeClock:
    """Tuesday, 24 November 2026, 10:00 in China."""
    return FakeClock(datetime(2026, 11, 24, 2, 0, tzinfo=UTC))


@pytest.fixture(scope="session")
def sentences() -> Sentences:
    return Sentences.load(ROOT / "domain.yml")
