import asyncio
import sqlite3
import time

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import OperationalError

from backend import sqlite
from backend.db import Database

NUMBERS = "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :last) SELECT i FROM n)"
INSERT = text("INSERT INTO idempotency_key (key, answer, created_at) VALUES (:key, '{}', '2026-01-01')")
KEYS = text("SELECT key FROM idempotency_key ORDER BY key")


@pytest.fixture
async def database(sqlite_url: str):
    database = Database(sqlite_url)
    yield database
    await database.close()


async def longest_gap(task: asyncio.Task) -> float:
    """Seconds for which the event loop was held up at most until the task was done."""
    longest, last = 0.0, time.monotonic()
    while not task.done():
        await asyncio.sleep(0.001)
        now = time.monotonic()
        longest, last = max(longest, now - last), now
    return longest


async def test_a_long_question_is_answered_beside_the_others(database: Database) -> None:
    async def count(last: int) -> int:
        async with database.read() as session:
            return await session.scalar(text(f"SELECT count(*) FROM {NUMBERS}"), {"last": last})

    assert await count(10) == 10
    began = time.monotonic()
    long = asyncio.create_task(count(1_500_000))
    gap = await longest_gap(long)
    assert long.result() == 1_500_000
    assert gap < (time.monotonic() - began) / 2


async def test_a_statement_that_writes_is_never_given_up_for_being_slow(database: Database) -> None:
    many = text(
        "INSERT INTO idempotency_key (key, answer, created_at) "
        f"SELECT i, '{{}}', '2026-01-01' FROM {NUMBERS} WHERE i % 100000 = 0"
    )
    async with database.write() as session:
        await session.execute(INSERT, {"key": "before"})
        await session.execute(many, {"last": 500_000})
    async with database.read() as session:
        assert len((await session.scalars(KEYS)).all()) == 6


async def test_the_write_lock_of_another_process_is_waited_for_without_holding_up_the_rest(database: Database) -> None:
    async def write() -> None:
        async with database.write() as session:
            await session.execute(INSERT, {"key": "ours"})

    await write_once(database)
    other = sqlite3.connect(make_url(database.url).database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ours = asyncio.create_task(write())
    _, waiting = await asyncio.wait({ours}, timeout=0.3)
    assert waiting
    async with database.read() as session:
        assert (await session.scalars(KEYS)).all() == ["first"]
    other.execute("COMMIT")
    other.close()
    await ours
    async with database.read() as session:
        assert (await session.scalars(KEYS)).all() == ["first", "ours"]


async def write_once(database: Database) -> None:
    async with database.write() as session:
        await session.execute(INSERT, {"key": "first"})


async def test_the_wait_for_the_write_lock_ends(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "PATIENCE", 0.2)
    other = sqlite3.connect(make_url(database.url).database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(OperationalError, match="locked"):
        await write_once(database)
    other.close()
    await write_once(database)


async def test_writers_of_one_process_come_one_after_the_other(database: Database) -> None:
    async def add(number: int) -> None:
        async with database.write() as session:
            held = len((await session.scalars(KEYS)).all())
            await asyncio.sleep(0)
            await session.execute(INSERT, {"key": f"{held:03}"})  # a second one with this number would be refused

    await asyncio.gather(*map(add, range(40)))
    async with database.read() as session:
        assert (await session.scalars(KEYS)).all() == [f"{number:03}" for number in range(40)]


async def test_a_writer_who_is_cancelled_at_any_moment_leaves_the_record_usable(database: Database) -> None:
    async def add(number: int) -> None:
        async with database.write() as session:
            await session.execute(INSERT, {"key": str(number)})

    for number in range(60):
        task = asyncio.create_task(add(number))
        for _ in range(number):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
    await asyncio.gather(*(add(number) for number in range(100, 130)))
    async with database.read() as session:
        keys = set((await session.scalars(KEYS)).all())
    assert {str(number) for number in range(100, 130)} <= keys
