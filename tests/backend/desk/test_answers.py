"""What a desk says often is kept with its area, filled in for the resident, and never sent with a hole in it."""

import re
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select, update

from backend.conversations.models import Author, Conversation, Message
from backend.desk.hours import calendar_of
from backend.grids.models import Area
from backend.house import DESK
from backend.importing import FileResult, import_city
from backend.residents.models import Resident
from tests.backend.staff.town import Town

TEXT = "{居民}您好，您反映的 {编号} 我们在办，{期限}前答复。{值班台} {办公时间}，电话{电话}。{我}"


async def api(town: Town, who: str, method: str, path: str, **body: object) -> tuple[int, dict]:
    options = {"json": body} if body else {}
    return await town.api(method, f"/api/v1{path}", token=await town.token(who), **options)


async def add(town: Town, who: str, area: str, title: str = "在办", text: str = TEXT) -> tuple[int, dict]:
    return await api(town, who, "POST", f"/desks/{area}/answers", title=title, text=text)


async def held(town: Town) -> int:
    """A resident with a dispatched event whom the community's clerk receives; returns the conversation's id."""
    await town.reported()
    conversation_id = await town.waits()
    assert (await api(town, "community", "POST", f"/conversations/{conversation_id}/claim"))[0] == 200
    return conversation_id


async def test_an_answer_is_filled_in_for_the_resident_and_sent_as_it_was_changed(town: Town) -> None:
    number = await town.reported()
    async with town.database.write() as session:
        await session.execute(update(Area).where(Area.code == "CD").values(phone="10000000005"))
    assert (await add(town, "street", "CD"))[0] == 201
    conversation_id = await town.waits()
    await api(town, "community", "POST", f"/conversations/{conversation_id}/claim")
    status, listed = await api(town, "community", "GET", f"/conversations/{conversation_id}/answers")
    (one,) = listed["answers"]
    assert (status, one["title"], one["problem"]) == (200, "在办", "")
    assert one["text"] == (
        f"王小明您好，您反映的 {number} 我们在办，明天9:00前答复。宫涵社区值班台 工作日8:30到17:30，电话10000000005。吕俊杰"
    )
    sent = await api(town, "community", "POST", f"/conversations/{conversation_id}/replies", text=one["text"] + "！")
    shown = one["text"].replace("10000000005", "100****0005")  # the record is masked; the resident reads it in full
    assert (sent[0], sent[1]["messages"][-1]["text"]) == (201, shown + "！")


async def test_an_office_s_number_in_an_answer_is_kept_whichever_way_it_came_and_a_person_s_identity_is_not(town: Town) -> None:
    text = "有急事请打值班电话 13800000000，不要发身份证号 11010519491231002X"
    kept = "有急事请打值班电话 13800000000，不要发身份证号 1101**********002X"
    _, added = await add(town, "community", "GH", title="电话", text=text)
    path = f"/desks/GH/answers/{added['answer_id']}"
    _, changed = await api(town, "community", "PUT", path, title="电话", text=text + "。")
    form = {"csrf": "csrf-of-community", "title": "页面", "text": text}
    town.client.session.cookie_jar.update_cookies({"linlitong_staff": await town.token("community")})
    async with town.client.post("/desks/GH/answers", data=form, allow_redirects=False) as answer:
        assert answer.status == 303
    _, listed = await api(town, "community", "GET", "/desks/GH/answers")
    assert (added["text"], changed["text"]) == (kept, kept + "。")
    assert [one["text"] for one in listed["answers"]] == [kept + "。", kept]


async def test_what_cannot_be_filled_in_is_said_and_cannot_be_sent(town: Town) -> None:
    await add(town, "community", "GH", text="{居民}您好，{编号} 在办。")
    conversation_id = await town.waits(name="")
    await api(town, "community", "POST", f"/conversations/{conversation_id}/claim")
    _, listed = await api(town, "community", "GET", f"/conversations/{conversation_id}/answers")
    (one,) = listed["answers"]
    assert one["problem"] == "还不知道这位居民怎么称呼；这位居民手头没有在办的事件"
    assert one["text"] == "{居民}您好，{编号} 在办。"
    for text, sentence in (
        (one["text"], "还不知道这位居民怎么称呼，“{居民}”还没有填上，请改好再发。"),
        ("您好，{姓名}", "“{姓名}”还没有填上，请改好再发。"),
    ):
        status, answer = await api(town, "community", "POST", f"/conversations/{conversation_id}/replies", text=text)
        assert (status, answer["error"]["sentence"]) == (422, sentence)
    note = await api(town, "community", "POST", f"/conversations/{conversation_id}/replies", text="他要{编号}", note=True)
    assert note[0] == 201
    async with town.database.read() as session:
        said = await session.scalars(select(Message.text).where(Message.author == Author.STAFF, Message.kind != "note"))
        assert list(said) == []


