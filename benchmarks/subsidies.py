"""What the reviewing desk costs with many applications, on PostgreSQL, beside one hundredth of them.

Residents, accounts, conversations and applications are made by the database itself (generate_series), from the demo city's
catalogue; the sealed values are filler, as no measured path opens one.
"""

import asyncio
import os
import platform
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import event, make_url, select, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from backend import app, migrations  # noqa: F401 - app brings every table
from backend.clock import SystemClock
from backend.db import Database
from backend.feedback.masking import SURNAMES
from backend.grids.models import Area, Level
from backend.house import desk_factory
from backend.settings import Settings
from backend.staff.models import Role, Staff
from backend.staff.scope import Scope, scope_of
from backend.subsidies import applications, review, service
from backend.subsidies.catalogue import read
from backend.subsidies.models import ApplicationState, SubsidyApplication
from wording import Sentences

Act = Callable[[int], Awaitable[None]]
ROOT = Path(__file__).parent.parent
COMMUNITIES, STREETS = 100, 10
PATHS = ("list", "search by masked name", "search by number", "one application", "decision")
BIG = (
    "subsidy_application",
    "subsidy_step",
    "subsidy_document",
    "vault_item",
    "message",
    "delivery",
    "conversation",
    "account",
)
STATES = ("review", "review", "paid", "paid", "paid", "paid", "paid", "published", "refused", "more")

# In this order; :residents and :applications are counts, :now is when.
FILL = (
    """INSERT INTO resident (id, display_name, created_at) SELECT i, '', :now FROM generate_series(1, :residents) i""",
    """INSERT INTO account (id, resident_id, channel, address)
       SELECT i, i, 'web', md5('a' || i) FROM generate_series(1, :residents) i""",
    """INSERT INTO conversation (id, resident_id, account_id, tracker_key, holder, last_sequence, created_at, updated_at)
       SELECT i, i, i, md5('t' || i), 'bot', 0, :now, :now FROM generate_series(1, :residents) i""",
    """INSERT INTO vault_item (id, resident_id, kind, key_id, sealed, lookup, masked, created_at)
       SELECT i * 3 + k, i, (ARRAY['identity', 'name', 'bank'])[k + 1], '1', decode(md5(i || 'x' || k), 'hex'),
       md5('l' || i || k), '3212**********' || lpad((i % 10000)::text, 4, '0'), :now
       FROM generate_series(1, :applications) i, generate_series(0, 2) k""",
    """INSERT INTO subsidy_application (id, number, kind, period, person, identity_id, name_id, account_id, name_masked,
       catalogue_id, conversation_id, about, facts, amount_fen, area_code, state, level, desk, desk_code, consent,
       consent_code, consent_tries, revision, created_at, due_at)
       SELECT i, 'B' || lpad((i / 10000)::text, 4, '0') || '-' || lpad((i % 10000)::text, 4, '0'), 'elderly_allowance',
       '2026', md5('p' || i), i * 3, i * 3 + 1, i * 3 + 2,
       substr(:surnames, 1 + (i * 7919 % :surname_count), 1) || '**', 1, i, 'self',
       '{"age": 82, "local_hukou": true}', 8000, 'c' || (i % :communities),
       (CAST(:states AS text[]))[1 + (i / :communities) % 10], 0, 'community', 'c' || (i % :communities), 'own', '', 0, 0,
       :now, CAST(:now AS timestamptz) + interval '5 days' FROM generate_series(1, :applications) i""",
    """INSERT INTO subsidy_document (application_id, code, media)
       SELECT i, 'id_card', '["k"]' FROM generate_series(1, :applications) i""",
    """INSERT INTO subsidy_step (application_id, what, level, reason, note, at)
       SELECT i, 'submit', 0, '', '', :now FROM generate_series(1, :applications) i""",
)
SEQUENCES = ("vault_item", "subsidy_application", "resident", "account", "conversation")


@dataclass(frozen=True)
class Sizes:
    residents: int
    applications: int
    tries: int


