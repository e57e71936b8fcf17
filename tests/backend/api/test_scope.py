"""Other people's events do not exist: every role against every event, by every way of asking."""

import pytest
from sqlalchemy import select

from backend.console.stream import fingerprints
from backend.conversations.models import Conversation
from backend.db import Database
from backend.events import service
from backend.events.models import Event
from backend.house import DESK
from backend.staff.models import Role, Staff
from backend.staff.scope import Scope, scope_of
from tests.backend.staff.town import STAFF, Town

# Each event's item and area.
EVENTS = {
    "grid": ("garbage", "GH1"),
    "next grid": ("garbage", "GH2"),
    "unplaced": ("noise", "GH"),
    "lights": ("streetlight", "GH1"),
    "far lights": ("streetlight", "JP1"),
    "far": ("noise", "JP1"),
}
NEAR = {"grid", "next grid", "unplaced", "lights"}
FAR = {"far lights", "far"}
SEES = {
    "grid": {"grid", "lights"},
    "grid-2": {"next grid"},
    "head": {"grid", "lights"},
    "community": NEAR,
    "community-2": NEAR,
    "street": NEAR,
    "district": NEAR,
    "lights": {"lights", "far lights"},
    "water": set(),
    "admin": NEAR | FAR,
    "law": set(),
    "law-head": set(),
    "far-grid": FAR,
    "far-community": FAR,
    "far-street": FAR,
    "far-district": FAR,
}


async def fill(town: Town) -> tuple[dict[str, str], dict[str, str]]:
    """Report every event of EVENTS; returns their numbers and their photos' keys."""
    keys = {name: await town.photo("admin") for name in EVENTS}
    numbers = {
        name: await town.reported(item=item, area=area, text=f"事件 {name}", photos=[keys[name]], resident=name)
        for name, (item, area) in EVENTS.items()
    }
    return numbers, keys


async def scope_for(database: Database, username: str) -> Scope:
    async with database.read() as session:
        return await scope_of(session, (await session.scalars(select(Staff).where(Staff.username == username))).one())


def test_every_role_and_every_account_of_the_town_is_tried() -> None:
    assert set(SEES) == set(STAFF)
    assert {role for _, role, _, _ in STAFF.values()} == set(Role)


async def test_lists_numbers_pages_steps_and_photos_keep_to_the_scope(town: Town) -> None:
    numbers, keys = await fill(town)
    for username, seen in SEES.items():
        token = await town.token(username)
        cookie = {"Cookie": f"linlitong_staff={token}"}
        _, listed = await town.api("GET", "/api/v1/events?page_size=100", token=token)
        assert {card["number"] for card in listed["events"]} == {numbers[name] for name in seen}, username
        assert listed["total"] == len(seen), username
        for name, number in numbers.items():
            where = (username, name)
            expected = 200 if name in seen else 404
            status, _ = await town.api("GET", f"/api/v1/events/{number}", token=token)
            assert status == expected, where
            for path in (f"/events/{number}", f"/media/{keys[name]}"):
                async with town.client.get(path, headers=cookie) as response:
                    assert response.status == expected, where
            status, _ = await town.api("GET", f"/api/v1/media/{keys[name]}", token=token)
            assert status == expected, where
            for path, body in (
                ("transitions", {"to": "withdrawn"}),
                ("departments", {"department_code": "nowhere"}),
                ("results", {"result": "好了"}),
            ):
                status, _ = await town.api("POST", f"/api/v1/events/{number}/{path}", token=token, json=body)
                assert (status == 404) == (name not in seen), (where, path)


async def test_a_stranger_s_number_looks_like_one_that_never_was(town: Town) -> None:
    number = await town.reported(area="JP1")
    token = await town.token("grid")
    for path in ("/api/v1/events/{}", "/api/v1/events?q={}"):
        strange, never = [await town.api("GET", path.format(n), token=token) for n in (number, "1234-5674")]
        assert strange == never
        assert await town.api("GET", path.format(number.replace("-", "")), token=token) == never


async def test_a_number_is_found_with_or_without_its_hyphen(town: Town) -> None:
    number = await town.reported()
    token = await town.token("grid")
    for written in (number, number.replace("-", "")):
        assert (await town.api("GET", f"/api/v1/events/{written}", token=token))[1]["number"] == number


async def test_the_stream_tells_of_changes_within_the_scope_only(town: Town) -> None:
    numbers, _ = await fill(town)
    for name, number in numbers.items():
        before = {}
        for username in SEES:
            async with town.database.read() as session:
                scope = await scope_for(town.database, username)
                before[username] = await fingerprints(session, scope, {"queue": "", "event": number})
        async with town.database.write() as session:
            event = (await session.scalars(select(Event).where(Event.number == number))).one()
            await service.urge(session, event, resident_id=event.reporter_id, desk=await town.client.app[DESK](session))
        for username, seen in SEES.items():
            async with town.database.read() as session:
                scope = await scope_for(town.database, username)
                after = await fingerprints(session, scope, {"queue": "", "event": number})
                never = await fingerprints(session, scope, {"event": "0000-0000"})
            assert (after["queue"] != before[username]["queue"]) == (name in seen), (username, name)
            assert (after["event"] != before[username]["event"]) == (name in seen), (username, name)
            assert (after["event"] != never["event"]) == (name in seen), (username, name)


