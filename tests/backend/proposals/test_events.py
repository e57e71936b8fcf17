"""A report that staff put together out of the talk is filed by the resident's own word, and by nothing else."""

from datetime import timedelta

from sqlalchemy import select

from backend.conversations.models import Conversation
from backend.events.models import Event, EventState
from backend.house import DESK
from backend.proposals import service as proposals
from backend.proposals.models import Proposal
from tests.backend.proposals.conftest import Hall

FIRST = "宫涵社区第一网格门口的垃圾好几天没人清了"


async def events(hall: Hall) -> list[Event]:
    async with hall.town.database.read() as session:
        return list(await session.scalars(select(Event).order_by(Event.id)))


async def proposed(hall: Hall, **more: object) -> int:
    """FIRST was said and received, and what was read of it goes to the resident; returns the conversation's id."""
    conversation_id = await hall.held(FIRST)
    status, draft = await hall.staff("GET", f"{conversation_id}/draft")
    assert status == 200
    body = {"kind": "event"} | {key: draft[key] for key in ("matter", "area_code", "address", "item_code", "photos")} | more
    status, card = await hall.staff("POST", f"{conversation_id}/proposals", **body)
    assert (status, card["state"]) == (201, "open"), card
    return conversation_id


async def states(hall: Hall, conversation_id: int) -> list[tuple[str, str]]:
    _, listed = await hall.staff("GET", f"{conversation_id}/proposals")
    return [(one["state"], one["number"]) for one in listed["proposals"]]


async def test_the_draft_is_read_out_of_the_talk(hall: Hall) -> None:
    conversation_id = await hall.held("你好", FIRST, "不对，是第二网格那边")
    status, draft = await hall.staff("GET", f"{conversation_id}/draft")
    assert (status, draft["area_code"], draft["status"], draft["item_code"]) == (200, "GH2", "grid", "garbage")
    assert "垃圾好几天没人清" in draft["matter"]
    assert (await hall.staff("GET", f"{conversation_id}/draft", by="street"))[0] == 409
    assert (await hall.staff("GET", f"{conversation_id}/draft", by="far-street"))[0] == 404


async def test_only_the_resident_s_word_files_it_and_the_clerk_sees_what_became_of_it(hall: Hall) -> None:
    conversation_id = await proposed(hall)
    shown = (await hall.hears())[-1]
    assert shown.startswith("照您刚才说的，吕俊杰给您拟了一张单子。请您核对：\n事情：")
    assert "归属：宫涵社区第一网格\n类别：垃圾清运\n照片：无\n署名：实名（只有工作人员看得到）" in shown
    assert await events(hall) == []
    await hall.says("好的，那你们大概什么时候来清呢")
    assert await events(hall) == []
    await hall.presses("确认")
    (event,) = await events(hall)
    assert (event.area_code, event.item_code, event.reporter_staff_id) == ("GH1", "garbage", None)
    assert event.reporter_id is not None
    assert (await hall.hears())[-1] == f"登记好了，编号 {event.number}。办到哪一步，我都会在这里告诉您。"
    assert await states(hall, conversation_id) == [("confirmed", event.number)]
    _, noted = await hall.town.api("GET", "/api/v1/notices", token=await hall.town.token("community"))
    assert noted["notices"][0]["text"] == f"居民确认了您拟的单子，编号 {event.number}"
    await hall.presses("确认")
    await hall.presses("取消")
    assert len(await events(hall)) == 1
    assert (await hall.hears())[-1] == "这张单子已经办过或者收回了，不用再按。"


async def test_typing_what_a_button_says_is_pressing_it_and_the_bot_stays_silent(hall: Hall) -> None:
    await proposed(hall)
    answer = await hall.says("没问题")
    assert len(await events(hall)) == 1
    again = await hall.says("没问题")
    assert len(await events(hall)) == 1
    async with hall.door.post("/internal/v1/turns/claim", json={"worker": "w", "limit": 9}) as claimed:
        turns = (await claimed.json())["turns"]
    assert {turn["message_id"] for turn in turns}.isdisjoint({answer["message_id"], again["message_id"]})


