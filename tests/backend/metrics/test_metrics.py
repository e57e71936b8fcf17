from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from backend.clock import FakeClock
from backend.console.app import console_app
from backend.db import Database
from backend.settings import Settings
from tests.backend.staff.town import Town, town_over

TOKEN = "only-for-monitoring"


@pytest.fixture
async def town(database: Database, clock: FakeClock, tmp_path: Path) -> AsyncIterator[Town]:
    async with town_over(database, clock, tmp_path) as town:
        yield town


@pytest.fixture
async def monitored(town: Town, tmp_path: Path) -> AsyncIterator[TestClient]:
    settings = Settings(home=tmp_path, database_url=town.database.url, metrics_token=TOKEN)
    async with TestClient(TestServer(console_app(settings, town.database, town.clock))) as client:
        yield client


async def scrape(client: TestClient) -> dict[tuple[str, ...], float]:
    """Every sample by its name and its labels' values."""
    async with client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
        assert answer.status == 200
        text = await answer.text()
    families = text_string_to_metric_families(text)
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


async def test_what_waits_and_what_is_late_can_be_read(town: Town, monitored: TestClient) -> None:
    before = await scrape(monitored)
    assert before["linlitong_waiting_residents",] == before["linlitong_waiting_residents_seconds",] == 0
    assert before["linlitong_events", "dispatched"] == before["linlitong_late", "events"] == 0
    await town.reported()
    await town.waits(resident="r2")
    town.clock.advance(days=30)
    after = await scrape(monitored)
    assert after["linlitong_waiting_residents",] == 1
    assert after["linlitong_waiting_residents_seconds",] == timedelta(days=30).total_seconds()
    assert after["linlitong_events", "dispatched"] == after["linlitong_late", "events"] == 1
    assert after["linlitong_deliveries", "queued"] > 0
    assert after["process_resident_memory_bytes",] > 1e6


async def test_requests_are_counted_by_their_pattern_and_never_by_what_stood_in_the_address(
    town: Town, monitored: TestClient
) -> None:
    number = await town.reported(text="我的手机是13800001234")
    headers = {"Authorization": f"Bearer {await town.token('grid')}"}
    async with monitored.get(f"/api/v1/events/{number}", headers=headers) as answer:
        assert answer.status == 200
    async with monitored.get("/nowhere/13800001234") as answer:
        assert answer.status == 404
    read = await scrape(monitored)
    assert read["linlitong_request_seconds_count", "staff", "GET", "/api/v1/events/{number}", "200"] >= 1
    assert read["linlitong_request_seconds_count", "staff", "GET", "none", "404"] >= 1
    assert not [key for key in read if number in str(key) or "1380000" in str(key)]


@pytest.mark.parametrize("given", [{}, {"Authorization": "Bearer wrong"}])
async def test_without_the_token_there_is_no_such_page(monitored: TestClient, given: dict[str, str]) -> None:
    async with monitored.get("/metrics", headers=given) as answer:
        assert answer.status == 404


async def test_where_no_token_is_set_nobody_reads_it(town: Town) -> None:
    async with town.client.get("/metrics", headers={"Authorization": "Bearer "}) as answer:
        assert answer.status == 404
