"""Mediation: given to the right kind, a mediator chosen, both parties in, sittings, agreement, or one rung higher."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from backend.house import DESK
from backend.legal.areas import LawArea
from backend.mediation import erasing
from backend.mediation.ladder import COURT, LADDERS, Kind, Matter, Route, kind_of, matter_of, route_of, said
from backend.mediation.models import Answer, Booking, MediationState, PartyPhone, SittingState
from backend.vault.models import VaultItem, VaultUncovering
from tests.backend.mediation.table import PROPERTY, QUARREL, Table


@pytest.mark.parametrize(
    ("text", "area", "matter", "kind"),
    [
        ("物业乱收停车费", LawArea.NEIGHBOURS, Matter.PROPERTY, Kind.PEOPLE),
        ("楼上漏水不肯赔", LawArea.NEIGHBOURS, Matter.NEIGHBOURS, Kind.PEOPLE),
        ("和邻居打了一架，派出所民警来过了", LawArea.NEIGHBOURS, Matter.NEIGHBOURS, Kind.POLICE),
        ("借的钱不还，我已经起诉了，法院说先调解", LawArea.DEBT, Matter.DEBT, Kind.JUDICIAL),
        ("老板拖欠工资", LawArea.LABOUR, Matter.LABOUR, Kind.PROFESSIONAL),
        ("撞了我的车不赔修车钱", LawArea.TRAFFIC, Matter.TRAFFIC, Kind.PROFESSIONAL),
        ("手术出了问题，医院不认", LawArea.OTHER, Matter.MEDICAL, Kind.PROFESSIONAL),
        ("买的冰箱坏了商家不退", LawArea.CONSUMER, Matter.CONSUMER, Kind.ADMINISTRATIVE),
        ("两家为宅基地边界吵", LawArea.LAND, Matter.LAND, Kind.ADMINISTRATIVE),
        ("房东不退押金", LawArea.TENANCY, Matter.TENANCY, Kind.PEOPLE),
    ],
)
def test_a_dispute_is_given_to_its_kind_by_rule(text: str, area: LawArea, matter: Matter, kind: Kind) -> None:
    assert (matter_of(text, area), kind_of(text, matter)) == (matter, kind)


def test_every_ladder_ends_at_the_court_and_property_climbs_four_rungs() -> None:
    assert {ladder[-1] for ladder in LADDERS.values()} == {COURT}
    assert all(rung.level is not None for ladder in LADDERS.values() for rung in ladder[:-1])
    assert {route_of(matter, kind) for matter in Matter for kind in Kind} == set(Route)
    assert said(Route.PROPERTY, 1) == "社区→【街道】→住建部门→法院"


async def test_the_resident_chooses_among_the_mediators_of_the_area(table: Table) -> None:
    card = await table.asks()
    assert [one["label"] for one in card["offered"]] == [
        "钱桂兰（百姓说事员）",
        "尤维安（社区专职调解员）",
        "褚国梁（金牌调解员）",
    ]
    number = card["number"]
    assert [await table.chosen(number, code) for code in ("far", "police", "folk")] == [422, 422, 200]
    _, mine = await table.desk.resident("r1", "GET", "/mediations")
    assert [(m["number"], m["mediator"], m["choosing"]) for m in mine["mediations"]] == [
        (number, "钱桂兰（百姓说事员）", False)
    ]
    _, notices = await table.desk.page("community", "/notices")
    assert f"调解 {number}：居民选了钱桂兰，请约时间" in notices
    assert (await table.does("r2", number, "mediator", mediator=0))[0] == 404


async def test_the_same_dispute_twice_is_one_and_five_may_be_open(table: Table) -> None:
    first = await table.asks()
    again = await table.asks(text=QUARREL + "！")
    assert (again["number"], again["already"], first["already"]) == (first["number"], True, False)
    for text in ("房东不退押金，说墙弄脏了", "隔壁天天半夜唱歌", "对门把鞋柜放在楼道里", "楼下饭店油烟熏得开不了窗"):
        await table.asks(text=text)
    status, answer = await table.desk.resident("r1", "POST", "/mediations", {"text": "表弟借了两万块不还", "area_code": "GH1"})
    assert (status, answer["error"]["code"]) == (429, "too_many_mediations")


async def test_what_cannot_be_mediated_is_refused_and_nothing_is_kept(table: Table) -> None:
    for body, status in (
        ({"text": "他", "area_code": "GH1"}, 422),
        ({"text": QUARREL, "area_code": "LL"}, 422),
        ({"text": QUARREL, "area_code": "nowhere"}, 422),
        ({"text": QUARREL, "area_code": "GH1", "kind": "magic"}, 422),
        ({"text": "", "area_code": "GH1", "number": "1234-5678"}, 404),
        ({"text": "我老公又动手打我了，把我往死里打", "area_code": "GH1"}, 422),
    ):
        got, answer = await table.desk.resident("r1", "POST", "/mediations", body)
        assert (got, bool(answer["error"]["sentence"])) == (status, True), body
    assert (await table.desk.resident("r1", "GET", "/mediations"))[1] == {"mediations": []}


async def test_the_other_party_joins_with_a_code_that_is_good_once(table: Table) -> None:
    number = (await table.asks())["number"]
    first = (await table.does("r1", number, "invitation"))[1]["code"]
    code = (await table.does("r1", number, "invitation"))[1]["code"]
    assert (await table.code("r2", first))[0] == 404  # a newer one was made
    assert (await table.code("r1", code))[1]["error"]["code"] == "own_code"
    status, card = await table.code("r2", code.lower())
    assert (status, card["title"]) == (200, "邻里纠纷")
    assert QUARREL not in str(card)
    assert (await table.code("r2", code, agree=True))[0] == 200
    assert (await table.code("r3", code, agree=True))[0] == 404
    assert "对方同意调解" in (await table.heard())[-1]
    assert (await table.parties(number))["respondent"].answer is Answer.AGREED
    assert (await table.desk.resident("r2", "GET", "/mediations"))[1]["mediations"][0]["side"] == "respondent"
    assert (await table.does("r2", number, "mediator", mediator=0))[0] == 403
    assert (await table.does("r1", number, "invitation"))[1]["error"]["code"] == "joined"


async def test_a_code_is_good_for_thirty_days_and_the_other_party_may_decline(table: Table) -> None:
    number = (await table.asks())["number"]
    code = (await table.does("r1", number, "invitation"))[1]["code"]
    table.clock.advance(days=30)
    assert (await table.code("r2", code))[0] == 404
    code = (await table.does("r1", number, "invitation"))[1]["code"]
    assert (await table.code("r2", code, agree=False))[0] == 200
    assert "对方说不愿意调解" in (await table.heard())[-1]
    party = (await table.parties(number))["respondent"]
    assert (party.answer, party.resident_id) == (Answer.DECLINED, None)
    # staff speak with them, and write down that they will come after all
    assert (await table.staff("community", "POST", f"/{number}/party", {"name": "601室业主", "agreed": True}))[0] == 200
    assert (await table.parties(number))["respondent"].answer is Answer.AGREED


async def test_both_sides_are_told_of_a_sitting_and_reminded_a_day_and_two_hours_before(table: Table) -> None:
    number = (await table.asks())["number"]
    await table.joined(number)
    at = table.at(3, 9)
    assert (await table.book(number, at))[1]["error"]["code"] == "no_mediator"
    await table.chosen(number)
    assert (await table.book(number, at))[0] == 200
    for who in ("r1", "r2"):
        told = (await table.heard(who))[-1]
        assert ("11月27日（周五）9:00" in told, "迎春东路2号" in told, "钱桂兰（百姓说事员）" in told) == (True, True, True)
    table.until(at - timedelta(days=1, seconds=1))
    assert await table.clerk() == 0
    table.clock.advance(seconds=1)
    assert [await table.clerk(), await table.clerk()] == [1, 0]
    assert [(await table.heard(who))[-1].startswith("【调解提醒】") for who in ("r1", "r2")] == [True, True]
    assert "明天9:00" in (await table.heard("r2"))[-1]
    table.until(at - timedelta(hours=2))
    assert [await table.clerk(), await table.clerk()] == [1, 0]
    assert "今天9:00开始" in (await table.heard("r1"))[-1]
    table.until(at + timedelta(hours=25))
    assert [await table.clerk(), await table.clerk()] == [1, 0]
    assert f"调解 {number}：上次的调解会还没有记录" in (await table.desk.page("community", "/notices"))[1]


async def test_a_time_that_cannot_be_is_refused_and_today_needs_no_reminder_of_the_day_before(table: Table) -> None:
    number = (await table.asks())["number"]
    await table.chosen(number)
    for days, hour, minute, minutes in (
        (-1, 9, 0, 60),
        (3, 7, 0, 60),
        (3, 20, 30, 60),
        (3, 9, 10, 60),
        (3, 9, 0, 45),
        (91, 9, 0, 60),
    ):
        status, answer = await table.book(number, table.at(days, hour, minute), minutes=minutes)
        assert (status, bool(answer["error"]["sentence"])) == (422, True)
    assert (await table.book(number, table.at(), room="jp"))[0] == 422
    assert await table.sittings(number) == []
    assert (await table.book(number, table.at(0, 11)))[0] == 200
    heard = await table.heard()
    assert [await table.clerk(), await table.heard()] == [0, heard]


async def test_no_mediator_room_or_party_sits_in_two_places_at_once(table: Table) -> None:
    one = (await table.asks("r1"))["number"]
    two = (await table.asks("r3", "隔壁天天半夜唱歌，说了不听"))["number"]
    three = (await table.asks("r1", "房东不退押金，说墙弄脏了"))["number"]
    await table.chosen(one)
    await table.chosen(two, who="r3")
    await table.chosen(three, "staff")
    at = table.at(3, 9)
    assert (await table.book(one, at, minutes=90))[0] == 200
    overlapping = at + timedelta(minutes=60)
    status, answer = await table.book(two, overlapping, room="cd")
    assert (status, answer["error"]["sentence"]) == (409, "调解员这个时间已经有约了，请换一个。")
    status, answer = await table.book(three, overlapping, room="cd")
    assert (status, answer["error"]["sentence"]) == (409, "当事人这个时间已经有约了，请换一个。")
    await table.chosen(two, "gold", who="r3")
    assert (await table.book(two, overlapping))[1]["error"]["sentence"] == "地点这个时间已经有约了，请换一个。"
    assert (await table.book(two, at + timedelta(minutes=90)))[0] == 200
    # what is called off is free again
    assert (await table.staff("community", "POST", f"/{one}/sitting/cancel", {"reason": "调解员生病"}))[0] == 200
    assert "调解员生病" in (await table.heard("r1"))[-1]
    assert (await table.book(three, overlapping - timedelta(minutes=60), room="gh"))[0] == 200


async def test_of_many_bookings_at_once_one_is_made(table: Table) -> None:
    numbers = [(await table.asks(f"p{i}", f"第{i}家和对门为楼道的鞋柜吵个没完"))["number"] for i in range(5)]
    for i, number in enumerate(numbers):
        assert await table.chosen(number, "folk" if i % 2 else "gold", who=f"p{i}") == 200
    done = await table.booked_at_once(numbers, table.at(3, 9))
    assert sorted(done) == ["booked", "taken", "taken", "taken", "taken"]
    async with table.database.read() as session:
        rows = (await session.scalars(select(Booking.sitting_id))).all()
    assert (len(rows), len(set(rows))) == (6, 1)  # two half hours of mediator, room and party


async def test_who_cannot_come_frees_the_time_and_the_other_side_is_told(table: Table) -> None:
    number = (await table.asks())["number"]
    await table.joined(number)
    await table.chosen(number)
    assert (await table.book(number, table.at(3, 9)))[0] == 200
    assert (await table.does("r1", number, "sitting", coming=True))[0] == 200
    assert (await table.does("r2", number, "sitting", coming=False))[0] == 200
    assert "对方那天来不了" in (await table.heard("r1"))[-1]
    assert [sitting.state for sitting in await table.sittings(number)] == [SittingState.CANCELLED]
    assert f"调解 {number}：对方来不了，请另约时间" in (await table.desk.page("community", "/notices"))[1]
    assert (await table.does("r2", number, "sitting", coming=True))[1]["error"]["code"] == "no_sitting"


async def test_an_agreement_is_recorded_and_given_to_both(table: Table) -> None:
    number = (await table.asks())["number"]
    await table.joined(number)
    await table.chosen(number)
    agreement = {"text": "对方在十二月十日前付给申请人修理费八百元，今后互不追究。"}
    assert (await table.staff("community", "POST", f"/{number}/agreement", agreement))[1]["error"]["code"] == "no_sitting_held"
    await table.held(number)
    status, page = await table.staff("community", "POST", f"/{number}/agreement", agreement)
    assert (status, page["state"], page["agreement"]) == (200, "agreed", agreement["text"])
    assert [party["given_at"] is not None for party in page["parties"]] == [True, True]
    for who in ("r1", "r2"):
        told = (await table.heard(who))[-1]
        assert (agreement["text"] in told, "司法确认" in told, "2026年12月27日前" in told) == (True, True, True)
    assert (await table.staff("community", "POST", f"/{number}/failure", {"reason": "反悔"}))[0] == 409
    assert (await table.does("r1", number, "withdraw"))[0] == 409
    assert (await table.mediation(number)).state is MediationState.AGREED


async def test_a_party_that_is_not_in_the_chat_gets_the_agreement_on_paper(table: Table) -> None:
    number = (await table.asks())["number"]
    await table.chosen(number)
    assert (await table.staff("community", "POST", f"/{number}/party", {"name": "楼上业主", "agreed": True}))[0] == 200
    await table.held(number)
    _, page = await table.staff("community", "POST", f"/{number}/agreement", {"text": "赔八百元，当场付清。"})
    assert [party["given_at"] is not None for party in page["parties"]] == [True, False]
    status, page = await table.staff("community", "POST", f"/{number}/papers", {"side": "respondent"})
    assert (status, page["parties"][1]["given_at"] is not None) == (200, True)
    assert (await table.staff("community", "POST", f"/{number}/papers", {"side": "respondent"}))[0] == 409


async def test_a_property_dispute_climbs_to_the_court_under_one_number(table: Table) -> None:
    card = await table.asks(text=PROPERTY)
    number = card["number"]
    assert (card["title"], card["ladder"]) == ("物业纠纷", "【社区】→街道→住建部门→法院")
    await table.joined(number)
    assert (await table.staff("community", "POST", f"/{number}/failure", {"reason": "物业不肯公开账目"}))[0] == 200
    assert "社区→【街道】→住建部门→法院" in (await table.heard())[-1]
    assert "社区没谈成" in (await table.heard("r2"))[-1]
    # the community sees it, and it is the street's now
    assert (await table.staff("community", "POST", f"/{number}/failure", {"reason": "再来"}))[0] == 403
    status, page = await table.staff("street", "GET", f"/{number}")
    assert [m["name"] for m in page["mediators"]] == ["褚国梁", "华爱珍"]
    assert (await table.staff("street", "POST", f"/{number}/failure", {"reason": "还是不肯"}))[0] == 200
    status, page = await table.staff("housing", "GET", f"/{number}")
    assert (status, page["rung"], page["mine"], [m["name"] for m in page["mediators"]]) == (200, "住建部门", True, ["陈致远"])
    assert f"待调解 {number}（物业纠纷）" in (await table.desk.page("housing", "/notices"))[1]
    status, page = await table.staff("housing", "POST", f"/{number}/failure", {"reason": "物业拒不到场"})
    assert (status, page["state"], page["rung"]) == (200, "court", "法院")
    for who in ("r1", "r2"):
        assert ("到法院起诉" in (await table.heard(who))[-1], number in (await table.heard(who))[-1]) == (True, True)
    _, mine = await table.desk.resident("r1", "GET", "/mediations")
    assert [(m["number"], m["state_name"]) for m in mine["mediations"]] == [(number, "没谈成，转诉讼")]


async def test_an_event_is_given_to_mediation_only_as_its_reporter_wants(table: Table) -> None:
    town = table.desk.town
    event = await town.reported(item="property", text="物业保安打骂业主，物业费还涨了", resident="r1")
    status, page = await table.staff("community", "POST", "", {"event": event, "respondent": "宫涵物业"})
    assert (status, page["state"], page["source_number"], page["matter"]) == (201, "proposed", event, "property")
    number = page["number"]
    assert "您愿意吗" in (await table.heard())[-1]
    assert (await table.staff("community", "POST", f"/{number}/failure", {"reason": "没人"}))[0] == 409
    assert (await table.staff("community", "POST", "", {"event": event}))[1]["error"]["code"] == "under_way"
    assert (await table.does("r2", number, "accept"))[0] == 404
    status, card = await table.does("r1", number, "accept")
    assert (status, card["state"], len(card["offered"])) == (200, "open", 3)
    assert (await table.does("r1", number, "accept"))[0] == 200
    lamp = await town.reported(item="garbage", text="垃圾没人清", resident="r3")
    assert (await table.staff("community", "POST", "", {"event": lamp}))[0] == 422
    quiet = await town.reported(item="property", text="物业乱涨价没人管", resident="r4", anonymous=True)
    assert (await table.staff("community", "POST", "", {"event": quiet}))[1]["error"]["code"] == "nobody_to_ask"


async def test_a_consult_becomes_a_mediation_with_its_words(table: Table) -> None:
    consult = await table.desk.asks("房东不退我押金，还说是我弄坏的")
    _, read = await table.desk.resident("r1", "POST", "/mediations/read", {"number": consult})
    assert (read["text"], read["never"], read["already"]) == ("房东不退我押金，还说是我弄坏的", "", None)
    card = await table.asks(text="", number=consult)
    assert (await table.mediation(card["number"])).source_number == consult
    assert (await table.asks(text="", number=consult))["already"] is True
    assert (await table.desk.resident("r2", "POST", "/mediations/read", {"number": consult}))[0] == 404


async def test_what_another_house_refers_is_entered_by_staff_with_its_origin(table: Table) -> None:
    body = {
        "text": "两家为了围墙的位置吵了三年，信访转来",
        "area_code": "GH",
        "matter": "neighbours",
        "origin": "petition",
        "applicant": "甲家",
        "respondent": "乙家",
    }
    status, page = await table.staff("community", "POST", "", body)
    assert (status, page["origin_name"], page["state"], page["mine"]) == (201, "信访移送（访调）", "open", True)
    assert [party["name"] for party in page["parties"]] == ["甲家", "乙家"]
    assert (await table.staff("far-community", "POST", "", body))[0] == 403
    assert (await table.staff("community", "POST", "", body | {"applicant": " "}))[0] == 422
    assert (await table.staff("community", "POST", "", {"text": "没说是哪一类的纠纷", "area_code": "GH"}))[0] == 422


async def test_others_see_nothing_of_it(table: Table) -> None:
    number = (await table.asks())["number"]
    seen = {}
    outside = ("far-community", "far-district", "housing", "lights", "grid", "law")
    for who in ("community", "street", "district", "admin", *outside):
        _, answer = await table.staff(who, "GET", "")
        status, _ = await table.staff(who, "GET", f"/{number}")
        seen[who] = (len(answer["mediations"]), status)
    inside = dict.fromkeys(("community", "street", "district", "admin"), (1, 200))
    assert seen == inside | dict.fromkeys(outside, (0, 404))


async def test_withdrawing_ends_it_for_both_and_frees_the_time(table: Table) -> None:
    number = (await table.asks())["number"]
    await table.chosen(number)
    assert (await table.book(number, table.at(3, 9)))[0] == 200
    await table.joined(number)  # who comes in later is told, and has the time booked too
    assert "【调解约好了】" in (await table.heard("r2"))[-1]
    async with table.database.read() as session:
        assert len((await session.scalars(select(Booking.slot))).all()) == 8
    assert [(await table.does("r2", number, "withdraw"))[0] for _ in range(2)] == [200, 200]
    assert "对方不想调解了" in (await table.heard("r1"))[-1]
    async with table.database.read() as session:
        assert (await session.scalars(select(Booking))).all() == []
    assert (await table.book(number, table.at(4, 9)))[0] == 409


async def test_thirty_days_on_a_rung_are_told_to_its_desk_once(table: Table) -> None:
    number = (await table.asks())["number"]
    table.clock.advance(days=30)
    assert [await table.clerk(), await table.clerk()] == [1, 0]
    assert f"超期：调解 {number}" in (await table.desk.page("community", "/notices"))[1]
    assert (await table.staff("community", "GET", ""))[1]["mediations"][0]["late"] is True


async def moved(table: Table, number: str, at: datetime, *, who: str = "community", **more: object) -> tuple[int, Any]:
    body = {"room": "gh", "starts_at": at.isoformat(), "minutes": 60, "reason": "调解员要开会"} | more
    return await table.staff(who, "POST", f"/{number}/sitting/move", body)


async def test_a_sitting_is_moved_in_one_step_and_both_sides_read_the_old_and_the_new_time_once(table: Table) -> None:
    first, second = (await table.asks())["number"], (await table.asks("r3", "隔壁天天半夜唱歌，吵得睡不着"))["number"]
    await table.joined(first)
    for number, who in ((first, "r1"), (second, "r3")):
        assert await table.chosen(number, who=who) == 200
    assert (await moved(table, first, table.at(3, 9)))[1]["error"]["code"] == "no_sitting"
    assert (await table.book(first, table.at(3, 9)))[0] == 200
    assert (await table.book(second, table.at(3, 11)))[0] == 200
    table.until(table.at(3, 9) - timedelta(hours=20))
    await table.clerk()  # reminded of the old time
    before = {who: len(await table.heard(who)) for who in ("r1", "r2")}
    for at, more, status in (
        (table.at(1, 11), {}, 409),  # the mediator and the room are taken
        (table.at(1, 10, 30), {}, 409),
        (table.at(1, 9), {}, 422),  # the same again
        (table.at(2, 9), {"reason": " "}, 422),
        (table.at(2, 22), {}, 422),
        (table.at(2, 9), {"room": "jp"}, 422),
    ):
        got, answer = await moved(table, first, at, **more)
        assert (got, bool(answer["error"]["sentence"])) == (status, True), (at, more)
    assert (await table.sittings(first))[0].starts_at == table.at(1, 9)
    status, page = await moved(table, first, table.at(1, 9, 30))  # its own half hours are no hindrance
    assert (status, len(page["sittings"])) == (200, 1)
    for who in ("r1", "r2"):
        (told,) = (await table.heard(who))[before[who] :]
        assert ("原来：明天9:00" in told, "改到：明天9:30" in told, "调解员要开会" in told) == (True, True, True)
    assert "→ 明天9:30" in page["history"][-1]["note"]
    async with table.database.read() as session:
        slots = list(await session.scalars(select(Booking.slot).where(Booking.resource == "room:gh").order_by(Booking.slot)))
    assert slots == [table.at(1, 9, 30), table.at(1, 10), table.at(1, 11), table.at(1, 11, 30)]
    table.until(table.at(1, 9, 30) - timedelta(hours=2))
    await table.clerk()
    assert "今天9:30开始" in (await table.heard("r2"))[-1]


async def test_two_sittings_that_want_each_others_time_at_once_end_without_a_double_booking(table: Table) -> None:
    numbers = [(await table.asks("r1"))["number"], (await table.asks("r3", "隔壁天天半夜唱歌，吵得睡不着"))["number"]]
    times = [table.at(3, 9), table.at(3, 14)]
    for number, who, at in zip(numbers, ("r1", "r3"), times, strict=True):
        assert await table.chosen(number, who=who) == 200
        assert (await table.book(number, at))[0] == 200
    wanted = [moved(table, number, at) for number, at in zip(numbers, (times[1], table.at(3, 10)), strict=True)]
    answers = await asyncio.gather(*wanted)
    assert {status for status, _ in answers} <= {200, 409}
    planned = [(await table.sittings(number))[0].starts_at for number in numbers]
    assert len(set(planned)) == 2
    async with table.database.read() as session:
        assert len(list(await session.scalars(select(Booking.slot).where(Booking.resource == "room:gh")))) == 4


async def test_the_other_partys_phone_is_kept_masked_and_seen_in_full_only_with_a_reason_that_stays(table: Table) -> None:
    number, phone = (await table.asks())["number"], "10000000902"
    status, page = await table.staff("community", "POST", f"/{number}/party", {"name": "乙家", "agreed": True, "phone": phone})
    other = next(party for party in page["parties"] if party["side"] == "respondent")
    assert (status, other["phone"], phone in str(page)) == (200, "100****0902", False)
    wrong = {"side": "respondent", "phone": "12345"}
    assert (await table.staff("community", "POST", f"/{number}/phone", wrong))[0] == 422
    look = {"side": "respondent", "reason": "约他来调解"}
    assert (await table.staff("community", "POST", f"/{number}/phone/look", look | {"reason": "看"}))[0] == 422
    assert (await table.staff("community", "POST", f"/{number}/phone/look", look | {"side": "applicant"}))[0] == 404
    assert (await table.staff("far-community", "POST", f"/{number}/phone/look", look))[0] == 404
    assert await table.staff("community", "POST", f"/{number}/phone/look", look) == (200, {"phone": phone})
    _, page = await table.staff("community", "GET", f"/{number}")
    assert (page["history"][-1]["step"], "约他来调解" in page["history"][-1]["note"]) == ("phone_seen", True)
    async with table.database.read() as session:
        (seen,) = await session.scalars(select(VaultUncovering))
    assert seen.reason == "约他来调解"
    # by the page: a reason first, then the number, once
    _, shown = await table.desk.page("community", f"/mediations/{number}")
    assert ("100****0902" in shown, phone in shown) == (True, False)
    _, shown = await table.desk.post("community", f"/mediations/{number}/phone/look", side="respondent", reason="通知调解会")
    assert phone in shown
    _, shown = await table.desk.page("community", f"/mediations/{number}")
    assert phone not in shown


async def test_who_deletes_their_data_leaves_and_the_other_side_and_the_desk_are_told(table: Table) -> None:
    number = (await table.asks())["number"]
    await table.joined(number)
    await table.chosen(number)
    assert (await table.book(number, table.at(3, 9)))[0] == 200
    held = {"side": "respondent", "phone": "10000000903"}
    assert (await table.staff("community", "POST", f"/{number}/phone", held))[0] == 200
    both = {side: party.resident_id for side, party in (await table.parties(number)).items()}
    async with table.database.write() as session:
        assert await erasing.forget(session, both["applicant"], desk=await table.desk.internal.app[DESK](session)) == 1
    assert "对方不想调解了" in (await table.heard("r2"))[-1]
    assert f"调解 {number}：申请人不调解了" in (await table.desk.page("community", "/notices"))[1]
    assert (await table.mediation(number)).state is MediationState.WITHDRAWN
    async with table.database.write() as session:
        assert (await session.scalars(select(Booking))).all() == []
        await erasing.forget(session, both["respondent"], desk=await table.desk.internal.app[DESK](session))
        assert (await session.scalars(select(PartyPhone))).all() == []
        assert (await session.scalars(select(VaultItem.masked).where(VaultItem.masked == "100****0903"))).all() == []
