"""Deliveries: taken from the backend's outbox, sent through the channel, ended with what became of them."""

import logging
from collections.abc import Mapping
from typing import Any

from bot.gateway.backend_client import BackendClient
from bot.gateway.channels.base import Blocked, Channel, Rejected, RetryAfter, SendFailed
from bot.gateway.worker import Worker, report, without_words

logger = logging.getLogger(__name__)


class Deliveries:
    """The backend gives out the oldest open delivery of a conversation only, so the order needs no care here."""

    def __init__(self, backend: BackendClient, channels: Mapping[str, Channel], *, slots: int) -> None:
        self._backend, self._channels = backend, channels
        names = list(channels)
        self._worker = Worker(
            "deliveries", lambda free: backend.claim_deliveries(channels=names, limit=free), self.deliver, slots=slots
        )

    async def run(self) -> None:
        await self._worker.run()

    async def deliver(self, delivery: dict[str, Any]) -> None:
        """Send one claimed delivery and report its outcome."""
        delivery_id = delivery["delivery_id"]
        outcome = await self._send(delivery)
        if outcome["outcome"] != "delivered":
            logger.warning("delivery %s: %s: %s", delivery_id, outcome["outcome"], outcome["reason"])
        await report(f"delivery {delivery_id}", lambda: self._backend.record_delivery(delivery_id, outcome))

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
            logger.error("delivery %s: a defect", delivery["delivery_id"], exc_info=without_words(defect))
            return {"outcome": "retry", "reason": type(defect).__name__}
        return {"outcome": "delivered", "external_id": external_id}


def plain(message: dict[str, Any]) -> dict[str, Any]:
    """The message with of each button only what a channel needs: {title, payload}."""
    buttons = [{"title": button["title"], "payload": button["payload"]} for button in message["buttons"]]
    return message | {"buttons": buttons}
