"""Legal aid: declared, accepted with gaps, cured or lapsed, decided with reasons and in time."""

from typing import Any

from sqlalchemy import select

from backend.house import DESK
from backend.legal import service as consults
from backend.legal.models import Consult, ConsultState
from backend.legal_aid import clerk, service
from backend.legal_aid.models import AidState, LegalAid
from tests.backend.legal.desk import LegalDesk


async def applied(desk: LegalDesk, group: str = "none", *missing: str, declared: bool = True) -> tuple[str, int, Any]:
    """A consult's number, and the answer to applying with it."""
    number = await desk.asks()
    body = {"group": group, "missing": list(missing), "declared": declared}
    return number, *(await desk.resident("r1", "POST", f"/consults/{number}/legal-aid", body))


async def told(desk: LegalDesk) -> int:
    return await clerk.run_once(desk.database, desk.internal.app[DESK])  # type: ignore[union-attr]


async def aid_of(desk: LegalDesk, number: str) -> LegalAid:
    async with desk.database.read() as session:
        query = select(LegalAid).join(Consult, Consult.id == LegalAid.consult_id).where(Consult.number == number)
        return (await session.scalars(query)).one()


async def decides(desk: LegalDesk, number: str, decision: str, reason: str = "符合条件", who: str = "coordinator") -> int:
    return (await desk.post(who, f"/legal/aid/{number}/decision", decision=decision, reason=reason))[0]


async def test_the_declaration_is_kept_word_for_word_and_the_fast_track_is_faster(desk: LegalDesk) -> None:
    number, status, answer = await applied(desk, "wages")
    assert (status, answer["due"]) == (201, "11月27日（周五）10:00")
    kept = (await aid_of(desk, number)).declaration
    shown = (await desk.resident("r1", "GET", "/legal-aid/declaration/wages"))[1]["declaration"]
    assert kept == shown
    assert "农民工讨薪" in kept
    assert kept in (await desk.page("coordinator", "/legal/aid"))[1]
    assert f"快办：咨询 {number}" in (await desk.page("coordinator", "/notices"))[1]


async def test_without_the_declaration_nothing_is_accepted(desk: LegalDesk) -> None:
    _, status, answer = await applied(desk, declared=False)
    assert (status, answer["error"]["code"]) == (422, "not_declared")
    async with desk.database.read() as session:
        assert (await session.scalars(select(LegalAid))).all() == []


async def test_gaps_are_reminded_of_a_day_before_and_lapse_in_the_end(desk: LegalDesk) -> None:
    number, _, answer = await applied(desk, "none", "id", "case")
    assert answer["missing"] == "和案子有关的材料、身份证或户口簿"
    assert answer["cure_by"] == "11月29日（周日）10:00"
    desk.town.clock.advance(days=3, hours=23)
    assert await told(desk) == 0
    desk.town.clock.advance(hours=1)
    assert [await told(desk), await told(desk)] == [1, 0]
    assert "还缺和案子有关的材料、身份证或户口簿" in (await desk.heard())[-1].text
    desk.town.clock.advance(days=1)
    assert [await told(desk), await told(desk)] == [1, 0]
    assert (await aid_of(desk, number)).state is AidState.WITHDRAWN
    assert await decides(desk, number, "grant") == 409


async def test_papers_that_come_stop_the_clock_and_open_the_decision(desk: LegalDesk) -> None:
    number, _, _ = await applied(desk, "old", "id")
    assert await decides(desk, number, "grant") == 409
    assert (await desk.post("coordinator", f"/legal/aid/{number}/papers", paper="case"))[0] == 409
    assert (await desk.post("coordinator", f"/legal/aid/{number}/papers", paper="id"))[0] == 303
    assert "材料齐了" in (await desk.heard())[-1].text
    desk.town.clock.advance(days=2)
    assert await decides(desk, number, "grant") == 303
    assert "同意给您援助" in (await desk.heard())[-1].text
    desk.town.clock.advance(days=30)
    assert await told(desk) == 0


async def test_a_refusal_gives_the_reason_and_says_how_to_object(desk: LegalDesk) -> None:
    number, _, _ = await applied(desk)
    assert await decides(desk, number, "refuse", reason=" ") == 422
    assert await decides(desk, number, "refuse", reason="收入超过标准") == 303
    text = (await desk.heard())[-1].text
    assert "收入超过标准" in text
    assert "可以向区司法局提出异议" in text
    assert await decides(desk, number, "grant") == 409


async def test_a_late_decision_is_told_to_the_coordinator_once(desk: LegalDesk) -> None:
    number, _, _ = await applied(desk, "minor")
    desk.town.clock.advance(days=service.FAST_DAYS)
    assert [await told(desk), await told(desk)] == [1, 0]
    assert f"超期：咨询 {number}" in (await desk.page("coordinator", "/notices"))[1]


async def test_applying_twice_is_one_application_and_others_cannot_touch_it(desk: LegalDesk) -> None:
    number, _, _ = await applied(desk)
    body = {"group": "wages", "missing": [], "declared": True}
    _, again = await desk.resident("r1", "POST", f"/consults/{number}/legal-aid", body)
    assert (again["already"], (await aid_of(desk, number)).group.value) == (True, "none")
    assert (await desk.resident("r2", "POST", f"/consults/{number}/legal-aid", body))[0] == 404
    assert await decides(desk, number, "grant", who="lawyer") == 403
    assert (await desk.page("lawyer", "/legal/aid"))[0] == 403
    bad = {"group": "rich", "missing": [], "declared": True}
    assert (await desk.resident("r1", "POST", f"/consults/{number}/legal-aid", bad))[0] == 422


async def test_who_deletes_their_data_leaves_nobody_waiting(desk: LegalDesk) -> None:
    number, *_ = await applied(desk, "old", "id")
    other = await desk.asks("房东不退我押金，说是我弄坏的", who="r1")
    assert await desk.does("lawyer", number, "claim") == 303
    resident = (await desk.consult(number)).resident_id
    async with desk.database.write() as session:
        at_desk = await desk.internal.app[DESK](session)  # type: ignore[union-attr]
        await service.leave(session, resident, desk=at_desk)
        await consults.leave(session, resident, desk=at_desk)
    assert f"咨询 {number}：申请人删除了个人数据，法律援助申请不用再办" in (await desk.page("coordinator", "/notices"))[1]
    assert f"咨询 {number} 已结束" in (await desk.page("lawyer", "/notices"))[1]
    assert (await aid_of(desk, number)).state is AidState.WITHDRAWN
    assert [(await desk.consult(one)).state for one in (number, other)] == [ConsultState.ENDED] * 2
    assert await told(desk) == 0
