"""The rate of automatic dispatch and its precision, from what staff did afterwards."""

from collections.abc import Awaitable, Callable
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from backend.catalogue.models import HandlerKind
from backend.clock import FakeClock
from backend.db import Database
from backend.events import clerk, service
from backend.events.models import ActorKind, Event, EventState, History, HistoryKind
from backend.events.service import Actor, Report
from backend.house import DeskFactory, desk_factory
from backend.settings import Settings
from backend.triage.service import Figures, dispatch_figures
from tests.support.small_city import SmallCity, build, resident
from wording import Sentences

S = EventState
Step = Callable[..., Awaitable[None]]
HOUSING, WATER = (HandlerKind.DEPARTMENT, "housing"), (HandlerKind.DEPARTMENT, "water")


@pytest.fixture
def desk_of(clock: FakeClock, sentences: Sentences, tmp_path: Path) -> DeskFactory:
    return desk_factory(Settings(home=tmp_path, office_opens=time(8, 30), office_closes=time(17, 30)), clock, sentences)


@pytest.fixture
async def city(database: Database) -> SmallCity:
    async with database.write() as session:
        return await build(session)


@pytest.fixture
def filed(database: Database, city: SmallCity, desk_of: DeskFactory, clock: FakeClock) -> Callable[[str], Awaitable[int]]:
    async def file(item: str) -> int:
        async with database.write() as session:
            event = await service.file_event(
                session,
                Report(description="有事要报", area_code="g1", address="宫涵社区3号楼", item_code=item),
                desk=await desk_of(session),
                conversation=await resident(session, f"{item}{clock.now()}", now=clock.now()),
            )
        await clerk.run_once(database, desk_of)
        return event.id

    return file


@pytest.fixture
def step(database: Database, city: SmallCity, desk_of: DeskFactory) -> Step:
    async def move(event_id: int, who: str, to: EventState, **more: object) -> None:
        async with database.write() as session:
            event, desk = await session.get_one(Event, event_id), await desk_of(session)
            actor = Actor.staff(city.scopes[who]) if who else Actor.resident(event.reporter_id)
            await service.move(session, event, to, actor=actor, desk=desk, note="说明", **more)

    return move


async def figures(database: Database, since: datetime) -> Figures:
    async with database.read() as session:
        return await dispatch_figures(session, since)


async def test_nothing_dispatched_has_no_rate(database: Database, clock: FakeClock) -> None:
    assert await figures(database, clock.now()) == {
        "dispatched": 0,
        "automatic": 0,
        "corrected": 0,
        "rate": None,
        "precision": None,
    }


async def test_what_a_person_dispatched_is_not_automatic(
    database: Database, clock: FakeClock, filed: Callable[[str], Awaitable[int]], step: Step
) -> None:
    await filed("garbage")
    by_hand = await filed("drainage")
    await step(by_hand, "street1", S.DISPATCHED, handler=WATER)
    await step(by_hand, "street1", S.DISPATCHED, handler=HOUSING)
    assert await figures(database, clock.now()) == {
        "dispatched": 2,
        "automatic": 1,
        "corrected": 0,
        "rate": 0.5,
        "precision": 1.0,
    }


async def test_another_handler_or_item_is_a_correction_the_same_handler_again_is_none(
    database: Database, clock: FakeClock, city: SmallCity, filed: Callable[[str], Awaitable[int]], step: Step
) -> None:
    moved, returned, again, renamed = [await filed("garbage") for _ in range(4)]
    await step(moved, "street1", S.DISPATCHED, handler=WATER)
    await step(moved, "street1", S.DISPATCHED, handler=HOUSING)
    await step(returned, "housing1", S.ACCEPTED)
    await step(returned, "street1", S.DISPATCHED, handler=WATER)
    await step(again, "housing1", S.ACCEPTED)
    await step(again, "street1", S.DISPATCHED, handler=HOUSING)
    async with database.write() as session:
        session.add(
            History(
                event_id=renamed,
                kind=HistoryKind.COMMENT,
                actor=ActorKind.STAFF,
                staff_id=city.scopes["street1"].staff_id,
                details={"item_code": "drainage"},
                at=clock.now(),
            )
        )
    found = await figures(database, clock.now())
    assert (found["automatic"], found["corrected"], found["precision"]) == (4, 3, 0.25)


async def test_what_follows_a_reopening_is_no_correction(
    database: Database, clock: FakeClock, desk_of: DeskFactory, filed: Callable[[str], Awaitable[int]], step: Step
) -> None:
    event = await filed("garbage")
    await step(event, "housing1", S.IN_PROGRESS)
    await step(event, "housing1", S.HANDLED)
    await step(event, "", S.REOPENED)
    await clerk.run_once(database, desk_of)
    await step(event, "district1", S.DISPATCHED, handler=WATER)
    found = await figures(database, clock.now())
    assert (found["dispatched"], found["automatic"], found["corrected"]) == (1, 1, 0)


async def test_only_what_was_dispatched_since_and_in_scope_counts(
    database: Database, clock: FakeClock, filed: Callable[[str], Awaitable[int]]
) -> None:
    await filed("garbage")
    clock.advance(hours=2)
    second = await filed("garbage")
    assert (await figures(database, clock.now() - timedelta(hours=1)))["dispatched"] == 1
    assert (await figures(database, clock.now() - timedelta(hours=3)))["dispatched"] == 2
    async with database.read() as session:
        inside = History.event_id.in_(select(Event.id).where(Event.id == second))
        assert (await dispatch_figures(session, clock.now() - timedelta(hours=3), scope=inside))["dispatched"] == 1
