"""Two hundred marked numbers go in through every door; none of them stands open anywhere afterwards."""

import logging
import re
from datetime import date
from pathlib import Path

import pytest
from aiohttp import CookieJar
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import select

from backend.clock import FakeClock
from backend.console.app import console_app
from backend.db import Base, Database
from backend.house import desk_factory
from backend.settings import Settings
from backend.staff.models import Role, Staff
from backend.subsidies import applications
from backend.subsidies.models import ApplicationState, PaymentState, SubsidyPayment
from backend.vault.models import Secret, VaultItem
from backend.vault.service import Vault
from tests.backend.staff.town import PASSWORD, QUICK
from tests.backend.subsidies.conftest import Talker
from tests.support.marked import Marked
from wording import Sentences

AT_LEAST = 200


class Doors:
    """Whoever may send something: residents through the gateway and the actions, staff through the console and the API."""

    def __init__(self, inside: TestClient, console: TestClient, database: Database) -> None:
        self.inside, self.console, self.database = inside, console, database
        self.count, self.csrf, self.token = 0, "", ""
        self.refusals: list[str] = []

    async def message(self, text: str, *, kind: str = "text", address: str = "r9", **more: object) -> str:
        """A message as the gateway hands it in, and the text that the engine is given for it."""
        self.count += 1
        sent = {"channel": "web", "external_id": f"m{self.count}", "address": address, "kind": kind, "text": text} | more
        message_id = (await (await self.inside.post("/internal/v1/messages", json=sent)).json())["message_id"]
        claimed = await (await self.inside.post("/internal/v1/turns/claim", json={"worker": "w", "limit": 50})).json()
        turns = [turn for turn in claimed["turns"] if turn["message_id"] == message_id]
        for turn in claimed["turns"]:
            await self.inside.post(f"/internal/v1/turns/{turn['message_id']}/finish", json={"worker": "w", "replies": []})
        return str(turns)

    async def act(self, path: str, key: str, body: dict[str, object]) -> dict[str, object]:
        self.count += 1
        async with self.inside.post(
            f"/internal/v1{path}?conversation={key}", json=body, headers={"Idempotency-Key": f"k{self.count}"}
        ) as response:
            return await self._answer(response)

    async def _answer(self, response: object) -> dict[str, object]:
        if response.status >= 400:
            self.refusals.append(f"{response.url} {await response.text()}")
        return await response.json() if response.content_type == "application/json" else {"page": await response.text()}

    async def sign_in(self, username: str) -> None:
        self.console.session.cookie_jar.clear()
        async with self.console.get("/sign-in") as page:
            csrf = re.search(r'name="csrf" value="([^"]+)"', await page.text())[1]
        await self.console.post("/sign-in", data={"username": username, "password": PASSWORD, "csrf": csrf})
        async with self.console.get("/notices") as page:
            self.csrf = re.search(r'name="csrf" value="([^"]+)"', await page.text())[1]
        body = {"username": username, "password": PASSWORD}
        self.token = (await (await self.console.post("/api/v1/sessions", json=body)).json())["token"]

    async def form(self, path: str, **fields: str) -> dict[str, object]:
        async with self.console.post(path, data=fields | {"csrf": self.csrf}) as response:
            return await self._answer(response)

    async def api(self, method: str, path: str, body: dict[str, object]) -> dict[str, object]:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.console.request(method, path, json=body, headers=headers) as response:
            return await self._answer(response)


@pytest.fixture
async def doors(client: TestClient, database: Database, clock: FakeClock, tmp_path: Path):
    async with database.write() as session:
        session.add(Staff(username="admin1", name="管理员", role=Role.ADMIN, area_code="city"))
        for staff in await session.scalars(select(Staff)):
            staff.password_hash = QUICK.hash(PASSWORD)
    app = console_app(Settings(home=tmp_path), database, clock)
    async with TestClient(TestServer(app), cookie_jar=CookieJar(unsafe=True)) as console:
        yield Doors(client, console, database)


async def residents(doors: Doors, marked: Marked) -> list[str]:
    """Words outside of any form, edited, captions, names, buttons, reports, consults; returns what the engine was given."""
    given = [await doors.message(marked.words(20)) for _ in range(4)]
    given.append(await doors.message(marked.words(10), edited=True))
    given.append(await doors.message(marked.words(5), kind="photo", media=["k9"]))
    given.append(await doors.message("你好", display_name=marked.words(4), address="r8"))
    given.append(await doors.message("/greet", kind="button", title=marked.words(4)))
    given.append(await doors.message(f'/x{{"a":"{marked.words(2)}"}}', kind="button", title="好"))
    given.append(await doors.message(marked.words(4), kind="voice"))
    key = re.search(r"'tracker_key': '(\w+)'", given[0])[1]
    text = re.search(r"'text': '(我的[^']*)'", given[0])[1]
    report = {"description": text, "area_code": "g1", "address": text[:200], "item_code": "garbage"}
    number = (await doors.act("/events", key, report)).get("number", "")
    assert number
    await doors.act(f"/events/{number}/supplement", key, {"text": text, "photos": []})
    await doors.act("/intake/read", key, {"text": text, "location": None, "parts": {}})
    await doors.act("/consults", key, {"question": text, "area": "labour", "anonymous": False})
    return [*given, key, number]