@dataclass
class Filled:
    """A database that was filled, and what its paths are tried with. ``seen`` are the statements that they used."""

    sizes: Sizes
    database: Database
    scopes: list[Scope]
    waiting: list[tuple[str, str]]
    seconds: float
    seen: dict[str, Any]


@asynccontextmanager
async def filled(url: str, sizes: Sizes) -> AsyncIterator[Filled]:
    """Migrate and fill the empty database at ``url``."""
    await asyncio.to_thread(migrations.upgrade, url)
    database = Database(url)
    try:
        started = time.monotonic()
        scopes = await _fill(database, sizes)
        seconds = time.monotonic() - started
        one = Filled(sizes, database, scopes, await _waiting(database, sizes.tries), seconds, {})
        _watch(database, one.seen)
        yield one
    finally:
        await database.close()


async def measure(*ones: Filled) -> list[dict[str, Any]]:
    """{residents, applications, fill_seconds, paths: {name: {tries, ms_p50, ms_p99}}, seq_scans} of each.

    The tries are interleaved, one in each database in turn, so that what else the machine does befalls all alike.
    """
    tries = {name: min(len(one.waiting) if name == "decision" else one.sizes.tries for one in ones) for name in PATHS}
    acts = [await _paths(one) for one in ones]
    paths = [await _timed([each[name] for each in acts], name, tries[name]) for name in PATHS]
    return [
        {
            "residents": one.sizes.residents,
            "applications": one.sizes.applications,
            "fill_seconds": round(one.seconds, 1),
            "paths": {name: path[place] for name, path in zip(PATHS, paths, strict=True)},
            "seq_scans": await _seq_scans(one.database, one.seen),
        }
        for place, one in enumerate(ones)
    ]


async def _fill(database: Database, sizes: Sizes) -> list[Scope]:
    now = datetime.now(UTC)
    catalogue, problems = read(ROOT / "demo" / "subsidies")
    if catalogue is None:
        raise ValueError(problems)
    async with database.write() as session:
        await service.put_in_force(session, catalogue, now=now)
        scopes = await _city(session)
        values = {
            "residents": sizes.residents,
            "applications": sizes.applications,
            "now": now,
            "surnames": SURNAMES,
            "surname_count": len(SURNAMES),
            "communities": COMMUNITIES,
            "states": list(STATES),
        }
        for statement in FILL:
            query = text(statement)
            await session.execute(query, {name: values[name] for name in query.compile().params})
        for table in SEQUENCES:
            latest = await session.scalar(text(f"SELECT max(id) FROM {table}"))  # noqa: S608 - a name of ours
            await session.execute(
                text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :latest)"), {"table": table, "latest": latest}
            )
    async with database.engine.connect() as connection:
        await (await connection.execution_options(isolation_level="AUTOCOMMIT")).execute(text("VACUUM ANALYZE"))
    return scopes


async def _city(session: AsyncSession) -> list[Scope]:
    session.add(Area(code="city", parent_code=None, level=Level.CITY, name="市", path="city/"))
    await session.flush()
    session.add(Area(code="d", parent_code="city", level=Level.DISTRICT, name="区", path="city/d/"))
    await session.flush()
    session.add_all(
        Area(code=f"s{n}", parent_code="d", level=Level.STREET, name=f"街道{n}", path=f"city/d/s{n}/") for n in range(STREETS)
    )
    await session.flush()
    session.add_all(
        Area(
            code=f"c{n}",
            parent_code=f"s{n % STREETS}",
            level=Level.COMMUNITY,
            name=f"社区{n}",
            path=f"city/d/s{n % STREETS}/c{n}/",
        )
        for n in range(COMMUNITIES)
    )
    await session.flush()
    scopes = []
    for n in range(COMMUNITIES):
        staff = Staff(username=f"c{n}", name=f"审核员{n}", role=Role.COMMUNITY, area_code=f"c{n}")
        session.add(staff)
        await session.flush()
        scopes.append(await scope_of(session, staff))
    return scopes


async def _waiting(database: Database, most: int) -> list[tuple[str, str]]:
    """(number, desk) of applications to look up and to decide."""
    async with database.read() as session:
        rows = await session.execute(
            select(SubsidyApplication.number, SubsidyApplication.desk_code)
            .where(SubsidyApplication.state == ApplicationState.REVIEW)
            .limit(most)
        )
        return [(number, code) for number, code in rows]


