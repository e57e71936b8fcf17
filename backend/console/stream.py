"""Server-sent events: "something you are looking at has changed". The page then asks for it again, within its scope."""

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Conversation, Holder, Message
from backend.db import Database
from backend.desk.models import Transfer
from backend.errors import NotSignedIn
from backend.events.models import Event, History
from backend.events.transitions import OPEN
from backend.legal import service as legal
from backend.legal.models import Consult, ConsultHistory
from backend.mediation.desks import visible
from backend.mediation.models import Mediation, MediationHistory
from backend.opinions.handling import visible as opinions_of
from backend.opinions.models import Opinion, OpinionHistory, OpinionState
from backend.staff import notices
from backend.staff import service as staff
from backend.staff.models import Staff, StaffNotice, StaffSession
from backend.staff.scope import Scope
from backend.web import CLOCK, DATABASE, without_values

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5  # an account that another process has disabled is out within a second
LOOK_ANYWAY_SECONDS = 10.0
PAUSE_SECONDS = 0.2


class Pulse:
    """Wakes every stream when the record has changed: at once for this process's own changes, within
    POLL_SECONDS for another process's. One small query a poll, however many are watching.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._beat = asyncio.Event()
        self.beats = 0

    async def run(self) -> None:
        last = None
        while True:
            if not await self._database.signals["console"].wait(POLL_SECONDS):
                try:
                    seen = await self._look()
                except Exception as error:
                    logger.error("the console cannot look for changes", exc_info=without_values(error))
                    continue
                if seen == last:
                    continue
                last = seen
            self.beats += 1
            self._beat.set()
            self._beat = asyncio.Event()

    async def _look(self) -> Any:
        async with self._database.read() as session:
            return (
                await session.execute(
                    select(
                        select(func.max(History.id)).scalar_subquery(),
                        select(func.max(Message.id)).scalar_subquery(),
                        select(func.max(StaffNotice.id)).scalar_subquery(),
                        select(func.count())
                        .select_from(Conversation)
                        .where(Conversation.holder != Holder.BOT)
                        .scalar_subquery(),
                        select(func.count()).select_from(StaffSession).scalar_subquery(),
                        select(func.max(StaffSession.created_at)).scalar_subquery(),
                        select(func.count(Staff.disabled_at)).scalar_subquery(),
                        select(func.max(Staff.disabled_at)).scalar_subquery(),
                        select(func.max(ConsultHistory.id)).scalar_subquery(),
                        select(func.max(OpinionHistory.id)).scalar_subquery(),
                        select(func.max(MediationHistory.id)).scalar_subquery(),
                    )
                )
            ).one()

    async def wait(self, beats: int, seconds: float) -> None:
        """Return once there were more than ``beats``, or after ``seconds`` (of two commits at once the polled query can
        miss one).
        """
        if self.beats == beats:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._beat.wait(), seconds)


PULSE = web.AppKey("pulse", Pulse)
STREAMS = web.AppKey("streams", set[asyncio.Task[Any]])


async def pulse(app: web.Application) -> AsyncIterator[None]:
    """Keep the pulse beating while the console runs; open streams end with it."""
    app[PULSE], app[STREAMS] = Pulse(app[DATABASE]), set()
    task = asyncio.create_task(app[PULSE].run())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def end_streams(app: web.Application) -> None:
    for task in app[STREAMS]:
        task.cancel()


async def stream(request: web.Request, token: str) -> web.StreamResponse:
    """Send ``event: TOPIC`` whenever that topic's fingerprint changes for this person.

    Topics are named in the query: queue, desk, legal, opinions, mediations, notices as flags; event=NUMBER, consult=NUMBER,
    opinion=NUMBER, mediation=NUMBER, conversation=ID.
    ``seen`` says what the page showed when it was made; what differs from it is told at the start. The sign-in is checked
    at every look; when it is over the last word is ``event: gone``.
    """
    database, clock = request.app[DATABASE], request.app[CLOCK]
    async with database.read() as session:
        await staff.who(session, token, now=clock.now())
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    await response.prepare(request)
    task = asyncio.current_task()
    assert task is not None
    request.app[STREAMS].add(task)
    known = dict(part.split(":", 1) for part in request.query.get("seen", "").split(",") if ":" in part)
    try:
        while True:
            beats = request.app[PULSE].beats
            try:
                async with database.read() as session:
                    signed = await staff.who(session, token, now=clock.now())
                    seen = await fingerprints(session, signed.scope, dict(request.query))
            except NotSignedIn:
                await response.write(b"event: gone\ndata: 1\n\n")
                break
            changed = [topic for topic, mark in seen.items() if known.get(topic) != mark]
            known = seen
            lines = [f"event: {topic}\ndata: 1\n\n" for topic in changed] or [": still here\n\n"]
            await response.write("".join(lines).encode())
            await asyncio.sleep(PAUSE_SECONDS)
            await request.app[PULSE].wait(beats, LOOK_ANYWAY_SECONDS)
    except (ConnectionResetError, asyncio.CancelledError):
        pass
    finally:
        request.app[STREAMS].discard(task)
    return response


async def address_of(session: AsyncSession, scope: Scope, asked: dict[str, str]) -> str:
    """The address of a stream that tells of every change after this transaction's view of the record."""
    seen = await fingerprints(session, scope, asked)
    return "/stream?" + urlencode(asked | {"seen": ",".join(f"{topic}:{mark}" for topic, mark in seen.items())})


