"""A reporter's phone in the console: masked, in full with a reason, never of somebody anonymous or out of scope."""

import re
from pathlib import Path

import pytest
from aiohttp import CookieJar
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import select

from backend.clock import FakeClock
from backend.console.app import console_app
from backend.db import Database
from backend.events import service as events
from backend.events import withheld
from backend.events.models import Event
from backend.events.service import Desk
from backend.house import desk_factory
from backend.settings import Settings
from backend.staff.models import Staff
from backend.vault.models import Secret, VaultUncovering
from backend.vault.numbers import take_out
from backend.vault.service import Vault, put
from tests.backend.staff.town import PASSWORD, QUICK
from tests.support.small_city import build, resident
from wording import Sentences


async def reported(database: Database, clock: FakeClock, sentences: Sentences, home: Path, *, anonymous: bool) -> str:
    async with database.write() as session:
        await build(session)
        for staff in await session.scalars(select(Staff)):
            staff.password_hash = QUICK.hash(PASSWORD)
        conversation = await resident(session, "r1", now=clock.now())
        vault = Vault.load("", "", home)
        for _ in range(2):
            await put(session, vault, Secret.PHONE, "13800000000", resident_id=conversation.resident_id, now=clock.now())
        desk = await desk_factory(Settings(), clock, sentences)(session)
        report = events.Report(
            description="灯不亮", area_code="g1", address="3号楼", item_code="streetlight", anonymous=anonymous
        )
        event = await events.file_event(session, report, desk=desk, conversation=conversation, message_id=None)
        return event.number


async def page(client: TestClient, path: str, **form: str) -> tuple[int, str]:
    if not form:
        async with client.get(path) as response:
            return response.status, await response.text()
    _, shown = await page(client, "/sign-in" if path == "/sign-in" else "/")
    found = re.search(r'name="csrf" value="([^"]+)"', shown)
    assert found
    async with client.post(path, data=form | {"csrf": found[1]}) as response:
        return response.status, await response.text()


async def noted(client: TestClient, number: str, home: Path, database: Database, desk: Desk) -> None:
    """A phone in a note: masked on the event's page, and in full on the page of numbers for a reason."""
    _, found = take_out("请联系 13900000000", today=desk.today)
    async with database.write() as session:
        event = (await session.scalars(select(Event).where(Event.number == number))).one()
        await withheld.keep(session, Vault.load("", "", home), event, found, staff_id=1, desk=desk)
    _, phones = await page(client, f"/events/{number}/phones")
    assert "139****0000" in phones
    item = re.findall(r'name="item" value="(\d+)"', phones.partition("办理说明里的号码")[2])[0]
    status, phones = await page(client, f"/events/{number}/phones", item=item, reason="联系施工队")
    assert (status, "13900000000" in phones) == (200, True)


@pytest.mark.parametrize("anonymous", [False, True])
async def test_a_reporters_phone(
    database: Database, clock: FakeClock, sentences: Sentences, tmp_path: Path, *, anonymous: bool
) -> None:
    number = await reported(database, clock, sentences, tmp_path, anonymous=anonymous)
    app = console_app(Settings(home=tmp_path), database, clock)
    async with TestClient(TestServer(app), cookie_jar=CookieJar(unsafe=True)) as client:
        await page(client, "/sign-in", username="member1", password=PASSWORD)
        status, shown = await page(client, f"/events/{number}/phones")
        assert status == 200
        assert shown.count("138****0000") == (0 if anonymous else 1)
        assert "13800000000" not in shown
        item = (re.findall(r'name="item" value="(\d+)"', shown) or ["1"])[0]
        status, _ = await page(client, f"/events/{number}/phones", item=item, reason="x")
        assert status == (404 if anonymous else 422)
        status, shown = await page(client, f"/events/{number}/phones", item=item, reason="约上门维修时间")
        assert (status, "13800000000" in shown) == ((404, False) if anonymous else (200, True))
        async with database.read() as session:
            desk = await desk_factory(Settings(), clock, sentences)(session)
        await noted(client, number, tmp_path, database, desk)
        await page(client, "/sign-out", signed="")
        await page(client, "/sign-in", username="member2", password=PASSWORD)
        assert (await page(client, f"/events/{number}/phones"))[0] == 404
    async with database.read() as session:
        assert len((await session.scalars(select(VaultUncovering))).all()) == (1 if anonymous else 2)
        assert await session.scalar(select(Event.id)) is not None
