"""What is measured, and in which order: each figure of ours is followed at once by the stock assistant's."""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks import processes
from benchmarks.systems import Line, System, ours, stock, train_stock
from linlitong.guard import Guard
from linlitong.home import Home

# A report with two questions in the middle, left before it is filed: five turns, four of them with the form open.
CONVERSATION = ("路灯坏了三天了", "办居住证要什么材料", "宫涵社区3号楼", "我报的事办得怎么样了", "不报了")
PARSES = 20  # of each of these
PAIRS = 6  # fresh conversations that are timed beside the long one
BEFORE_TENTH = len(CONVERSATION)  # messages 6 to 15 are "the tenth"
AROUND_TENTH = 2 * len(CONVERSATION)


@dataclass(frozen=True)
class Sizes:
    """How much is measured. ``turns`` is for each number of ``residents``, ``stock_messages`` is 0 for no long conversation."""

    residents: tuple[int, ...]
    turns: int
    messages: int
    stock: bool
    stock_epochs: int
    stock_messages: int


def run(home: Home, sizes: Sizes) -> dict[str, Any]:
    """The report: {machine, conversation, ours, stock, ratios}; the last two are None without a stock assistant.

    Raises BenchFailed.
    """
    with tempfile.TemporaryDirectory(prefix="linlitong-bench-") as folder, Guard() as guard:
        work = Path(folder)
        model = train_stock(work, home.path / "stock-models", sizes.stock_epochs) if sizes.stock else None
        return asyncio.run(_run(work, home.path / "models", model, guard, sizes))


async def _run(work: Path, models: Path, stock_model: Path | None, guard: Guard, sizes: Sizes) -> dict[str, Any]:
    async with AsyncExitStack() as stack:
        connector = aiohttp.TCPConnector(limit=0)
        jar, timeout = aiohttp.DummyCookieJar(), aiohttp.ClientTimeout(total=180)
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, cookie_jar=jar, timeout=timeout))
        systems: dict[str, System] = {}
        note("starting Linlitong")
        systems["ours"] = await stack.enter_async_context(ours(work, models, guard, http))
        if stock_model:
            note("starting the stock assistant")
            systems["stock"] = await stack.enter_async_context(stock(work, stock_model, guard, http))
        for name, system in systems.items():
            await talk(system, f"warm-{name}", 2 * len(CONVERSATION))
        machine = Machine(systems)
        reports: dict[str, dict[str, Any]] = {name: {"at_once": []} for name in systems}

        async def each(what: str, measure: Callable[[str, System], Awaitable[None]]) -> None:
            for name, system in systems.items():
                note(f"{name}: {what}")
                await measure(name, system)

        async def parses(name: str, system: System) -> None:
            reports[name]["parse"] = await parsing(system)

        async def load(name: str, system: System) -> None:
            reports[name]["at_once"].append(await at_once(system, residents, sizes.turns))

        async def long(name: str, system: System) -> None:
            messages = sizes.messages if name == "ours" else sizes.stock_messages
            reports[name]["one_conversation"] = await one_conversation(system, messages) if messages else None

        await each("parsing", parses)
        for residents in sizes.residents:
            await each(f"{residents} residents at once", load)
        await each("one long conversation", long)
        for name, system in systems.items():
            reports[name]["memory_mb"] = memory(system)
        if stock_model:
            reports["stock"]["epochs"] = sizes.stock_epochs
        return {
            "machine": machine.report(),
            "conversation": CONVERSATION,
            "ours": reports["ours"],
            "stock": reports.get("stock"),
            "ratios": ratios(**reports) if stock_model else None,
        }


async def talk(system: System, name: str, messages: int) -> list[float]:
    """Seconds of each message of a new conversation."""
    async with system.line(name) as line:
        return await say(line, messages)


async def say(line: Line, messages: int) -> list[float]:
    """Seconds of each of the next messages, which begin where CONVERSATION begins."""
    return [await line.say(CONVERSATION[number % len(CONVERSATION)]) for number in range(messages)]


async def parsing(system: System) -> dict[str, Any]:
    """Milliseconds of understanding alone, by HTTP, and the intents of CONVERSATION."""
    seconds, intents = [], {}
    for _ in range(PARSES):
        for text in CONVERSATION:
            intents[text], took = await system.parse(text)
            seconds.append(took)
    return {**percentiles(seconds), "intents": list(intents.values())}


