"""SQLite in the event loop's own thread.

Nearly every statement of ours takes some hundred microseconds, less than a hand-over to a thread and back, of which
aiosqlite needs eight for one statement. So statements run where they are called, and three things that can take long do
not hold up the loop: a commit, which waits for the disk, runs in a thread; a SELECT that is not done after SLOW is given
up and asked again in a thread; and where another process holds the write lock, the wait is the loop's.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self, TypeVar

SLOW = 0.01  # seconds
STEPS = 2000  # of SQLite's machine, some tens of microseconds, between two looks at the clock
PATIENCE = 15.0  # seconds for the write lock of another process
BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY)
THREADS = 4
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")

Result = TypeVar("Result")


class Driver:
    """Makes the connections of one engine, and has their threads; ``connect`` is SQLAlchemy's ``async_creator``."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._threads = ThreadPoolExecutor(THREADS, "sqlite")

    async def connect(self) -> "Connection":
        """A connection on which nobody but its caller says BEGIN."""
        opened = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None, timeout=0)
        connection = Connection(opened, self._threads)
        for pragma in PRAGMAS:
            await connection.cursor().execute(f"PRAGMA {pragma}")
        return connection

    def close(self) -> None:
        self._threads.shutdown(wait=False)


class Connection:
    """As much of an aiosqlite connection as SQLAlchemy's dialect uses."""

    def __init__(self, connection: sqlite3.Connection, threads: ThreadPoolExecutor) -> None:
        self._connection = connection
        self._threads = threads
        self._late = float("inf")
        self._changes = 0
        connection.set_progress_handler(self._too_slow, STEPS)

    def _too_slow(self) -> bool:
        return time.monotonic() > self._late

    def cursor(self) -> "Cursor":
        return Cursor(self, self._connection.cursor())

    async def run(self, work: Callable[[], Result], *, again: bool) -> Result:
        """What ``work`` returns. With ``again`` it may be given up when it is slow, and called again in a thread.

        Raises sqlite3.Error.
        """
        began = time.monotonic()
        pause = 0.001
        while True:
            if again:
                self._late = began + SLOW
            try:
                return work()
            except sqlite3.OperationalError as error:
                if again and error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                    break
                if error.sqlite_errorcode not in BUSY or time.monotonic() - began > PATIENCE:
                    raise
            finally:
                self._late = float("inf")
            await asyncio.sleep(pause)
            pause = min(2 * pause, 0.05)
            again = again and time.monotonic() - began < SLOW
        return await self._in_thread(work)

    async def commit(self) -> None:
        """Commit; in a thread when something was written, for then it waits for the disk."""
        if self._connection.total_changes == self._changes:
            self._connection.commit()
            return
        await self._in_thread(self._connection.commit)
        self._changes = self._connection.total_changes

    async def rollback(self) -> None:
        self._connection.rollback()
        self._changes = self._connection.total_changes

    async def close(self) -> None:
        self._connection.close()

    def stop(self) -> None:
        self._connection.close()

    async def create_function(self, *args: Any, **options: Any) -> None:
        self._connection.create_function(*args, **options)

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        done = asyncio.get_running_loop().run_in_executor(self._threads, work)
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            await asyncio.wait({done})  # nobody else may use the connection before
            raise


class Cursor:
    """A cursor that has read all its rows when ``execute`` returns."""

    def __init__(self, connection: Connection, cursor: sqlite3.Cursor) -> None:
        self._connection, self._cursor = connection, cursor
        self._rows: list[Any] = []

    async def __aenter__(self) -> Self:
        return self

    @property
    def description(self) -> Any:
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount

    @property
    def lastrowid(self) -> int | None:
        return self._cursor.lastrowid

    async def execute(self, statement: str, parameters: Any = ()) -> None:
        def work() -> list[Any]:
            self._cursor.execute(statement, parameters)
            return self._cursor.fetchall() if self._cursor.description else []

        self._rows = await self._connection.run(work, again=statement.startswith("SELECT"))

    async def executemany(self, statement: str, parameters: Any) -> None:
        await self._connection.run(lambda: self._cursor.executemany(statement, parameters), again=False)

    async def fetchall(self) -> list[Any]:
        return self._rows

    async def close(self) -> None:
        self._cursor.close()
