"""What a message on the page costs the record: counted, so that it does not grow unseen."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from sqlalchemy import event

from backend.conversations import service as conversations
from backend.db import Database
from tests.gateway.running import SAID, Device, Town
from wording import Sentences

OF_A_TURN = ("account", "conversation", "message", "delivery")


@contextmanager
def statements(database: Database) -> Iterator[list[tuple[str, tuple]]]:
    """The statements about conversations, and their parameters, that run meanwhile; the clerks' are others."""
    seen: list[tuple[str, tuple]] = []

    def hear(_connection: object, _cursor: object, statement: str, parameters: tuple, *_: object) -> None:
        if any(f" {table} " in statement or f" {table}\n" in statement for table in OF_A_TURN):
            seen.append((statement, parameters))

    event.listen(database.engine.sync_engine, "before_cursor_execute", hear)
    yield seen
    event.remove(database.engine.sync_engine, "before_cursor_execute", hear)


@pytest.fixture
async def talking(running: Town, device: Device) -> Device:
    """A device whose first message has been answered."""
    await device.send("在吗")
    await device.until(lambda messages: len(messages) == 3)
    return device


async def test_a_turn_on_an_open_page_takes_so_many_statements(running: Town, talking: Device) -> None:
    async with talking.stream(after="3") as events:
        await events.next("beat")
        with statements(running.database) as seen:
            await talking.send("路灯坏了")
            while (await events.next("turn"))["turn"] != "done":
                pass
            assert (await events.next())["text"] == SAID.format("路灯坏了")
    told = "\n".join(statement for statement, _ in seen)
    assert told.count("INSERT INTO message") == 2
    assert len([one for one, _ in seen if one.startswith(("INSERT", "UPDATE"))]) <= 6, told
    assert len(seen) <= 13, told  # 10, and the looks of the long polls, should they fall in between
    assert "message.sequence > ?" not in told, "the page was told; it needs not read the feed"


async def test_open_turns_and_deliveries_are_found_without_reading_every_message(running: Town, talking: Device) -> None:
    with statements(running.database) as seen:
        async with talking.stream(after="3") as events:
            await running.push(talking.address, "【已派遣】")
            assert (await events.next())["text"] == "【已派遣】"
        await talking.send("路灯坏了")
        await talking.until(lambda messages: len(messages) == 6)
        async with running.database.write() as session:  # as a gateway does that has no slot free when a message comes
            await conversations.claim_turns(session, worker="w", limit=1, sentences=Sentences({}), now=datetime.now(UTC))
    claims = {statement: parameters for statement, parameters in seen if "LIMIT" in statement and "EXISTS" in statement}
    assert len(claims) >= 2  # of a turn and of a delivery
    async with running.database.engine.connect() as connection:
        for statement, parameters in claims.items():
            plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps = [row[-1] for row in plan]
            assert not [step for step in steps if step.startswith(("SCAN message", "SCAN delivery")) and " USING " not in step]
