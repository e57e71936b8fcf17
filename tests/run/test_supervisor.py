"""The supervisor as a process of its own, over tiny stand-ins for the four parts."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from linlitong.guard import Guard
from linlitong.home import ROOT, Home

Start = Callable[..., "City"]


class City:
    """A running city.py with what it says, line by line."""

    def __init__(self, home: Path, *kinds: str) -> None:
        self.home = Home(home)
        self.output = home / "terminal.txt"
        with self.output.open("a") as output:
            command = [sys.executable, str(ROOT / "tests" / "run" / "city.py"), str(home), *kinds]
            environment = {**os.environ, "PYTHONPATH": str(ROOT)}
            self.process = subprocess.Popen(command, stdout=output, stderr=output, env=environment, start_new_session=True)

    def said(self, words: str, *, within: float = 10) -> str:
        """The first line that holds ``words``; fails when it is not said in time."""
        give_up = time.monotonic() + within
        while time.monotonic() < give_up:
            for line in self.output.read_text().splitlines():
                if words in line:
                    return line
            time.sleep(0.02)
        pytest.fail(f"{words!r} was not said:\n{self.output.read_text()}")

    def programs(self) -> dict[str, Any]:
        running = self.home.running()
        assert running
        programs: dict[str, Any] = running["programs"]
        return programs

    def pid(self, name: str) -> int:
        pid: int = self.programs()[name]["pid"]
        return pid

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(15)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    cities: list[City] = []

    def start(*kinds: str) -> City:
        cities.append(City(tmp_path, *kinds))
        return cities[-1]

    yield start
    for city in cities:
        if city.process.poll() is None:
            city.stop(signal.SIGKILL)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def until(condition: Callable[[], bool], within: float = 10) -> None:
    give_up = time.monotonic() + within
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_a_program_that_is_killed_is_started_again_and_the_terminal_says_so(start: Start) -> None:
    city = start("backend:good", "gateway:good")
    city.said("all ready")
    before = city.pid("gateway")
    os.kill(before, signal.SIGKILL)
    line = city.said("gateway died (signal 9, SIGKILL), starting it again in 0.05 s")
    assert time.strptime(line.split()[0], "%H:%M:%S")
    city.said("gateway is back")
    after = city.programs()["gateway"]
    assert (after["pid"] != before, after["restarts"]) == (True, 1)
    assert city.stop() == 0


def test_a_program_is_asked_on_the_address_it_listens_on(start: Start) -> None:
    city = start("gateway:elsewhere")
    city.said("all ready")
    assert city.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_everything_cleanly(start: Start, number: int) -> None:
    city = start("backend:good", "gateway:good")
    city.said("all ready")
    pids = [city.pid(name) for name in ("backend", "gateway")]
    assert city.stop(number) == 0
    city.said("all stopped")
    assert [pid for pid in pids if alive(pid)] == []
    assert "bye" in (city.home.logs / "gateway.log").read_text()
    assert city.home.running() is None
    assert not (city.home.path / "run.json").exists()


def test_a_program_that_ignores_the_request_to_stop_is_killed(start: Start) -> None:
    city = start("backend:stubborn")
    city.said("all ready")
    pid = city.pid("backend")
    assert city.stop() == 0
    city.said("backend did not stop within 1 s and is killed")
    assert not alive(pid)


def test_no_program_outlives_a_supervisor_that_is_killed(start: Start) -> None:
    city = start("backend:parent", "gateway:stubborn")
    city.said("all ready")
    child = int((city.home.logs / "backend.log").read_text().split("child ")[1].split()[0])
    pids = [city.pid(name) for name in ("backend", "gateway")] + [child]
    assert all(map(alive, pids))
    city.stop(signal.SIGKILL)
    until(lambda: not any(map(alive, pids)))
    again = start("backend:good")
    until(lambda: city.output.read_text().count("all ready") == 2)
    assert again.stop() == 0


def test_what_a_dead_program_had_started_goes_with_it(start: Start) -> None:
    city = start("backend:parent")
    city.said("all ready")
    child = int((city.home.logs / "backend.log").read_text().split("child ")[1].split()[0])
    assert alive(child)
    os.kill(city.pid("backend"), signal.SIGKILL)
    until(lambda: not alive(child))
    assert city.stop() == 0


def test_a_program_that_never_gets_up_is_given_up_with_its_last_words(start: Start) -> None:
    city = start("backend:broken")
    assert city.process.wait(15) == 1
    city.said("sentence: backend ended 5 times before it was ready (exit code 1): no such table: streets")


def test_a_program_that_never_answers_is_given_up(start: Start) -> None:
    city = start("backend:good", "gateway:mute")
    city.said("waiting for gateway", within=9)
    assert city.process.wait(15) == 1
    city.said("sentence: gateway did not get ready within 6 s")


def test_a_program_that_is_alive_but_no_longer_answers_is_started_again(start: Start) -> None:
    city = start("backend:good")
    city.said("all ready")
    os.kill(city.pid("backend"), signal.SIGSTOP)
    city.said("backend has not answered for 3 s and is killed", within=20)
    city.said("backend is back")
    assert city.stop() == 0


def test_a_second_start_on_the_same_home_says_who_runs(start: Start) -> None:
    first = start("backend:good")
    first.said("all ready")
    second = start("backend:good")
    assert second.process.wait(10) == 1
    second.said(f"sentence: Linlitong is already running on {first.home.path} as process {first.process.pid}")
    assert first.stop() == 0


def test_a_full_log_is_turned_over(start: Start) -> None:
    city = start("backend:good")
    city.said("all ready")
    port = city.programs()["backend"]["port"]
    for _ in range(3):
        urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/3000000", method="POST"), timeout=10).close()
    until((city.home.logs / "backend.log.1").exists)
    assert city.stop() == 0
    assert all(path.stat().st_size <= 5_000_000 for path in city.home.logs.glob("backend.log*"))


def test_a_guard_that_is_killed_is_replaced() -> None:
    with Guard() as guard:
        sleepers = [subprocess.Popen(["sleep", "600"], start_new_session=True) for _ in range(2)]
        guard.add(sleepers[0].pid)
        guard._process.kill()
        guard._process.wait()
        guard.add(sleepers[1].pid)
    assert [sleeper.wait(5) for sleeper in sleepers] == [-signal.SIGKILL] * 2
