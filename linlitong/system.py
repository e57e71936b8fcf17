"""What ``linlitong run`` runs: the four processes, what each is told, and what must be done before they start."""

import asyncio
import csv
import errno
import os
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from linlitong.guard import Guard
from linlitong.home import ROOT, Home
from linlitong.ports import free_ports
from linlitong.supervisor import CannotStart, Program, Setup, Supervisor, say

APP = str(ROOT / ".venv" / "bin" / "python")
ENGINE = str(ROOT / ".venv-engine" / "bin" / "python")
PARTS = {
    "backend": (APP, "backend"),
    "actions": (APP, "actions"),
    "engine": (ENGINE, "bot.engine"),
    "gateway": (APP, "bot.gateway"),
}
EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - compared with, not bound to
PUBLIC = {"gateway": ("resident", 8080), "backend": ("staff", 8090)}


@dataclass(frozen=True)
class Addresses:
    """Where everything listens: ports by part, the gateway's host, and the two public pages' addresses."""

    ports: Mapping[str, int]
    gateway_host: str
    resident: str
    staff: str


def run(home: Home, only: Sequence[str] = ()) -> None:
    """Prepares and runs the system until a signal stops it; raises CannotStart or AlreadyRunning."""
    parts = tuple(only) or tuple(PARTS)
    check_environments(parts)
    with home.hold(), Guard() as guard:
        asyncio.run(_run(home, parts, guard))


