"""A city votes: eligible units, ballots cast over HTTP at a steady pace, the box closed, opened and counted.

The backend is the one that runs in production, in a process of its own, over a PostgreSQL (or SQLite) database made for the
bench. Ballots are sealed by the load generator as the door of the backend would seal them; what is timed of each is the
request that puts it into the box. The ballots of those who do not vote by chat are written straight into the box, so that
the tally is of every eligible unit.
"""

import asyncio
import json
import multiprocessing
import os
import random
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import delete, func, insert, select

from backend import migrations
from backend.clock import SystemClock
from backend.conversations.models import Conversation
from backend.db import Database
from backend.grids.models import Area, Level
from backend.residents.models import Account, Resident
from backend.settings import Settings
from backend.staff.models import Role
from backend.staff.scope import Scope
from backend.votes import box, opening, service
from backend.votes.booth import Booth, booth_factory
from backend.votes.models import MatchedBy, Vote, VoteBallot, VoteEnvelope, VoteMatch, VoteUnit
from backend.votes.rules import Basis, Kind, RuleName
from benchmarks.processes import family, processor_seconds
from linlitong.ports import free_port
from wording import Sentences

ROOT = Path(__file__).parent.parent
CHUNK = 5_000
AREA = "CITY"
OPTIONS = ("yes", "no", "abstain")
STEPS = ("close", "read", "open_and_count", "publish")


@dataclass(frozen=True)
class Size:
    """``eligible`` units, of which ``voters`` vote by chat within ``seconds``; ``trials`` of 100 parallel ballots each."""

    eligible: int
    voters: int
    seconds: float
    trials: int


def _serve(home: str, url: str, port: int, token: str) -> None:
    """The backend's internal API as ``python -m backend`` serves it, but for the classifier of matters: no vote needs it."""
    from aiohttp import web

    from backend.app import internal_app

    settings = Settings(home=Path(home), database_url=url, service_token=token)
    app = internal_app(settings, Database(url))
    app.on_startup.clear()
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None, handle_signals=True)


@contextmanager
def _backend(home: Path, url: str, token: str) -> Iterator[tuple[str, int]]:
    """The address of a running backend, and its process id."""
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(str(home), url, port, token), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{port}", process.pid or 0
    finally:
        process.terminate()
        process.join(20)


