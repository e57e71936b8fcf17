"""Residents' turns: taken from the backend, answered by the engine, ended with the replies or as failed."""

import logging
import time
from typing import Any

from bot.gateway.backend_client import BackendClient
from bot.gateway.channels.web import Web
from bot.gateway.engine_client import EngineClient, EngineFailed
from bot.gateway.worker import Worker, report

logger = logging.getLogger(__name__)


class Turns:
    """The backend gives out one turn of a conversation at a time, so the order needs no care here.

    ``page`` is told what a turn wrote; for it the backend has nothing to deliver.
    """

    def __init__(self, backend: BackendClient, engine: EngineClient, page: Web, *, slots: int) -> None:
        self._backend, self._engine, self._page = backend, engine, page
        self._worker = Worker("turns", lambda free: backend.claim_turns(limit=free), self.take, slots=slots)

    async def run(self) -> None:
        await self._worker.run()

    async def accept(self, message: dict[str, Any]) -> dict[str, Any]:
        """Commit an inbound message, and begin its turn in the same breath if a slot is free: see BackendClient.accept."""
        accepted = await self._backend.accept(message, take_up=self._worker.free)
        for turn in accepted["turns"]:
            self._worker.take(turn)
        return accepted

    async def take(self, turn: dict[str, Any]) -> None:
        """Answer one claimed turn and report how it ended."""
        began = time.monotonic()
        message_id = turn["message_id"]
        what = f"turn {message_id}"
        if turn.get("watch"):
            await self._watch(turn, what)
            return
        try:
            replies = await self._engine.answer(turn)
        except EngineFailed as failure:
            await self._fail(message_id, failure.code)
        except Exception:
            await self._fail(message_id, "gateway_defect")
            raise
        else:
            if await report(what, lambda: self._finish(message_id, replies)):
                logger.info("%s: %d replies in %.0f ms", what, len(replies), 1000 * (time.monotonic() - began))
            else:
                await self._fail(message_id, "replies_not_stored")

    async def _finish(self, message_id: int, replies: list[dict[str, Any]]) -> None:
        told = await self._backend.finish_turn(message_id, replies, at_once=[self._page.name])
        if told["channel"] == self._page.name:
            self._page.tell(told["address"], told["messages"])

    async def _watch(self, turn: dict[str, Any], what: str) -> None:
        """A person answers this one; only whether it tells of danger is asked, and reported."""
        message_id = turn["message_id"]
        try:
            danger = await self._engine.tells_of_danger(turn["text"])
        except EngineFailed as failure:
            await self._fail(message_id, failure.code)
        else:
            await report(what, lambda: self._backend.finish_watch(message_id, danger=danger))

    async def _fail(self, message_id: int, code: str) -> None:
        logger.warning("turn %s failed: %s", message_id, code)
        await report(f"turn {message_id}", lambda: self._backend.fail_turn(message_id, code))
