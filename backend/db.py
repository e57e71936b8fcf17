"""The database: one engine, one session factory, the types and names every room shares.

SQLite runs in WAL mode and takes its write lock when a transaction begins (BEGIN IMMEDIATE), so that a
read-then-write never fails half-way; PostgreSQL uses row locks. Services get a session and never commit.
"""

import asyncio
import enum
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, DateTime, Enum, Integer, MetaData, event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from backend.signals import Signal
from backend.sqlite import Driver

BigId = BigInteger().with_variant(Integer, "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC datetimes on both databases; a naive one is a programming error."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("naive datetime given to the database")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def words(kind: type[enum.StrEnum]) -> Enum:
    """A StrEnum stored as its value in a plain text column."""
    return Enum(kind, native_enum=False, length=32, values_callable=lambda k: [m.value for m in k], create_constraint=False)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {datetime: UtcDateTime(), dict[str, Any]: JSON(), list[Any]: JSON()}


class HasId:
    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)


class Database:
    """An engine with its session factory. ``read()`` and ``write()`` are the only transaction boundaries."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = url
        self.sqlite = url.startswith("sqlite")
        self._sqlite_driver = Driver(make_url(url).database or ":memory:") if self.sqlite else None
        options: dict[str, Any] = (
            {"async_creator": self._sqlite_driver.connect} if self._sqlite_driver else {"pool_pre_ping": True}
        )
        self.engine: AsyncEngine = create_async_engine(url, pool_size=pool_size, max_overflow=10, **options)
        # SQLite has one writer; a queue here is fair, and quicker than asking for its lock again and again.
        self._writing: AbstractAsyncContextManager[Any] = asyncio.Lock() if self.sqlite else nullcontext()
        if self.sqlite:
            event.listen(self.engine.sync_engine, "begin", _begin_sqlite)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False, autoflush=True)
        self.signals: dict[str, Signal] = defaultdict(Signal)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A transaction that commits at the end of the block and rolls back when it raises.

        After the commit the signals named by ``wake`` are rung.
        """
        async with self._sessions() as session:
            async with self._writing, session.begin():
                yield session
            for name in session.info.get("wake", ()):
                self.signals[name].ring()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A transaction that is always rolled back; on SQLite it takes no write lock."""
        async with self._sessions() as session:
            await session.connection(execution_options={"read_only": True})
            yield session

    async def close(self) -> None:
        await self.engine.dispose()
        if self._sqlite_driver:
            self._sqlite_driver.close()


async def lock(session: AsyncSession, row: Base) -> None:
    """Lock a row for this transaction and read it anew. What was changed on it is written first, not lost.

    On SQLite the transaction has held the only write lock since it began, so what it has read is still true.
    """
    await session.flush()
    if session.get_bind().dialect.name != "sqlite":
        await session.refresh(row, with_for_update=True)


def wake(session: AsyncSession, name: str) -> None:
    """Ring signal ``name`` ("turns", "deliveries", "console", a clerk's: see app.py) once this transaction is committed."""
    session.info.setdefault("wake", set()).add(name)


def _begin_sqlite(connection: Any) -> None:
    read_only = connection.get_execution_options().get("read_only")
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
