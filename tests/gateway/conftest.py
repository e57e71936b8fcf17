from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

from tests.gateway.running import Device, Town, town


@pytest.fixture
async def running(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    async with town(sqlite_url, tmp_path) as everything:
        yield everything


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture
def new_device(running: Town, http: aiohttp.ClientSession) -> Callable[[], Awaitable[Device]]:
    async def make() -> Device:
        async with http.post(f"{running.url}/api/session?bearer=1") as answer:
            return Device(http, running.url, (await answer.json())["token"])

    return make


@pytest.fixture
async def device(new_device: Callable[[], Awaitable[Device]]) -> Device:
    return await new_device()
