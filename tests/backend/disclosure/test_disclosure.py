"""公开: what is listed and what is not, how it is found, who is told, and that one word stops it."""

import pytest
from sqlalchemy import func, select, text

from backend.conversations import service as conversations
from backend.disclosure import service
from backend.disclosure.models import DisclosureSubscription, DisclosureTerm, Kind
from backend.grids.models import Area
from backend.house import DESK
from backend.personal import service as personal
from backend.personal.models import PersonalRequest, Wish
from backend.terms import terms_of
from tests.backend.opinions.forum import Forum

PARKING = "建议宫涵小区北门划二十个停车位，晚上没处停"
ANSWER = "北门东侧空地下月划线，二十四个车位，先到先停。"


async def answered(forum: Forum, words: str = PARKING, *, by: str = "street", **more: object) -> str:
    """A public opinion, answered and listed; returns its number."""
    number = await forum.suggests(words, **more)  # type: ignore[arg-type]
    assert await forum.does(by, number, "answer", text=ANSWER) == 303
    await forum.work()
    return number


async def found(forum: Forum, **query: str) -> list[str]:
    status, answer = await forum.call("", "GET", "/disclosure", **query)
    assert status == 200, answer
    return [one["number"] for one in answer["entries"]]


async def wishes(forum: Forum, who: str, area: str, topic: str = "") -> None:
    assert (await forum.call(who, "POST", "/disclosure/wishes", {"topic": topic, "area": area}))[0] == 200


async def test_an_answered_opinion_is_listed_while_its_author_agrees_and_only_then(forum: Forum) -> None:
    number = await answered(forum)
    hidden = await answered(forum, "河边装护栏，我叫王小明，电话找我", by="water", public=False)
    listed = (await forum.call("", "GET", "/disclosure"))[1]["entries"]
    assert [(one["number"], one["kind_name"], one["area"], one["topic"]) for one in listed] == [
        (number, "建议答复", "宫涵社区", "其他建议")
    ]
    assert ANSWER in listed[0]["text"]
    await forum.call("r1", "POST", f"/opinions/{hidden}/publicity", {"public": True})
    await forum.work()
    shown = (await forum.call("", "GET", "/disclosure", q="护栏"))[1]["entries"][0]
    assert ("王小明" in shown["text"], shown["topic"]) == (False, "河道水环境")
    for one in (number, hidden):
        await forum.call("r1", "POST", f"/opinions/{one}/publicity", {"public": False})
    await forum.work()
    assert await found(forum) == []
    async with forum.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(DisclosureTerm)) == 0


async def test_staff_take_down_what_should_not_be_public_with_a_reason(forum: Forum) -> None:
    number = await answered(forum)
    assert await forum.does("street", number, "private", reason="") == 422
    assert await forum.does("street", number, "topic", topic="water") == 303
    await forum.work()
    assert await found(forum, topic="water") == [number]
    assert await forum.does("street", number, "private", reason="写了别人的名字") == 303
    await forum.work()
    assert await found(forum) == []


async def test_words_find_it_the_same_way_on_both_databases(forum: Forum) -> None:
    parking = await answered(forum)
    river = await answered(forum, "河里的水草该清一清，夏天臭", by="water", who="r2")
    far = await answered(forum, "界牌社区门口也要停车位", by="far-street", who="r3", area="JP")
    assert await found(forum, q="停车") == [far, parking]
    assert await found(forum, q="小区北门停车") == [parking]
    assert await found(forum, q=river) == [river]
    assert await found(forum, q="停車位") == []  # no traditional form of this one is known
    assert await found(forum, q="水草", area="GH") == [river]
    assert await found(forum, area="CD") == [river, parking]
    assert await found(forum, q="停车", area="JP1") == [far]
    assert await found(forum, q="跳伞") == []
    assert (await forum.call("", "GET", "/disclosure", q="！？"))[0] == 422
    assert (await forum.call("", "GET", "/disclosure", area="nowhere"))[0] == 404
    assert (await forum.call("", "GET", "/disclosure", page="two"))[0] == 422
    assert (await forum.call("", "GET", "/disclosure/999"))[0] == 404
    page = (await forum.call("", "GET", "/disclosure", size="2"))[1]
    assert (len(page["entries"]), page["more"]) == (2, True)


