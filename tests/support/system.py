"""The whole system as ``linlitong run`` starts it, on ports of its own, in a home of its own."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from linlitong.home import ROOT
from linlitong.ports import free_ports
from tests.support import kept
from tests.support.processes import stop_with_parent

READY_SECONDS = 600


class System:
    """A running system. ``say`` is a resident's line, ``api`` the staff's HTTP API."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        self.resident, self.staff = (f"http://127.0.0.1:{port}" for port in free_ports(2))
        self.environment = {
            **os.environ,
            "LINLITONG_HOME": str(home),
            "LINLITONG_RESIDENT_PORT": self.resident.rsplit(":", 1)[1],
            "LINLITONG_STAFF_PORT": self.staff.rsplit(":", 1)[1],
            "LINLITONG_QUIET_FROM": "00:00",  # the tests run at night too
            "LINLITONG_QUIET_UNTIL": "00:00",
            **settings,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self._tokens: dict[str, str] = {}

    def start(self) -> None:
        """Start and return when the first message can be answered."""
        models = self.home / "models"
        with kept.alone():
            if not models.exists():
                shutil.copytree(kept.MODELS, models)
            self._run()
            shutil.copytree(models, kept.MODELS, dirs_exist_ok=True)

    def _run(self) -> None:
        self.log = (self.home / "terminal.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "linlitong", "run"],
            cwd=ROOT,
            env=self.environment,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            preexec_fn=stop_with_parent,
        )
        deadline = time.monotonic() + READY_SECONDS
        while not self.ready():
            assert self.process.poll() is None, (self.home / "terminal.log").read_text()
            assert time.monotonic() < deadline, (self.home / "terminal.log").read_text()
            time.sleep(0.3)

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.resident}/health", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def stop(self) -> int:
        """Stop it as Ctrl-C does; returns the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(30)
        self.log.close()
        return code

    def pid(self, program: str) -> int:
        """The process id of backend, actions, engine or gateway."""
        pid: int = json.loads((self.home / "run.json").read_text())["programs"][program]["pid"]
        return pid

    def chat(self, name: str, *lines: str, wait: float = 0) -> list[dict[str, Any]]:
        """What resident ``name`` receives while saying ``lines``, and for ``wait`` seconds after."""
        done = subprocess.run(
            [sys.executable, "-m", "linlitong", "chat", "--as", name, "--json", "--wait", str(wait)],
            cwd=ROOT,
            env=self.environment,
            input="\n".join(lines) + "\n" if lines else "",
            capture_output=True,
            text=True,
            timeout=60 + 25 * len(lines) + wait,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def accounts(self) -> list[dict[str, str]]:
        """The demo staff: username, password, role, scope."""
        with (self.home / "demo-staff.csv").open(encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def api(self, who: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """(status, JSON) of a staff API call by account ``who``."""
        if who not in self._tokens:
            password = next(row["password"] for row in self.accounts() if row["username"] == who)
            _, answer = self._call("POST", "/api/v1/sessions", {"username": who, "password": password}, None)
            self._tokens[who] = answer["token"]
        return self._call(method, path, body, self._tokens[who])

    def _call(self, method: str, path: str, body: Any, token: str | None) -> tuple[int, Any]:
        request = urllib.request.Request(
            self.staff + path,
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


def texts(received: list[dict[str, Any]]) -> list[str]:
    return [message["text"] for message in received]


def number_in(received: list[dict[str, Any]]) -> str:
    """The event number that was told first."""
    return next(found[0] for text in texts(received) if (found := re.search(r"\d{4}-\d{4}", text)))


@contextmanager
def running(home: Path, **settings: str) -> Iterator[System]:
    system = System(home, **settings)
    system.start()
    try:
        yield system
    finally:
        if system.process is not None and system.process.poll() is None:
            system.stop()


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One running system for all tests that only talk to it, each as residents of its own."""
    with running(tmp_path_factory.mktemp("home")) as system:
        yield system