async def in_the_form(doors: Doors, marked: Marked) -> str:
    """An application in which each question is answered with numbers, right and wrong; returns its number."""
    talker = Talker(doors.inside, "r1")
    await talker.say("我妈今年82，本市户口，高龄津贴怎么领。" + marked.words(3))
    identity = marked.take(Secret.IDENTITY)
    said = ""
    for words in (
        {"choice": "apply=elderly_allowance"},
        {"text": "对"},
        {"text": marked.words(2), "intent": "nlu_fallback"},
        {"text": "王小美", "intent": "nlu_fallback"},
        {"text": marked.take(Secret.IDENTITY)[:17], "intent": "nlu_fallback"},
        {"text": marked.take(Secret.BANK)[:18] + "A", "intent": "nlu_fallback"},
        {"text": identity, "intent": "nlu_fallback"},
        {"text": f"电话{marked.take(Secret.PHONE)}", "intent": "nlu_fallback"},
        {"text": f"卡号{marked.take(Secret.BANK)}", "intent": "nlu_fallback"},
        {"text": marked.words(2), "intent": "nlu_fallback"},
        {"text": "宫涵社区", "intent": "report_issue"},
        {"media": ["k1"], "intent": "share_photo"},
        {"text": "晚点补", "intent": "deny"},
        {"media": ["k2"], "intent": "share_photo"},
        {"text": "同意"},
        {"text": "提交"},
    ):
        _, said, _ = await talker.say(**words)
    found = re.search(r"B\d{4}-\d{4}", said)
    assert found, said
    return found[0]


async def staff(doors: Doors, marked: Marked, number: str, application: str) -> None:
    """Notes, replies, transfers, steps, searches, reports and decisions, in the console and through the API."""
    async with doors.database.write() as session:
        row = (await session.scalars(select(applications.Conversation))).first()
        row.holder, row.desk_area_code = "waiting", "c1"
        conversation = row.id
    await doors.sign_in("community1")
    await doors.form(f"/conversations/{conversation}/claim")
    await doors.form(f"/conversations/{conversation}/replies", text=marked.words(6), **{"as": "reply"}, once="1")
    await doors.form(f"/conversations/{conversation}/replies", text=marked.words(6), **{"as": "note"}, once="2")
    await doors.api("POST", f"/api/v1/conversations/{conversation}/replies", {"text": marked.words(6), "note": False})
    await doors.api("POST", f"/api/v1/conversations/{conversation}/replies", {"text": marked.words(6), "note": True})
    await doors.form(f"/conversations/{conversation}/transfer", to="area:s1", reason=marked.words(2))
    await doors.form("/report", description=marked.words(5), grid="g1 第一网格", address=marked.words(2), item="garbage")
    event = {"description": marked.words(5), "area_code": "g1", "address": marked.words(2), "item_code": "garbage"}
    await doors.api("POST", "/api/v1/events", event | {"photos": []})
    for to in ("accepted", "dispatched", "rejected"):
        await doors.form(f"/events/{number}/transitions", to=to, note=marked.words(2), handler="grid:g1", revision="")
        body = {"to": to, "note": marked.words(2)}
        await doors.api("POST", f"/api/v1/events/{number}/transitions", body)
    await doors.form("/search", q=marked.words(1), tab="all")
    await doors.form("/subsidies/search", q=marked.take(Secret.IDENTITY), state="review")
    await doors.form(f"/subsidies/{application}/uncoverings", what="identity", reason="核对" + marked.words(2))
    await doors.form(f"/subsidies/{application}/decisions", what="refuse", reason=marked.words(1), note=marked.words(1))
    await doors.form(f"/subsidies/{application}/decisions", what="more", reason="", note=marked.words(3))


