"""Working events through the staff API: lists, steps, hands, photos, departments."""

import itertools
from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from backend.conversations.models import Message
from backend.events.models import Event, EventState, History
from backend.events.transitions import TABLE, Hand
from backend.events.views import STATE_NAMES
from backend.media.models import Media
from tests.backend.staff.town import Town, photo

M, H, V = Hand.MANAGER, Hand.HANDLER, Hand.VERIFIER
# Hands on a garbage event that lies on the desk of grid GH1.
HANDS = {"grid": {H}, "head": {M, H, V}, "community": {M, V}, "street": {M, V}, "district": {M, V}, "admin": {M, V}}


@pytest.mark.parametrize("username", HANDS)
async def test_every_step_of_the_table_and_none_beside_it(town: Town, username: str) -> None:
    number = await town.reported()
    for before, to in itertools.product(EventState, EventState):
        async with town.database.write() as session:
            event = (await session.scalars(select(Event).where(Event.number == number))).one()
            event.state, event.handler, event.handler_code, event.level = before, "grid", "GH1", "grid"
            await session.execute(delete(History).where(History.event_id == event.id))
        status, answer = await town.step(username, number, to.value, note="说明", handler={"kind": "grid", "code": "GH1"})
        who = TABLE.get((before, to))
        expected = 409 if who is None else 200 if who & HANDS[username] else 403
        assert status == expected, (before, to, answer)
        after = EventState.VERIFYING if to is EventState.HANDLED else to
        assert (await town.event(number)).state is (after if status == 200 else before)


async def test_the_way_of_an_event_by_chinese_names_and_who_is_told_what(town: Town) -> None:
    number = await town.reported()
    key = await town.photo()
    assert (await town.step("grid", number, "处置中"))[0] == 200
    status, page = await town.step("grid", number, "已处置", note="已经清走了", photos=[key])
    assert (status, page["state"], page["state_name"]) == (200, "verifying", "待核查")
    names = [row["to_state_name"] for row in page["history"] if row["to_state"]]
    assert names == ["已上报", "已受理", "已派遣", "处置中", "已处置", "待核查"]
    handled = page["history"][4]
    assert (handled["name"], handled["note"], handled["photos"]) == ("马月娥", "已经清走了", [key])
    async with town.database.read() as session:
        told = list(await session.scalars(select(Message).where(Message.text.contains("已经清走了"))))
    assert [message.payload["media"] for message in told] == [[key]]
    _, media = await town.api("GET", f"/api/v1/media/{key}", token=await town.token("grid"))
    assert media.startswith(b"\xff\xd8")


async def test_who_handled_it_does_not_verify_it(town: Town) -> None:
    number = await town.reported()
    await town.step("head", number, "in_progress")
    _, page = await town.step("head", number, "handled", note="清了")
    assert page["next_steps"] == []
    assert (await town.step("head", number, "closed"))[0] == 403
    assert (await town.step("community", number, "closed"))[0] == 200


async def test_who_reported_it_does_not_handle_it(town: Town) -> None:
    token = await town.token("grid")
    _, page = await town.api(
        "POST",
        "/api/v1/events",
        token=token,
        json={"description": "3号楼下垃圾堆积", "area_code": "GH1", "item_code": "garbage"},
    )
    await town.clerk()
    assert (await town.step("grid", page["number"], "in_progress"))[0] == 403
    assert (await town.step("head", page["number"], "in_progress"))[0] == 200


async def test_handling_needs_words_and_the_refusal_says_so(town: Town) -> None:
    number = await town.reported()
    await town.step("grid", number, "in_progress")
    status, answer = await town.step("grid", number, "handled", note="  ")
    assert (status, answer["error"]["details"]) == (422, {"fields": ["note"]})
    assert (await town.event(number)).state is EventState.IN_PROGRESS


async def test_a_step_on_what_has_changed_meanwhile_is_refused(town: Town) -> None:
    number = await town.reported()
    seen = (await town.event(number)).revision
    assert (await town.step("grid", number, "in_progress", revision=seen))[0] == 200
    status, answer = await town.step("head", number, "handled", note="清了", revision=seen)
    assert (status, answer["error"]["code"]) == (409, "stale")


async def test_an_event_without_a_clear_duty_waits_for_the_street_to_choose(town: Town) -> None:
    number = await town.reported(item="noise")
    token = await town.token("street")
    _, page = await town.api("GET", f"/api/v1/events/{number}", token=token)
    assert page["handler"]["name"] == "城东街道社会治理中心"
    assert page["next_steps"][0] == {
        "to": "dispatched",
        "to_name": "已派遣",
        "note_required": False,
        "handler_required": True,
    }
    assert (await town.step("street", number, "dispatched"))[0] == 422
    status, page = await town.step("street", number, "dispatched", handler={"kind": "department", "code": "SL"})
    assert (status, page["handler"]["name"], page["automatic"]) == (200, "水利局", False)