async def test_changing_it_brings_it_back_to_the_clerk(hall: Hall) -> None:
    conversation_id = await proposed(hall)
    await hall.presses("修改")
    assert (await hall.hears())[-1] == "好，这张先不报。您跟吕俊杰说哪里要改，改好了再请您看。"
    assert await states(hall, conversation_id) == [("changed", "")]
    body = {"kind": "event", "matter": "楼道里的垃圾没人清", "area_code": "GH", "address": "3号楼"}
    assert (await hall.staff("POST", f"{conversation_id}/proposals", **body))[0] == 201
    assert "归属：宫涵社区（由社区定网格）\n类别：由街道归类" in (await hall.hears())[-1]
    await hall.presses("匿名上报")
    assert "署名：匿名" in (await hall.hears())[-1]
    await hall.presses("确认")
    (event,) = await events(hall)
    assert (event.description, event.address, event.unplaced, event.anonymous) == ("楼道里的垃圾没人清", "3号楼", True, True)


async def test_taken_back_or_declined_nothing_is_filed(hall: Hall) -> None:
    conversation_id = await proposed(hall)
    async with hall.town.database.read() as session:
        (first,) = await session.scalars(select(Proposal.id))
    assert (await hall.staff("DELETE", f"{conversation_id}/proposals/{first}", by="street"))[0] == 409
    assert (await hall.staff("DELETE", f"{conversation_id}/proposals/{first}"))[0] == 204
    assert (await hall.hears())[-1] == "刚才那张单子吕俊杰先收回了，您不用再按。"
    await hall.presses("确认")
    assert await events(hall) == []
    body = {"kind": "event", "matter": "垃圾没人清", "area_code": "GH1"}
    assert (await hall.staff("POST", f"{conversation_id}/proposals", **body))[0] == 201
    await hall.staff("POST", f"{conversation_id}/return")
    await hall.presses("取消")
    assert (await hall.hears())[-1] == "好，这张单子不报了。"
    assert await events(hall) == []
    assert await states(hall, conversation_id) == [("declined", ""), ("withdrawn", "")]


async def test_the_same_press_again_and_one_of_another_resident_file_nothing_more(hall: Hall) -> None:
    await proposed(hall)
    async with hall.town.database.read() as session:
        (first,) = await session.scalars(select(Proposal.id))
    payload = f'/proposal{{"proposal": "{first}", "answer": "yes"}}'
    await hall.says(payload, kind="button", title="确认", who="stranger")
    assert await events(hall) == []
    press = {"kind": "button", "title": "确认", "external_id": "one"}
    for _ in range(3):
        await hall.says(payload, **press)
    assert len(await events(hall)) == 1
    assert sum("登记好了" in text for text in await hall.hears()) == 1


async def test_what_is_missing_or_wrong_is_refused_and_nothing_is_sent(hall: Hall) -> None:
    conversation_id = await hall.held(FIRST)
    before = await hall.hears()
    wrong = [
        ({"matter": " ", "area_code": "GH1"}, 422, "请写清楚是什么事。"),
        ({"matter": "垃圾", "area_code": "XX"}, 422, "请从列表里选一个网格；说不准就选社区。"),
        ({"matter": "垃圾", "area_code": "LL"}, 422, "请从列表里选一个网格；说不准就选社区。"),
        ({"matter": "快递", "area_code": "GH1", "item_code": "parcel"}, 422, "这类事项不在受理范围内。"),
        ({"matter": "垃圾", "area_code": "GH1", "photos": ["k"]}, 422, "只能用居民在这段对话里发来的照片。"),
    ]
    for body, status, sentence in wrong:
        got, answer = await hall.staff("POST", f"{conversation_id}/proposals", kind="event", **body)
        assert (got, answer["error"]["sentence"]) == (status, sentence)
    body = {"kind": "event", "matter": "垃圾", "area_code": "GH1"}
    assert (await hall.staff("POST", f"{conversation_id}/proposals", by="street", **body))[0] == 409
    for kind, sentence in (("vote", "这位居民不在这次投票的名单里，或者投票没有在进行。"),):
        got, answer = await hall.staff("POST", f"{conversation_id}/proposals", kind=kind, target="x")
        assert (got, answer["error"]["sentence"]) == (422, sentence)
    assert await hall.hears() == before


