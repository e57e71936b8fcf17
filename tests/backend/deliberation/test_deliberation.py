"""议事 from the topic to what became of it: who is asked, what is said, what is public, and what every step refuses."""

import asyncio

import pytest
from sqlalchemy import func, select

from backend.deliberation import clerk, service
from backend.deliberation.models import DeliberationLog, DeliberationState, Participant, StatementState, Voice
from backend.staff.models import StaffNotice
from tests.backend.deliberation.square import Square


async def test_from_the_topic_to_the_resolution_a_vote_and_an_event_with_the_trail_kept_both_ways(square: Square) -> None:
    number = await square.opens()
    assert [len(await square.heard(who)) for who in ("r1", "r2", "r3", "r9")] == [1, 1, 1, 0]
    invitation = (await square.heard("r1"))[0]
    assert "【议事】小区门口的早点摊\n东门的早点摊" in invitation.text
    assert [button["title"] for button in invitation.buttons] == ["我要发言", "听听大家的"]
    stays = await square.public("r1", number, "早点摊方便上班的人，别撤")
    goes = await square.says("r2", number, "占道太危险，撤掉")
    assert "已经公开" in await square.last("r1")
    found = (await square.resident("r3", "GET", f"/deliberations/{number}/next"))[1]["statement"]
    assert found["text"] == "有位居民说：\n“早点摊方便上班的人，别撤”\n您怎么看？"
    assert (await square.moderates(number, goes))[0] == 303
    status, answer = await square.judges("r3", stays, "support")
    assert (status, answer["said"]["text"]) == (200, "记下了，您支持。到现在 1 人支持，0 人不支持。")
    assert "占道太危险" in answer["next"]["text"]
    await square.judges("r2", stays, "oppose")
    assert (await square.judges("r3", goes, "oppose"))[1]["next"] is None
    page = await square.shown(number)
    assert "请了 3 人，发言 2 人，表态 2 人" in page
    assert "支持 1，不支持 1" in page
    await square.published(number)

    vote = {"kind": "decision", "title": "搬早点摊", "question": "同意搬吗", "basis": "household", "rule": "residents"}
    times = {"starts_at": "2026-12-03T08:00", "ends_at": "2026-12-10T18:00", "keyholders": "王秀兰", "keys_needed": "1"}
    status, where = await square.post("community", f"/deliberations/{number}/vote", **vote | times)
    assert (status, where[:7]) == (303, "/votes/")
    await square.clerk()
    heard = [message.text for message in await square.heard("r2")][-2:]
    assert ("定下来：早点摊搬到北门空地" in heard[0], where[7:] in heard[1]) == (True, True)
    assert await square.last("r9") == ""
    assert (await square.post("community", f"/deliberations/{number}/event", item="garbage"))[0] == 303
    await square.clerk()
    page = await square.shown(number)
    assert f'href="{where}"' in page
    async with square.database.read() as session:
        (decided,) = await service.resolutions(session)
    event = dict(decided.became)["event"]
    assert (decided.title, decided.resolution) == ("小区门口的早点摊", "早点摊搬到北门空地")
    assert event in await square.last("r3")
    assert f'href="/events/{event}"' in page
    for path in (where, f"/events/{event}"):
        assert f'href="/deliberations/{number}"' in (await square.page("community", path))[1]
    assert (await square.post("community", f"/deliberations/{number}/event", item="garbage"))[0] == 409


async def test_a_statement_is_nobody_s_but_its_author_s_and_the_staff_s_until_it_is_public(square: Square) -> None:
    number = await square.opens()
    statement = await square.says("r1", number, "摊主卖的油条不错")
    assert (await square.resident("r2", "GET", f"/deliberations/{number}/next"))[1]["statement"] is None
    assert (await square.judges("r2", statement, "support"))[0] == 404
    assert "摊主卖的油条" not in str(await square.resident("r2", "GET", f"/deliberations/{number}"))
    assert "等工作人员看" in str(await square.resident("r1", "GET", f"/deliberations/{number}"))
    assert (await square.page("far-community", f"/deliberations/{number}"))[0] == 404
    assert (await square.moderates(number, statement, username="far-community"))[0] == 404
    assert (await square.moderates(number, statement, username="head"))[0] == 404


async def test_a_refusal_names_its_reason_to_the_author_and_the_words_stay_hidden(square: Square) -> None:
    number = await square.opens()
    for refusal, words in (("private", "提到了别人的名字"), ("off_topic", "说的不是这次商量的事"), ("insult", "有伤人的话")):
        statement = await square.says("r1", number, f"三楼老李家天天吵，{refusal}")
        assert (await square.moderates(number, statement, refusal="because"))[0] == 422
        assert (await square.moderates(number, statement, refusal=refusal))[0] == 303
        assert words in await square.last("r1")
        assert (await square.moderates(number, statement))[0] == 409
        assert (await square.statement(statement)).state is StatementState.REFUSED
    assert (await square.resident("r2", "GET", f"/deliberations/{number}/next"))[1]["statement"] is None


