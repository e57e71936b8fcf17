"""A town with staff at their console and residents who write through the gateway's door, over one record."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from backend.app import internal_app
from backend.clock import FakeClock
from backend.conversations import service as conversations
from backend.db import Database
from backend.grids.importing import next_revision
from backend.intake.service import Readers
from backend.settings import Settings
from tests.backend.staff.town import Town, town_over


@dataclass
class Hall:
    """``town`` is the staff's side; ``says`` and ``hears`` are a resident's."""

    town: Town
    door: TestClient[Any, Any]
    count: int = 0

    async def says(self, text: str = "", *, kind: str = "text", who: str = "r1", **more: Any) -> dict[str, Any]:
        """A message through the door; returns what the door answered."""
        self.count += 1
        body = {"channel": "web", "external_id": f"n{self.count}", "address": f"address-of-{who}", "kind": kind, "text": text}
        async with self.door.post("/internal/v1/messages", json=body | more) as answer:
            assert answer.status in (200, 201), await answer.text()
            return await answer.json()

    async def presses(self, title: str, *, who: str = "r1") -> dict[str, Any]:
        """Press the button of the latest message that has one of this title."""
        for message in reversed(await self.feed(who)):
            for button in message["buttons"]:
                if button["title"] == title:
                    return await self.says(button["payload"], kind="button", title=title, who=who)
        raise AssertionError(f"no button {title}")

    async def feed(self, who: str = "r1") -> list[dict[str, Any]]:
        query = {"channel": "web", "address": f"address-of-{who}"}
        async with self.door.get("/internal/v1/feed", params=query) as answer:
            return (await answer.json())["messages"]

    async def hears(self, who: str = "r1") -> list[str]:
        """What was said to the resident, the latest last."""
        return [m["text"] for m in await self.feed(who) if m["author"] != "resident"]

    async def held(self, *texts: str, who: str = "r1", by: str = "community") -> int:
        """The resident says ``texts`` and is received; returns the conversation's id."""
        for text in texts:
            answer = await self.says(text, who=who)
        async with self.town.database.write() as session:
            conversation = await conversations.find(session, channel="web", address=f"address-of-{who}")
            assert conversation is not None
            await conversations.ask_for_person(session, conversation, now=self.town.clock.now(), area_code="GH")
        await self.staff("POST", f"{answer['conversation_id']}/claim", by=by)
        return answer["conversation_id"]

    async def staff(self, method: str, path: str, *, by: str = "community", **body: Any) -> tuple[int, Any]:
        """A call of the staff API below /api/v1/conversations."""
        options = {"json": body} if body else {}
        return await self.town.api(method, f"/api/v1/conversations/{path}", token=await self.town.token(by), **options)


@pytest.fixture
async def hall(database: Database, clock: FakeClock, tmp_path: Path) -> AsyncIterator[Hall]:
    settings = Settings(home=tmp_path, service_token="t")
    readers = Readers(tmp_path / "models" / "triage-items.npz")
    async with database.read() as session:
        await readers.prepare(session)  # before there are items: the model that ships, which all tests share
    async with town_over(database, clock, tmp_path, readers=readers) as town:
        async with database.write() as session:
            await next_revision(session)  # the town's areas are new to the readers
        app = internal_app(settings, database, clock, readers=readers)
        async with TestClient(TestServer(app), headers={"Authorization": "Bearer t"}) as door:
            yield Hall(town, door)
