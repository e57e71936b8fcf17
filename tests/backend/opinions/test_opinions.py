"""An opinion's life on both databases: filed, seconded, handed on, late, answered, rated, withdrawn, turned into an event."""

import asyncio
import re

import pytest
from sqlalchemy import select

from backend.deliberation import service as deliberation
from backend.deliberation.models import DeliberationState
from backend.opinions import service
from backend.opinions.models import OpinionHistory, OpinionState, OpinionSupporter
from tests.backend.opinions.forum import LAMPS, Forum

ANSWER = "广场南侧下周加装四盏太阳能灯，谢谢您的建议。"


async def steps(forum: Forum, number: str) -> list[str]:
    opinion = await forum.opinion(number)
    async with forum.database.read() as session:
        query = select(OpinionHistory.step).where(OpinionHistory.opinion_id == opinion.id).order_by(OpinionHistory.id)
        return list(await session.scalars(query))


async def test_a_suggestion_is_answered_by_its_owner_and_rated(forum: Forum) -> None:
    number = await forum.suggests()
    assert await forum.listed("community") == [number]
    assert (await forum.listed("far-community", "all"), await forum.listed("lights")) == ([], [])
    status, page = await forum.page("community", f"/opinions/{number}")
    assert (status, LAMPS in page, "12月1日" in page) == (200, True, True)
    assert (await forum.call("r1", "POST", f"/opinions/{number}/rating", {"stars": 5}))[0] == 409
    assert await forum.does("community", number, "answer", text=ANSWER) == 303
    told = (await forum.heard())[-1]
    assert told.startswith(f"【建议答复】宫涵社区的小广场多装几盏路灯，晚上跳舞看不见（{number}）\n宫涵社区：{ANSWER}")
    assert (await forum.call("r1", "POST", f"/opinions/{number}/rating", {"stars": 6}))[0] == 422
    assert (await forum.call("r2", "POST", f"/opinions/{number}/rating", {"stars": 1}))[0] == 404
    assert (await forum.call("r1", "POST", f"/opinions/{number}/rating", {"stars": 4}))[1]["stars"] == 4
    assert "4 星" in (await forum.page("community", f"/opinions/{number}"))[1]
    assert await forum.does("community", number, "answer", text=ANSWER) == 409
    assert await steps(forum, number) == ["filed", "answered", "rated"]


async def test_an_answer_is_corrected_and_the_history_keeps_the_first(forum: Forum) -> None:
    number = await forum.suggests()
    await forum.call("r2", "POST", f"/opinions/{number}/support")
    assert await forum.does("community", number, "correction", text=ANSWER) == 409
    assert await forum.does("community", number, "answer", text=ANSWER) == 303
    assert await forum.does("water", number, "correction", text="改成六盏。") == 404
    assert await forum.does("community-2", number, "correction", text=ANSWER) == 422
    assert await forum.does("community-2", number, "correction", text="数错了，是六盏，不是四盏。") == 303
    assert "之前的答复有不对的地方，抱歉。宫涵社区更正如下：数错了，是六盏" in (await forum.heard())[-1]
    assert "更正如下：数错了，是六盏" in (await forum.heard("r2"))[-1]
    page = (await forum.page("community", f"/opinions/{number}"))[1]
    assert ANSWER in page.split('id="trail"')[1]
    await forum.work()
    entries = (await forum.call("", "GET", "/disclosure"))[1]["entries"]
    assert ["六盏" in one["text"] and ANSWER not in one["text"] for one in entries] == [True]


async def test_few_stars_reopen_it_once_one_level_higher(forum: Forum) -> None:
    number = await forum.suggests()
    await forum.does("community", number, "answer", text=ANSWER)
    await forum.work()
    status, card = await forum.call("r1", "POST", f"/opinions/{number}/rating", {"stars": 2})
    assert (status, card["state"], card["owner"], card["answer"]) == (200, "waiting", "城东街道社会治理中心", "")
    assert (await forum.listed("street"), await forum.listed("community")) == ([number], [])
    assert ANSWER in (await forum.page("street", f"/opinions/{number}"))[1].split('id="trail"')[1]
    await forum.work()
    assert (await forum.call("", "GET", "/disclosure"))[1]["entries"] == []
    assert await forum.does("community", number, "answer", text=ANSWER) == 403
    assert await forum.does("street", number, "answer", text="街道拨款，下周一就装。") == 303
    assert (await forum.opinion(number)).stars is None
    status, card = await forum.call("r1", "POST", f"/opinions/{number}/rating", {"stars": 1})
    assert (status, card["state"], card["stars"]) == (200, "answered", 1)
    assert await steps(forum, number) == ["filed", "answered", "rated", "reopened", "answered", "rated"]