async def test_a_resident_has_one_stance_however_often_and_however_parallel_it_is_given(square: Square) -> None:
    number = await square.opens()
    statement = await square.public("r1", number, "早点摊别撤")
    await square.judges("r2", statement, "support")
    assert "0 人支持，1 人不支持" in str(await square.judges("r2", statement, "oppose"))
    key, headers = await square.key("r3"), {"Authorization": "Bearer service-token"}
    stances = ["support", "oppose"] * 20

    async def press(place: int) -> int:
        async with square.internal.post(
            f"/internal/v1/statements/{statement}/stance?conversation={key}",
            json={"stance": stances[place]},
            headers=headers | {"Idempotency-Key": f"press {place}"},
        ) as answer:
            return answer.status

    assert set(await asyncio.gather(*(press(place) for place in range(40)))) == {200}
    async with square.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Voice)) == 2
    counts = await square.counts(statement)
    assert counts.support + counts.oppose == 2
    assert (await square.judges("r1", statement, "support"))[0] == 409, "one's own"


async def test_what_is_withdrawn_is_shown_and_counted_no_more(square: Square) -> None:
    number = await square.opens()
    statement = await square.public("r1", number, "早点摊别撤")
    await square.judges("r2", statement, "support")
    assert (await square.resident("r2", "POST", f"/statements/{statement}/withdrawal", {}))[0] == 404, "not its author"
    assert (await square.resident("r1", "POST", f"/statements/{statement}/withdrawal", {}))[0] == 200
    assert (await square.resident("r3", "GET", f"/deliberations/{number}/next"))[1]["statement"] is None
    assert (await square.judges("r3", statement, "support"))[0] == 404
    assert "发言 0 人，表态 0 人" in await square.shown(number)
    assert "早点摊别撤" not in await square.shown(number)


async def test_closing_with_nothing_said_is_told_and_decides_nothing(square: Square) -> None:
    number = await square.opens()
    statement = await square.says("r1", number, "再想想")
    await square.resident("r1", "POST", f"/statements/{statement}/withdrawal", {})
    await square.ends()
    assert (await square.stored(number)).state is DeliberationState.EMPTY
    assert "没有人发言，这次就不作决定了" in await square.last("r3")
    assert (await square.post("community", f"/deliberations/{number}/publication", summary="无", resolution="无"))[0] == 409
    assert "写小结和决议（没有准许）" not in await square.shown(number)
    async with square.database.read() as session:
        refused = (await session.scalars(select(DeliberationLog).where(DeliberationLog.refused))).one()
    assert (refused.what, refused.details) == ("published", {"code": "not_closed"})


async def test_nothing_is_published_while_a_statement_waits_and_staff_are_reminded_once(square: Square) -> None:
    number = await square.opens()
    statement = await square.says("r1", number, "早点摊别撤")
    square.town.clock.advance(hours=25)
    assert [await square.clerk(), await square.clerk()] == [1, 0]
    await square.ends()
    publication = {"summary": "只有一条", "resolution": "先不动"}
    assert (await square.post("community", f"/deliberations/{number}/publication", **publication))[0] == 409
    await square.moderates(number, statement)
    assert (await square.post("community", f"/deliberations/{number}/publication", **publication))[0] == 303
    async with square.database.read() as session:
        told = list(await session.scalars(select(StaffNotice.text).order_by(StaffNotice.id)))
    assert sorted({text for text in told if "议事" in text}) == [
        "议事“小区门口的早点摊”已经结束，请写小结和决议",
        "议事“小区门口的早点摊”有发言等了 24 小时还没审核",
        "议事“小区门口的早点摊”有新发言等审核",
    ]


async def test_who_is_not_known_there_says_so_and_staff_see_that_it_was_only_said(square: Square) -> None:
    number = await square.opens()
    status, answer = await square.resident("r9", "POST", f"/deliberations/{number}/statements", {"text": "我也想说"})
    assert (status, answer["error"]["sentence"]) == (409, "这次议事请本地居民参加。")
    card = (await square.resident("r9", "GET", f"/deliberations/{number}"))[1]["card"]
    assert [button["title"] for button in card["buttons"]] == ["我住这里，要参加"]
    for _ in range(2):
        assert (await square.resident("r9", "POST", f"/deliberations/{number}/join", {}))[0] == 200
    await square.says("r9", number, "我也想说")
    assert "居民自己说住在这里" in await square.shown(number)
    async with square.database.read() as session:
        declared = list(await session.scalars(select(Participant.declared).order_by(Participant.id)))
    assert declared == [False, False, False, True]


async def test_more_people_than_a_batch_are_all_asked_once(square: Square, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clerk, "BATCH", 2)
    await square.opens()
    assert await square.clerk() == 0
    assert [len(await square.heard(who)) for who in ("r1", "r2", "r3")] == [1, 1, 1]