@pytest.mark.parametrize(
    "handler",
    [
        {"kind": "grid", "code": "JP1"},
        {"kind": "street", "code": "DP"},
        {"kind": "grid", "code": "GH"},
        {"kind": "department", "code": "XX"},
        {"kind": "street", "code": "XX"},
    ],
)
async def test_nobody_elsewhere_and_nobody_unknown_is_given_an_event(town: Town, handler: dict[str, str]) -> None:
    number = await town.reported(item="noise")
    status, answer = await town.step("street", number, "dispatched", handler=handler)
    assert (status, answer["error"]["details"]) == (422, {"fields": ["handler"]})


async def test_called_in_departments_report_back_before_it_is_handled(town: Town) -> None:
    number = await town.reported()
    await town.step("grid", number, "in_progress")
    path = f"/api/v1/events/{number}"
    body = {"department_code": "SL", "note": "请看管道"}
    status, page = await town.api("POST", f"{path}/departments", token=await town.token("grid"), json=body)
    assert (status, [(a["handler"]["name"], a["lead"]) for a in page["assignments"]]) == (
        200,
        [("宫涵社区第一网格（网格员马月娥）", True), ("水利局", False)],
    )
    assert (await town.api("POST", f"{path}/departments", token=await town.token("grid"), json=body))[0] == 409
    assert (await town.step("grid", number, "handled", note="清了"))[1]["error"]["code"] == "departments_open"
    water = await town.token("water")
    status, page = await town.api("POST", f"{path}/results", token=water, json={"result": "管道已疏通"})
    assert (status, page["assignments"][1]["result"], page["assignments"][1]["handled_by"]) == (200, "管道已疏通", "沈秋")
    assert (await town.api("POST", f"{path}/results", token=water, json={"result": "再来"}))[0] == 409
    assert (await town.step("grid", number, "handled", note="清了"))[0] == 200


async def test_an_anonymous_resident_has_no_name_for_anyone_and_nobody_sees_an_address(town: Town) -> None:
    number = await town.reported(anonymous=True)
    named = await town.reported(resident="r2")
    for username in ("grid", "community", "street", "district", "admin"):
        token = await town.token(username)
        _, page = await town.api("GET", f"/api/v1/events/{number}", token=token)
        assert page["reporter"] == {"kind": "resident", "name": None}
        assert "王小明" not in str(page)
        _, other = await town.api("GET", f"/api/v1/events/{named}", token=token)
        assert other["reporter"]["name"] == "王小明"
        assert "address-of" not in str(page) + str(other)
        async with town.client.get(f"/events/{number}", headers={"Cookie": f"linlitong_staff={token}"}) as response:
            text = await response.text()
        assert "匿名居民" in text
        assert "王小明" not in text
        assert "address-of" not in text


async def test_filters_pages_and_search(town: Town) -> None:
    first = await town.reported(text="3号楼路灯不亮", item="streetlight")
    second = await town.reported(text="垃圾 100% 满了", resident="r2")
    third = await town.reported(text="半夜施工", item="noise", area="GH2", resident="r3")
    token = await town.token("community")

    async def found(query: str) -> list[str]:
        _, answer = await town.api("GET", f"/api/v1/events?{query}", token=token)
        return [card["number"] for card in answer["events"]]

    assert await found("") == [third, second, first]
    assert await found("state=dispatched") == [second, first]
    assert await found(f"state={STATE_NAMES[EventState.ACCEPTED]}") == [third]
    assert await found("item=noise") == [third]
    assert await found("area=GH1") == [second, first]
    assert await found("area=JP1") == []
    assert await found("area=unknown") == []
    assert await found("q=路灯") == [first]
    assert await found("q=100%25") == [second]
    assert await found("q=%25") == []  # a sign alone is no word, and stands for nothing else
    assert await found(f"q={first.replace('-', '')}") == [first]
    assert await found("page_size=2&page=2") == [first]
    _, answer = await town.api("GET", "/api/v1/events?page_size=2", token=token)
    assert (answer["total"], answer["page"], answer["page_size"]) == (3, 1, 2)
    for query in ("state=lost", "page=0", "page_size=101", "mine=perhaps", "sort=age"):
        assert (await town.api("GET", f"/api/v1/events?{query}", token=token))[0] == 422, query


async def test_my_desk_holds_what_lies_on_it_what_asks_it_and_what_climbed_to_it(town: Town) -> None:
    async def mine(username: str) -> set[str]:
        _, answer = await town.api("GET", "/api/v1/events?mine=true", token=await town.token(username))
        return {card["number"] for card in answer["events"]}

    garbage = await town.reported()
    lights = await town.reported(item="streetlight", resident="r2")
    noise = await town.reported(item="noise", resident="r3")
    assert [await mine(name) for name in ("grid", "grid-2", "community", "street", "district", "lights", "water")] == [
        {garbage}, set(), set(), {noise}, set(), {lights}, set(),
    ]  # fmt: skip
    await town.api(
        "POST", f"/api/v1/events/{garbage}/departments", token=await town.token("grid"), json={"department_code": "SL"}
    )
    assert await mine("water") == {garbage}
    town.clock.advance(days=2)
    await town.clerk()
    assert [await mine(name) & {garbage, lights} for name in ("community", "district", "street")] == [
        {garbage}, {lights}, set(),
    ]  # fmt: skip
    _, late = await town.api("GET", "/api/v1/events?late=true", token=await town.token("community"))
    assert {card["number"] for card in late["events"]} >= {garbage}
    assert all(card["light"] == "red" and card["late"] for card in late["events"])