async def paid(doors: Doors, marked: Marked, application: str, desk: applications.Desk) -> None:
    """A bank whose reasons quote accounts; and an electorate with phones."""
    async with doors.database.write() as session:
        row = await applications.by_number(session, application)
        row.state = ApplicationState.APPROVED
        payment = SubsidyPayment(
            application_id=row.id,
            reference="B1",
            period="2026-11",
            period_from=date(2026, 11, 1),
            amount_fen=1,
            account_id=row.account_id,
            state=PaymentState.DUE,
        )
        payment.created_at = desk.now
        session.add(payment)
    await doors.sign_in("admin1")
    await doors.form("/subsidies/payments", period="2026-11")
    await doors.form("/subsidies/payments/results", csv=f"reference,result,reason\nB1,失败,账号{marked.take(Secret.BANK)}错\n")
    await doors.form("/subsidies/payments/results", csv=f"reference,result,reason\n{marked.words(1)},失败,{marked.words(1)}\n")
    await doors.sign_in("community1")
    fields = {
        "kind": "decision",
        "rule": "consultation",
        "basis": "household",
        "title": "装电梯",
        "question": "装不装",
        "area": "c1",
    }
    made = await doors.form("/votes", **fields, starts_at="2026-11-25T09:00", ends_at="2026-12-05T18:00", keyholders="甲 乙")
    vote = re.search(r"TP-\d{6}", str(made))
    assert vote, made
    vote = vote[0]
    rows = "\n".join(f"{n},{marked.take(Secret.PHONE)}户,,,,{marked.take(Secret.PHONE)}" for n in range(1, 9))
    await doors.form(f"/votes/{vote}/electorate", csv=f"unit,name,part,area_m2,owner,phone\n{rows}\n")
    for line in (f"{marked.take(Secret.IDENTITY)},,,,,", f"<{marked.take(Secret.PHONE)}>,,,,,", f"1,,,,,{marked.words(9)}"):
        await doors.form(f"/votes/{vote}/electorate", csv=f"unit,name,part,area_m2,owner,phone\n{line}\n")


async def everything(database: Database) -> dict[str, str]:
    """Every value of every table, by table."""
    async with database.read() as session:
        return {
            table.name: "\n".join(repr(value) for row in await session.execute(select(table)) for value in row)
            for table in Base.metadata.sorted_tables
        }


async def test_none_of_two_hundred_marked_numbers_stands_open(
    doors: Doors, database: Database, clock: FakeClock, sentences: Sentences, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    marked = Marked()
    *given, _, number = await residents(doors, marked)
    application = await in_the_form(doors, marked)
    await staff(doors, marked, number, application)
    async with database.read() as session:
        desk = await desk_factory(Settings(), clock, sentences)(session)
    await paid(doors, marked, application, desk)

    assert len(marked.all) >= AT_LEAST
    tables = await everything(database)
    assert {name: found for name, content in tables.items() if (found := marked.seen_in(content))} == {}
    assert marked.seen_in("\n".join(given)) == []
    assert "GET /sign-in" in caplog.text  # addresses are logged here, and looked through
    assert marked.seen_in(caplog.text) == []
    assert doors.refusals
    assert marked.seen_in("\n".join(doors.refusals)) == []
    vault = Vault.load("", "", tmp_path)
    async with database.read() as session:
        kept = {vault.open(item) for item in await session.scalars(select(VaultItem))}
    assert len(kept & set(marked.all)) > AT_LEAST // 4  # and they were not simply thrown away
    assert "户" in tables["vote_unit"]


async def test_what_staff_write_to_a_resident_arrives_in_full_and_is_kept_masked(doors: Doors, database: Database):
    await doors.message("想找人", address="r5")
    async with database.write() as session:
        row = (await session.scalars(select(applications.Conversation))).first()
        row.holder, row.desk_area_code = "waiting", "c1"
    await doors.sign_in("community1")
    await doors.form(f"/conversations/{row.id}/claim")
    text = "请打李师傅13800000077，打不通再打13800000088"
    await doors.form(f"/conversations/{row.id}/replies", text=text, **{"as": "reply"}, once="a")
    await doors.form(f"/conversations/{row.id}/replies", text=text, **{"as": "reply"}, once="a")
    feed = await (await doors.inside.get("/internal/v1/feed?channel=web&address=r5")).json()
    assert [m["text"] for m in feed["messages"] if m["author"] == "staff"] == [text]
    delivered = []
    for _ in range(4):
        ask = {"worker": "w", "channels": ["web"], "limit": 50}
        for one in (await (await doors.inside.post("/internal/v1/deliveries/claim", json=ask)).json())["deliveries"]:
            delivered.append(one["message"]["text"])
            done = {"worker": "w", "outcome": "delivered"}
            await doors.inside.post(f"/internal/v1/deliveries/{one['delivery_id']}/result", json=done)
    assert text in delivered
    _, page = 200, await (await doors.console.get(f"/conversations/{row.id}")).text()
    assert "请打李师傅138****0077，打不通再打138****0088" in page
    assert "13800000077" not in page


async def test_an_identity_number_is_searched_for_without_an_address_that_shows_it(doors: Doors):
    marked = Marked()
    application = await in_the_form(doors, marked)
    identity = marked.all[3]
    await doors.sign_in("community1")
    data = {"q": f"查一下{identity}", "state": "review", "csrf": doors.csrf}
    async with doors.console.post("/subsidies/search", data=data, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, f"/subsidies/{application}")
    for address in ("/subsidies", "/", "/api/v1/events"):
        async with doors.console.get(f"{address}?q={identity}") as response:
            assert response.status == 422
            assert identity not in await response.text()