async def test_nobody_is_asked_before_it_begins_and_nothing_is_taken_before_or_after_its_time(square: Square) -> None:
    number = await square.opens(starts_at="2026-11-24T12:00")
    assert await square.last("r1") == ""
    assert (await square.resident("r1", "POST", f"/deliberations/{number}/join", {}))[0] == 409
    square.town.clock.advance(hours=2)
    await square.clerk()
    statement = await square.public("r1", number, "早点摊别撤")
    square.town.clock.advance(days=8)  # its clerk has not come yet
    status, answer = await square.resident("r2", "POST", f"/deliberations/{number}/statements", {"text": "晚了吗"})
    assert (status, answer["error"]["sentence"]) == (409, "“小区门口的早点摊”已经结束，不再收发言了。")
    assert (await square.judges("r2", statement, "support"))[0] == 409


async def test_a_cancelled_one_says_why(square: Square) -> None:
    number = await square.opens()
    assert (await square.post("community", f"/deliberations/{number}/cancel", reason=" "))[0] == 422
    assert (await square.post("community", f"/deliberations/{number}/cancel", reason="街道已经统一规划了"))[0] == 303
    await square.clerk()
    assert await square.last("r2") == "【议事】小区门口的早点摊：已经取消了。原因：街道已经统一规划了"
    status, answer = await square.resident("r1", "POST", f"/deliberations/{number}/statements", {"text": "可惜了"})
    assert (status, answer["error"]["code"]) == (409, "deliberation_cancelled")


WRONG = (
    ({"ends_at": "2026-11-24T09:00"}, "结束时间要晚于开始时间"),
    ({"starts_at": "2026-11-20T09:00", "ends_at": "2026-11-24T09:00"}, "结束时间已经过去"),
    ({"ends_at": "2027-11-24T09:00"}, "一次议事最长 90 天"),
    ({"title": "<b>早点摊</b>"}, "不能有尖括号"),
    ({"background": "　"}, "请填写背景"),
    ({"area": "JP"}, "不能在这个区域"),
)


async def test_a_wrong_topic_or_statement_is_refused_in_one_sentence_and_nothing_is_written(square: Square) -> None:
    for wrong, sentence in WRONG:
        status, said = await square.makes(**wrong)
        assert (status in (403, 422), sentence in said) == (True, True), said
    async with square.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(DeliberationLog)) == 0
    number = await square.opens()
    for text, status, sentence in (
        ("长" * 301, 422, "发言太长了，最多 300 个字。"),
        (" ", 422, "请填写发言。"),
        ("看\u202e不见", 422, "发言里有看不见的字符，请重新填写。"),
    ):
        done = await square.resident("r1", "POST", f"/deliberations/{number}/statements", {"text": text})
        assert (done[0], done[1]["error"]["sentence"]) == (status, sentence)
    for place in range(5):
        await square.says("r1", number, f"第 {place} 句")
    done = await square.resident("r1", "POST", f"/deliberations/{number}/statements", {"text": "第 4 句"})
    assert done[1]["error"]["code"] == "said_already"
    done = await square.resident("r1", "POST", f"/deliberations/{number}/statements", {"text": "第 6 句"})
    assert done[1]["error"]["code"] == "too_many_statements"


async def test_the_staff_api_does_what_the_pages_do(square: Square) -> None:
    token = await square.town.token("community")
    api, base = square.town.api, "/api/v1/deliberations"
    topic = {
        "title": "遛狗的地方",
        "background": "大家说说在哪儿遛狗好",
        "area_code": "GH",
        "starts_at": "2026-11-24T10:00:00+08:00",
        "ends_at": "2026-12-01T18:00:00+08:00",
    }
    status, made = await api("POST", base, token=token, json=topic)
    assert (status, made["state"]) == (201, "draft")
    where = f"{base}/{made['number']}"
    assert (await api("POST", f"{where}/announcement", token=token))[1]["state"] == "open"
    await square.clerk()
    await square.says("r1", made["number"], "河边的草地好")
    status, listed = await api("GET", base, token=token)
    assert [(one["number"], one["waiting"]) for one in listed["deliberations"]] == [(made["number"], 1)]
    (statement,) = (await api("GET", where, token=token))[1]["statements"]
    moderation = f"{where}/statements/{statement['statement_id']}/moderation"
    (statement,) = (await api("POST", moderation, token=token, json={}))[1]["statements"]
    assert statement["state"] == "public"
    await square.ends()
    token = await square.town.token("community")
    publication = {"summary": "都说河边好", "resolution": "河边划一块"}
    assert (await api("POST", f"{where}/publication", token=token, json=publication))[1]["state"] == "published"
    status, page = await api("POST", f"{where}/event", token=token, json={"item_code": None})
    assert (status, [one["kind"] for one in page["became"]]) == (201, ["event"])
    assert (await api("POST", f"{where}/cancellation", token=token, json={"reason": "不要了"}))[0] == 409
    assert (await api("GET", where, token=await square.town.token("far-community")))[0] == 404