async def test_the_nearest_of_a_title_counts_and_others_come_from_above(town: Town) -> None:
    for who, area, title, text in (
        ("district", "HL", "问好", "区里的"),
        ("street", "CD", "问好", "街道的"),
        ("head", "GH1", "问好", "网格的"),
        ("street", "CD", "再见", "街道的再见"),
    ):
        assert (await add(town, who, area, title, text))[0] == 201
    _, grid = await api(town, "grid", "GET", "/desks/GH1/answers")
    assert [(a["title"], a["text"]) for a in grid["answers"]] == [("问好", "网格的"), ("再见", "街道的再见")]
    _, other = await api(town, "grid-2", "GET", "/desks/GH2/answers")
    assert [(a["title"], a["text"]) for a in other["answers"]] == [("问好", "街道的"), ("再见", "街道的再见")]


async def test_only_who_leads_the_desk_changes_it(town: Town) -> None:
    _, kept = await add(town, "community", "GH", text="一")
    path = f"/desks/GH/answers/{kept['answer_id']}"
    assert (await add(town, "grid", "GH1"))[0] == 403
    assert (await add(town, "community", "CD"))[0] == 404
    assert (await api(town, "far-community", "GET", "/desks/GH/answers"))[0] == 404
    assert (await api(town, "law", "GET", "/desks/GH/answers"))[0] == 404
    assert (await api(town, "street", "PUT", path, title="在办", text="二"))[1]["text"] == "二"
    assert (await api(town, "head", "DELETE", path))[0] == 404
    assert (await api(town, "community", "DELETE", "/desks/GH/answers/999"))[0] == 404
    assert (await api(town, "community", "DELETE", path))[0] == 204
    assert (await api(town, "community", "GET", "/desks/GH/answers"))[1] == {"answers": []}


async def test_a_wrong_answer_is_refused_with_a_sentence(town: Town) -> None:
    await add(town, "community", "GH", text="一")
    wrong = [
        (
            "名字",
            "{姓名}您好",
            422,
            "没有“{姓名}”这个占位符，可以用的有：{居民}、{编号}、{期限}、{值班台}、{办公时间}、{电话}、{我}。",
        ),
        ("名" * 25, "一", 422, "请起一个24个字以内的名字。"),
        (" ", "一", 422, "请起一个24个字以内的名字。"),
        ("名字", " ", 422, "请写1000个字以内的内容。"),
        (" 在办 ", "二", 409, "已经有一条叫这个名字的快捷回复了。"),
    ]
    for title, text, status, sentence in wrong:
        got, answer = await add(town, "community", "GH", title, text)
        assert (got, answer["error"]["sentence"]) == (status, sentence)
    assert [a["text"] for a in (await api(town, "community", "GET", "/desks/GH/answers"))[1]["answers"]] == ["一"]


