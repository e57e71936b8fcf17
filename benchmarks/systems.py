"""The two systems that are timed, each started for the benchmark alone, and a resident's line to each."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import yaml

from benchmarks import processes
from linlitong.chat import OPEN, events
from linlitong.guard import Guard
from linlitong.home import ROOT
from linlitong.ports import free_ports
from linlitong.system import APP, ENGINE

STOCK = Path(__file__).parent / "stock"
READY_SECONDS = 600.0
ANSWER_SECONDS = 120.0


class BenchFailed(Exception):
    """A system did not start or did not answer; ``str()`` is the sentence for the terminal."""


class Line(Protocol):
    async def say(self, text: str) -> float:
        """Seconds from sending until the turn is over and its first reply is here. Raises BenchFailed."""


class System(Protocol):
    http: aiohttp.ClientSession

    def line(self, name: str) -> contextlib.AbstractAsyncContextManager[Line]:
        """A resident who has said nothing yet."""

    async def parse(self, text: str) -> tuple[str, float]:
        """The intent of a text, and the seconds it took by HTTP."""

    def programs(self) -> dict[str, list[int]]:
        """Process ids by program, children included."""


# ---- ours


@dataclass
class Ours:
    """``linlitong run`` in a home of its own."""

    pid: int
    home: Path
    url: str
    http: aiohttp.ClientSession

    @asynccontextmanager
    async def line(self, name: str) -> AsyncIterator["OurLine"]:
        async with self.http.post(f"{self.url}/api/session?bearer=1") as answer:
            line = OurLine(self, {"Authorization": f"Bearer {(await answer.json())['token']}"})
        listening = asyncio.create_task(line.listen())
        try:
            yield line
        finally:
            listening.cancel()
            await asyncio.wait({listening})

    async def parse(self, text: str) -> tuple[str, float]:
        port = self._run_file()["programs"]["engine"]["port"]
        token = json.loads((self.home / "secrets.json").read_text())["service_token"]
        headers = {"Authorization": f"Bearer {token}"}
        began = time.perf_counter()
        async with self.http.post(f"http://127.0.0.1:{port}/parse", json={"text": text}, headers=headers) as answer:
            parse = await answer.json()
        return parse["intent"], time.perf_counter() - began

    def programs(self) -> dict[str, list[int]]:
        found = {name: processes.family(one["pid"]) for name, one in self._run_file()["programs"].items()}
        programs = {pid for family in found.values() for pid in family}
        return found | {"supervisor": [pid for pid in processes.family(self.pid) if pid not in programs]}

    def _run_file(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.home / "run.json").read_text())
        return content


@dataclass
class OurLine:
    """A device at the resident page, which sends and follows as the page does."""

    system: Ours
    headers: dict[str, str]
    ended: dict[int, str] = field(default_factory=dict)  # message: how its turn ended
    sequence: int = 0  # of the newest message of the assistant's
    news: asyncio.Event = field(default_factory=asyncio.Event)
    count: int = 0

    async def listen(self) -> None:
        timeout = aiohttp.ClientTimeout(total=None)
        async with self.system.http.get(f"{self.system.url}/api/stream", headers=self.headers, timeout=timeout) as answer:
            async for name, data in events(answer):
                self._hear(name, data)

    def _hear(self, name: str, news: dict[str, Any]) -> None:
        if "turn" in news and news["turn"] not in {*OPEN, None}:
            self.ended[news["message_id"]] = news["turn"]
        if name == "message" and news["author"] != "resident":
            self.sequence = news["sequence"]
        self.news.set()

    async def say(self, text: str) -> float:
        self.count += 1
        message = {"client_id": f"{self.count:032}", "kind": "text", "text": text}
        began = time.perf_counter()
        async with self.system.http.post(f"{self.system.url}/api/messages", json=message, headers=self.headers) as answer:
            accepted = await answer.json()
            if answer.status != 202:
                raise BenchFailed(f"a message was refused with {answer.status}: {accepted['error']['code']}.")
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                while accepted["message_id"] not in self.ended or self.sequence < accepted["sequence"]:
                    self.news.clear()
                    await self.news.wait()
        except TimeoutError:
            raise BenchFailed(f"a message was not answered within {ANSWER_SECONDS:g} s.") from None
        seconds = time.perf_counter() - began
        if (ended := self.ended.pop(accepted["message_id"])) != "done":
            raise BenchFailed(f"a turn ended as {ended}.")
        return seconds


@asynccontextmanager
async def ours(work: Path, models: Path, guard: Guard, http: aiohttp.ClientSession) -> AsyncIterator[Ours]:
    """A system with the demo city; ``models`` are used when they are fresh. Raises BenchFailed.

    What is learned on a first start would be measured too, in time and in memory, so this is the second.
    """
    home = new_home(work, models)
    resident, staff = free_ports(2)
    settings = {
        "LINLITONG_HOME": str(home),
        "LINLITONG_RESIDENT_PORT": str(resident),
        "LINLITONG_STAFF_PORT": str(staff),
        "LINLITONG_MESSAGES_PER_MINUTE": "1000000",
    }
    for first in (True, False):
        with started("linlitong", [APP, "-m", "linlitong", "run"], work, guard, settings) as process:
            await ready(http, f"http://127.0.0.1:{resident}/health", process, work / "linlitong.log")
            system = Ours(process.pid, home, f"http://127.0.0.1:{resident}", http)
            await calm(system)
            if not first:
                yield system


def new_home(work: Path, models: Path) -> Path:
    """A home with nothing but the trained models."""
    home = work / "home"
    home.mkdir()
    if models.exists():
        shutil.copytree(models, home / "models")
    return home


# ---- the stock assistant


@dataclass
class Stock:
    """``rasa run`` with its REST channel, and an action server."""

    pids: dict[str, int]
    url: str
    http: aiohttp.ClientSession

    @asynccontextmanager
    async def line(self, name: str) -> AsyncIterator["StockLine"]:
        yield StockLine(self, name)

    async def parse(self, text: str) -> tuple[str, float]:
        began = time.perf_counter()
        async with self.http.post(f"{self.url}/model/parse", json={"text": text}) as answer:
            parse = await answer.json()
        return parse["intent"]["name"], time.perf_counter() - began

    def programs(self) -> dict[str, list[int]]:
        return {name: processes.family(pid) for name, pid in self.pids.items()}


@dataclass
class StockLine:
    system: Stock
    name: str

    async def say(self, text: str) -> float:
        message = {"sender": self.name, "message": text}
        began = time.perf_counter()
        async with self.system.http.post(f"{self.system.url}/webhooks/rest/webhook", json=message) as answer:
            replies = await answer.json()
        if not replies:
            raise BenchFailed(f"the stock assistant said nothing to {text} (status {answer.status}).")
        return time.perf_counter() - began


@asynccontextmanager
async def stock(work: Path, model: Path, guard: Guard, http: aiohttp.ClientSession) -> AsyncIterator[Stock]:
    """Rasa as it comes, with the model of ``train_stock``. Raises BenchFailed."""
    port, actions_port = free_ports(2)
    endpoints = {
        "action_endpoint": {"url": f"http://127.0.0.1:{actions_port}/webhook"},
        "tracker_store": {"type": "SQL", "dialect": "sqlite", "db": str(work / "stock.db")},
    }
    (work / "endpoints.yml").write_text(yaml.safe_dump(endpoints))
    (work / "credentials.yml").write_text("rest:\n")
    settings = {"RASA_TELEMETRY_ENABLED": "false", "SANIC_HOST": "127.0.0.1", "PYTHONPATH": str(ROOT)}
    actions = [ENGINE, "-m", "rasa_sdk", "--actions", "benchmarks.stock.actions", "--port", str(actions_port)]
    rasa = [ENGINE, "-m", "rasa", "run", "--enable-api", "--interface", "127.0.0.1", "--port", str(port), "--model", str(model)]
    rasa += ["--endpoints", str(work / "endpoints.yml"), "--credentials", str(work / "credentials.yml")]
    with (
        started("stock-actions", actions, work, guard, settings) as serving,
        started("stock-rasa", rasa, work, guard, settings) as running,
    ):
        await ready(http, f"http://127.0.0.1:{actions_port}/health", serving, work / "stock-actions.log")
        await ready(http, f"http://127.0.0.1:{port}/status", running, work / "stock-rasa.log")
        yield Stock({"rasa": running.pid, "actions": serving.pid}, f"http://127.0.0.1:{port}", http)


def train_stock(work: Path, models: Path, epochs: int) -> Path:
    """The stock assistant's model, trained on our examples and rules unless ``models`` has it. Raises BenchFailed."""
    data = work / "data"
    for part in ("nlu", "rules"):
        shutil.copytree(ROOT / "data" / part, data / part)
    shutil.copy(STOCK / "stories.yml", data)
    config = yaml.safe_load((STOCK / "config.yml").read_text(encoding="utf-8"))
    for component in config["pipeline"] + config["policies"]:
        if "epochs" in component:
            component["epochs"] = epochs
    (work / "config.yml").write_text(yaml.safe_dump(config))
    command = [ENGINE, "-m", "bot.engine.training", "--domain", "domain.yml", "--data", str(data)]
    command += ["--config", str(work / "config.yml"), "--out", str(models)]
    done = subprocess.run(command, check=False, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    if done.returncode:
        raise BenchFailed("the stock assistant could not be trained.")
    return max(models.glob("*.tar.gz"), key=lambda model: model.stat().st_mtime_ns)


# ---- processes


@contextmanager
def started(
    name: str, command: list[str], work: Path, guard: Guard, settings: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that writes to NAME.log and is stopped in the end. No setting of the real installation reaches it."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LINLITONG_", "TELEGRAM_"))}
    with (work / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=kept | settings,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    guard.add(process.pid)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        guard.remove(process.pid)


async def ready(http: aiohttp.ClientSession, url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the address answers 200. Raises BenchFailed when the process ends or takes too long."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with http.get(url, timeout=aiohttp.ClientTimeout(total=5)) as answer:
                if answer.status == 200:
                    return
        if process.poll() is not None or time.monotonic() > deadline:
            raise BenchFailed(f"{log.stem} did not get ready:\n{end_of(log)}")
        await asyncio.sleep(0.3)


async def calm(system: System) -> None:
    """Return when the system works on nothing: its programs use less than a fifth of a core for three seconds.

    Raises BenchFailed when it never does.
    """
    deadline = time.monotonic() + READY_SECONDS
    used = -float(READY_SECONDS)
    while (now := sum(map(processes.processor_seconds, system.programs().values()))) - used > 0.6:
        if time.monotonic() > deadline:
            raise BenchFailed("the system does not come to rest.")
        used = now
        await asyncio.sleep(3)


def end_of(log: Path) -> str:
    """The last ten lines."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-10:])
