"""A conversation may be long: what was set earlier stands, and a message costs what it always did."""

from __future__ import annotations

import sqlite3
import statistics
import time

import pytest

pytestmark = pytest.mark.engine


def rows(assistant, sender_id: str) -> int:
    with sqlite3.connect(assistant.state / "tracker.db") as database:
        return database.execute("select count(*) from engine_events where sender_id = ?", [sender_id]).fetchone()[0]


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


@pytest.mark.slow
def test_the_thousandth_message_costs_what_the_tenth_did(assistant):
    """With a form open and a question in the middle of it every time."""

    def seconds(sender_id: str) -> float:
        started = time.perf_counter()
        assistant.say(sender_id, "/ask_guide")
        return time.perf_counter() - started

    assistant.say("thousand", "路灯坏了")
    costs = [seconds("thousand") for _ in range(1000)]
    # Two conversations in turn, so that a busy machine slows both.
    young, old = [], []
    for number in range(60):
        if number % 15 == 0:
            assistant.say(f"young-{number}", "路灯坏了")
            for _ in range(9):
                assistant.say(f"young-{number}", "/ask_guide")
        young.append(seconds(f"young-{number // 15 * 15}"))
        old.append(seconds("thousand"))
    ratio = statistics.median(old) / statistics.median(young)
    print(f"tenth {statistics.median(young):.4f} s, thousandth {statistics.median(old):.4f} s, ratio {ratio:.2f}")
    assert ratio <= 1.2
    assert statistics.median(costs[-100:]) <= 1.5 * statistics.median(costs[10:110])