async def test_the_console_s_form_is_filled_from_the_talk(hall: Hall) -> None:
    conversation_id = await hall.held(FIRST)
    client = hall.town.client
    client.session.cookie_jar.update_cookies({"linlitong_staff": await hall.town.token("community")})
    async with client.get(f"/conversations/{conversation_id}") as answer:
        assert f'href="/conversations/{conversation_id}/event"' in await answer.text()
    async with client.get(f"/conversations/{conversation_id}/event") as answer:
        page = await answer.text()
    assert 'value="GH1 宫涵社区第一网格"' in page
    assert '<option value="garbage" selected>' in page
    form = {"csrf": "csrf-of-community", "matter-0": "垃圾没人清", "grid-0": "GH1 宫涵社区第一网格", "as": "send"}
    async with client.post(f"/conversations/{conversation_id}/event", data=form, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, f"/conversations/{conversation_id}")
    async with client.get(f"/conversations/{conversation_id}") as answer:
        assert "等居民确认" in await answer.text()
    await hall.presses("确认")
    async with client.get(f"/conversations/{conversation_id}") as answer:
        assert "居民确认了，编号" in await answer.text()


async def reported_by(hall: Hall, who: str, *, building: str | None = None) -> str:
    """An open event of garbage in GH1, reported by somebody else; returns its number."""
    number = await hall.town.reported(resident=who, text="第一网格垃圾没人清")
    if building:
        async with hall.town.database.write() as session:
            event = (await session.scalars(select(Event).where(Event.number == number))).one()
            event.place = {"building": building}
    return number


async def test_what_a_neighbour_has_reported_is_joined_instead_of_reported_again(hall: Hall) -> None:
    number = await reported_by(hall, "neighbour")
    conversation_id = await proposed(hall)
    shown = (await hall.hears())[-1]
    assert shown.startswith("吕俊杰想帮您报：")
    assert "已有邻居反映：" in shown
    assert "您要附议吗？" in shown
    await hall.says("附议吧")
    assert (await hall.hears())[-1] == f"好，已帮您附议，编号 {number}，现在已派遣。后面的进展也会告诉您。"
    assert len(await events(hall)) == 1
    assert await states(hall, conversation_id) == [("joined", number)]
    _, noted = await hall.town.api("GET", "/api/v1/notices", token=await hall.town.token("community"))
    assert noted["notices"][0]["text"] == f"居民附议了邻居报的那件，编号 {number}，没有另报"


async def test_another_matter_than_the_neighbour_s_is_reported_after_its_summary(hall: Hall) -> None:
    await reported_by(hall, "neighbour")
    await proposed(hall)
    await hall.presses("不是一回事，另报")
    assert (await hall.hears())[-1].startswith("照您刚才说的，吕俊杰给您拟了一张单子。请您核对：")
    assert len(await events(hall)) == 1
    await hall.presses("确认")
    assert len(await events(hall)) == 2


async def test_a_neighbour_who_was_quicker_than_the_resident_s_word_is_asked_about_first(hall: Hall) -> None:
    await proposed(hall)
    number = await reported_by(hall, "neighbour")
    await hall.presses("确认")
    assert "已有邻居反映：" in (await hall.hears())[-1]
    async with hall.town.database.write() as session:  # it is closed before the resident has pressed
        (await session.scalars(select(Event).where(Event.number == number))).one().state = EventState.CLOSED
    await hall.presses("附议")
    assert (await hall.hears())[-1] == "这件事已经办完了，您可以另报一件。"
    assert len(await events(hall)) == 1


