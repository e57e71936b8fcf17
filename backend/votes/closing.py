"""The box as it lies there, read in parts: its fingerprint, and who took part. Other work gets its turn between the parts."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sqlalchemy import select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import NULLTYPE

from backend.votes.booth import Booth
from backend.votes.models import Vote, VoteAttendance, VoteBallot, VoteUnit

PART = 10_000

Ballot = tuple[bytes, bytes, bytes]


@dataclass(frozen=True)
class Box:
    """What lies in the box when it is closed. ``took_part`` has a byte, 1 or 0, for each unit in the order of their ids;
    ``strangers`` are slots of no unit."""

    fingerprint: str
    took_part: bytes
    strangers: list[bytes]


async def ballots_of(session: AsyncSession, vote: Vote) -> AsyncIterator[Sequence[Ballot]]:
    """(slot, envelope, body) in the order of slots, PART at a time."""
    table, last = VoteBallot.__table__, b""
    bare = [type_coerce(table.c[name], NULLTYPE) for name in ("slot", "envelope", "body")]  # bytes as the driver has them
    while True:
        there = (table.c.vote_id == vote.id, table.c.slot > last)
        rows: Any = (await session.execute(select(*bare).where(*there).order_by(table.c.slot).limit(PART))).all()
        if rows:
            yield rows
            last = rows[-1][0]
        if len(rows) < PART:
            return


async def units_of(session: AsyncSession, vote: Vote, *columns: str) -> AsyncIterator[Sequence[Any]]:
    """(id, *columns) of the vote's units in the order of their ids, PART at a time."""
    table, last = VoteUnit.__table__, 0
    wanted = [table.c[name] for name in ("id", *columns)]
    while True:
        there = (table.c.vote_id == vote.id, table.c.id > last)
        rows = (await session.execute(select(*wanted).where(*there).order_by(table.c.id).limit(PART))).all()
        if rows:
            yield rows
            last = rows[-1][0]
        if len(rows) < PART:
            return


async def look(session: AsyncSession, vote: Vote, *, booth: Booth) -> Box:
    """Read the box; nobody may put anything in meanwhile."""
    digest, slots = hashlib.sha256(), set[bytes]()
    async for part in ballots_of(session, vote):
        digest.update(b"".join(chain.from_iterable(part)))
        slots.update(row[0] for row in part)
    slot_of, took_part = booth.places.slots(vote.number), bytearray()
    async for units in units_of(session, vote):
        mine = [slot_of(unit_id) for (unit_id,) in units]
        took_part += bytes([slot in slots for slot in mine])
        slots.difference_update(mine)
    return Box(digest.hexdigest(), bytes(took_part), sorted(slots))


async def close(session: AsyncSession, vote: Vote, *, booth: Booth) -> None:
    """Write down what lies in the box, under a mark that nobody without the secret can make."""
    found = await look(session, vote, booth=booth)
    vote.closed_box = found.fingerprint
    strangers = b" ".join(slot.hex().encode() for slot in found.strangers)
    mark = booth.places.mark(vote.number, found.fingerprint, strangers)
    session.add(VoteAttendance(vote_id=vote.id, units=found.took_part, strangers=strangers, mark=mark))


async def strangers_of(session: AsyncSession, vote: Vote, *, booth: Booth) -> set[bytes]:
    """The slots of no unit in which something lies: as they were written down at closing, or looked for again where that
    was not written by us."""
    kept = await session.get(VoteAttendance, vote.id)
    if kept is None or booth.places.mark(vote.number, vote.closed_box, kept.strangers) != kept.mark:
        return set((await look(session, vote, booth=booth)).strangers)
    return {bytes.fromhex(slot) for slot in kept.strangers.decode().split()}


async def who_took_part(session: AsyncSession, vote: Vote) -> list[tuple[str, str, bool]]:
    """(code, name, took part) of every unit, once the vote has ended; empty before."""
    kept = await session.get(VoteAttendance, vote.id)
    if kept is None:
        return []
    there, found = iter(kept.units), list[tuple[str, str, bool]]()
    async for units in units_of(session, vote, "code", "name"):
        found += [(code, name, bool(next(there))) for _, code, name in units]
    return found
