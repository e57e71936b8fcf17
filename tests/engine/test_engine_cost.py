"""A message costs what it always did, however long the conversation is."""

from __future__ import annotations

import statistics
import time

import pytest

pytestmark = pytest.mark.engine


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
