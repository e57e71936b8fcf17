"""The yearly re-check, objections and the end of a grant over the staff API; every answer is held against its document."""

from datetime import date, timedelta
from typing import Any

import pytest

from backend.conversations import service as conversations
from backend.house import DESK
from backend.subsidies import applications, objections, service
from backend.subsidies.applications import Form, submit
from backend.subsidies.catalogue import read
from backend.subsidies.models import ApplicationState, SubsidyApplication
from backend.vault.models import Secret
from backend.vault.service import Vault, put
from linlitong.home import ROOT
from tests.backend.staff.town import Town
from tests.backend.subsidies.conftest import card, identity


@pytest.fixture
async def number(town: Town) -> str:
    """An application for a resident's allowance, on its way."""
    catalogue, problems = read(ROOT / "demo" / "subsidies")
    assert catalogue is not None, problems
    await town.says("你好")
    async with town.database.write() as session:
        await service.put_in_force(session, catalogue, now=town.clock.now())
        chat = await conversations.opened(session, channel="web", address="address-of-r1", now=town.clock.now())
        catalogue_id, _ = await service.in_force(session)
        vault = Vault.load("", "", town.home)
        values = ((Secret.NAME, "王小美"), (Secret.IDENTITY, identity()), (Secret.BANK, card()))
        items = [await put(session, vault, k, v, resident_id=chat.resident_id, now=town.clock.now()) for k, v in values]
        facts = {"age": 82, "local_hukou": True}
        papers = {"id_card": ["k1"], "hukou_page": ["k3"]}
        form = Form("elderly_allowance", "self", facts, catalogue_id, *items, None, "GH", papers)
        desk = await town.client.app[DESK](session)  # type: ignore[union-attr]
        return (await submit(session, chat, form, desk=desk)).number


async def set_state(town: Town, number: str, state: ApplicationState) -> None:
    async with town.database.write() as session:
        row: SubsidyApplication = await applications.by_number(session, number)
        row.state, row.due_at = state, None
        desk = await town.client.app[DESK](session)  # type: ignore[union-attr]
        if state is ApplicationState.APPROVED:
            await applications.approved(session, row, desk=desk)
        else:
            row.published_until = desk.today + timedelta(days=7)
            chat = await conversations.opened(session, channel="web", address="neighbour", now=town.clock.now())
            await session.flush()
            await objections.object_to(session, number, chat, text="她已经搬走了，电话 13800000000", desk=desk)


async def test_a_re_check_is_made_visited_suspended_and_resumed(town: Town, number: str) -> None:
    async def call(who: str, method: str, path: str, **body: Any) -> tuple[int, Any]:
        more = {"json": body} if method == "POST" else {}
        return await town.api(method, f"/api/v1/subsidies{path}", token=await town.token(who), **more)

    await set_state(town, number, ApplicationState.APPROVED)
    last = (town.clock.now() + timedelta(days=14)).date()
    new = {"kind": "elderly_allowance", "answer_by": last.isoformat(), "photo": False}
    assert (await call("community", "POST", "/campaigns", **new))[0] == 403
    assert (await call("street", "POST", "/campaigns", **new | {"answer_by": "2026-02-30"}))[0] == 422
    status, made = await call("street", "POST", "/campaigns", **new)
    assert (status, made["name"], made["counts"]) == (201, "高龄津贴", {"asked": 1})
    assert (await call("street", "POST", "/campaigns", **new))[0] == 409
    campaign = f"/campaigns/{made['campaign_id']}"
    assert [one["campaign_id"] for one in (await call("district", "GET", "/campaigns"))[1]["campaigns"]] == [
        made["campaign_id"]
    ]
    assert (await call("far-street", "GET", "/campaigns"))[1] == {"campaigns": []}
    assert (await call("far-street", "GET", campaign))[0] == 404
    _, shown = await call("grid", "GET", campaign)
    (check,) = shown["checks"]
    assert (check["number"], check["person"], check["area"], check["reachable"]) == (number, "王**", "宫涵社区", True)
    one = f"/checks/{check['check_id']}"
    assert (await call("far-community", "POST", f"{one}/visit", answer="same", note="见到本人"))[0] == 403
    _, visited = await call("grid", "POST", f"{one}/visit", answer="changed", note="家里没人，电话 13800000000")
    assert (visited["state"], visited["visit_note"]) == ("flagged", "家里没人，电话 138****0000")
    assert (await call("street", "POST", f"{one}/suspension", reason="找不到人"))[0] == 409
    town.clock.advance(days=15)
    assert (await call("street", "POST", f"{one}/suspension", reason="找不到人"))[1]["state"] == "suspended"
    assert (await call("street", "GET", f"{campaign}?state=suspended"))[1]["campaign"]["counts"] == {"suspended": 1}
    assert (await call("street", "POST", f"{one}/resumption", reason="人回来了"))[1]["state"] == "resumed"
    assert (await call("street", "POST", "/checks/999/visit", answer="same", note="见到本人"))[0] == 404


async def test_an_objection_is_answered_and_nobody_reads_whose_it_was(town: Town, number: str) -> None:
    async def call(who: str, method: str, path: str, **body: Any) -> tuple[int, Any]:
        more = {"json": body} if method == "POST" else {}
        path = f"/api/v1/subsidies/applications/{number}{path}"
        return await town.api(method, path, token=await town.token(who), **more)

    await set_state(town, number, ApplicationState.PUBLISHED)
    assert (await call("far-community", "GET", "/objections"))[0] == 404
    status, shown = await call("community", "GET", "/objections")
    (one,) = shown["objections"]
    assert (status, shown["state"], one["answer"]) == (200, "published", "")
    assert set(one) == {"objection_id", "text", "at", "answer", "note", "answered_at"}
    path = f"/objections/{one['objection_id']}/answer"
    assert (await call("street", "POST", path, taken=False, note="核实过了"))[0] == 403
    _, answered = await call("community", "POST", path, taken=True, note="确实搬走了")
    assert (answered["state"], answered["objections"][0]["answer"]) == ("review", "taken")
    assert (await call("community", "POST", path, taken=False, note="再答一次"))[0] == 409


async def test_a_grant_is_ended_from_the_street_up_with_a_day_and_a_reason(town: Town, number: str) -> None:
    async def call(who: str, method: str, path: str, **body: Any) -> tuple[int, Any]:
        more = {"json": body} if method == "POST" else {}
        path = f"/api/v1/subsidies/applications/{number}{path}"
        return await town.api(method, path, token=await town.token(who), **more)

    assert (await call("street", "GET", "/grant"))[0] == 404
    await set_state(town, number, ApplicationState.APPROVED)
    _, grant = await call("community", "GET", "/grant")
    assert (grant["begins"], grant["next_from"], grant["ended"]) == ("2026-11-01", "2026-12-01", "")
    assert grant["payments"] == [{"period": "2026-11", "amount_fen": 8000, "state": "due", "batch": None}]
    end = {"reason": "death", "on": date(2026, 10, 20).isoformat(), "note": "派出所证明"}
    assert (await call("community", "POST", "/stop", **end))[0] == 403
    assert (await call("street", "POST", "/stop", **end | {"reason": "x"}))[0] == 422
    _, grant = await call("street", "POST", "/stop", **end)
    assert (grant["next_from"], grant["ended"], grant["payments"][0]["state"]) == (None, "death", "cancelled")
    assert (await call("street", "POST", "/stop", **end))[0] == 409
