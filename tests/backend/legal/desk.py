"""A legal desk: the console and the internal API over one record, three volunteers, a coordinator, and residents."""

import functools
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import select

from backend.app import internal_app
from backend.clock import FakeClock
from backend.conversations.models import Author, Message
from backend.db import Database
from backend.house import DESK
from backend.legal import clerk, volunteers
from backend.legal.areas import AreaClassifier
from backend.legal.law import Law
from backend.legal.models import Consult
from backend.settings import Settings
from backend.staff.models import Role, Staff
from backend.staff.scope import scope_of
from backend.statutes.models import Article, Library
from tests.backend.staff.town import Town, town_over
from tests.support import kept

TOKEN = "service-token"
WAGES = "老板拖欠我三个月工资，微信上一直说没钱，我该怎么要回来"
PEOPLE = {
    "lawyer": ("方律", Role.LAW_VOLUNTEER, ["labour", "work_injury"]),
    "lawyer-2": ("卫律", Role.LAW_VOLUNTEER, ["labour", "family", "domestic_violence", "tenancy", "debt"]),
    "newcomer": ("戚律", Role.LAW_VOLUNTEER, None),
    "coordinator": ("梁主任", Role.LAW_COORDINATOR, None),
}
ARTICLE = "中华人民共和国劳动合同法第三十条"
ARTICLES = {
    ARTICLE: "用人单位应当按照劳动合同约定和国家规定，向劳动者及时足额支付劳动报酬。用人单位拖欠或者未足额支付劳动报酬的，"
    "劳动者可以依法向当地人民法院申请支付令，人民法院应当依法发出支付令。",
    "中华人民共和国民法典第一千零七十九条": "夫妻一方要求离婚的，可以由有关组织进行调解或者直接向人民法院提起离婚诉讼。",
}


@dataclass
class LegalDesk:
    town: Town
    internal: TestClient[Any, Any]
    posts: int = 0

    @property
    def database(self) -> Database:
        return self.town.database

    async def key(self, resident: str) -> str:
        conversation = await self.town.says("你好", resident=resident)
        return conversation.tracker_key

    async def resident(self, who: str, method: str, path: str, body: Any = None, *, once: str = "") -> tuple[int, Any]:
        """What an action calls for resident ``who``; a new message each time unless ``once`` names one."""
        self.posts += 1
        headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": once or f"{who}:{self.posts}"}
        query = {"conversation": await self.key(who)}
        async with self.internal.request(method, f"/internal/v1{path}", params=query, json=body, headers=headers) as response:
            return response.status, await response.json()

    async def phone(self, who: str, number: str) -> dict[str, Any]:
        """A message with a phone number, as the gateway delivers it; returns what an action answers with it."""
        await self.key(who)
        message = {
            "channel": "web",
            "external_id": f"phone {number} {self.posts}",
            "address": f"address-of-{who}",
            "kind": "text",
            "text": number,
        }
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with self.internal.post("/internal/v1/messages", json=message, headers=headers) as response:
            return {"agree": True, "message_id": (await response.json())["message_id"]}

    async def asks(self, question: str = WAGES, *, who: str = "r1", media: list[str] | None = None) -> str:
        """File a consult; returns its number."""
        status, answer = await self.resident(who, "POST", "/consults", {"question": question, "media": media or []})
        assert status == 201, answer
        return answer["number"]

    async def page(self, username: str, path: str) -> tuple[int, str]:
        token = await self.town.token(username)
        async with self.town.client.get(path, headers={"Cookie": f"linlitong_staff={token}"}) as response:
            return response.status, await response.text()

    async def post(self, username: str, path: str, **fields: str) -> tuple[int, str]:
        """Send a page's form; (303, where to) when it was done, else the status and the page."""
        token = await self.town.token(username)
        async with self.town.client.post(
            path,
            data={"csrf": f"csrf-of-{username}", **fields},
            headers={"Cookie": f"linlitong_staff={token}"},
            allow_redirects=False,
        ) as response:
            return response.status, response.headers.get("Location") or await response.text()

    async def does(self, username: str, number: str, step: str, **fields: str) -> int:
        return (await self.post(username, f"/legal/consults/{number}/{step}", **fields))[0]

    async def listed(self, username: str) -> set[str]:
        """The numbers on somebody's queue page."""
        status, text = await self.page(username, "/legal")
        assert status == 200
        return set(re.findall(r"/legal/consults/(\d{4}-\d{4})", text))

    async def clerk(self) -> int:
        return await clerk.run_once(self.database, self.internal.app[DESK])  # type: ignore[union-attr]

    async def consult(self, number: str) -> Consult:
        async with self.database.read() as session:
            return (await session.scalars(select(Consult).where(Consult.number == number))).one()

    async def heard(self, who: str = "r1") -> list[Message]:
        """What was pushed to a resident."""
        key = await self.key(who)
        async with self.database.read() as session:
            rows = await session.scalars(
                select(Message)
                .join(Message.__table__.metadata.tables["conversation"])
                .where(Message.author == Author.SYSTEM)
                .where(Message.__table__.metadata.tables["conversation"].c.tracker_key == key)
                .order_by(Message.sequence)
            )
            return list(rows)


@functools.cache
def classifier() -> AreaClassifier:
    """The areas of law, read once for all tests."""
    return AreaClassifier.load(kept.MODELS / "legal-areas.npz")


@asynccontextmanager
async def legal_desk(database: Database, clock: FakeClock, home: Path) -> AsyncIterator[LegalDesk]:
    async with town_over(database, clock, home) as town:
        async with database.write() as session:
            for username, (name, role, areas) in PEOPLE.items():
                staff = Staff(username=username, name=name, role=role, area_code="LL")
                session.add(staff)
                await session.flush()
                if areas:
                    scope = await scope_of(session, staff)
                    await volunteers.apply(
                        session,
                        scope,
                        licence="13200202010000000",
                        areas=areas,
                        hours="工作日 19:00—21:00",
                        languages="普通话",
                        now=clock.now(),
                    )
            boss = (await session.scalars(select(Staff).where(Staff.username == "coordinator"))).one()
            for username in ("lawyer", "lawyer-2"):
                staff = (await session.scalars(select(Staff).where(Staff.username == username))).one()
                await volunteers.decide(
                    session, await scope_of(session, boss), staff.id, approve=True, reason="", now=clock.now()
                )
            session.add_all(Article(article=name, text=text, version="") for name, text in ARTICLES.items())
            session.add(Library(id=1, revision=1))
        settings = Settings(home=home, database_url=database.url, service_token=TOKEN)
        law = Law(home, _classifier=classifier())
        app = internal_app(settings, database, clock, law=law)
        # The tests are the clerk, and nothing here reads addresses or items.
        app.cleanup_ctx[:] = [each for each in app.cleanup_ctx if each.__name__ != "_clerk"]
        app.on_startup[:] = [each for each in app.on_startup if each.__name__ != "_prepare"]
        async with TestClient(TestServer(app)) as internal:
            yield LegalDesk(town, internal)