async def test_the_desk_s_page_changes_hours_days_and_answers(town: Town) -> None:
    town.client.session.cookie_jar.update_cookies({"linlitong_staff": await town.token("community")})

    async def post(path: str, **fields: str) -> tuple[int, str]:
        headers = {"HX-Request": "true"}
        form = {"csrf": "csrf-of-community"} | fields
        async with town.client.post(path, data=form, headers=headers, allow_redirects=False) as answer:
            return answer.status, await answer.text()

    async def seen(path: str) -> str:
        async with town.client.get(path) as answer:
            return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", await answer.text()))

    assert "办公时间：工作日8:30到17:30 （随上级）" in await seen("/desks")
    assert (await post("/desks/GH/hours", own="yes", opens="09:00", closes="20:00", weekends="yes"))[0] == 303
    assert (await post("/desks/GH/days", day="2026-11-27", working="closed"))[0] == 303
    assert (await post("/desks/GH/answers", title="问好", text="{居民}您好"))[0] == 303
    page = await seen("/desks/GH")
    assert "办公时间：每天9:00到20:00" in page
    assert "2026年11月27日 不开" in page
    assert "办公时间：每天9:00到20:00 （随上级）" in await seen("/desks/GH1")
    refused = {
        ("/desks/GH/hours", "own=yes opens=20:00 closes=09:00"): "下班时间要晚于上班时间。",
        ("/desks/GH/hours", "own=yes opens= closes="): "请填上班和下班时间。",
        ("/desks/GH/hours", "own=yes opens=x closes=09:00"): "请填时间，如 8:30。",
        ("/desks/GH/days", "day=2026-11-01 working=closed"): "请选今天到两年以内的日子。",
        ("/desks/GH/days", "day=x working=closed"): "请选日期，再选开还是不开。",
        ("/desks/GH/answers", "title=x text={名}"): None,
    }
    for (path, fields), sentence in refused.items():
        status, text = await post(path, **dict(field.split("=", 1) for field in fields.split()))
        assert status == 422
        assert sentence in (None, text)
    assert (await post("/desks/CD/hours", own="yes", opens="09:00", closes="20:00"))[0] == 404
    assert (await post("/desks/GH/hours", own="no"))[0] == 303
    assert (await post("/desks/GH/days", day="2026-11-27", working=""))[0] == 303
    page = await seen("/desks/GH")
    assert "办公时间：工作日8:30到17:30 （随上级）" in page
    assert "11月27日" not in page


async def test_the_conversation_offers_the_answers_and_without_scripts_a_link_fills_one_in(town: Town) -> None:
    _, kept = await add(town, "community", "GH", "在办", "{居民}您好，{编号} 在办。")
    conversation_id = await held(town)
    async with town.database.write() as session:
        row = await session.get_one(Conversation, conversation_id)
        await session.execute(update(Resident).where(Resident.id == row.resident_id).values(display_name=""))
    town.client.session.cookie_jar.update_cookies({"linlitong_staff": await town.token("community")})
    async with town.client.get(f"/conversations/{conversation_id}?answer={kept['answer_id']}") as answer:
        page = await answer.text()
    assert re.search(r'<a href="[^"]+" data-answer="\{居民\}您好，\d{4}-\d{4} 在办。" data-problem="还不知道', page)
    assert re.search(r"<textarea[^>]*>\{居民\}您好，\d{4}-\d{4} 在办。</textarea>", page)
    assert "还不知道这位居民怎么称呼，请改好再发。" in page
    town.client.session.cookie_jar.update_cookies({"linlitong_staff": await town.token("street")})
    async with town.client.get(f"/conversations/{conversation_id}") as answer:
        assert "data-answer" not in await answer.text()


async def test_hours_and_days_come_from_files_and_wrong_rows_are_named(town: Town, tmp_path: Path) -> None:
    hours, days = tmp_path / "desk_hours.csv", tmp_path / "desk_days.csv"

    async def load() -> list[FileResult]:
        async with town.database.write() as session:
            return await import_city(session, tmp_path)

    hours.write_text("area_code,opens,closes,weekends\nGH,9:00,20:00,1\nXX,9:00,12:00,0\nCD,9:00,9:00,0\nHL,25:00,9:00,0\n")
    days.write_text("area_code,day,working\nGH,2026-11-25,0\nGH,2026-11-25,1\n")
    problems = [(p.file, p.line, p.column, p.reason) for result in await load() for p in result.problems]
    assert problems == [
        ("desk_hours.csv", 3, "area_code", "没有XX这个区划编码。"),
        ("desk_hours.csv", 4, "closes", "下班时间要晚于上班时间。"),
        ("desk_hours.csv", 5, "opens", "应填时间，如08:30。"),
        ("desk_days.csv", 3, "area_code、day", "与第2行重复。"),
    ]
    hours.write_text("area_code,opens,closes,weekends\nGH,9:00,20:00,1\n")
    days.write_text("area_code,day,working\nGH,2026-11-25,0\n")
    assert [result.changes.added for result in await load() if result.changes] == [1, 1]
    assert [result.changes.same for result in await load() if result.changes] == [1, 1]
    async with town.database.read() as session:
        calendar = await calendar_of(session, (await town.client.app[DESK](session)).calendar, "GH1")
    sunday, closed = datetime(2026, 11, 29, 11, tzinfo=UTC), datetime(2026, 11, 25, 2, tzinfo=UTC)
    assert (calendar.is_open(sunday), calendar.is_open(closed)) == (True, False)