async def at_once(system: System, residents: int, turns: int) -> dict[str, Any]:
    """Whole turns of residents who talk at the same time, each sending when the last message has been answered.

    A core is the processor time of one second in all the system's processes.
    """
    rounds = max(1, round(turns / residents / len(CONVERSATION)))
    async with AsyncExitStack() as stack:
        names = [f"{residents}-{number}" for number in range(residents)]
        lines = [await stack.enter_async_context(system.line(name)) for name in names]
        used, began = processor_seconds(system), time.perf_counter()
        said = await asyncio.gather(*(say(line, rounds * len(CONVERSATION)) for line in lines))
        wall = time.perf_counter() - began
        core = {name: seconds - used[name] for name, seconds in processor_seconds(system).items()}
    seconds = [took for line in said for took in line]
    return {
        "residents": residents,
        "turns": len(seconds),
        **percentiles(seconds),
        "turns_per_second": round(len(seconds) / wall, 2),
        "turns_per_second_per_core": round(len(seconds) / core["all"], 2),
        "core_ms_per_turn": {name: round(1000 * each / len(seconds), 1) for name, each in core.items()},
    }


async def one_conversation(system: System, messages: int) -> dict[str, Any]:
    """The first, the tenth and the last message of a conversation of so many messages, each the middle of several.

    Fresh conversations and the long one take turns, so that a busy machine slows both.
    """
    first, tenth, last = [], [], []
    async with system.line("long") as long:
        await say(long, messages - messages % len(CONVERSATION))
        for number in range(PAIRS):
            async with system.line(f"fresh-{messages}-{number}") as fresh:
                first.append((await say(fresh, BEFORE_TENTH))[0])
                tenth += await say(fresh, AROUND_TENTH)
                last += await say(long, AROUND_TENTH)
    first_ms, tenth_ms, last_ms = (round(1000 * statistics.median(seconds), 1) for seconds in (first, tenth, last))
    return {
        "messages": messages,
        "first_ms": first_ms,
        "tenth_ms": tenth_ms,
        "last_ms": last_ms,
        "last_to_tenth": round(last_ms / tenth_ms, 2),
    }


def processor_seconds(system: System) -> dict[str, float]:
    """Processor time so far by program, and of all."""
    found = {name: processes.processor_seconds(pids) for name, pids in system.programs().items()}
    return found | {"all": sum(found.values())}


def memory(system: System) -> dict[str, float]:
    """Resident memory in MB by program, and of all."""
    found = {name: processes.resident_mb(pids) for name, pids in system.programs().items()}
    return {name: round(mb) for name, mb in (found | {"all": sum(found.values())}).items()}


def ratios(ours: dict[str, Any], stock: dict[str, Any]) -> dict[str, Any]:
    """Ours to stock. The targets: turns a second 5 or more, memory 0.5 or less."""
    speed = [
        {
            "residents": one["residents"],
            **{key: round(one[key] / other[key], 2) for key in ("turns_per_second", "turns_per_second_per_core")},
        }
        for one, other in zip(ours["at_once"], stock["at_once"], strict=True)
    ]
    alike = sum(a == b for a, b in zip(ours["parse"]["intents"], stock["parse"]["intents"], strict=True))
    return {
        "at_once": speed,
        "memory": round(ours["memory_mb"]["all"] / stock["memory_mb"]["all"], 2),
        "understood_alike": f"{alike} of {len(CONVERSATION)}",
    }


def percentiles(seconds: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(seconds, n=20, method="inclusive")
    return {"ms_p50": round(1000 * statistics.median(seconds), 1), "ms_p95": round(1000 * cuts[18], 1)}


class Machine:
    """The machine during a measurement, from when this is made until ``report``."""

    def __init__(self, systems: dict[str, System]) -> None:
        self._systems = systems
        self._load, self._at = os.getloadavg()[0], datetime.now(UTC)
        self._before = self._times()

    def report(self) -> dict[str, Any]:
        """{at, cores, processor, python, load_before, others_cores}; the last is how many cores on average worked for
        processes that do not belong to the benchmark."""
        seconds, busy, own = (after - before for after, before in zip(self._times(), self._before, strict=True))
        cpuinfo = Path("/proc/cpuinfo").read_text()
        models = [line.partition(":")[2].strip() for line in cpuinfo.splitlines() if line.startswith("model name")]
        return {
            "at": self._at.isoformat(timespec="seconds"),
            "minutes": round(seconds / 60, 1),
            "cores": os.cpu_count(),
            "processor": models[0] if models else "unknown",
            "python": sys.version.split()[0],
            "load_before": round(self._load, 1),
            "others_cores": round(max(0.0, busy - own) / seconds, 2),
        }

    def _times(self) -> tuple[float, float, float]:
        """Now, and the processor seconds of all and of the benchmark so far."""
        user, nice, kernel = Path("/proc/stat").read_text().split()[1:4]
        busy = (int(user) + int(nice) + int(kernel)) / processes.TICK
        own = sum(processor_seconds(system)["all"] for system in self._systems.values())
        return time.monotonic(), busy, own + processes.processor_seconds([os.getpid()])


def note(line: str) -> None:
    """Progress, on standard error."""
    print(f"bench: {line}", file=sys.stderr, flush=True)