async def _run(home: Home, parts: Sequence[str], guard: Guard) -> None:
    began = time.monotonic()
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    addresses = choose_addresses(parts)
    check_settings()
    environment = environment_for(home, parts, addresses)
    prepared = asyncio.create_task(prepare(Setup(home, environment, guard), parts))
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait({prepared, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if stopping.is_set():
        prepared.cancel()
        await asyncio.gather(prepared, return_exceptions=True)
        say("stopped before it was ready")
        return
    stopped.cancel()
    await prepared
    say(f"starting {', '.join(parts)}")
    programs = [
        Program(
            name=part,
            command=(PARTS[part][0], "-m", PARTS[part][1]),
            port=addresses.ports[part],
            host=addresses.gateway_host if part == "gateway" else "127.0.0.1",
            after=("backend",) if part == "gateway" else (),
        )
        for part in parts
    ]
    urls = {"resident": addresses.resident, "staff": addresses.staff, "backend": environment["LINLITONG_BACKEND_URL"]}
    supervisor = Supervisor(programs, home, environment, urls=urls, guard=guard, stopping=stopping)
    await supervisor.run(lambda: welcome(home, parts, addresses, time.monotonic() - began))
    say("stopped")


async def prepare(setup: Setup, parts: Sequence[str]) -> None:
    """The model is trained when it is stale; the database gets its tables and, when it is empty, the demo city."""

    async def database() -> None:
        await setup.step("migrating the database", (APP, "-m", "linlitong", "db", "upgrade"), "database")
        await setup.step("loading the demo city if there is no city yet", (APP, "-m", "linlitong.demo"), "database")

    async def model() -> None:
        await setup.step("training the model if it is stale", (ENGINE, "-m", *training(setup.home)), "training")

    try:
        async with asyncio.TaskGroup() as tasks:
            if "backend" in parts:
                tasks.create_task(database())
            if "engine" in parts:
                tasks.create_task(model())
    except ExceptionGroup as failures:  # the first is the reason; the other task was only cancelled, or fails too
        raise failures.exceptions[0] from None


def training(home: Home) -> tuple[str, ...]:
    """The module with its arguments that trains the model when it is stale, run in the project's folder."""
    return ("bot.engine.training", "--domain", "domain.yml", "--data", "data", "--out", str(home.path / "models"))


def choose_addresses(parts: Sequence[str]) -> Addresses:
    """Free loopback ports, and the two public ones as LINLITONG_{RESIDENT,STAFF}_{HOST,PORT} say.

    Raises CannotStart when a port is taken or no number.
    """
    hosts = {page: os.environ.get(f"LINLITONG_{page.upper()}_HOST") or "127.0.0.1" for page, _ in PUBLIC.values()}
    public = {page: port_setting(f"LINLITONG_{page.upper()}_PORT", default) for page, default in PUBLIC.values()}
    for part in parts:
        if part in PUBLIC:
            page = PUBLIC[part][0]
            require_free(hosts[page], public[page], f"LINLITONG_{page.upper()}_PORT")
    if set(PUBLIC) <= set(parts) and public["resident"] == public["staff"]:
        raise CannotStart("LINLITONG_RESIDENT_PORT and LINLITONG_STAFF_PORT name the same port; give each its own.")
    inner = ("backend", "actions", "engine")
    free = free_ports(len(inner), avoid=frozenset(public.values()))
    ports = {part: port_setting(f"LINLITONG_{part.upper()}_PORT", port) for part, port in zip(inner, free, strict=True)}
    ports["gateway"] = public["resident"]
    shown = {page: "127.0.0.1" if host in EVERYWHERE else host for page, host in hosts.items()}
    urls = {page: f"http://{shown[page]}:{public[page]}" for page in shown}
    return Addresses(ports=ports, gateway_host=shown["resident"], resident=urls["resident"], staff=urls["staff"])


def port_setting(name: str, default: int) -> int:
    given = os.environ.get(name) or str(default)
    if not given.isdecimal() or not 0 < int(given) < 65536:
        raise CannotStart(f"{name} is {given!r}, which is not a port number from 1 to 65535.")
    return int(given)


def require_free(host: str, port: int, setting: str) -> None:
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        reason = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used ({os.strerror(error.errno or 0)})"
        raise CannotStart(f"port {port} on {host} {reason}; choose another with {setting}.") from None


def environment_for(home: Home, parts: Sequence[str], addresses: Addresses) -> dict[str, str]:
    """What every process is told. The addresses of parts that do not run here come from outside."""
    here = {part: f"http://127.0.0.1:{addresses.ports[part]}" for part in ("backend", "engine", "actions")}
    here["actions"] += "/webhook"
    environment = {
        **os.environ,
        "LINLITONG_HOME": str(home.path),
        "LINLITONG_DATABASE_URL": home.database_url,
        "LINLITONG_SERVICE_TOKEN": home.service_token(),
        "LINLITONG_RESIDENT_PORT": str(addresses.ports["gateway"]),
        "LINLITONG_STAFF_PORT": addresses.staff.rsplit(":", 1)[1],
        "PYTHONUNBUFFERED": "1",
    }
    for part, url in here.items():
        environment[f"LINLITONG_{part.upper()}_PORT"] = str(addresses.ports[part])
        if part in parts or set(parts) == {"backend"}:
            environment[f"LINLITONG_{part.upper()}_URL"] = url
        elif f"LINLITONG_{part.upper()}_URL" not in environment:
            raise CannotStart(f"{part} does not run here, so LINLITONG_{part.upper()}_URL must say where it does.")
    return environment


def welcome(home: Home, parts: Sequence[str], addresses: Addresses, seconds: float) -> None:
    lines = ["", f"邻里通已就绪，用时 {seconds:.0f} 秒。 Linlitong is ready."]
    if "gateway" in parts:
        lines.append(f"  居民页面  Resident page   {addresses.resident}/")
        telegram = "已开启 on" if os.environ.get("TELEGRAM_BOT_TOKEN") else "未开启 off (TELEGRAM_BOT_TOKEN)"
        lines.append(f"  电报机器人 Telegram bot    {telegram}")
    if "backend" in parts:
        lines.append(f"  工作台    Staff console   {addresses.staff}/")
        lines += demo_accounts(home)
    lines += ["  按 Ctrl-C 停止。 Ctrl-C stops everything.", ""]
    print("\n".join(lines), flush=True)


def demo_accounts(home: Home) -> list[str]:
    """One account of each role, and where the others stand."""
    path = home.path / "demo-staff.csv"
    if not path.exists():
        return []
    first: dict[str, dict[str, str]] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            first.setdefault(row["role"], row)
    lines = [f"  演示账号  Demo accounts   {path}"]
    return lines + [f"    {row['username']:<20} {row['password']:<20} {row['role']}  {row['scope']}" for row in first.values()]


def check_environments(parts: Sequence[str]) -> None:
    """Raises CannotStart when an environment that is needed was never installed."""
    for part in parts:
        if not Path(PARTS[part][0]).exists():
            raise CannotStart(f"{Path(PARTS[part][0]).relative_to(ROOT)} is not there; make run installs it.")


def check_settings() -> None:
    """Raises CannotStart for a setting that has no sense, before anything starts. The value may be a secret and is not said."""
    from pydantic import ValidationError

    from backend.settings import Settings as BackendSettings
    from bot.gateway.settings import Settings as GatewaySettings
    from bot.gateway.telegram_settings import TelegramSettings

    for settings in (BackendSettings, GatewaySettings, TelegramSettings):
        try:
            settings()
        except ValidationError as wrong:
            first = wrong.errors(include_url=False, include_input=False)[0]
            name = f"{settings.model_config['env_prefix']}{first['loc'][0]}".upper()
            reason = first["msg"].removeprefix("Value error, ")
            raise CannotStart(f"{name} cannot be used: {reason[0].lower()}{reason[1:]}.") from None