async def test_one_s_own_event_goes_on_and_old_ones_and_other_buildings_are_not_asked_about(hall: Hall) -> None:
    await reported_by(hall, "far-door", building="9")
    old = await reported_by(hall, "neighbour")
    async with hall.town.database.write() as session:
        event = (await session.scalars(select(Event).where(Event.number == old))).one()
        event.created_at -= timedelta(days=15)
    conversation_id = await hall.held("宫涵社区第一网格3号楼门口的垃圾好几天没人清了")
    body = {"kind": "event", "matter": "垃圾没人清", "area_code": "GH1", "item_code": "garbage"}
    async with hall.town.database.read() as session:
        row = await session.get_one(Conversation, conversation_id)
        desk = await hall.town.client.app[DESK](session)
        content = {"unplaced": False, "area_code": "GH1", "item_code": "garbage", "place": {"building": "3"}}
        assert await proposals.neighbour(session, content, resident_id=row.resident_id, desk=desk) is None
    own = await hall.town.reported(resident="r1", text="垃圾没人清")
    assert (await hall.staff("POST", f"{conversation_id}/proposals", **body))[0] == 201
    assert f"报过垃圾清运（{own}，已上报），说的是同一件吗？" in (await hall.hears())[-1]
    await hall.presses("是同一件")
    assert (await hall.hears())[-1] == f"好，那件接着办，编号 {own}。有新情况，发“补充”就能加上。"
    assert len(await events(hall)) == 3


async def test_several_matters_are_several_reports_shown_one_after_the_other(hall: Hall) -> None:
    conversation_id = await hall.held(FIRST)
    await hall.says("第二网格那边的路灯坏了", who="r1")
    await hall.says(kind="photo", media=["k1"])
    await hall.says("已经三天没亮了")
    status, draft = await hall.staff("GET", f"{conversation_id}/draft")
    (second,) = draft["more"]
    assert (status, draft["area_code"], draft["item_code"], draft["photos"]) == (200, "GH1", "garbage", [])
    assert (second["area_code"], second["item_code"], second["photos"]) == ("GH2", "streetlight", ["k1"])
    client = hall.town.client
    client.session.cookie_jar.update_cookies({"linlitong_staff": await hall.town.token("community")})
    path = f"/conversations/{conversation_id}/event"
    async with client.get(path) as answer:
        page = await answer.text()
    assert "第 2 件" in page
    assert 'name="photo-1-0" value="yes" checked' in page
    assert 'name="photo-0-0" value="yes" checked' not in page
    form = {"csrf": "csrf-of-community", "matter-0": "垃圾没人清", "grid-0": "GH1", "item-0": "garbage", "as": "more"}
    form |= {"matter-1": "路灯坏了", "grid-1": "GH2", "item-1": "streetlight", "photo-1-0": "yes", "use-1": "yes"}
    async with client.post(path, data=form) as answer:
        page = await answer.text()
    assert "第 3 件" in page
    assert "路灯坏了</textarea>" in page
    before = len(await hall.hears())
    async with client.post(
        path, data=form | {"as": "send", "matter-2": "不报的", "grid-2": "GH1"}, allow_redirects=False
    ) as answer:
        assert answer.status == 303, await answer.text()
    said = (await hall.hears())[before:]
    assert said[0] == "照您刚才说的，吕俊杰给您拟了 2 张单子，一张一张请您看。"
    assert ["事情：垃圾没人清" in text for text in said] == [False, True]
    assert await states(hall, conversation_id) == [("queued", ""), ("open", "")]
    await hall.says("没问题")
    said = (await hall.hears())[before + 2 :]
    assert said[0].startswith("登记好了")
    assert said[1] == "再看下一件。"
    assert "事情：路灯坏了" in said[2]
    await hall.presses("修改")
    assert [event.item_code for event in await events(hall)] == ["garbage"]
    async with client.get(path) as answer:
        page = await answer.text()
    assert "居民要改这一张" in page
    assert "路灯坏了</textarea>" in page
    assert "第 2 件" not in page
    again = {"csrf": "csrf-of-community", "changed": "yes", "matter-0": "第二网格路灯坏了", "grid-0": "GH2", "as": "send"}
    async with client.post(path, data=again, allow_redirects=False) as answer:
        assert answer.status == 303
    await hall.presses("确认")
    assert [event.area_code for event in await events(hall)] == ["GH1", "GH2"]
    assert (await hall.hears())[-1] != "再看下一件。"
