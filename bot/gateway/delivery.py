"""Deliveries: taken from the backend's outbox, sent through the channel, ended with what became of them."""

import logging
from collections.abc import Mapping
from typing import Any

from bot.gateway.backend_client import BackendClient
from bot.gateway.channels.base import Blocked, Channel, Rejected, RetryAfter, SendFailed
from bot.gateway.worker import Worker, report, without_words

logger = logging.getLogger(__name__)


class Deliveries:
    """The backend gives out the oldest open delivery of a conversation only, so the order needs no care here.

    With ``staff`` it is what goes to staff in a messenger, from a queue of its own.
    """

    def __init__(self, backend: BackendClient, channels: Mapping[str, Channel], *, slots: int, staff: bool = False) -> None:
        self._channels = channels
        self._what = "staff push" if staff else "delivery"
        self._record = backend.record_staff_push if staff else backend.record_delivery
        claim = backend.claim_staff_pushes if staff else backend.claim_deliveries
        names = list(channels)
        self._worker = Worker("deliveries", lambda free: claim(channels=names, limit=free), self.deliver, slots=slots)

    async def run(self) -> None:
        await self._worker.run()

    async def deliver(self, delivery: dict[str, Any]) -> None:
        """Send one claimed delivery and report its outcome."""
        delivery_id = delivery["delivery_id"]
        outcome = await self._send(delivery)
        if outcome["outcome"] != "delivered":
            logger.warning("%s %s: %s: %s", self._what, delivery_id, outcome["outcome"], outcome["reason"])
        await report(f"{self._what} {delivery_id}", lambda: self._record(delivery_id, outcome))

    async def _send(self, delivery: dict[str, Any]) -> dict[str, Any]:
        message = plain(delivery["message"])
        try:
            external_id = await self._channels[delivery["channel"]].send(delivery["address"], message)
        except RetryAfter as wait:
            return {"outcome": "retry", "retry_after": wait.seconds, "reason": str(wait)}
        except Blocked as blocked:
            return {"outcome": "blocked", "reason": str(blocked)}
        except Rejected as rejected:
            return {"outcome": "failed", "reason": str(rejected)}
        except SendFailed as failure:
            return {"outcome": "retry", "reason": str(failure)}
        except Exception as defect:
            logger.error("%s %s: a defect", self._what, delivery["delivery_id"], exc_info=without_words(defect))
            return {"outcome": "retry", "reason": type(defect).__name__}
        return {"outcome": "delivered", "external_id": external_id}


def plain(message: dict[str, Any]) -> dict[str, Any]:
    """The message with of each button only what a channel needs: {title, payload}."""
    buttons = [{"title": button["title"], "payload": button["payload"]} for button in message["buttons"]]
    return message | {"buttons": buttons}
