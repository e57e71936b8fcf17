"""Where conversations are kept, at a cost that does not grow with their length.

Rasa rebuilds a tracker by replaying its events. Here only the last turns, at most TAIL events, are loaded, behind
a few made-up events that restore what was set earlier: the slots and the active form. A turn is
written in one transaction, events and state together, and nothing is ever kept in memory instead:
a database that fails makes the turn fail.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    Event,
    SlotSet,
    UserUttered,
    deserialise_events,
)
from rasa.shared.core.trackers import DialogueStateTracker

TAIL = 40
TURNS = 3  # the rules look at one; the last of these has only begun
KEPT = 400
POSTGRESQL_CONNECTIONS = 8

_Result = TypeVar("_Result")

metadata = sa.MetaData()

conversations = sa.Table(
    "engine_conversations",
    metadata,
    sa.Column("sender_id", sa.String(255), primary_key=True),
    sa.Column("last_number", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
)

events = sa.Table(
    "engine_events",
    metadata,
    sa.Column("sender_id", sa.String(255), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("message_id", sa.String(255)),
    sa.Column("event", sa.Text, nullable=False),
    sa.Index("engine_events_message", "sender_id", "message_id"),
)


# Put together once, which takes longer than to run them.
_OF = sa.bindparam("of")
_CONVERSATION = sa.select(conversations).where(conversations.c.sender_id == _OF)
_NEWEST = (
    sa.select(events.c.event)
    .where(events.c.sender_id == _OF)
    .order_by(events.c.number.desc())
    .limit(sa.bindparam("tail", type_=sa.Integer))
)
_OF_TURN = (
    sa.select(events.c.event)
    .where(events.c.sender_id == _OF, events.c.message_id == sa.bindparam("message"))
    .order_by(events.c.number)
)
_GOES_ON = conversations.update().where(conversations.c.sender_id == _OF, conversations.c.last_number == sa.bindparam("before"))
_PRUNE = events.delete().where(events.c.sender_id == _OF, events.c.number <= sa.bindparam("oldest"))


class TrackerConflict(Exception):
    """Another writer has added to this conversation since it was loaded."""


class BoundedTracker(DialogueStateTracker):
    """A tracker that knows which of its events are stored already."""

    stored_events = 0
    last_number = 0

    @property
    def new_events(self) -> list[Event]:
        """The events added since the tracker was loaded."""
        return list(self.events)[self.stored_events :]


class BoundedTrackerStore(TrackerStore):
    """Rasa's tracker store over two tables of SQLite or PostgreSQL."""

    def __init__(self, url: str, domain: Domain, tail: int = TAIL, kept: int = KEPT) -> None:
        """Connect and create the tables. Raises sqlalchemy.exc.SQLAlchemyError when it can't."""
        super().__init__(domain)
        self._tail = tail
        self._kept = kept
        self._database = _connect(sa.engine.make_url(url))
        # SQLite has one writer: one thread makes the order a queue instead of a struggle.
        is_sqlite = self._database.dialect.name == "sqlite"
        self._threads = ThreadPoolExecutor(1 if is_sqlite else POSTGRESQL_CONNECTIONS, "tracker-store")
        metadata.create_all(self._database)

    async def retrieve(self, sender_id: str) -> BoundedTracker | None:
        """The conversation as it stands after its last turn, or None when there was none."""
        return await self._in_thread(lambda: self._retrieve(sender_id))

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Write the tracker's new events and its state. Raises TrackerConflict."""
        if not isinstance(tracker, BoundedTracker):
            raise TypeError("only trackers of this store can be saved in it")
        if tracker.new_events:
            await self._in_thread(lambda: self._save(tracker))

    def init_tracker(self, sender_id: str) -> BoundedTracker:
        """A tracker without events."""
        return BoundedTracker(sender_id, self.domain.slots)

    async def keys(self) -> list[str]:
        """The ids of all conversations."""
        return await self._in_thread(self._keys)

    async def events_of_turn(self, sender_id: str, message_id: str) -> list[Event]:
        """What the turn of this message wrote, in order; empty when it has not been processed."""
        return await self._in_thread(lambda: self._events_of_turn(sender_id, message_id))

    async def delete(self, sender_id: str) -> bool:
        """Forget a conversation. Returns whether there was one."""
        return await self._in_thread(lambda: self._delete(sender_id))

    async def close(self) -> None:
        """Wait for what is being written, then let the connections go."""
        await self._in_thread(self._database.dispose)
        self._threads.shutdown()

    async def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _retrieve(self, sender_id: str) -> BoundedTracker | None:
        with self._database.connect() as connection:
            conversation = connection.execute(_CONVERSATION, {"of": sender_id}).one_or_none()
            if conversation is None:
                return None
            rows = connection.execute(_NEWEST, {"of": sender_id, "tail": self._tail}).scalars()
            newest_first = [json.loads(row) for row in rows]
        tail = _last_turns(deserialise_events(newest_first[::-1]))
        tracker = self.init_tracker(sender_id)
        for event in _restoring(json.loads(conversation.state), tail, self.domain) + tail:
            tracker.update(event, self.domain)
        tracker.stored_events = len(tracker.events)
        tracker.last_number = conversation.last_number
        return tracker

    def _save(self, tracker: BoundedTracker) -> None:
        sender_id, new_events = tracker.sender_id, tracker.new_events
        message_id = next((e.message_id for e in new_events if isinstance(e, UserUttered)), None)
        last_number = tracker.last_number + len(new_events)
        row = {"last_number": last_number, "state": json.dumps(_state(tracker)), "updated_at": time.time()}
        with self._database.begin() as connection:
            try:
                if tracker.last_number == 0:
                    written = connection.execute(conversations.insert(), {"sender_id": sender_id, **row}).rowcount
                else:
                    given = {"of": sender_id, "before": tracker.last_number, **row}
                    written = connection.execute(_GOES_ON, given).rowcount
            except sa.exc.IntegrityError as error:
                raise TrackerConflict(sender_id) from error
            if written != 1:
                raise TrackerConflict(sender_id)
            connection.execute(
                events.insert(),
                [
                    {
                        "sender_id": sender_id,
                        "number": number,
                        "message_id": message_id,
                        "event": json.dumps(event.as_dict()),
                    }
                    for number, event in enumerate(new_events, start=tracker.last_number + 1)
                ],
            )
            connection.execute(_PRUNE, {"of": sender_id, "oldest": last_number - self._kept})
        tracker.stored_events = len(tracker.events)
        tracker.last_number = last_number

    def _events_of_turn(self, sender_id: str, message_id: str) -> list[Event]:
        with self._database.connect() as connection:
            rows = connection.execute(_OF_TURN, {"of": sender_id, "message": message_id}).scalars()
            return deserialise_events([json.loads(row) for row in rows])

    def _keys(self) -> list[str]:
        with self._database.connect() as connection:
            return list(connection.execute(sa.select(conversations.c.sender_id)).scalars())

    def _delete(self, sender_id: str) -> bool:
        with self._database.begin() as connection:
            connection.execute(events.delete().where(events.c.sender_id == sender_id))
            gone = connection.execute(conversations.delete().where(conversations.c.sender_id == sender_id))
            return gone.rowcount == 1