async def fingerprints(session: AsyncSession, scope: Scope, asked: dict[str, str]) -> dict[str, str]:
    """Return {topic: something that differs when the topic has changed}, of what ``scope`` may see and no more."""
    found: dict[str, Any] = {}
    if "queue" in asked:
        query = select(func.count(), func.sum(Event.revision), func.max(Event.id))
        found["queue"] = (await session.execute(query.where(scope.events(), Event.state.in_(OPEN)))).one()
    if "event" in asked:
        trail = select(func.count()).where(History.event_id == Event.id).scalar_subquery()
        query = select(Event.revision, Event.state, trail)
        found["event"] = (await session.execute(query.where(Event.number == asked["event"], scope.events()))).first()
    if "desk" in asked:
        query = select(func.count(), func.sum(Conversation.last_sequence), func.sum(Conversation.staff_id))
        held = [scope.conversations(), Conversation.holder == Holder.STAFF]
        waits = [scope.conversations(), Conversation.holder == Holder.WAITING]
        found["desk"] = (
            (await session.execute(query.where(*waits))).one(),
            (await session.execute(query.where(*held))).one(),
        )
    if asked.get("conversation", "").isdecimal():
        offers = select(func.count(), func.count(Transfer.ended_at)).where(Transfer.conversation_id == Conversation.id)
        query = select(
            Conversation.last_sequence,
            Conversation.holder,
            Conversation.staff_id,
            offers.with_only_columns(func.count()).scalar_subquery(),
            offers.with_only_columns(func.count(Transfer.ended_at)).scalar_subquery(),
        )
        one = Conversation.id == int(asked["conversation"][:18])
        found["conversation"] = (await session.execute(query.where(one, scope.conversations()))).first()
    if "legal" in asked:
        query = select(func.count(), func.sum(Consult.revision), func.max(Consult.id))
        found["legal"] = (await session.execute(query.where(await legal.visible(session, scope)))).one()
    if "consult" in asked:
        query = select(Consult.revision, Consult.state, Consult.volunteer_id)
        one = Consult.number == asked["consult"]
        found["consult"] = (await session.execute(query.where(one, await legal.visible(session, scope)))).first()
    if "opinions" in asked:
        query = select(func.count(), func.sum(Opinion.revision), func.max(Opinion.id))
        waiting = Opinion.state == OpinionState.WAITING
        found["opinions"] = (await session.execute(query.where(waiting, opinions_of(scope)))).one()
    if "opinion" in asked:
        query = select(Opinion.revision, Opinion.state)
        one = Opinion.number == asked["opinion"]
        found["opinion"] = (await session.execute(query.where(one, opinions_of(scope)))).first()
    if "mediations" in asked:
        query = select(func.count(), func.sum(Mediation.revision), func.max(Mediation.id))
        found["mediations"] = (await session.execute(query.where(visible(scope)))).one()
    if "mediation" in asked:
        query = select(Mediation.revision, Mediation.state)
        one = Mediation.number == asked["mediation"]
        found["mediation"] = (await session.execute(query.where(one, visible(scope)))).first()
    if "notices" in asked:
        newest = select(func.max(StaffNotice.id)).where(StaffNotice.staff_id == scope.staff_id)
        found["notices"] = (await session.scalar(newest), await notices.unread(session, scope.staff_id))
    return {topic: hashlib.sha256(repr(value).encode()).hexdigest()[:12] for topic, value in found.items()}