OWNERS = [
    ("河边能不能放几个救生圈", "GH", ("department", "SL")),
    ("建议广场加长椅", "GH1", ("community", "GH")),
    ("建议广场加长椅", "CD", ("street", "CD")),
    ("建议广场加长椅", "LL", ("department", "SZ")),
    ("多搞点活动吧", "GH", ("street", "CD")),
]


async def test_the_owner_is_the_topic_s_department_or_the_place_s_desk(forum: Forum) -> None:
    for words, area, owner in OWNERS:
        opinion = await forum.opinion(await forum.suggests(words, area=area))
        assert (words, area, opinion.owner.value, opinion.owner_code) == (words, area, *owner)


async def test_neighbours_are_offered_what_is_alike_and_public_and_count_once(forum: Forum) -> None:
    number = await forum.suggests()
    await forum.suggests("小广场路灯太少了，加几盏灯吧", who="r2", public=False)
    read = {"text": "宫涵社区小广场晚上太黑，多装几盏路灯"}
    answer = (await forum.call("r3", "POST", "/opinions/read", read))[1]
    assert [one["number"] for one in answer["similar"]] == [number]
    assert (answer["words"], answer["place"]["area_code"], answer["owner"], answer["days"]) == (True, "GH", "宫涵社区", 5)
    assert (await forum.call("r3", "POST", "/opinions/read", {"text": "宫涵社区办个老年食堂"}))[1]["similar"] == []
    assert (await forum.call("r3", "POST", "/opinions/read", {"text": "我想提个建议"}))[1]["words"] is False
    first, again = [(await forum.call("r3", "POST", f"/opinions/{number}/support"))[1] for _ in range(2)]
    assert [(one["new"], one["supporters"]) for one in (first, again)] == [(True, 1), (False, 1)]
    status, refused = await forum.call("r1", "POST", f"/opinions/{number}/support")
    assert (status, refused["error"]["code"]) == (409, "own_opinion")
    await forum.does("community", number, "answer", text=ANSWER)
    assert (await forum.heard("r3"))[-1].startswith("【建议答复】您附议的")
    assert (await forum.call("r4", "POST", f"/opinions/{number}/support"))[0] == 409
    mine = (await forum.call("r3", "GET", "/opinions"))[1]["mine"]
    assert [(one["number"], one["mine"], one["answer"]) for one in mine] == [(number, False, ANSWER)]


async def test_one_resident_at_once_on_many_lines_is_counted_once(forum: Forum) -> None:
    number = await forum.suggests()
    await forum.key("r2")
    tries = [forum.call("r2", "POST", f"/opinions/{number}/support", once=f"try {place}") for place in range(12)]
    answers = await asyncio.gather(*tries)
    assert {status for status, _ in answers} == {200}
    assert sum(answer["new"] for _, answer in answers) == 1
    async with forum.database.read() as session:
        assert len((await session.scalars(select(OpinionSupporter))).all()) == 1


async def test_what_is_late_climbs_turns_red_and_can_be_answered_above(forum: Forum) -> None:
    number = await forum.suggests()
    assert await forum.work() == 0
    forum.town.clock.advance(days=7, hours=8)  # Tuesday a week later, after closing time
    assert await forum.work() == 1
    assert (await forum.heard())[-1].startswith("【超期督办】")
    assert "已经报到街道督促宫涵社区" in (await forum.heard())[-1]
    assert (await forum.listed("street"), await forum.listed("district")) == ([number], [])
    assert 'class="due red"' in (await forum.page("community", "/opinions?tab=late"))[1]
    assert await forum.work() == 0
    for level, listed in (("district", [number]), ("district", [number])):
        forum.town.clock.advance(days=2)
        assert await forum.work() == 1
        assert (await forum.opinion(number)).level.value == level
        assert await forum.listed("district") == listed
    assert len([text for text in await forum.heard() if "超期督办" in text]) == 2
    assert await forum.does("district", number, "answer", text=ANSWER) == 303
    forum.town.clock.advance(days=2)
    await forum.work()
    assert (await steps(forum, number)).count("climbed") == 3


