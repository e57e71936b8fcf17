"""The action server as the engine sees it: asked with a time limit, and its failures are raised."""

from __future__ import annotations

from json import dumps
from typing import Any

import aiohttp
import rasa
from rasa.core.actions.action import RemoteAction
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import ClientResponseError, EndpointConfig

# What rasa_sdk answers when it has not seen the domain of this digest yet.
DOMAIN_NEEDED = 449


class ActionFailed(Exception):
    """A custom action gave no usable answer. Not an error of Rasa's: those it would swallow."""


class ActionServer(EndpointConfig):
    """The action server, called over one kept connection pool.

    The domain is sent when the action server asks for it, and not again while it knows its digest.
    """

    def __init__(self, url: str, timeout: float, domain: Domain, digest: str) -> None:
        # With a selective domain, Rasa leaves the domain out of what it sends.
        super().__init__(url=url, selective_domain=True)
        self._client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout))
        self._domain = domain.as_dict()
        self._digest = digest

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def request(self, *, json: dict[str, Any], **_rasa_options: Any) -> Any:
        """The action's answer. Raises ClientResponseError for a rejection (status 400), which is part
        of how forms work, and ActionFailed for everything else that goes wrong."""
        action = json["next_action"]
        call = {**json, "domain_digest": self._digest}
        try:
            status, body = await self._post(call)
            if status == DOMAIN_NEEDED:
                status, body = await self._post({**call, "domain": self._domain})
        except TimeoutError as error:
            raise ActionFailed(f"{action}: no answer in time") from error
        except (aiohttp.ClientError, ValueError) as error:
            raise ActionFailed(f"{action}: {type(error).__name__}") from error
        if status == 400 and isinstance(body, dict) and "action_name" in body:
            raise ClientResponseError(status, "rejected", dumps(body))
        if status != 200:
            raise ActionFailed(f"{action}: status {status}")
        if not (isinstance(body, dict) and _is_list(body, "events") and _is_list(body, "responses")):
            raise ActionFailed(f"{action}: an answer without events and responses")
        return body

    async def _post(self, call: dict[str, Any]) -> tuple[int, Any]:
        async with self._client.post(self.url, json=call) as response:
            return response.status, await response.json()


def _is_list(body: dict[str, Any], name: str) -> bool:
    return isinstance(body.get(name), list) and all(isinstance(each, dict) for each in body[name])


def _checked_already(_action: RemoteAction, _answer: dict[str, Any]) -> bool:
    return True


def _call(action: RemoteAction, tracker: DialogueStateTracker, _domain: Domain) -> dict[str, Any]:
    """What an action is told: the slots, the form, the latest message, and of what came before only the intents."""
    heard = [event for event in tracker.events if isinstance(event, UserUttered)]
    before = [{"event": "user", "parse_data": {"intent": event.intent}} for event in heard]
    state = tracker.current_state() | {"events": before}
    return {"next_action": action.name(), "sender_id": tracker.sender_id, "tracker": state, "version": rasa.__version__}


# There is no seam for these: forms make their RemoteActions themselves. Rasa proves its own JSON schema right before each
# use of it, which takes 25 ms a call, five sixths of a turn; ActionServer.request checks the outer form, and making events
# of the rest raises when it is wrong. And Rasa sends every event of the tail with all that was understood of it, which took
# a quarter of the engine's time.
RemoteAction._validate_action_result = _checked_already
RemoteAction._action_call_format = _call
