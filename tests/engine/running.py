"""The real engine and the real action server, each in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from linlitong.ports import free_ports

PROJECT = Path(__file__).parents[2]
ASSISTANT = Path(__file__).parent / "assistant"
ENGINE_PYTHON = PROJECT / ".venv-engine/bin/python"
TOKEN = "token-of-the-tests"


def call(method: str, url: str, body=None, token: str | None = TOKEN, timeout: float = 20):
    """(status, JSON) of one request."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def wait_until_up(process: subprocess.Popen, url: str, seconds: float = 60) -> None:
    """Return when url answers. Fails when the process ends or takes longer."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, f"{process.args} ended with {process.returncode}"
        try:
            call("GET", url)
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{process.args} is not up after {seconds} s")


class Assistant:
    """An engine with an action server and a tracker database; both can be killed and started again."""

    def __init__(self, home: Path, state: Path) -> None:
        self.home = home
        self.state = state
        self.log = state / "engine.log"
        self.tracker_url = f"sqlite:///{state}/tracker.db"
        self.actions_port, self.engine_port = free_ports(2)
        self.engine: subprocess.Popen | None = None
        self.actions: subprocess.Popen | None = None
        self._numbers = iter(range(1, 1_000_000))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.engine_port}"

    def start(self) -> None:
        self.start_actions()
        self.start_engine()

    def start_actions(self) -> None:
        self.actions = subprocess.Popen(
            [sys.executable, "-m", "rasa_sdk", "--actions", "actions", "-p", str(self.actions_port)],
            cwd=ASSISTANT,
            env={**os.environ, "SANIC_HOST": "127.0.0.1", "ASSISTANT_STATE": str(self.state)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until_up(self.actions, f"http://127.0.0.1:{self.actions_port}/health")

    def start_engine(self) -> None:
        with self.log.open("a") as log:
            self.engine = subprocess.Popen(
                [ENGINE_PYTHON, "-m", "bot.engine"],
                cwd=PROJECT,
                env={
                    **os.environ,
                    "LINLITONG_HOME": str(self.home),
                    "LINLITONG_ENGINE_PORT": str(self.engine_port),
                    "LINLITONG_ACTIONS_URL": f"http://127.0.0.1:{self.actions_port}/webhook",
                    "LINLITONG_TRACKER_URL": self.tracker_url,
                    "LINLITONG_SERVICE_TOKEN": TOKEN,
                },
                stdout=log,
                stderr=log,
            )
        wait_until_up(self.engine, f"{self.url}/health")

    def kill_engine(self) -> None:
        """kill -9."""
        self.engine.kill()
        self.engine.wait()

    def stop_actions(self) -> None:
        self.actions.terminate()
        self.actions.wait()

    def stop(self) -> None:
        for process in (self.engine, self.actions):
            if process and process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(20)

    def post(self, sender_id: str, text: str, message_id: str | None = None, metadata: dict | None = None):
        """(status, JSON) of one turn."""
        body = {
            "sender_id": sender_id,
            "message_id": message_id or f"m{next(self._numbers)}",
            "text": text,
            "metadata": metadata or {},
        }
        return call("POST", f"{self.url}/turns", body)

    def say(self, sender_id: str, text: str, metadata: dict | None = None) -> list[str]:
        """The texts that the bot answers. Fails when the turn fails."""
        status, turn = self.post(sender_id, text, metadata=metadata)
        assert status == 200, turn
        return [reply["text"] for reply in turn["replies"]]

    def calls(self) -> list[str]:
        """The names and message ids of the actions that ran."""
        calls = self.state / "calls"
        return calls.read_text().splitlines() if calls.exists() else []


def train(home: Path, domain: Path, data: Path, *options: str) -> str:
    """What the training says."""
    return subprocess.run(
        [ENGINE_PYTHON, "-m", "bot.engine.training", "--domain", domain, "--data", data, "--out", home / "models", *options],
        cwd=PROJECT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