async def test_searching_reads_the_index_of_terms(forum: Forum) -> None:
    """Enough entries that a plan over the whole table would be chosen if there were one that is better."""
    async with forum.database.write() as session:
        area = await session.get_one(Area, "GH")
        at = forum.town.clock.now()
        for place in range(120):
            words = f"第{place}号决定，关于{chr(0x4E00 + place)}{chr(0x5E00 + place)}的安排"
            await service.publish(session, Kind.RESOLUTION, f"YS-{place}", title=words, text=words, area=area, at=at)
    sqlite = forum.database.sqlite
    question = "SELECT disclosure_id, count(*) FROM disclosure_term WHERE term IN ('停车', '车位') GROUP BY disclosure_id"
    async with forum.database.write() as session:
        await session.execute(text("ANALYZE"))
        plan = await session.execute(text(("EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN ") + question))
        told = "\n".join(str(row) for row in plan)
    assert "SCAN disclosure_term" not in told
    assert "Seq Scan on disclosure_term" not in told
    assert ("PRIMARY KEY" if sqlite else "pk_disclosure_term") in told


async def test_whoever_it_concerns_is_told_once_in_the_day_and_one_word_stops_it(
    forum: Forum, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "BATCH", 2)
    for who, area, topic in (
        ("r2", "GH", ""),
        ("r2", "LL", ""),
        ("r3", "GH1", "other"),
        ("r4", "CD", ""),
        ("r5", "GH", "water"),
        ("r6", "JP", ""),
        ("r7", "HL", ""),
    ):
        await wishes(forum, who, area, topic)
    assert (await forum.call("r7", "POST", "/disclosure/wishes/stop", {}))[1] == {"stopped": 1}
    number = await forum.suggests(PARKING)
    await forum.does("street", number, "answer", text=ANSWER)
    forum.town.clock.advance(hours=13)  # 23:00
    await forum.work()
    assert (await found(forum), await forum.heard("r2")) == ([number], [])
    forum.town.clock.advance(hours=9)
    for _ in range(3):
        await forum.work()
    heard = {who: len(await forum.heard(who)) for who in ("r2", "r3", "r4", "r5", "r6", "r7")}
    assert heard == {"r2": 1, "r3": 1, "r4": 1, "r5": 0, "r6": 0, "r7": 0}
    assert (await forum.heard("r2"))[0].startswith("【公开·其他建议】宫涵社区：宫涵小区北门划二十个停车位")
    await forum.does("street", number, "topic", topic="water")
    await forum.work()
    assert await forum.heard("r5") == []  # written anew, not told anew


async def test_the_way_to_an_area_goes_down_step_by_step(forum: Forum) -> None:
    async def offered(code: str) -> list[tuple[str, int]]:
        areas = (await forum.call("", "GET", "/disclosure", area=code))[1]["areas"]
        return [(area["code"], area["depth"]) for area in areas]

    assert await offered("") == [("GG", 1), ("HL", 1)]
    assert await offered("CD") == [("HL", 1), ("CD", 2), ("GH", 3)]
    assert await offered("GH1") == [("HL", 1), ("CD", 2), ("GH", 3), ("GH1", 4)]


async def test_wrong_wishes_change_nothing(forum: Forum) -> None:
    for body in ({"topic": "magic", "area": "GH"}, {"topic": "", "area": "nowhere"}, {"topic": "", "area": "community"}):
        assert (await forum.call("r1", "POST", "/disclosure/wishes", body))[0] == 422, body
    await forum.suggests(PARKING)
    areas = (await forum.call("r1", "GET", "/disclosure/wishes"))[1]["areas"]
    assert [area["level"] for area in areas] == ["community", "street", "district", "city"]
    assert (await forum.call("r1", "POST", "/disclosure/wishes", {"topic": "", "area": "street"}))[1]["area"] == "城东街道"


async def test_whoever_has_their_data_deleted_leaves_an_opinion_without_a_name_and_nothing_public(forum: Forum) -> None:
    number = await answered(forum, f"{PARKING}，我叫王小明")
    await wishes(forum, "r1", "GH")
    key = await forum.key("r1")
    async with forum.database.write() as session:
        conversation = await conversations.by_tracker_key(session, key)
        await personal.ask(session, conversation, Wish.ERASE, now=forum.town.clock.now())
        await session.flush()
        request = (await session.scalars(select(PersonalRequest))).one()
        await personal.erase(session, request, desk=await forum.internal.app[DESK](session))  # type: ignore[union-attr]
    await forum.work()
    opinion = await forum.opinion(number)
    assert (opinion.resident_id, opinion.conversation_id, opinion.public) == (None, None, False)
    assert "王小明" not in opinion.text
    assert await found(forum) == []
    async with forum.database.read() as session:
        assert (await session.scalars(select(DisclosureSubscription))).all() == []


def test_terms_are_pairs_of_characters_and_whole_words_of_letters() -> None:
    assert terms_of("停车位A12，ＴＰ-003") == {"停车", "车位", "a12", "tp", "003"}
    assert terms_of("灯") == {"灯"}
    assert terms_of("！？") == set()
