"""A small town with staff of every role inside and outside, and a console over it that tests talk to."""

import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiohttp import CookieJar
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher
from jsonschema import Draft202012Validator
from PIL import Image
from sqlalchemy import select

from backend.catalogue.models import Department, Duty, HandlerKind, Item
from backend.clock import FakeClock
from backend.console.app import console_app
from backend.conversations import service as conversations
from backend.conversations.models import Conversation, MessageKind
from backend.db import Database
from backend.events import clerk, service
from backend.events.models import Event
from backend.grids.models import Area, Level
from backend.house import DESK
from backend.intake.service import Readers
from backend.settings import Settings
from backend.staff.models import Role, Staff, StaffSession
from backend.staff.service import digest

PASSWORD = "k7mp-x2vd-h9qa"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

AREAS = [
    ("LL", None, Level.CITY, "邻里市"),
    ("HL", "LL", Level.DISTRICT, "海陵区"),
    ("CD", "HL", Level.STREET, "城东街道"),
    ("GH", "CD", Level.COMMUNITY, "宫涵社区"),
    ("GH1", "GH", Level.GRID, "宫涵社区第一网格"),
    ("GH2", "GH", Level.GRID, "宫涵社区第二网格"),
    ("GG", "LL", Level.DISTRICT, "高港区"),
    ("DP", "GG", Level.STREET, "刁铺街道"),
    ("JP", "DP", Level.COMMUNITY, "界牌社区"),
    ("JP1", "JP", Level.GRID, "界牌社区第一网格"),
]
# Each username's name, role, area and department.
STAFF = {
    "grid": ("马月娥", Role.GRID_MEMBER, "GH1", None),
    "grid-2": ("吴若兰", Role.GRID_MEMBER, "GH2", None),
    "head": ("曹长林", Role.GRID_HEAD, "GH1", None),
    "community": ("吕俊杰", Role.COMMUNITY, "GH", None),
    "community-2": ("任红霞", Role.COMMUNITY, "GH", None),
    "street": ("葛庆生", Role.STREET, "CD", None),
    "district": ("袁荣光", Role.DISTRICT, "HL", None),
    "lights": ("丁一鸣", Role.DEPARTMENT, None, "SZ"),
    "water": ("沈秋", Role.DEPARTMENT, None, "SL"),
    "admin": ("郑玉芳", Role.ADMIN, "LL", None),
    "law": ("何静", Role.LAW_VOLUNTEER, "LL", None),
    "law-head": ("孙立", Role.LAW_COORDINATOR, "LL", None),
    "far-grid": ("薛阳", Role.GRID_MEMBER, "JP1", None),
    "far-community": ("陶春", Role.COMMUNITY, "JP", None),
    "far-street": ("范文", Role.STREET, "DP", None),
    "far-district": ("贺兰", Role.DISTRICT, "GG", None),
}
ITEMS = [
    ("streetlight", "市政设施", "路灯故障", 16),
    ("garbage", "环境卫生", "垃圾清运", 8),
    ("noise", "噪声扰民", "施工噪声", 8),
]


def photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (320, 240), (90, 120, 90)).save(out, "JPEG")
    return out.getvalue()


