"""Staff put right what the program got wrong: an event's item, and what a message meant."""

from datetime import timedelta

from sqlalchemy import select

from backend.feedback import service as feedback
from backend.feedback.models import Misunderstood
from backend.triage.service import dispatch_figures
from tests.backend.staff.town import Town


async def correct(town: Town, username: str, number: str, item: str, **more: object) -> tuple[int, dict]:
    path = f"/api/v1/events/{number}/item"
    return await town.api("POST", path, token=await town.token(username), json={"item_code": item, **more})


async def test_a_corrected_item_is_in_the_trail_and_counts_against_the_precision(town: Town) -> None:
    number = await town.reported(item="garbage")
    await town.reported(item="garbage", resident="r2")
    due = (await town.event(number)).due_at
    status, page = await correct(town, "grid", number, "noise", note="是工地的声音")
    assert (status, page["item"]["code"], page["title"]) == (200, "noise", "施工噪声")
    last = page["history"][-1]
    assert (last["kind"], last["name"], last["note"]) == ("item", "马月娥", "是工地的声音")
    assert last["details"] == {"item_code": "noise", "before": "garbage", "item_name": "施工噪声"}
    assert (await town.event(number)).due_at == due
    async with town.database.read() as session:
        figures = await dispatch_figures(session, town.clock.now() - timedelta(days=1))
    assert (figures["automatic"], figures["corrected"], figures["precision"]) == (2, 1, 0.5)


async def test_a_wrong_correction_changes_nothing(town: Town) -> None:
    number = await town.reported(item="garbage")
    before = await town.event(number)
    assert (await correct(town, "grid", number, "parcel"))[0] == 422  # not admitted
    assert (await correct(town, "grid", number, "nonsense"))[0] == 422
    assert (await correct(town, "grid", number, "garbage"))[0] == 422  # it is that already
    assert (await correct(town, "grid", number, "noise", revision=before.revision - 1))[0] == 409
    assert (await correct(town, "far-community", number, "noise"))[0] == 404
    assert (await correct(town, "grid-2", number, "noise"))[0] == 404
    after = await town.event(number)
    assert (after.item_code, after.revision) == (before.item_code, before.revision)


async def test_what_is_over_is_not_corrected(town: Town) -> None:
    number = await town.reported(item="noise")
    assert (await town.step("street", number, "rejected", note="不归我们管"))[0] == 200
    status, answer = await correct(town, "street", number, "garbage")
    assert (status, answer["error"]["code"]) == (409, "over")


async def test_a_misunderstood_message_is_marked_and_shown_as_such(town: Town) -> None:
    conversation_id = await town.waits("我家门口那个事还没个说法")
    other = await town.waits("另一段", resident="r2")
    token = await town.token("community")
    _, page = await town.api("GET", f"/api/v1/conversations/{conversation_id}", token=token)
    message_id = page["messages"][0]["message_id"]
    path = f"/api/v1/conversations/{conversation_id}/messages/{message_id}/intent"
    status, page = await town.api("POST", path, token=token, json={"intent": "ask_status"})
    assert (status, page["messages"][0]["meant"]) == (200, "ask_status")
    assert (await town.api("POST", path, token=token, json={"intent": "nonsense"}))[0] == 422
    wrong = f"/api/v1/conversations/{other}/messages/{message_id}/intent"
    assert (await town.api("POST", wrong, token=token, json={"intent": "vote"}))[0] == 404
    assert (await town.api("POST", path, token=await town.token("far-community"), json={"intent": "vote"}))[0] == 404
    async with town.database.read() as session:
        assert list(await session.scalars(select(Misunderstood.intent))) == ["ask_status"]
        assert await feedback.export(session) == [("ask_status", "我家门口那个事还没个说法")]
