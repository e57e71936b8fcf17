"""The console's pages about subsidies, as a browser asks for them."""

import re
from pathlib import Path

import pytest
from aiohttp import CookieJar
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import select

from backend.clock import FakeClock
from backend.console.app import console_app
from backend.db import Database
from backend.settings import Settings
from backend.staff.models import Staff
from backend.subsidies.models import ApplicationState, SubsidyApplication
from backend.vault.models import VaultUncovering
from tests.backend.staff.town import PASSWORD, QUICK
from tests.backend.subsidies.conftest import Talker, card, filed, identity
from wording import Sentences


class Desk:
    def __init__(self, client: TestClient) -> None:
        self.client = client

    async def get(self, path: str) -> tuple[int, str]:
        async with self.client.get(path) as response:
            return response.status, await response.text()

    async def post(self, path: str, **form: str) -> tuple[int, str]:
        _, page = await self.get("/subsidies" if form.pop("signed", "1") else "/sign-in")
        found = re.search(r'name="csrf" value="([^"]+)"', page)
        assert found
        async with self.client.post(path, data=form | {"csrf": found[1]}) as response:
            return response.status, await response.text()


@pytest.fixture
async def desk(resident: Talker, database: Database, clock: FakeClock, sentences: Sentences, tmp_path: Path):
    await resident.say("高龄津贴怎么领")
    await filed(database, clock, sentences, tmp_path, resident.key)
    async with database.write() as session:
        for staff in await session.scalars(select(Staff)):
            staff.password_hash = QUICK.hash(PASSWORD)
    app = console_app(Settings(home=tmp_path), database, clock)
    async with TestClient(TestServer(app), cookie_jar=CookieJar(unsafe=True)) as client:
        desk = Desk(client)
        await desk.post("/sign-in", signed="", username="community1", password=PASSWORD)
        yield desk


async def number(database: Database) -> str:
    async with database.read() as session:
        return (await session.scalars(select(SubsidyApplication.number))).one()


async def test_masked_everywhere_until_somebody_says_why(desk: Desk, database: Database):
    path = f"/subsidies/{await number(database)}"
    _, listed = await desk.get("/subsidies?q=王")
    status, shown = await desk.get(path)
    assert status == 200
    assert "王**" in listed
    assert "代办：您母亲" in shown
    assert f"3212**********001{identity()[-1]}" in shown
    assert not any(secret in listed + shown for secret in (identity(), card(), "王小美"))
    status, refused = await desk.post(f"{path}/uncoverings", what="identity", reason="")
    assert status == 422
    assert "请写明为什么要看完整号码" in refused
    _, shown = await desk.post(f"{path}/uncoverings", what="identity", reason="电话核对本人身份")
    assert identity() in shown
    assert card() not in shown
    async with database.read() as session:
        assert (await session.scalars(select(VaultUncovering.reason))).all() == ["电话核对本人身份"]


async def test_passing_many_at_once_says_what_went_and_what_did_not(desk: Desk, database: Database):
    one = await number(database)
    status, page = await desk.post("/subsidies/decisions", **{f"pick-{one}": "on", "pick-B1111-1111": "on"})
    assert status == 200
    assert f"{one} 已通过" in page
    assert "B1111-1111 没有通过：没有这件申请。" in page
    assert f'href="/subsidies/{one}"' not in page


async def test_who_is_not_an_administrator_pays_nothing(desk: Desk):
    assert (await desk.get("/subsidies/payments"))[0] == 403
    assert (await desk.get("/subsidies/published"))[0] == 200
    assert (await desk.get("/subsidies/B2222-2222"))[0] == 404


async def test_a_campaign_is_made_followed_and_visited_in_the_console(desk: Desk, database: Database):
    async with database.write() as session:
        row = (await session.scalars(select(SubsidyApplication))).one()
        row.state = ApplicationState.PAID
    await desk.post("/sign-in", signed="", username="street1", password=PASSWORD)
    status, refused = await desk.post("/subsidies/campaigns", kind="elderly_allowance", answer_by="明天", photo="1")
    assert (status, "请填截止日期" in refused) == (422, True)
    status, page = await desk.post("/subsidies/campaigns", kind="elderly_allowance", answer_by="2026-12-20", photo="1")
    assert status == 200
    assert "高龄津贴年审，12月20日截止" in page
    assert "没答复" in page
    check = re.search(r"/subsidies/checks/(\d+)", page)[1]
    assert 'value="suspend"' not in page
    assert (await desk.post(f"/subsidies/checks/{check}", what="suspend", note="没答复"))[0] == 409
    status, page = await desk.post(f"/subsidies/checks/{check}", what="visit", answer="same", note="见到本人，身体好")
    assert status == 200
    assert "见到本人，身体好" in page
    assert "已办好" in page
    assert (await desk.get("/subsidies/checks/999/media/k1"))[0] == 404
