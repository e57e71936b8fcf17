"""Server-sent events: at once, within the scope, and only while signed in."""

import asyncio
import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from backend.db import Database
from backend.staff import service
from tests.backend.staff.town import Town


@asynccontextmanager
async def listening(town: Town, username: str, query: str) -> AsyncIterator["Ear"]:
    token = await town.token(username)
    async with town.client.get(f"/stream?{query}", headers={"Cookie": f"linlitong_staff={token}"}) as response:
        assert response.content_type == "text/event-stream"
        yield Ear(response)


class Ear:
    def __init__(self, response: object) -> None:
        self.response = response

    async def hears(self, seconds: float) -> set[str]:
        """The topics that are told of within ``seconds``."""
        topics: set[str] = set()
        try:
            async with asyncio.timeout(seconds):
                async for line in self.response.content:
                    if line.startswith(b"event: "):
                        topics.add(line[7:].strip().decode())
        except TimeoutError:
            pass
        return topics


async def test_a_change_is_told_at_once_to_those_who_see_it(town: Town) -> None:
    number = await town.reported()
    query = f"queue&event={number}"
    async with listening(town, "grid", query) as grid, listening(town, "far-grid", query) as far:
        assert await grid.hears(0.5) == {"queue", "event"}
        assert await far.hears(0.5) == {"queue", "event"}
        assert (await town.step("grid", number, "in_progress"))[0] == 200
        assert await asyncio.gather(grid.hears(1), far.hears(1)) == [{"queue", "event"}, set()]


async def test_another_process_s_change_is_found_within_seconds(town: Town) -> None:
    elsewhere = Database(town.database.url)
    async with listening(town, "community", "desk") as ear:
        assert await ear.hears(0.5) == {"desk"}
        ours, town.database = town.database, elsewhere
        await town.waits()
        town.database = ours
        assert await ear.hears(3) == {"desk"}
    await elsewhere.close()


async def test_a_conversation_s_messages_are_told(town: Town) -> None:
    conversation_id = await town.waits()
    async with listening(town, "community", f"conversation={conversation_id}") as ear:
        assert await ear.hears(0.5) == {"conversation"}
        await town.says("还在吗")
        assert await ear.hears(1) == {"conversation"}


async def test_the_stream_ends_with_the_sign_in(town: Town) -> None:
    async with listening(town, "community", "desk") as ear:
        await ear.hears(0.5)
        async with town.database.write() as session:
            await service.disable(session, await service.by_username(session, "community"), now=town.clock.now())
        assert await ear.hears(1) == {"gone"}
        assert ear.response.content.at_eof()


async def test_a_page_s_own_stream_is_silent_until_something_changes(town: Town) -> None:
    number = await town.reported()
    cookie = {"Cookie": f"linlitong_staff={await town.token('grid')}"}
    async with town.client.get(f"/events/{number}", headers=cookie) as response:
        found = re.search(r'sse-connect="/stream\?([^"]+)"', await response.text())
    query = html.unescape(found[1])
    async with listening(town, "grid", query) as ear:
        assert await ear.hears(0.7) == set()
        await town.step("head", number, "in_progress")
        assert await ear.hears(1) == {"event"}
    async with listening(town, "grid", query) as late:
        assert await late.hears(0.5) == {"event"}
