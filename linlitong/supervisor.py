"""Keeps programs running: starts them, waits until they answer, starts again what dies, stops all in order.

A program is ready when GET /health on its address answers 200.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from linlitong.guard import Guard, kill_group
from linlitong.home import ROOT, Home

LOG_BYTES = 5_000_000


class CannotStart(Exception):
    """The system did not come up; ``str()`` is the one sentence for the terminal."""


@dataclass(frozen=True)
class Program:
    """One process to keep running. ``after`` names those that must be ready before its first start, and that are
    stopped after it."""

    name: str
    command: tuple[str, ...]
    port: int
    host: str = "127.0.0.1"
    after: tuple[str, ...] = ()


@dataclass
class Patience:
    """Seconds; the tests set them smaller."""

    ready: float = 300
    stop: float = 10
    first_pause: float = 0.2
    longest_pause: float = 5
    settled: float = 10  # a program that ran this long starts again without a longer pause
    stuck: float = 60  # alive, but no answer from /health
    early_deaths: int = 5  # before it was ever ready


@dataclass
class Running:
    """A program and its present process."""

    program: Program
    process: asyncio.subprocess.Process | None = None
    restarts: int = 0
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    came_up: bool = False  # this process answered
    was_ready: bool = False  # this or an earlier one did


class Supervisor:
    def __init__(
        self,
        programs: Sequence[Program],
        home: Home,
        environment: Mapping[str, str],
        *,
        guard: Guard,
        stopping: asyncio.Event,
        urls: Mapping[str, str] | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.home = home
        self.environment = dict(environment)
        self.urls = dict(urls or {})
        self.patience = patience or Patience()
        self.running = {p.name: Running(p) for p in programs}
        self.guard = guard
        self.stopping = stopping
        self.started_at = datetime.now(UTC)
        self._failure: CannotStart | None = None
        self._halves: dict[str, list[asyncio.Task[None]]] = {}

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Returns when ``stopping`` is set and every program is gone; raises CannotStart when they never got ready."""
        for name, one in self.running.items():
            self._halves[name] = [asyncio.create_task(self._keep(one)), asyncio.create_task(self._watch(one))]
            for task in self._halves[name]:
                task.add_done_callback(self._stop_on_error)
        try:
            await self._until_ready()
            if not self.stopping.is_set():
                on_ready()
            await self.stopping.wait()
        finally:
            await self._stop_all()
        if self._failure:
            raise self._failure

    async def _until_ready(self) -> None:
        everything = asyncio.gather(*(one.ready.wait() for one in self.running.values()))
        stop = asyncio.ensure_future(self.stopping.wait())
        began = time.monotonic()
        try:
            while not (everything.done() or stop.done()):
                await asyncio.wait({everything, stop}, timeout=5, return_when=asyncio.FIRST_COMPLETED)
                waiting = [name for name, one in self.running.items() if not one.was_ready]
                if waiting and not stop.done():
                    took = time.monotonic() - began
                    if took > self.patience.ready:
                        self._give_up(
                            f"{', '.join(waiting)} did not get ready within {self.patience.ready:.0f} s; see {self.home.logs}."
                        )
                        return
                    say(f"waiting for {', '.join(waiting)} ({took:.0f} s)")
        finally:
            everything.cancel()
            stop.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await everything

    def _stop_on_error(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception():
            self.stopping.set()  # _stop raises it

    def _give_up(self, sentence: str) -> None:
        self._failure = CannotStart(sentence)
        self.stopping.set()

    async def _keep(self, one: Running) -> None:
        """Starts the program, and again whenever it ends, until the supervisor stops."""
        name, deaths = one.program.name, 0
        for earlier in one.program.after:
            if earlier in self.running:
                await self.running[earlier].ready.wait()
        while not self.stopping.is_set():
            began = time.monotonic()
            try:
                code = await self._run_once(one)
            except OSError as error:
                self._give_up(f"{name} cannot be started: {error}.")
                return
            if self.stopping.is_set():
                return
            deaths = 1 if one.came_up and time.monotonic() - began > self.patience.settled else deaths + 1
            if not one.was_ready and deaths >= self.patience.early_deaths:
                self._give_up(f"{name} ended {deaths} times before it was ready ({ending(code)}): {self._last_words(name)}")
                return
            pause = min(self.patience.longest_pause, self.patience.first_pause * 2 ** (deaths - 1))
            say(f"{name} died ({ending(code)}), starting it again in {pause:g} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), pause)
            one.restarts += 1

    async def _run_once(self, one: Running) -> int:
        """Runs the program to its end; returns its exit code, negative for a signal."""
        # A pipe of our own: asyncio's would wait for the last child that holds it, not for the program.
        output, input_ = os.pipe()
        logging = asyncio.create_task(self._log(one.program.name, output))
        try:
            process = await self._spawn(one.program, input_)
        finally:
            os.close(input_)
        self.guard.add(process.pid)
        one.process, one.came_up = process, False
        self._write_run_file()
        try:
            return await process.wait()
        finally:
            one.ready.clear()
            kill_group(process.pid)  # what it started and left behind
            self.guard.remove(process.pid)
            await asyncio.wait({logging}, timeout=1)
            logging.cancel()
            one.process = None

    async def _spawn(self, program: Program, output: int) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *program.command,
            cwd=ROOT,
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # a Ctrl-C on the terminal reaches the supervisor alone, which stops all in order
        )

    async def _watch(self, one: Running) -> None:
        """Notes when the program is ready, and kills it when it is alive but has long stopped answering."""
        answered = time.monotonic()
        while not self.stopping.is_set():
            process = one.process
            token = self.environment.get("LINLITONG_SERVICE_TOKEN", "")
            status = await health(one.program.host, one.program.port, token) if process else None
            if status is not None:  # one that says 503 waits for another, and is alive
                answered = time.monotonic()
            if status == 200:
                if process is one.process and not one.ready.is_set():
                    one.ready.set()
                    if one.was_ready:
                        say(f"{one.program.name} is back")
                    one.came_up = one.was_ready = True
            elif not one.ready.is_set():
                answered = time.monotonic()
            elif process and time.monotonic() - answered > self.patience.stuck:
                say(f"{one.program.name} has not answered for {self.patience.stuck:g} s and is killed")
                process.kill()
                answered = time.monotonic()
            await asyncio.sleep(2 if one.ready.is_set() else 0.1)

    async def _log(self, name: str, output: int) -> None:
        """Copies what comes out of the pipe to log/NAME.log; a full file becomes NAME.log.1, and .1 becomes .2."""
        path = self.home.logs / f"{name}.log"
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(output, "rb", 0))
        file = path.open("ab")
        try:
            while chunk := await reader.read(65536):
                if file.tell() + len(chunk) > LOG_BYTES:
                    file.close()
                    rotate(path)
                    file = path.open("ab")
                file.write(chunk)
                file.flush()
        finally:
            file.close()
            transport.close()

    def _last_words(self, name: str) -> str:
        path = self.home.logs / f"{name}.log"
        lines = [line for line in path.read_text(errors="replace").splitlines()[-50:] if line.strip()]
        return f"{lines[-1].strip() if lines else 'it said nothing'} (see {path})"

    async def _stop_all(self) -> None:
        """Those that others wait for go last; what has not ended after ``patience.stop`` seconds is killed."""
        self.stopping.set()
        left = set(self.running)
        while left:
            needed = {earlier for name in left for earlier in self.running[name].program.after}
            now = (left - needed) or left
            await asyncio.gather(*(self._stop(self.running[name]) for name in now))
            left -= now

    async def _stop(self, one: Running) -> None:
        keep, watch = self._halves[one.program.name]
        watch.cancel()
        if one.process is None:
            keep.cancel()
        else:
            with contextlib.suppress(ProcessLookupError):
                one.process.terminate()
            _, late = await asyncio.wait({keep}, timeout=self.patience.stop)
            if late and one.process:
                say(f"{one.program.name} did not stop within {self.patience.stop:g} s and is killed")
                one.process.kill()
        results = await asyncio.gather(keep, watch, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    def _write_run_file(self) -> None:
        self.home.write_run_file(
            {
                "pid": os.getpid(),
                "started_at": self.started_at.isoformat(timespec="seconds"),
                "urls": self.urls,
                "programs": {
                    name: {"pid": one.process.pid, "port": one.program.port, "restarts": one.restarts}
                    for name, one in self.running.items()
                    if one.process
                },
            }
        )


async def health(host: str, port: int, token: str) -> int | None:
    """The status with which GET /health on this address answers within 2 s; None for no answer."""
    request = f"GET /health HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(request.encode())
                status = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None
    words = status.split()
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else None


@dataclass(frozen=True)
class Setup:
    """Runs what must be done before the programs start."""

    home: Home
    environment: Mapping[str, str]
    guard: Guard

    async def step(self, title: str, command: Sequence[str], log_name: str) -> None:
        """Runs a command to its end with its output in log/NAME.log, and says so; raises CannotStart when it fails."""
        say(f"{title} ...")
        path = self.home.logs / f"{log_name}.log"
        began = time.monotonic()
        with path.open("ab") as log:
            start = log.tell()
            process = await asyncio.create_subprocess_exec(
                *command, cwd=ROOT, env=dict(self.environment), stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self.guard.add(process.pid)
        ended = asyncio.ensure_future(process.wait())
        try:
            while not (await asyncio.wait({ended}, timeout=5))[0]:
                say(f"{title}: {time.monotonic() - began:.0f} s{last_line(path, start, ', ')}")
        finally:
            kill_group(process.pid)
            code = await ended
            self.guard.remove(process.pid)
        if code:
            raise CannotStart(f"{title} failed ({ending(code)}){last_line(path, start, ': ')} (see {path}).")
        if (took := time.monotonic() - began) > 2:
            say(f"{title}: done in {took:.0f} s")


def last_line(path: Path, start: int, before: str) -> str:
    """The last line that was written to a log after byte ``start``, with ``before`` in front; "" when there is none."""
    with path.open("rb") as log:
        log.seek(start)
        lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
    return before + lines[-1].rstrip(".")[:200] if lines else ""


def say(line: str) -> None:
    """One line on the terminal with the machine's time."""
    print(f"{datetime.now().astimezone():%H:%M:%S}  {line}", flush=True)


def ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code}, {signal.Signals(-code).name}"


def rotate(path: Path) -> None:
    first, second = path.with_name(f"{path.name}.1"), path.with_name(f"{path.name}.2")
    if first.exists():
        first.replace(second)
    path.replace(first)
