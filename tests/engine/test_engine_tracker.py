"""A conversation may be long: what was set earlier stands. On both databases."""

from __future__ import annotations

import asyncio
import os
import sqlite3

import asyncpg
import pytest

from tests.engine.running import Assistant
from tests.support import postgres as server

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def assistant(request, trained_home, tmp_path_factory):
    """A running assistant, on each database in turn."""
    running = Assistant(trained_home, tmp_path_factory.mktemp("state"))
    name = f"linlitong_engine_{os.getpid()}"
    database = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    if database:
        running.tracker_url = database.create(name).replace("+asyncpg", "")
    try:
        running.start()
        yield running
    finally:
        running.stop()
        if database:
            database.drop(name)


def rows(assistant, sender_id: str) -> int:
    """How many events of a conversation are stored."""
    if assistant.tracker_url.startswith("sqlite"):
        with sqlite3.connect(assistant.state / "tracker.db") as database:
            return database.execute("select count(*) from engine_events where sender_id = ?", [sender_id]).fetchone()[0]

    async def count() -> int:
        connection = await asyncpg.connect(assistant.tracker_url)
        try:
            return await connection.fetchval("select count(*) from engine_events where sender_id = $1", sender_id)
        finally:
            await connection.close()

    found = []
    server.outside(lambda: found.append(asyncio.run(count())))
    return found[0]


def test_slots_and_the_active_form_stand_across_the_cut(assistant):
    assistant.say("long", "/greet", {"nickname": "老王"})
    assistant.say("long", "路灯坏了")
    assert assistant.say("long", "3号楼") == ["路灯坏了，3号楼，对吗？"]
    for _ in range(30):
        assert assistant.say("long", "/ask_guide") == ["八点到十七点", "路灯坏了，3号楼，对吗？"]
    assistant.kill_engine()
    assistant.start_engine()
    assert assistant.say("long", "/share_location")[0] == "老王 None"
    assert assistant.say("long", "/deny") == ["在哪里？"]
    assert assistant.say("long", "5号楼") == ["路灯坏了，5号楼，对吗？"]
    assert assistant.say("long", "/affirm") == ["已上报"]
    assert assistant.say("long", "/ask_guide") == ["八点到十七点"]


def test_a_form_that_was_left_stays_left_across_the_cut(assistant):
    assistant.say("left", "路灯坏了")
    assert assistant.say("left", "/cancel") == ["已取消"]
    for _ in range(30):
        assert assistant.say("left", "/ask_guide") == ["八点到十七点"]


def test_old_events_are_pruned(assistant):
    for _ in range(110):
        assistant.say("pruned", "/ask_guide")
    assert rows(assistant, "pruned") == 400


def test_an_old_message_is_still_known_after_many_others(assistant):
    first = assistant.post("old", "/ask_guide", "the-first")
    for _ in range(30):
        assistant.say("old", "/ask_guide")
    before = rows(assistant, "old")
    assert assistant.post("old", "/ask_guide", "the-first") == first
    assert rows(assistant, "old") == before