async def test_the_light_is_green_then_yellow_then_red_and_goes_out_when_handled(town: Town) -> None:
    number = await town.reported()
    event = await town.event(number)
    lights = []
    for part in (0.5, 0.8, 1.01):
        moment = event.created_at + (event.due_at - event.created_at) * part
        town.clock.advance(seconds=(moment - town.clock.now()) / timedelta(seconds=1))
        _, page = await town.api("GET", f"/api/v1/events/{number}", token=await town.token("district"))
        lights.append(page["light"])
    await town.step("grid", number, "in_progress")
    _, page = await town.step("grid", number, "handled", note="清了")
    assert [*lights, page["light"]] == ["green", "yellow", "red", "none"]


async def test_staff_report_through_the_same_door(town: Town) -> None:
    key = await town.photo("grid-2")
    body = {"description": "路灯不亮", "area_code": "GH2", "item_code": "streetlight", "address": "2号楼", "photos": [key]}
    token = await town.token("grid-2")
    status, page = await town.api("POST", "/api/v1/events", token=token, json=body)
    assert (status, page["state"], page["photos"], page["area"]["name"]) == (201, "reported", [key], "宫涵社区第二网格")
    await town.clerk()
    _, page = await town.api("GET", f"/api/v1/events/{page['number']}", token=token)
    assert (page["state"], page["handler"]["name"]) == ("dispatched", "市政设施管理所")
    for wrong in ({"item_code": "parcel"}, {"area_code": "XX"}, {"photos": ["unknown"]}, {"description": ""}, {"more": 1}):
        assert (await town.api("POST", "/api/v1/events", token=token, json=body | wrong))[0] == 422, wrong


async def test_a_resident_s_photo_cannot_be_put_on_another_event(town: Town) -> None:
    key = await town.photo()
    other = await town.says("照片", resident="other")
    async with town.database.write() as session:
        row = (await session.scalars(select(Media).where(Media.key == key))).one()
        row.resident_id = other.resident_id
    number = await town.reported()
    status, answer = await town.step("grid", number, "in_progress", photos=[key])
    assert (status, answer["error"]["details"]) == (422, {"fields": ["photos"]})


async def test_what_is_no_photo_is_refused_kindly(town: Town) -> None:
    token = await town.token("grid")
    status, answer = await town.api("POST", "/api/v1/photos", token=token, data=b"just text")
    assert (status, answer["error"]["code"]) == (422, "not_an_image")
    status, answer = await town.api("POST", "/api/v1/photos", token=token, data=photo() + bytes(21 * 1024 * 1024))
    assert (status, answer["error"]["code"]) == (413, "too_large")


async def test_lists_of_the_city(town: Town) -> None:
    token = await town.token("community")
    _, departments = await town.api("GET", "/api/v1/departments", token=token)
    assert departments["departments"][0] == {"code": "SL", "name": "水利局"}
    _, items = await town.api("GET", "/api/v1/items", token=token)
    assert {item["code"] for item in items["items"] if item["admitted"]} == {"streetlight", "garbage", "noise"}
    _, areas = await town.api("GET", "/api/v1/areas?parent=GH", token=token)
    assert [area["code"] for area in areas["areas"]] == ["GH1", "GH2"]


async def test_notices_come_with_work_and_are_read_once(town: Town) -> None:
    number = await town.reported()
    token = await town.token("grid")
    _, listed = await town.api("GET", "/api/v1/notices", token=token)
    assert [(n["text"], n["event_number"], n["read"]) for n in listed["notices"]] == [
        ("待处置：3号楼下垃圾没人清", number, False),
        ("新上报：3号楼下垃圾没人清", number, False),
    ]
    assert (await town.api("POST", "/api/v1/notices/read", token=token))[0] == 204
    assert (await town.api("GET", "/api/v1/notices", token=token))[1]["unread"] == 0
    assert (await town.api("GET", "/api/v1/notices", token=await town.token("head")))[1]["unread"] == 2


async def test_who_takes_a_step_has_read_the_notices_of_that_event(town: Town) -> None:
    number = await town.reported()
    await town.reported(resident="r2")
    await town.step("grid", number, "in_progress")
    _, listed = await town.api("GET", "/api/v1/notices", token=await town.token("grid"))
    assert {(n["event_number"] == number, n["read"]) for n in listed["notices"]} == {(True, True), (False, False)}