def _connect(url: sa.engine.URL) -> sa.engine.Engine:
    """An engine; for SQLite in WAL mode, each commit on the disk before it returns."""
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(url, pool_size=POSTGRESQL_CONNECTIONS, pool_pre_ping=True, future=True)
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    database = sa.create_engine(
        url, poolclass=sa.pool.QueuePool, pool_size=1, connect_args={"check_same_thread": False}, future=True
    )

    @sa.event.listens_for(database, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA busy_timeout=5000")

    return database


def _last_turns(tail: list[Event]) -> list[Event]:
    """The last TURNS of the tail, each from where the bot began to listen; all of it when it never did."""
    starts = [
        i for i, event in enumerate(tail) if isinstance(event, ActionExecuted) and event.action_name == ACTION_LISTEN_NAME
    ]
    return tail[starts[-TURNS:][0] :] if starts else tail


def _state(tracker: DialogueStateTracker) -> dict[str, Any]:
    """What a tail alone could not tell: the slots that were set, and the active form."""
    loop = tracker.active_loop
    return {
        "slots": {name: slot.value for name, slot in tracker.slots.items() if slot.value != slot.initial_value},
        "active_loop": {"name": loop.name, "rejected": loop.rejected} if loop else None,
    }


def _restoring(state: dict[str, Any], tail: list[Event], domain: Domain) -> list[Event]:
    """Events that come before the tail, so that replaying both ends in the stored state.

    A slot or form that changes within the tail ends as the tail says; what does not is as it was.
    """
    known = {slot.name for slot in domain.slots}
    timestamp = tail[0].timestamp if tail else time.time()
    restored: list[Event] = [SlotSet(name, value, timestamp) for name, value in state["slots"].items() if name in known]
    loop = state["active_loop"]
    if loop and not any(isinstance(event, ActiveLoop) for event in tail):
        restored.append(ActiveLoop(loop["name"], timestamp))
        if loop["rejected"]:
            restored.append(ActionExecutionRejected(loop["name"], timestamp=timestamp))
    return restored
