"""Nobody is left in silence: a part that hangs or dies is said in one sentence, and answered when it is back."""

import os
import signal
import threading
import time

import pytest

from tests.support.system import System, texts

DELAYED = "您的话我收到了"
GREETING = "我是邻里通"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("program", ["engine", "actions"])
def test_a_part_that_hangs_is_told_and_the_answer_comes_when_it_is_back(system: System, program: str) -> None:
    name = f"patient-{program}"
    line = "你好" if program == "engine" else "我的事办得怎么样了"
    pid = system.pid(program)
    os.killpg(os.getpgid(pid), signal.SIGSTOP)
    back = threading.Timer(20, lambda: os.killpg(os.getpgid(pid), signal.SIGCONT))
    back.start()
    try:
        heard = texts(system.chat(name, line, wait=5))
    finally:
        back.join()
    deadline = time.monotonic() + 60
    while len(heard) < 2 and time.monotonic() < deadline:
        heard += texts(system.chat(name, wait=5))
    assert sum(DELAYED in text for text in heard) == 1, heard
    assert heard[0].startswith(DELAYED)
    wanted = GREETING if program == "engine" else "还没有上报过"
    assert sum(wanted in text for text in heard) == 1, heard
