"""Ballots that arrive together go into the box together: one transaction for all that wait, the next ones behind it.

At a city's pace the statements and the wait for the disk are shared by several ballots; a ballot that comes alone goes alone.
Each is answered when the transaction that holds it is committed, and has its own idempotency key in it.
"""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Conversation
from backend.db import Database
from backend.errors import LinlitongError, NotFound
from backend.idempotency import IdempotencyKey
from backend.votes import service
from backend.votes.booth import BoothFactory
from backend.votes.door import placeholder

logger = logging.getLogger(__name__)
AT_ONCE = 64


@dataclass(frozen=True)
class Envelope:
    """What an action sends: the idempotency key, whose conversation it is, and the ballot."""

    key: str
    conversation: str
    number: str
    unit_id: int
    ballot: str


Answer = dict[str, Any] | LinlitongError
_Waiting = tuple[Envelope, asyncio.Future[dict[str, Any]]]


class Urn:
    """Takes ballots one by one and puts them in by transactions of at most AT_ONCE."""

    def __init__(self, database: Database, booth_of: BoothFactory) -> None:
        self._database, self._booth_of = database, booth_of
        self._waiting: deque[_Waiting] = deque()
        self._work: asyncio.Task[None] | None = None

    async def put(self, envelope: Envelope) -> dict[str, Any]:
        """{title, changed, receipt} once it is committed; the same key again gets the same. Raises as service.cast does."""
        answered: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting.append((envelope, answered))
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._empty())
        return await answered

    async def close(self) -> None:
        """Wait for what is under way."""
        if self._work is not None:
            await self._work

    async def _empty(self) -> None:
        while self._waiting:
            batch = self._next()
            answers = await self._answers([envelope for envelope, _ in batch])
            for (_, answered), answer in zip(batch, answers, strict=True):
                if answered.done():  # whoever asked has gone
                    continue
                if isinstance(answer, dict):
                    answered.set_result(answer)
                else:
                    answered.set_exception(answer)

    def _next(self) -> list[_Waiting]:
        """Those that waited longest, no unit and no key twice; the others keep their order."""
        batch: list[_Waiting] = []
        later: list[_Waiting] = []
        seen: set[object] = set()
        while self._waiting and len(batch) < AT_ONCE:
            envelope, answered = self._waiting.popleft()
            names = {envelope.key, (envelope.number, envelope.unit_id)}
            (later if seen & names else batch).append((envelope, answered))
            seen |= names
        self._waiting.extendleft(reversed(later))
        return batch

    async def _answers(self, envelopes: list[Envelope]) -> list[dict[str, Any] | Exception]:
        """What becomes of each. What fails together is tried one by one: another process may have had one of the keys."""
        try:
            async with self._database.write() as session:
                return list(await put_together(session, envelopes, booth_of=self._booth_of))
        except Exception as error:  # noqa: BLE001 - each of those who wait is answered, none hangs
            failed = error
        if not isinstance(failed, DBAPIError):
            logger.error("the urn stumbled over %d ballots: %s", len(envelopes), type(failed).__name__)
            return [failed] * len(envelopes)
        if len(envelopes) > 1:
            return [(await self._answers([one]))[0] for one in envelopes]
        try:
            async with self._database.read() as session:
                known = await _known(session, envelopes)
        except Exception as error:  # noqa: BLE001 - the same: the database may be away
            return [error]
        return [known.get(envelopes[0].key, failed)]


async def _known(session: AsyncSession, envelopes: list[Envelope]) -> dict[str, dict[str, Any]]:
    keys = [one.key for one in envelopes]
    rows = await session.execute(select(IdempotencyKey.key, IdempotencyKey.answer).where(IdempotencyKey.key.in_(keys)))
    return dict(rows.all())


async def put_together(session: AsyncSession, envelopes: list[Envelope], *, booth_of: BoothFactory) -> list[Answer]:
    """The answer or the refusal for each, in order; what was answered before is answered again."""
    known = await _known(session, envelopes)
    fresh = [one for one in envelopes if one.key not in known]
    if not fresh:
        return [known[one.key] for one in envelopes]
    keys = {one.conversation for one in fresh}
    rows = await session.execute(
        select(Conversation.tracker_key, Conversation.resident_id).where(Conversation.tracker_key.in_(keys))
    )
    residents = dict(rows.all())
    booth = booth_of()
    casts = [
        service.Cast(one.number, one.unit_id, residents[one.conversation], one.ballot)
        for one in fresh
        if one.conversation in residents
    ]
    done = iter(await service.cast_together(session, casts, booth=booth) if casts else [])
    answers: dict[str, Answer] = dict(known)
    for one in fresh:
        put = next(done) if one.conversation in residents else NotFound()
        if isinstance(put, service.Put):
            receipt = placeholder(one.number, one.unit_id)
            answers[one.key] = {"title": put.title, "changed": put.changed, "receipt": receipt}
        else:
            answers[one.key] = put
    kept = [
        {"key": key, "answer": answer, "created_at": booth.now}
        for key, answer in sorted(answers.items())
        if key not in known and isinstance(answer, dict)
    ]
    if kept:
        await session.execute(insert(IdempotencyKey.__table__), kept)
    return [answers[one.key] for one in envelopes]