async def test_it_is_handed_on_with_a_reason_and_stays_due(forum: Forum) -> None:
    number = await forum.suggests()
    due = (await forum.opinion(number)).due_at
    assert await forum.does("community", number, "owner", to="department:SZ", reason=" ") == 422
    assert await forum.does("community", number, "owner", to="department:XX", reason="归市政管") == 422
    assert await forum.does("community", number, "owner", to="grid:JP1", reason="归市政管") == 422
    assert await forum.does("community", number, "owner", to="department:SZ", reason="归市政管") == 303
    opinion = await forum.opinion(number)
    assert (opinion.owner_code, opinion.due_at) == ("SZ", due)
    assert "转给市政设施管理所答复" in (await forum.heard())[-1]
    assert (await forum.listed("lights"), await forum.listed("community")) == ([number], [])
    assert await forum.does("lights", number, "answer", text=ANSWER) == 303
    assert "市政设施管理所：归市政管" in (await forum.page("community", f"/opinions/{number}"))[1]


async def test_its_author_takes_it_back_until_it_is_answered(forum: Forum) -> None:
    number = await forum.suggests()
    await forum.call("r2", "POST", f"/opinions/{number}/support")
    assert (await forum.call("r2", "POST", f"/opinions/{number}/withdraw"))[0] == 404
    for _ in range(2):
        assert (await forum.call("r1", "POST", f"/opinions/{number}/withdraw"))[1]["state"] == "withdrawn"
    assert (await forum.heard("r2"))[-1].startswith("【建议撤回】")
    assert await forum.does("community", number, "answer", text=ANSWER) == 409
    assert (await forum.call("r3", "POST", f"/opinions/{number}/support"))[0] == 404
    other = await forum.suggests("河里的水草该清一清")
    await forum.does("water", other, "answer", text=ANSWER)
    assert (await forum.call("r1", "POST", f"/opinions/{other}/withdraw"))[0] == 409
    assert (await forum.opinion(other)).state is OpinionState.ANSWERED


async def test_it_becomes_an_event_of_its_author_s(forum: Forum) -> None:
    number = await forum.suggests(area="GH1")
    assert await forum.does("far-community", number, "event", item="streetlight") == 404
    assert await forum.does("grid", number, "event", item="streetlight") == 403
    assert await forum.does("community", number, "event", item="parcel") == 422
    assert (await forum.opinion(number)).state is OpinionState.WAITING
    assert await forum.does("community", number, "event", item="streetlight") == 303
    told = re.search(r"转成事件 (\d{4}-\d{4}) 派人去办", (await forum.heard())[-1])
    assert told
    event = await forum.town.event(told[1])
    assert (event.description, event.item_code, event.reporter_id) == (LAMPS, "streetlight", 1)
    assert told[1] in (await forum.page("community", f"/opinions/{number}"))[1]
    city = await forum.suggests("建议广场多放几把长椅", area="LL")
    assert await forum.does("lights", city, "event", item="") == 422


async def test_it_becomes_a_deliberation_whose_resolution_is_public(forum: Forum) -> None:
    number = await forum.suggests("建议广场多放几把长椅，我叫王小明")
    assert await forum.does("community", number, "deliberation", days="0") == 422
    assert await forum.does("community", number, "deliberation", days="120") == 422
    assert (await forum.opinion(number)).state is OpinionState.WAITING
    assert await forum.does("community", number, "deliberation", days="14", title="广场放不放长椅") == 303
    told = re.search(r"议事编号 (YS-\d{6})", (await forum.heard())[-1])
    assert told
    clock, scope = forum.town.clock, await forum.scope("community")
    async with forum.database.write() as session:
        one = await deliberation.by_number(session, told[1])
        assert (one.title, one.area_code, "王小明" in one.background) == ("广场放不放长椅", "GH", False)
        one.state, one.ended_at = DeliberationState.CLOSED, clock.now()
        words = {"summary": "都说缺长椅。", "resolution": "北侧放六把长椅。"}
        await deliberation.publish(session, one, **words, scope=scope, now=clock.now())
    await forum.work()
    entries = (await forum.call("", "GET", "/disclosure", q="长椅"))[1]["entries"]
    listed = next(one for one in entries if one["number"] == told[1])
    assert (listed["kind_name"], listed["topic"]) == ("议事决议", "公共设施")
    assert listed["text"] == "大家说的：都说缺长椅。\n决议：北侧放六把长椅。"