async def _paths(one: Filled) -> dict[str, Act]:
    database, scopes, waiting = one.database, one.scopes, one.waiting
    desks = desk_factory(Settings(), SystemClock(), Sentences.load(ROOT / "domain.yml"))
    by_code = {scope.area_code: scope for scope in scopes}

    async def listing(n: int) -> None:
        async with database.read() as session:
            assert await review.listed(session, scopes[n % len(scopes)])

    async def by_name(n: int) -> None:
        async with database.read() as session:
            await review.listed(session, scopes[n % len(scopes)], words=f"{SURNAMES[n * 31 % len(SURNAMES)]}**")

    async def by_number(n: int) -> None:
        number, code = waiting[n % len(waiting)]
        async with database.read() as session:
            assert await review.listed(session, by_code[code], words=number)

    async def one_page(n: int) -> None:
        number, code = waiting[n % len(waiting)]
        async with database.read() as session:
            await review.page(session, by_code[code], number)

    async def decision(n: int) -> None:
        number, code = waiting[n % len(waiting)]
        async with database.write() as session:
            row = await applications.by_number(session, number)
            await applications.decide(session, row, "approve", scope=by_code[code], desk=await desks(session))

    return dict(zip(PATHS, (listing, by_name, by_number, one_page, decision), strict=True))


async def _timed(acts: list[Act], name: str, tries: int) -> list[dict[str, float]]:
    spent: list[list[float]] = [[] for _ in acts]
    for act in acts:
        await act(0) if name != "decision" else None
    for n in range(tries):
        for place, act in enumerate(acts):
            started = time.perf_counter()
            await act(n)
            spent[place].append((time.perf_counter() - started) * 1000)
    return [
        {"tries": tries, "ms_p50": round(each[tries // 2], 2), "ms_p99": round(each[int(tries * 0.99)], 2)}
        for each in map(sorted, spent)
    ]


def _watch(database: Database, seen: dict[str, Any]) -> None:
    """Remember each statement with parameters of its first use."""

    @event.listens_for(database.engine.sync_engine, "before_cursor_execute")
    def _note(_conn: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if not many and statement.lstrip().upper().startswith(("SELECT", "UPDATE")):
            seen.setdefault(statement, parameters)


async def _seq_scans(database: Database, seen: dict[str, Any]) -> list[str]:
    """The big tables that a measured statement reads from end to end."""
    found = set()
    async with database.engine.connect() as connection:
        for statement, parameters in list(seen.items()):
            plan = await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
            for (line,) in plan:
                found |= {table for table in BIG if f"Seq Scan on {table} " in line.replace('"', "") + " "}
    return sorted(found)


async def run(server: str, full: Sizes) -> dict[str, Any]:
    """Measure a hundredth and the whole side by side, in databases of their own on ``server``, dropped afterwards."""
    small = Sizes(max(1, full.residents // 100), max(1000, full.applications // 100), full.tries)
    admin = create_async_engine(server, isolation_level="AUTOCOMMIT")
    names = [f"linlitong_bench_{name}_{os.getpid()}" for name in ("small", "full")]
    urls = [make_url(server).set(database=name).render_as_string(hide_password=False) for name in names]
    try:
        async with admin.connect() as connection:
            for name in names:
                await connection.execute(text(f'CREATE DATABASE "{name}"'))
        async with filled(urls[0], small) as little, filled(urls[1], full) as much:
            hundredth, whole = await measure(little, much)
    finally:
        async with admin.connect() as connection:
            for name in names:
                await connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        await admin.dispose()

    def ratios(which: str) -> dict[str, float]:
        return {name: round(whole["paths"][name][which] / hundredth["paths"][name][which], 2) for name in PATHS}

    return {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()[0]},
        "hundredth": hundredth,
        "whole": whole,
        "p50_ratio": ratios("ms_p50"),
        "p99_ratio": ratios("ms_p99"),
    }
