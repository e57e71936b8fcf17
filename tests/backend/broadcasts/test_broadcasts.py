"""普法推送: who is sent what and when, what is counted, and that one word stops it."""

import re

import pytest

from backend.broadcasts import clerk, service
from backend.house import DESK
from tests.backend.legal.desk import TOKEN, LegalDesk

ADVICE = {"topic": "labour", "title": "工资被拖欠怎么办", "text": "先留好证据，再去劳动监察投诉。" * 8}


async def subscribed(desk: LegalDesk, *who: str, topic: str = "labour") -> None:
    for resident in who:
        assert (await desk.resident(resident, "POST", "/subscriptions", {"topic": topic}))[0] == 200


async def planned(desk: LegalDesk, due_at: str = "2026-11-24T10:00", **changed: str) -> tuple[int, str]:
    return await desk.post("coordinator", "/legal/broadcasts", **ADVICE | {"due_at": due_at} | changed)


async def told(desk: LegalDesk) -> int:
    return await clerk.run_once(desk.database, desk.internal.app[DESK])  # type: ignore[union-attr]


async def counts(desk: LegalDesk) -> list[str]:
    page = (await desk.page("coordinator", "/legal/broadcasts"))[1]
    return re.findall(r"<td>(\d+)</td>", page)


async def test_a_push_goes_to_the_topic_s_subscribers_once_at_its_time(desk: LegalDesk) -> None:
    await subscribed(desk, "r1", "r2")
    await subscribed(desk, "r3", topic="family")
    assert (await planned(desk, "2026-11-24T11:00"))[0] == 303
    assert await told(desk) == 0
    desk.town.clock.advance(hours=1)
    assert [await told(desk), await told(desk)] == [2, 0]
    assert [len(await desk.heard(who)) for who in ("r1", "r2", "r3")] == [1, 1, 0]
    assert "【普法·劳动用工】工资被拖欠怎么办" in (await desk.heard())[0].text


async def test_more_subscribers_than_a_batch_are_all_told_once(desk: LegalDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "BATCH", 2)
    await subscribed(desk, "r1", "r2", "r3")
    await planned(desk)
    assert [await told(desk) for _ in range(3)] == [2, 1, 0]
    assert [len(await desk.heard(who)) for who in ("r1", "r2", "r3")] == [1, 1, 1]


async def test_nobody_is_woken_for_advice(desk: LegalDesk) -> None:
    await subscribed(desk, "r1")
    await planned(desk, "2026-11-24T22:30")
    desk.town.clock.advance(hours=13)  # 23:00
    assert await told(desk) == 0
    desk.town.clock.advance(hours=7, minutes=59)  # 6:59
    assert await told(desk) == 0
    desk.town.clock.advance(minutes=1)
    assert await told(desk) == 1


async def test_one_word_stops_it_and_subscribing_again_starts_it(desk: LegalDesk) -> None:
    await subscribed(desk, "r1", "r2")
    assert (await desk.resident("r1", "POST", "/subscriptions/stop", {}))[1] == {"stopped": 1}
    assert (await desk.resident("r1", "POST", "/subscriptions/stop", {}))[1] == {"stopped": 0}
    await planned(desk)
    assert await told(desk) == 1
    assert await desk.heard("r1") == []
    await subscribed(desk, "r1", "r1")
    topics = (await desk.resident("r1", "GET", "/subscriptions"))[1]["topics"]
    assert [one["topic"] for one in topics if one["subscribed"]] == ["labour"]


async def test_deliveries_and_reads_are_counted(desk: LegalDesk) -> None:
    await subscribed(desk, "r1", "r2", "r3")
    await planned(desk)
    await told(desk)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    claim = {"worker": "w", "channels": ["web"], "limit": 16}
    async with desk.internal.post("/internal/v1/deliveries/claim", json=claim, headers=headers) as response:
        deliveries = (await response.json())["deliveries"]
    assert len(deliveries) == 3
    for delivery, outcome in zip(deliveries, ("delivered", "delivered", "failed"), strict=True):
        result = {"worker": "w", "outcome": outcome}
        path = f"/internal/v1/deliveries/{delivery['delivery_id']}/result"
        async with desk.internal.post(path, json=result, headers=headers) as response:
            assert response.status == 200
    payload = (await desk.heard())[0].buttons[0]["payload"]
    number = re.fullmatch(r'/open_broadcast\{"broadcast":(\d+)\}', payload)
    assert number
    for _ in range(2):
        _, opened = await desk.resident("r1", "POST", f"/broadcasts/{number[1]}/open", {})
        assert opened["text"] == ADVICE["text"]
    assert await counts(desk) == ["3", "2", "1", "1"]


async def test_a_push_that_somebody_was_not_sent_cannot_be_opened(desk: LegalDesk) -> None:
    await subscribed(desk, "r1")
    await planned(desk)
    await told(desk)
    assert (await desk.resident("r2", "POST", "/broadcasts/1/open", {}))[0] == 404


async def test_a_planned_push_can_be_called_off_and_one_that_was_sent_cannot(desk: LegalDesk) -> None:
    await subscribed(desk, "r1")
    await planned(desk, "2026-11-24T12:00")
    assert (await desk.post("coordinator", "/legal/broadcasts/1/cancel"))[0] == 303
    desk.town.clock.advance(hours=3)
    assert await told(desk) == 0
    await planned(desk, "2026-11-24T13:00")
    assert await told(desk) == 1
    assert (await desk.post("coordinator", "/legal/broadcasts/2/cancel"))[0] == 409


async def test_bad_input_and_the_wrong_hands_plan_nothing(desk: LegalDesk) -> None:
    for wrong in (
        {"title": ""},
        {"text": " "},
        {"topic": "magic"},
        {"due_at": ""},
        {"due_at": "2026-11-20T10:00"},
        {"title": "长" * 61},
    ):
        assert (wrong, (await planned(desk, **wrong))[0]) == (wrong, 422)
    assert (await desk.post("lawyer", "/legal/broadcasts", **ADVICE, due_at="2026-11-24T10:00"))[0] == 403
    assert (await desk.page("lawyer", "/legal/broadcasts"))[0] == 403
    assert (await desk.resident("r1", "POST", "/subscriptions", {"topic": "magic"}))[0] == 422
    assert await counts(desk) == []