async def test_bad_input_is_refused_in_one_sentence_and_changes_nothing(forum: Forum) -> None:
    for body in (
        {"text": "灯", "area_code": "GH"},
        {"text": LAMPS, "area_code": "??"},
        {"text": "", "area_code": "GH"},
        {"text": LAMPS},
    ):
        assert (await forum.call("r1", "POST", "/opinions", body))[0] == 422, body
    assert (await forum.call("r1", "GET", "/opinions"))[1]["mine"] == []
    number = await forum.suggests()
    again = [await forum.call("r1", "POST", "/opinions", {"text": LAMPS, "area_code": "GH"}, once="same") for _ in range(2)]
    assert again[0] == again[1]
    for text in ("", "好", "长" * 2001):
        assert await forum.does("community", number, "answer", text=text) == 422, text
    assert (await forum.call("r2", "GET", "/opinions/Y0000-0000"))[0] == 404
    assert await forum.does("community", "Y0000-0000", "answer", text=ANSWER) == 404
    assert (await forum.page("law", "/opinions"))[0] == 403
    assert (await forum.opinion(number)).state is OpinionState.WAITING


async def test_twenty_may_wait_and_not_one_more(forum: Forum, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_WAITING", 2)
    first = await forum.suggests()
    await forum.suggests("建议多放几把长椅")
    status, refused = await forum.call("r1", "POST", "/opinions", {"text": "河边要护栏", "area_code": "GH"})
    assert (status, refused["error"]["code"]) == (429, "too_many_opinions")
    await forum.call("r1", "POST", f"/opinions/{first}/withdraw")
    await forum.suggests("河边要护栏")


async def test_the_staff_api_lists_answers_and_hands_on(forum: Forum) -> None:
    number, other = await forum.suggests(), await forum.suggests("建议多放几把长椅", who="r2")
    api, token = forum.town.api, await forum.town.token("community")
    status, listed = await api("GET", "/api/v1/opinions?tab=mine", token=token)
    assert (status, [one["number"] for one in listed["opinions"]], listed["total"]) == (200, [number, other], 2)
    status, page = await api("POST", f"/api/v1/opinions/{number}/answer", token=token, json={"text": ANSWER})
    assert (status, page["state"], page["may_answer"], page["history"][-1]["by"]) == (200, "answered", False, "吕俊杰")
    status, page = await api("POST", f"/api/v1/opinions/{number}/correction", token=token, json={"text": "装六盏，不是四盏。"})
    assert (status, page["answer"], page["history"][-1]["note"]) == (200, "装六盏，不是四盏。", ANSWER)
    status, page = await api("POST", f"/api/v1/opinions/{number}/topic", token=token, json={"topic_code": "water"})
    assert (status, page["topic"]["code"]) == (200, "water")
    status, page = await api("POST", f"/api/v1/opinions/{number}/private", token=token, json={"reason": "写了邻居名字"})
    assert (status, page["public"]) == (200, False)
    body = {"to": {"kind": "department", "code": "SL"}, "reason": "归水利管"}
    status, page = await api("POST", f"/api/v1/opinions/{other}/owner", token=token, json=body)
    assert (status, page["owner"]["name"]) == (200, "水利局")
    assert (await api("GET", f"/api/v1/opinions/{number}", token=await forum.town.token("far-community")))[0] == 404
    third = await forum.suggests(who="r3", area="GH2")
    status, page = await api("POST", f"/api/v1/opinions/{third}/event", token=token, json={"item_code": "streetlight"})
    assert (status, page["became"]) == (200, "event")
    assert re.fullmatch(r"\d{4}-\d{4}", page["became_number"])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("建议小区门口加个红绿灯", "门口路口能不能装红绿灯", True),
        ("希望食堂早点开到七点，上班的人来不及吃", "社区食堂开得太晚，上班的来不及吃", True),
        ("老小区能不能加装电梯，老人爬楼太苦", "盼着早点加装电梯", True),
        ("建议小区门口加个红绿灯", "建议小区门口加个快递柜", False),
        ("希望多搞点老年活动", "希望多搞点亲子活动", False),
        ("公园里要是有个厕所就好了", "公园里多种点树就好了", False),
    ],
)
def test_how_alike_two_suggestions_are(one: str, other: str, *, same: bool) -> None:
    assert (service.alike(one, other) >= service.ALIKE) is same
