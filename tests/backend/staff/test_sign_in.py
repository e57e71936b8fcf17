"""Signing in and out of the console, and everything that must not let anyone in."""

import asyncio
import re
from datetime import UTC

import pytest
from sqlalchemy import select

from backend.staff import service
from backend.staff.models import Staff, StaffSession
from tests.backend.staff.town import PASSWORD, Town


async def enter(town: Town, username: str, password: str = PASSWORD, **headers: str) -> int:
    async with town.client.post(
        "/api/v1/sessions", json={"username": username, "password": password}, headers=headers
    ) as response:
        return response.status


async def page_csrf(town: Town, path: str) -> str:
    async with town.client.get(path) as response:
        found = re.search(r'name="csrf" value="([^"]+)"', await response.text())
    assert found, path
    return found[1]


async def enter_by_page(town: Town, username: str = "community") -> None:
    csrf = await page_csrf(town, "/sign-in")
    form = {"csrf": csrf, "username": username, "password": PASSWORD}
    async with town.client.post("/sign-in", data=form, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, "/")


async def test_the_right_password_gives_a_token_and_says_who_and_where(town: Town) -> None:
    status, answer = await town.api("POST", "/api/v1/sessions", json={"username": "community", "password": PASSWORD})
    assert status == 201
    assert answer["staff"] == {
        "username": "community",
        "name": "吕俊杰",
        "role": "community",
        "scope": "海陵区城东街道宫涵社区",
    }
    status, me = await town.api("GET", "/api/v1/sessions", token=answer["token"])
    assert (status, me["staff"]) == (200, answer["staff"])


async def test_the_record_holds_neither_token_nor_password(town: Town) -> None:
    _, answer = await town.api("POST", "/api/v1/sessions", json={"username": "grid", "password": PASSWORD})
    async with town.database.read() as session:
        stored = (await session.scalars(select(StaffSession.token_hash))).one()
        hashed = (await session.scalars(select(Staff.password_hash).where(Staff.username == "grid"))).one()
    assert stored != answer["token"]
    assert hashed.startswith("$argon2id$")


async def test_wrong_password_unknown_name_and_no_password_answer_alike(town: Town) -> None:
    async with town.database.write() as session:
        (await service.by_username(session, "street")).password_hash = ""
    answers = [
        await town.api("POST", "/api/v1/sessions", json={"username": name, "password": "wrong-password"})
        for name in ("community", "nobody", "street")
    ]
    assert [status for status, _ in answers] == [401, 401, 401]
    assert answers[0] == answers[1] == answers[2]


async def test_an_unknown_name_is_checked_against_a_real_hash(town: Town, monkeypatch) -> None:
    checked = []
    monkeypatch.setattr(service.passwords, "fits", lambda *given: checked.append(given) or asyncio.sleep(0, False))
    assert [await enter(town, "nobody"), await enter(town, "grid")] == [401, 401]
    assert len(checked) == 2


async def test_the_sixth_try_in_a_quarter_of_an_hour_is_refused_even_with_the_right_password(town: Town) -> None:
    assert [await enter(town, "grid", "wrong") for _ in range(5)] == [401] * 5
    status, answer = await town.api("POST", "/api/v1/sessions", json={"username": "grid", "password": PASSWORD})
    assert (status, answer["error"]["code"]) == (429, "too_many_tries")
    assert await enter(town, "community") == 201
    town.clock.advance(minutes=16)
    assert await enter(town, "grid") == 201


async def test_a_name_that_does_not_exist_is_throttled_in_the_same_way(town: Town) -> None:
    assert [await enter(town, "nobody", "wrong") for _ in range(6)] == [401] * 5 + [429]


async def test_trying_many_at_once_gains_nothing(town: Town) -> None:
    answers = await asyncio.gather(*(enter(town, "grid", "wrong") for _ in range(20)))
    assert answers.count(401) <= 5
    assert set(answers) <= {401, 429}


async def test_one_address_cannot_try_many_names(town: Town) -> None:
    answers = [await enter(town, f"nobody-{n}", "wrong", **{"X-Forwarded-For": "203.0.113.9"}) for n in range(21)]
    assert answers == [401] * 20 + [429]
    assert await enter(town, "grid", **{"X-Forwarded-For": "203.0.113.10"}) == 201


async def test_a_right_password_forgets_the_wrong_ones(town: Town) -> None:
    for _ in range(3):
        assert [await enter(town, "grid", "wrong") for _ in range(3)] == [401] * 3
        assert await enter(town, "grid") == 201


async def test_a_sign_in_is_over_after_its_hours(town: Town) -> None:
    _, answer = await town.api("POST", "/api/v1/sessions", json={"username": "grid", "password": PASSWORD})
    town.clock.advance(hours=11, minutes=59)
    assert (await town.api("GET", "/api/v1/events", token=answer["token"]))[0] == 200
    town.clock.advance(minutes=2)
    assert (await town.api("GET", "/api/v1/events", token=answer["token"]))[0] == 401