async def _many(database: Database, table: Any, rows: Iterator[dict[str, Any]]) -> None:
    """Insert rows in chunks, each in its transaction."""
    chunk: list[dict[str, Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            async with database.write() as session:
                await session.execute(insert(table), chunk)
            chunk = []
    if chunk:
        async with database.write() as session:
            await session.execute(insert(table), chunk)


async def _city(database: Database, booth: Booth, size: Size) -> tuple[str, list[str]]:
    """A vote over the whole city, open, its voters matched: (number, phrases)."""
    now = booth.now
    scope = Scope(staff_id=None, name="bench", role=Role.ADMIN, path=f"{AREA}/", area_code=AREA, department_code=None)  # type: ignore[arg-type]
    async with database.write() as session:
        session.add(Area(code=AREA, level=Level.CITY, name="基准市", path=f"{AREA}/"))
        await session.flush()
        draft = service.Draft(
            title="全市征求意见",
            question="是否同意？",
            kind=Kind.DECISION,
            rule=RuleName.RESIDENTS,
            basis=Basis.PERSON,
            starts_at=now - timedelta(minutes=1),
            ends_at=now + timedelta(days=1),
            keyholders=("甲", "乙", "丙"),
        )
        vote = await service.create(session, draft, area_code=AREA, scope=scope, booth=booth)
        number, vote_id = vote.number, vote.id
        holders = await service.keyholders(session, vote)
        phrases = [(await service.hand_key(session, vote, h.id, scope=scope, booth=booth))[1] for h in holders]
    await _many(
        database,
        VoteUnit,
        (
            {"vote_id": vote_id, "code": f"u{n}", "area": 0, "name": "", "part": "", "phone": "", "told": ""}
            for n in range(size.eligible)
        ),
    )
    voters = range(1, size.voters + 1)
    await _many(database, Resident, ({"id": n, "display_name": "", "created_at": now} for n in voters))
    await _many(database, Account, ({"id": n, "resident_id": n, "channel": "web", "address": f"a{n}"} for n in voters))
    await _many(
        database,
        Conversation,
        (
            {"id": n, "resident_id": n, "account_id": n, "tracker_key": f"k{n}", "created_at": now, "updated_at": now}
            for n in voters
        ),
    )
    await _many(
        database,
        VoteMatch,
        (
            {"area_code": AREA, "basis": Basis.PERSON, "unit_code": f"u{n - 1}", "resident_id": n, "conversation_id": n}
            | {"how": MatchedBy.STAFF, "at": now}
            for n in voters
        ),
    )
    async with database.write() as session:
        vote = await service.by_number(session, number)
        vote.electorate_number = size.eligible
        await service.announce(session, vote, scope=scope, booth=booth)
        vote.telling = ""  # nobody is there to be pushed to
    return number, phrases


def _choice(unit: int) -> tuple[str, ...]:
    """What a unit votes: known beforehand, so that the tally can be checked."""
    return (OPTIONS[random.Random(unit).choices((0, 1, 2), (60, 30, 10))[0]],)  # noqa: S311  a bench's dice


class _Sealer:
    def __init__(self, vote: Vote, booth: Booth) -> None:
        self.vote, self.booth, self.width = vote, booth, service.width_of(vote)
        self.envelope = box.new_envelope(self._key)

    @property
    def _key(self) -> bytes:
        assert self.vote.public_key is not None
        return self.vote.public_key

    def __call__(self, unit_id: int, choice: tuple[str, ...]) -> tuple[box.Envelope, bytes, bytes]:
        if not self.envelope.good:
            self.envelope = box.new_envelope(self._key)
        slot = self.booth.places.slot(self.vote.number, unit_id)
        return self.envelope, slot, box.seal(self.envelope, choice, self.width, vote=self.vote.number, slot=slot)


async def _cast(url: str, token: str, *, number: str, ids: list[int], sealer: _Sealer, size: Size) -> dict[str, Any]:
    """Every voter's ballot at its moment in ``size.seconds``; what was answered, and how fast."""
    milliseconds: list[float] = []
    failed: dict[str, int] = {}
    began = time.perf_counter()

    async def one(session: aiohttp.ClientSession, voter: int) -> None:
        envelope, _, body = sealer(ids[voter - 1], _choice(voter - 1))
        ballot = {"unit": ids[voter - 1], "ballot": service.pack(envelope, body)}
        headers = {"Idempotency-Key": f"bench-{voter}"}
        path = f"{url}/internal/v1/votes/{number}/ballots?conversation=k{voter}"
        at = time.perf_counter()
        try:
            async with session.post(path, json=ballot, headers=headers) as answer:
                await answer.read()
                if answer.status != 200:
                    failed[str(answer.status)] = failed.get(str(answer.status), 0) + 1
        except (aiohttp.ClientError, TimeoutError) as error:
            failed[type(error).__name__] = failed.get(type(error).__name__, 0) + 1
        milliseconds.append((time.perf_counter() - at) * 1000)

    headers = {"Authorization": f"Bearer {token}"}
    connector = aiohttp.TCPConnector(limit=200)
    async with aiohttp.ClientSession(headers=headers, connector=connector, timeout=aiohttp.ClientTimeout(60)) as session:
        running: set[asyncio.Task[None]] = set()
        for voter in range(1, size.voters + 1):
            behind = began + size.seconds * (voter - 1) / size.voters - time.perf_counter()
            if behind > 0:
                await asyncio.sleep(behind)
            task = asyncio.create_task(one(session, voter))
            running.add(task)
            task.add_done_callback(running.discard)
        await asyncio.gather(*running)
    took = time.perf_counter() - began
    ranked = sorted(milliseconds)
    return {
        "ballots": size.voters,
        "seconds": round(took, 1),
        "per_second": round(size.voters / took, 1),
        "ms_p50": round(ranked[len(ranked) // 2], 1),
        "ms_p99": round(ranked[int(len(ranked) * 0.99)], 1),
        "ms_max": round(ranked[-1], 1),
        "failed": failed,
    }


async def _trials(
    database: Database, booth: Booth, *, vote: Vote, ids: list[int], sealer: _Sealer, size: Size
) -> dict[str, Any]:
    """In each trial a hundred ballots of one unit at once, with different options; how often exactly one was left."""
    exactly_one = 0
    for trial in range(min(size.trials, size.voters)):
        unit_id = ids[trial]
        async with database.write() as session:
            slot = booth.places.slot(vote.number, unit_id)
            await session.execute(delete(VoteBallot).where(VoteBallot.vote_id == vote.id, VoteBallot.slot == slot))

        async def put(n: int, unit_id: int = unit_id, voter: int = trial + 1) -> None:
            envelope, _, body = sealer(unit_id, (OPTIONS[n % 3],))
            async with database.write() as session:
                await service.cast(
                    session,
                    vote.number,
                    unit_id=unit_id,
                    resident_id=voter,
                    ballot=service.pack(envelope, body),
                    booth=booth,
                )

        await asyncio.gather(*(put(n) for n in range(100)))
        async with database.read() as session:
            left = await session.scalar(
                select(func.count()).select_from(VoteBallot).where(VoteBallot.vote_id == vote.id, VoteBallot.slot == slot)
            )
        exactly_one += left == 1
        await put(OPTIONS.index(_choice(trial)[0]))  # what the tally expects
    return {"trials": min(size.trials, size.voters), "ballots_each": 100, "exactly_one_left": exactly_one}


async def _fill(database: Database, vote: Vote, ids: list[int], sealer: _Sealer, size: Size) -> None:
    """The ballots of everybody else, straight into the box."""
    envelopes: dict[bytes, bytes] = {}

    def rows() -> Iterator[dict[str, Any]]:
        for place in range(size.voters, size.eligible):
            envelope, slot, body = sealer(ids[place], _choice(place))
            envelopes[envelope.id] = envelope.sealed
            yield {"vote_id": vote.id, "slot": slot, "envelope": envelope.id, "body": body, "paper": False}

    await _many(database, VoteBallot, rows())
    await _many(database, VoteEnvelope, ({"vote_id": vote.id, "id": key, "sealed": value} for key, value in envelopes.items()))


async def measure(url: str, home: Path, size: Size) -> dict[str, Any]:
    """Run the bench against an empty, migrated database."""
    settings, token = Settings(home=home, database_url=url), secrets.token_urlsafe(24)
    booth_of: Callable[[], Booth] = booth_factory(settings, SystemClock(), Sentences.load(ROOT / "domain.yml"))
    database = Database(url)
    try:
        began = time.perf_counter()
        number, phrases = await _city(database, booth_of(), size)
        prepared = time.perf_counter() - began
        async with database.read() as session:
            vote = await service.by_number(session, number)
            ids = list(await session.scalars(select(VoteUnit.id).where(VoteUnit.vote_id == vote.id).order_by(VoteUnit.id)))
        sealer = _Sealer(vote, booth_of())
        with _backend(home, url, token) as (address, pid):
            await _until_up(address)
            used = processor_seconds(family(pid))
            cast = await _cast(address, token, number=number, ids=ids, sealer=sealer, size=size)
            used = processor_seconds(family(pid)) - used
        cast["backend_core_ms_per_ballot"] = round(used * 1000 / size.voters, 2)
        async with database.read() as session:
            there = await session.scalar(select(func.count()).select_from(VoteBallot).where(VoteBallot.vote_id == vote.id))
        cast |= {"in_the_box": there, "lost_or_doubled": abs(size.voters - (there or 0))}
        trials = await _trials(database, booth_of(), vote=vote, ids=ids, sealer=sealer, size=size)
        await _fill(database, vote, ids, _Sealer(vote, booth_of()), size)
        tally = await _tally(database, booth_of, number, phrases, size)
        return {
            "database": "sqlite" if database.sqlite else "postgresql",
            "eligible": size.eligible,
            "prepared_seconds": round(prepared, 1),
            "cast": cast,
            "trials": trials,
            "tally": tally,
        }
    finally:
        await database.close()


async def _tally(
    database: Database, booth_of: Callable[[], Booth], number: str, phrases: list[str], size: Size
) -> dict[str, Any]:
    """End the vote, open the box, count, publish; each with its seconds, and whether the counts are what was voted."""
    marks = [_now()]
    async with database.write() as session:
        vote = await service.by_number(session, number)
        vote.starts_at = vote.ends_at = datetime.now(UTC) - timedelta(seconds=1)
        await service.end(session, vote, booth=booth_of())
    marks.append(_now())
    async with database.read() as session:
        closed = await opening.read_box(session, await service.by_number(session, number), booth=booth_of())
    marks.append(_now())
    found = await asyncio.to_thread(opening.open_and_count, closed, phrases[:2], booth=booth_of())
    marks.append(_now())
    scope = Scope(staff_id=None, name="bench", role=Role.ADMIN, path=f"{AREA}/", area_code=AREA, department_code=None)  # type: ignore[arg-type]
    async with database.write() as session:
        await opening.publish(session, await service.by_number(session, number), found, scope=scope, booth=booth_of())
    marks.append(_now())
    wanted = dict.fromkeys(OPTIONS, 0)
    for place in range(size.eligible):
        wanted[_choice(place)[0]] += 1
    steps = [
        {"seconds": round(after[0] - before[0], 2), "core_seconds": round(after[1] - before[1], 2)}
        for before, after in pairwise(marks)
    ]
    return {
        "ballots": found.counted.taking_part.number,
        **dict(zip(STEPS, steps, strict=True)),
        "all": {unit: round(sum(step[unit] for step in steps), 2) for unit in ("seconds", "core_seconds")},
        "as_voted": {o: found.counted.options[o].number for o in OPTIONS} == wanted and found.invalid == 0,
    }


def _now() -> tuple[float, float]:
    """Seconds on the clock, and of processor time in this process and those that it has waited for; the database's is not
    among them."""
    used = os.times()
    return time.perf_counter(), used.user + used.system + used.children_user + used.children_system


async def _until_up(address: str) -> None:
    async with aiohttp.ClientSession() as session:
        for _ in range(300):
            try:
                async with session.get(f"{address}/health") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.2)
    raise RuntimeError("the backend did not start")


def run(size: Size, *, database_url: str = "") -> dict[str, Any]:
    """Measure on ``database_url``, which must be an empty database, or on a SQLite file that is thrown away."""
    home = Path(tempfile.mkdtemp(prefix="linlitong-bench-votes-"))
    try:
        url = database_url or f"sqlite+aiosqlite:///{home / 'bench.db'}"
        migrations.upgrade(url)
        load = os.getloadavg()[0]
        report = asyncio.run(measure(url, home, size))
        return report | {
            "cores": os.cpu_count(),
            "load_before": round(load, 1),
            "at": datetime.now(UTC).isoformat("T", "seconds"),
        }
    finally:
        shutil.rmtree(home, ignore_errors=True)


def lines(report: dict[str, Any]) -> Iterator[str]:
    """The report for people."""
    cast, trials, tally = report["cast"], report["trials"], report["tally"]
    yield f"{report['at']}, {report['cores']} cores, load {report['load_before']} before, {report['database']}"
    yield f"{report['eligible']} eligible, prepared in {report['prepared_seconds']} s"
    yield (
        f"{cast['ballots']} ballots in {cast['seconds']} s ({cast['per_second']} a second): "
        f"p50 {cast['ms_p50']} ms, p99 {cast['ms_p99']} ms, longest {cast['ms_max']} ms; "
        f"{cast['backend_core_ms_per_ballot']} ms of a core for each in the backend; "
        f"{cast['lost_or_doubled']} lost or doubled, failed: {json.dumps(cast['failed'])}"
    )
    yield f"{trials['exactly_one_left']} of {trials['trials']} trials left exactly one ballot of 100 at once"
    yield (
        f"tally of {tally['ballots']}: "
        + ", ".join(f"{step} {tally[step]['seconds']} s ({tally[step]['core_seconds']} of a core)" for step in (*STEPS, "all"))
        + f"; {'as voted' if tally['as_voted'] else 'NOT AS VOTED'}"
    )
