"""Staff find events by words, a place or a part of a number, through an index, within their scope."""

from datetime import datetime

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from backend.clock import FakeClock
from backend.db import Database
from backend.events.models import Event, EventState
from backend.events.search import containing, write_terms
from backend.staff import events as work
from tests.support.small_city import SmallCity, build

EVENTS = {
    "2832-0935": ("g1", "3号楼2单元门口路灯坏了三天了", "宫涵小区3号楼2单元"),
    "2833-1111": ("g1", "垃圾没人收，夏天臭得很", "宫涵小区31号楼"),
    "7001-2222": ("g2", "楼道灯不亮 LED 换过一次", "迎春东路88号"),
}


FOUND = {
    "路灯": ["2832-0935"],
    "灯": ["2832-0935", "7001-2222"],
    "宫涵小区 垃圾": ["2833-1111"],
    "宫涵小区3号楼": ["2832-0935"],
    "宫涵小区": ["2832-0935", "2833-1111"],
    "led": ["7001-2222"],
    "迎春东路": ["7001-2222"],
    "283": ["2832-0935", "2833-1111"],
    "2832": ["2832-0935"],
    "2832-0935": ["2832-0935"],
    "28320935": ["2832-0935"],
    "電燈": [],
    "路灯 垃圾": [],
    "，。！": [],
    "%' OR 1=1 --": [],
}
WORDS = ("宫涵小区路灯", "灯", "2832")


@pytest.fixture
async def city(database: Database, clock: FakeClock) -> SmallCity:
    async with database.write() as session:
        city = await build(session)
        for number, (grid, description, address) in EVENTS.items():
            await write(session, number, grid, description, address, at=clock.now())
    return city


async def write(session: AsyncSession, number: str, grid: str, description: str, address: str, *, at: datetime) -> Event:
    event = Event(
        number=number,
        state=EventState.REPORTED,
        description=description,
        address=address,
        area_code=grid,
        area_path=f"city/d1/s1/c1/{grid}/",
        created_at=at,
        updated_at=at,
    )
    session.add(event)
    await session.flush()
    await write_terms(session, event)
    return event


async def test_words_find_the_events_in_which_they_all_stand(database: Database, clock: FakeClock, city: SmallCity) -> None:
    async with database.read() as session:
        for words, numbers in FOUND.items():
            found, total = await work.matching(session, city.scopes["community1"], now=clock.now(), words=words)
            assert (sorted(event.number for event in found), total) == (numbers, len(numbers)), words


async def test_nothing_outside_the_scope_is_found_and_changed_words_are_found_by_what_they_are(
    database: Database, clock: FakeClock, city: SmallCity
) -> None:
    async with database.write() as session:
        (lamp,), _ = await work.matching(session, city.scopes["member1"], now=clock.now(), words="灯")
        lamp.description = "井盖没了"
        await write_terms(session, lamp)
    async with database.read() as session:
        for words, count in (("路灯", 0), ("井盖", 1)):
            assert (await work.matching(session, city.scopes["member1"], now=clock.now(), words=words))[1] == count, words
        assert (await work.matching(session, city.scopes["member2"], now=clock.now(), words="井盖"))[1] == 0


@pytest.mark.usefixtures("city")
async def test_the_question_reads_no_table_from_end_to_end(database: Database) -> None:
    on_postgres = database.engine.dialect.name == "postgresql"
    dialect = postgresql.dialect() if on_postgres else sqlite.dialect()
    explain = "EXPLAIN " if on_postgres else "EXPLAIN QUERY PLAN "
    async with database.read() as session:
        if on_postgres:
            await session.execute(text("SET LOCAL enable_seqscan = off"))  # a table of three rows is read whole otherwise
        connection = await session.connection()
        for words in WORDS:
            condition = containing(words)
            assert condition is not None
            asked = Event.__table__.select().where(condition).compile(dialect=dialect, compile_kwargs={"literal_binds": True})
            rows = await connection.exec_driver_sql(explain + str(asked).replace("%", "%%"))
            plan = "\n".join(str(row) for row in rows.all())
            assert "event_term" in plan
            assert "Seq Scan" not in plan
            assert "SCAN event" not in plan