@dataclass
class Api:
    """A client that checks every answer of the API against the document that the API gives of itself."""

    client: TestClient[Any, Any]
    document: dict[str, Any]
    seen: set[tuple[str, str]] = field(default_factory=set)

    async def __call__(self, method: str, path: str, *, token: str = "", **options: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.client.request(method, path, headers=headers, **options) as response:
            if response.content_type != "application/json":
                content: Any = await response.read()
            else:
                content = await response.json()
            self.check(method, path.partition("?")[0], response.status, response.content_type, content)
            return response.status, content

    def check(self, method: str, path: str, status: int, content_type: str, content: Any) -> None:
        for template, entries in self.document["paths"].items():
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and method.lower() in entries:
                break
        else:
            raise AssertionError(f"{method} {path} is not in the document")
        self.seen.add((method, template))
        described = entries[method.lower()]["responses"][str(status)]
        if "content" not in described:
            assert content == b""
            return
        (kind, media), *_ = described["content"].items()
        if "schema" in media:
            assert content_type == kind
            Draft202012Validator(
                media["schema"] | {"components": self.document["components"]},
                format_checker=Draft202012Validator.FORMAT_CHECKER,
            ).validate(content)


@dataclass
class Town:
    """The console over the town, and what it takes to make things happen in it."""

    database: Database
    clock: FakeClock
    client: TestClient[Any, Any]
    api: Api
    home: Path

    async def token(self, username: str) -> str:
        """A sign-in without the password, good for twelve hours from the town's now."""
        now = self.clock.now()
        token = f"token-of-{username}-{now:%d%H}"
        async with self.database.write() as session:
            staff = (await session.scalars(select(Staff).where(Staff.username == username))).one()
            if await session.get(StaffSession, digest(token)) is None:
                session.add(
                    StaffSession(
                        token_hash=digest(token),
                        staff_id=staff.id,
                        csrf=f"csrf-of-{username}",
                        created_at=now,
                        expires_at=now + timedelta(hours=12),
                    )
                )
        return token

    async def says(
        self, text: str, *, resident: str = "r1", media: list[str] | None = None, name: str = "王小明"
    ) -> Conversation:
        """A resident writes and has been answered; returns the conversation."""
        async with self.database.write() as session:
            count = len((await session.scalars(select(Conversation))).all())
            accepted = await conversations.accept(
                session,
                conversations.Inbound(
                    channel="web",
                    external_id=f"{resident}-{text}-{count}",
                    address=f"address-of-{resident}",
                    kind=MessageKind.PHOTO if media else MessageKind.TEXT,
                    text=text,
                    display_name=name,
                    media=media or [],
                ),
                now=self.clock.now(),
            )
            if accepted.message.turn_state is conversations.TurnState.PENDING:
                accepted.message.turn_state = conversations.TurnState.DONE  # the bot has answered
        return accepted.conversation

    async def waits(self, text: str = "我想找人", *, resident: str = "r1", desk: str | None = "GH", **more: Any) -> int:
        """A resident asks for a person at a community's desk; returns the conversation's id."""
        conversation = await self.says(text, resident=resident, **more)
        async with self.database.write() as session:
            row = await session.get_one(Conversation, conversation.id)
            await conversations.ask_for_person(session, row, now=self.clock.now(), area_code=desk)
        return conversation.id

    async def reported(
        self,
        *,
        item: str | None = "garbage",
        area: str = "GH1",
        text: str = "3号楼下垃圾没人清",
        anonymous: bool = False,
        photos: list[str] | None = None,
        resident: str | None = "r1",
        taken_up: bool = True,
    ) -> str:
        """An event of a resident; the clerk has accepted and dispatched it. Returns its number."""
        conversation = await self.says(text, resident=resident) if resident else None
        async with self.database.write() as session:
            desk = await self.client.app[DESK](session)  # type: ignore[union-attr]
            event = await service.file_event(
                session,
                service.Report(text, area, "宫涵小区3号楼", item_code=item, anonymous=anonymous, photos=photos or []),
                desk=desk,
                conversation=conversation and await session.get_one(Conversation, conversation.id),
            )
        if taken_up:
            await self.clerk()
        return event.number

    async def clerk(self) -> None:
        await clerk.run_once(self.database, self.client.app[DESK])  # type: ignore[union-attr]

    async def event(self, number: str) -> Event:
        async with self.database.read() as session:
            return (await session.scalars(select(Event).where(Event.number == number))).one()

    async def step(self, username: str, number: str, to: str, **more: Any) -> tuple[int, Any]:
        """One transition through the API."""
        return await self.api(
            "POST",
            f"/api/v1/events/{number}/transitions",
            token=await self.token(username),
            json={"to": to, **more},
        )

    async def photo(self, username: str = "grid") -> str:
        """Upload a photo as staff; returns its key."""
        status, answer = await self.api("POST", "/api/v1/photos", token=await self.token(username), data=photo())
        assert status == 201
        return answer["key"]


async def build(database: Database) -> None:
    """Write the town's areas, departments, duties and staff."""
    secret = QUICK.hash(PASSWORD)
    paths: dict[str | None, str] = {None: ""}
    async with database.write() as session:
        for code, parent, level, name in AREAS:
            paths[code] = f"{paths[parent]}{code}/"
            session.add(Area(code=code, parent_code=parent, level=level, name=name, path=paths[code]))
            await session.flush()
        session.add_all([Department(code="SZ", name="市政设施管理所"), Department(code="SL", name="水利局")])
        session.add_all(
            Item(code=code, category=category, name=name, admitted=True, due_hours=hours)
            for code, category, name, hours in ITEMS
        )
        session.add(Item(code="parcel", category="不受理", name="快递丢失", admitted=False, channel="请找快递公司。"))
        await session.flush()
        session.add(Duty(item_code="streetlight", area_code="LL", handler=HandlerKind.DEPARTMENT, department_code="SZ"))
        session.add(Duty(item_code="garbage", area_code="LL", handler=HandlerKind.GRID))
        session.add_all(
            Staff(
                username=username,
                name=name,
                role=role,
                area_code=area,
                department_code=department,
                password_hash=secret,
            )
            for username, (name, role, area, department) in STAFF.items()
        )


@asynccontextmanager
async def town_over(database: Database, clock: FakeClock, home: Path, *, readers: Readers | None = None) -> AsyncIterator[Town]:
    """The town with its console served on loopback."""
    await build(database)
    settings = Settings(home=home, database_url=database.url)
    async with TestClient(
        TestServer(console_app(settings, database, clock, readers=readers)), cookie_jar=CookieJar(unsafe=True)
    ) as client:
        async with client.get("/api/v1/openapi.json") as response:
            document = await response.json()
        yield Town(database, clock, client, Api(client, document), home)
