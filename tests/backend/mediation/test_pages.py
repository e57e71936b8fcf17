"""The console's pages of mediations: the whole way by their forms, and nothing for those whom it does not concern."""

import re

from tests.backend.mediation.table import QUARREL, Table


async def does(table: Table, who: str, number: str, step: str, **fields: str) -> int:
    return (await table.desk.post(who, f"/mediations/{number}/{step}", **fields))[0]


async def test_a_mediation_goes_its_way_by_the_pages_forms(table: Table) -> None:
    desk = table.desk
    entered = {
        "origin": "police",
        "matter": "neighbours",
        "area_code": "GH",
        "applicant": "甲家",
        "text": QUARREL + "<script>",
    }
    assert (await desk.post("community", "/mediations", **entered | {"matter": ""}))[0] == 422
    status, where = await desk.post("community", "/mediations", **entered)
    assert (status, where[:12]) == (303, "/mediations/")
    number = where.removeprefix("/mediations/")
    _, listed = await desk.page("community", "/mediations")
    assert (number in listed, "派出所移送（警调）" in listed, "这里办" in listed) == (True, True, True)
    _, page = await desk.page("community", where)
    assert ("&lt;script&gt;" in page, "<script>" in page.replace("<script src", "")) == (True, False)
    mediator = re.search(r'<option value="(\d+)"[^>]*>钱桂兰', page)
    assert mediator
    assert await does(table, "community", number, "mediator", mediator="x") == 422
    assert await does(table, "community", number, "mediator", mediator=mediator[1]) == 303
    assert await does(table, "community", number, "party", name="乙家", agreed="1") == 303
    sitting = {"room": "gh", "day": table.at(2).date().isoformat(), "time": "15:00", "minutes": "60"}
    assert await does(table, "community", number, "sitting", **sitting | {"day": "soon"}) == 422
    assert await does(table, "community", number, "sitting", **sitting) == 303
    assert await does(table, "community", number, "minutes", minutes="还没到时间") == 409
    assert await does(table, "community", number, "sitting/cancel", reason="停电") == 303
    assert await does(table, "community", number, "sitting", **sitting) == 303
    table.clock.advance(days=3)
    assert "调解记录" in (await desk.page("community", where))[1]
    assert await does(table, "community", number, "minutes", minutes="双方都到了。") == 303
    assert await does(table, "community", number, "outcome", outcome="agreed", text="乙家赔八百元。") == 303
    _, page = await desk.page("community", where)
    assert page.count("已交纸质协议") == 2
    assert await does(table, "community", number, "papers", side="respondent") == 303
    assert await does(table, "community", number, "papers", side="judge") == 422
    _, page = await desk.page("community", where)
    assert page.count('<button class="plain">已交纸质协议') == 1
    assert (await desk.page("far-community", where))[0] == 404
    for who in ("grid", "law"):
        assert ((await desk.page(who, "/mediations"))[0], (await desk.page(who, where))[0]) == (403, 403)


async def test_an_event_that_is_a_quarrel_can_be_given_to_mediation_from_its_page(table: Table) -> None:
    event = await table.desk.town.reported(item="property", text="物业费涨了一倍，物业不肯公开账目")
    assert "转调解" in (await table.desk.page("community", f"/events/{event}"))[1]
    assert "转调解" not in (await table.desk.page("grid", f"/events/{event}"))[1]
    status, where = await table.desk.post("community", "/mediations", event=event, respondent="物业公司")
    assert status == 303
    number = where.removeprefix("/mediations/")
    _, page = await table.desk.page("community", f"/events/{event}")
    assert (number in page, "转调解" in page) == (True, False)
    assert "等居民在对话里答应" in (await table.desk.page("community", where))[1]
