"""A town that answers suggestions: the console and the internal API over one record, topics, and residents."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import select

from backend.app import internal_app
from backend.catalogue.models import HandlerKind
from backend.clock import FakeClock
from backend.conversations.models import Author, Conversation, Message
from backend.db import Database
from backend.disclosure import clerk as disclosure_clerk
from backend.house import BOOTH, DESK
from backend.opinions import clerk
from backend.opinions.models import Opinion, OpinionTopic
from backend.settings import Settings
from backend.staff.models import Staff
from backend.staff.scope import Scope, scope_of
from tests.backend.staff.town import Town, town_over

TOKEN = "service-token"
LAMPS = "建议宫涵社区的小广场多装几盏路灯，晚上跳舞看不见"
TOPICS = [
    ("facilities", "公共设施", "路灯 长椅 广场", HandlerKind.COMMUNITY, "SZ", 5),
    ("water", "河道水环境", "河 水", HandlerKind.DEPARTMENT, "SL", 3),
    ("other", "其他建议", "", HandlerKind.STREET, "SZ", 5),
]


@dataclass
class Forum:
    town: Town
    internal: TestClient[Any, Any]
    posts: int = 0

    @property
    def database(self) -> Database:
        return self.town.database

    async def key(self, who: str) -> str:
        return (await self.town.says("你好", resident=who)).tracker_key

    async def call(
        self, who: str, method: str, path: str, body: Any = None, *, once: str = "", **query: str
    ) -> tuple[int, Any]:
        """What an action calls for resident ``who``; a new message each time unless ``once`` names one."""
        self.posts += 1
        headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": once or f"{who}:{self.posts}"}
        query |= {"conversation": await self.key(who)} if who else {}
        async with self.internal.request(method, f"/internal/v1{path}", params=query, json=body, headers=headers) as response:
            return response.status, await response.json()

    async def suggests(self, text: str = LAMPS, *, who: str = "r1", area: str = "GH", public: bool = True, **more: Any) -> str:
        """File an opinion; returns its number."""
        body = {"text": text, "area_code": area, "public": public, **more}
        status, answer = await self.call(who, "POST", "/opinions", body)
        assert status == 201, answer
        number: str = answer["number"]
        return number

    async def page(self, username: str, path: str) -> tuple[int, str]:
        token = await self.town.token(username)
        async with self.town.client.get(path, headers={"Cookie": f"linlitong_staff={token}"}) as response:
            return response.status, await response.text()

    async def does(self, username: str, number: str, step: str, **fields: str) -> int:
        """Send a form of an opinion's page; 303 when it was done."""
        token = await self.town.token(username)
        async with self.town.client.post(
            f"/opinions/{number}/{step}",
            data={"csrf": f"csrf-of-{username}", **fields},
            headers={"Cookie": f"linlitong_staff={token}"},
            allow_redirects=False,
        ) as response:
            return response.status

    async def listed(self, username: str, tab: str = "mine") -> list[str]:
        """The numbers on somebody's list."""
        status, text = await self.page(username, f"/opinions?tab={tab}")
        assert status == 200
        return re.findall(r'href="/opinions/(Y\d{4}-\d{4})"', text)

    async def opinion(self, number: str) -> Opinion:
        async with self.database.read() as session:
            return (await session.scalars(select(Opinion).where(Opinion.number == number))).one()

    async def scope(self, username: str) -> Scope:
        async with self.database.read() as session:
            return await scope_of(session, (await session.scalars(select(Staff).where(Staff.username == username))).one())

    async def work(self) -> int:
        """What the clerks of both rooms find to do."""
        desk_of, booth_of = self.internal.app[DESK], self.internal.app[BOOTH]  # type: ignore[union-attr]
        return await clerk.run_once(self.database, desk_of) + await disclosure_clerk.run_once(self.database, desk_of, booth_of)

    async def heard(self, who: str = "r1") -> list[str]:
        """What was pushed to a resident."""
        key = await self.key(who)
        async with self.database.read() as session:
            rows = await session.scalars(
                select(Message.text)
                .join(Conversation, Conversation.id == Message.conversation_id)
                .where(Message.author == Author.SYSTEM, Conversation.tracker_key == key)
                .order_by(Message.sequence)
            )
            return list(rows)


@asynccontextmanager
async def forum_over(database: Database, clock: FakeClock, home: Path) -> AsyncIterator[Forum]:
    async with town_over(database, clock, home) as town:
        async with database.write() as session:
            for code, name, keywords, handler, department, days in TOPICS:
                session.add(
                    OpinionTopic(
                        code=code, name=name, keywords=keywords, handler=handler, department_code=department, due_days=days
                    )
                )
        app = internal_app(Settings(home=home, database_url=database.url, service_token=TOKEN), database, clock)
        # The tests are the clerk, and nothing here classifies items or areas of law.
        app.cleanup_ctx[:] = [each for each in app.cleanup_ctx if each.__name__ != "_clerk"]
        app.on_startup[:] = [each for each in app.on_startup if each.__name__ != "_prepare"]
        async with TestClient(TestServer(app)) as internal:
            yield Forum(town, internal)