async def test_a_disabled_account_is_out_at_once_and_cannot_come_back(town: Town) -> None:
    token = await town.token("grid")
    async with town.database.write() as session:
        await service.disable(session, await service.by_username(session, "grid"), now=town.clock.now())
    assert (await town.api("GET", "/api/v1/events", token=token))[0] == 401
    assert await enter(town, "grid") == 401


async def test_disabling_alone_is_enough_to_end_a_sign_in(town: Town) -> None:
    token = await town.token("grid")
    async with town.database.write() as session:
        (await service.by_username(session, "grid")).disabled_at = town.clock.now().astimezone(UTC)
    assert (await town.api("GET", "/api/v1/events", token=token))[0] == 401


async def test_a_new_password_ends_every_sign_in_and_lets_in(town: Town) -> None:
    token = await town.token("grid")
    async with town.database.write() as session:
        await service.reset_password(session, await service.by_username(session, "grid"), "another-password")
    assert (await town.api("GET", "/api/v1/events", token=token))[0] == 401
    assert await enter(town, "grid") == 401
    assert await enter(town, "grid", "another-password") == 201


async def test_signing_out_ends_the_token(town: Town) -> None:
    _, answer = await town.api("POST", "/api/v1/sessions", json={"username": "grid", "password": PASSWORD})
    assert (await town.api("DELETE", "/api/v1/sessions", token=answer["token"]))[0] == 204
    assert (await town.api("GET", "/api/v1/events", token=answer["token"]))[0] == 401


PLACES = {
    "/votes/{number}": "/votes/TP-123456",
    "/deliberations/{number}": "/deliberations/YS-123456",
    "/opinions/{number}": "/opinions/Y1234-5674",
    "/subsidies/{number}": "/subsidies/B1234-5674",
    "{batch}": "P20261124-abcdef",
}


def addresses(town: Town, method: str) -> list[str]:
    """Every address of the console and its API that takes ``method``, with something in each place."""
    found = {r.resource.canonical for r in town.client.app.router.routes() if r.method == method}
    for place, something in (*PLACES.items(), ("{number}", "1234-5674"), ("{key}", "x"), ("{code}", "GH")):
        found = {path.replace(place, something) for path in found}
    return sorted(re.sub(r"\{(?!name\})\w+\}", "1", re.sub(r"\{area_code\}", "GH", path)) for path in found)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_every_page_and_every_operation_needs_a_sign_in(town: Town, method: str) -> None:
    open_to_all = {("GET", "/api/v1/openapi.json"), ("GET", "/static/{name}"), ("POST", "/api/v1/sessions")}
    open_to_all.add(("GET", "/metrics"))  # by a token of its own
    for path in addresses(town, method):
        if path == "/sign-in" or (method, path) in open_to_all:
            continue
        async with town.client.request(method, path, json={}, allow_redirects=False) as response:
            if path.startswith("/api/"):
                assert response.status == 401, path
            else:
                assert (response.status, response.headers.get("Location")) == (303, "/sign-in"), path


async def test_the_cookie_cannot_be_read_by_scripts_nor_sent_from_elsewhere(town: Town) -> None:
    csrf = await page_csrf(town, "/sign-in")
    form = {"csrf": csrf, "username": "community", "password": PASSWORD}
    async with town.client.post("/sign-in", data=form, allow_redirects=False) as response:
        cookie = response.cookies["linlitong_staff"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["max-age"]) == (True, "Lax", "/", "43200")


async def test_the_api_takes_no_cookie(town: Town) -> None:
    await enter_by_page(town)
    assert (await town.api("GET", "/api/v1/events"))[0] == 401


async def test_a_form_without_its_token_changes_nothing(town: Town) -> None:
    number = await town.reported()
    conversation_id = await town.waits()
    await enter_by_page(town)
    forms = [path for path in addresses(town, "POST") if not path.startswith("/api/") and path != "/sign-in"]
    forms += [f"/events/{number}/steps", f"/conversations/{conversation_id}/claim"]
    assert len(forms) > 20
    for path in forms:
        for token in ({}, {"csrf": ""}, {"csrf": "csrf-of-street"}):
            form = {"to": "accepted", "note": "x", "text": "x", "result": "x", "department": "SL"} | token
            async with town.client.post(path, data=form, allow_redirects=False) as response:
                assert response.status == 403, (path, token)
    assert (await town.event(number)).state == "dispatched"
    async with town.client.get("/", allow_redirects=False) as response:
        assert response.status == 200


async def test_a_sign_in_form_from_another_site_is_refused(town: Town) -> None:
    await page_csrf(town, "/sign-in")
    for csrf in ("", "guessed"):
        form = {"csrf": csrf, "username": "community", "password": PASSWORD}
        async with town.client.post("/sign-in", data=form, allow_redirects=False) as response:
            assert response.status == 403
            assert "linlitong_staff" not in response.cookies


async def test_pages_say_what_browsers_may_do_with_them(town: Town) -> None:
    await enter_by_page(town)
    for path in ("/", "/sign-in", "/conversations", "/notices"):
        async with town.client.get(path) as response:
            text = await response.text()
            policy = response.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert response.headers["Cache-Control"] == "no-store"
        assert not re.search(r"<script(?! src=\"/static/)|<style|\sstyle=|\son\w+=|https?://", text), path