async def test_a_called_in_department_sees_the_event_from_then_on(town: Town) -> None:
    number = await town.reported()
    water = await town.token("water")
    assert (await town.api("GET", f"/api/v1/events/{number}", token=water))[0] == 404
    status, _ = await town.api(
        "POST",
        f"/api/v1/events/{number}/departments",
        token=await town.token("community"),
        json={"department_code": "SL", "note": "请看管道"},
    )
    assert status == 200
    status, page = await town.api("GET", f"/api/v1/events/{number}", token=water)
    assert (status, page["may_give_result"], page["next_steps"]) == (200, True, [])


async def test_an_event_that_is_given_to_a_grid_is_seen_there(town: Town) -> None:
    number = await town.reported(item="noise", area="GH")
    assert (await town.step("grid", number, "in_progress"))[0] == 404
    handler = {"kind": "grid", "code": "GH1"}
    assert (await town.step("street", number, "dispatched", handler=handler))[0] == 200
    assert (await town.step("grid", number, "in_progress"))[0] == 200


@pytest.mark.parametrize("username", ["grid", "head", "community", "street", "district", "lights", "admin"])
async def test_what_staff_reported_themselves_stays_theirs_to_see(town: Town, username: str) -> None:
    token = await town.token(username)
    status, page = await town.api(
        "POST",
        "/api/v1/events",
        token=token,
        json={"description": "路边堆了建筑垃圾", "area_code": "JP1", "item_code": "garbage", "address": "界牌路"},
    )
    assert (status, page["reporter"]) == (201, {"kind": "staff", "name": STAFF[username][0]})
    assert (await town.api("GET", f"/api/v1/events/{page['number']}", token=token))[0] == 200


CONVERSATIONS = {"near": "GH", "far": "JP", "nowhere": None}
HEARS = {
    "community": {"near", "nowhere"},
    "community-2": {"near", "nowhere"},
    "street": {"near", "nowhere"},
    "district": {"near", "nowhere"},
    "admin": {"near", "far", "nowhere"},
    "far-community": {"far", "nowhere"},
    "far-street": {"far", "nowhere"},
    "far-district": {"far", "nowhere"},
}


async def test_conversations_are_heard_on_their_desk_and_above_it_only(town: Town) -> None:
    key = await town.photo("admin")
    ids = {name: await town.waits(f"我在{name}", resident=name, desk=desk, media=[key]) for name, desk in CONVERSATIONS.items()}
    private = (await town.says("我只跟机器人说话", resident="private", media=[key])).id
    for username in STAFF:
        heard = HEARS.get(username, set())
        token = await town.token(username)
        cookie = {"Cookie": f"linlitong_staff={token}"}
        _, listed = await town.api("GET", "/api/v1/conversations", token=token)
        assert {card["conversation_id"] for card in listed["conversations"]} == {ids[name] for name in heard}
        for name, conversation_id in [*ids.items(), ("private", private)]:
            where = (username, name)
            expected = 200 if name in heard else 404
            path = f"/api/v1/conversations/{conversation_id}"
            assert (await town.api("GET", path, token=token))[0] == expected, where
            photo = f"/media/{key}?conversation={conversation_id}"
            assert (await town.api("GET", f"/api/v1{photo}", token=token))[0] == expected, where
            for page in (f"/conversations/{conversation_id}", photo):
                async with town.client.get(page, headers=cookie) as response:
                    assert response.status == expected, where
            async with town.database.read() as session:
                scope = await scope_for(town.database, username)
                found = await fingerprints(session, scope, {"conversation": str(conversation_id)})
                never = await fingerprints(session, scope, {"conversation": "0"})
            assert (found != never) == (name in heard), where
            if name not in heard:
                for action, body in (("claim", None), ("replies", {"text": "您好"}), ("return", None)):
                    status, _ = await town.api("POST", f"{path}/{action}", token=token, json=body)
                    assert status == 404, (where, action)


async def test_a_file_of_another_conversation_is_not_found_through_one_s_own(town: Town) -> None:
    mine = await town.waits("在宫涵", resident="near", desk="GH", media=[await town.photo("admin")])
    other = await town.photo("admin")
    await town.waits("在界牌", resident="far", desk="JP", media=[other])
    token = await town.token("community")
    for path in (f"/api/v1/media/{other}", f"/api/v1/media/{other}?conversation={mine}"):
        assert (await town.api("GET", path, token=token))[0] == 404


async def test_an_account_without_an_area_or_a_department_sees_nothing(town: Town) -> None:
    await town.reported()
    await town.waits()
    for role in Role:
        scope = Scope(staff_id=999, name="", role=role, path="", area_code=None, department_code=None)
        async with town.database.read() as session:
            assert list(await session.scalars(select(Event).where(scope.events()))) == []
            assert list(await session.scalars(select(Conversation).where(scope.conversations()))) == []
