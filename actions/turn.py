"""One turn as the actions see it: who wrote what, with what attached, and how to answer."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.backend_client import Backend
from wording import Sentences

SURE_YES = 0.5
SHORT_ANSWER = 6  # characters; a yes or a no is no longer


@dataclass
class House:
    """What actions are given by the composition root."""

    backend: Backend
    sentences: Sentences

    def names(self, name: str, /, **values: object) -> str:
        """A few words that are put into a sentence: response ``utter_name_<name>`` of domain.yml."""
        return self.sentences.say(f"utter_name_{name}", **values).text


@dataclass
class Turn:
    """The latest message with the means to answer it. ``key`` names this message in idempotency keys."""

    house: House
    tracker: Tracker
    dispatcher: CollectingDispatcher
    _reading: tuple[dict[str, Any], dict[str, Any]] | None = None

    @cached_property
    def metadata(self) -> dict[str, Any]:
        return self.tracker.latest_message.get("metadata") or {}

    @property
    def intent(self) -> str:
        return (self.tracker.latest_message.get("intent") or {}).get("name") or ""

    @property
    def heard_before(self) -> str:
        """The intent of the message before this one, "" when this is the first."""
        heard = [event for event in self.tracker.events if event.get("event") == "user"]
        if len(heard) < 2:
            return ""
        return ((heard[-2].get("parse_data") or {}).get("intent") or {}).get("name") or ""

    @property
    def confidence(self) -> float:
        return (self.tracker.latest_message.get("intent") or {}).get("confidence") or 0.0

    @property
    def ranking(self) -> list[dict[str, Any]]:
        return self.tracker.latest_message.get("intent_ranking") or []

    @property
    def text(self) -> str:
        """What the resident typed (a photo's caption included); empty for a bare button, photo or pin."""
        if self.metadata.get("kind") == "button":
            return ""
        if "text" in self.metadata:
            return self.metadata["text"] or ""
        text = self.tracker.latest_message.get("text") or ""
        return "" if text.startswith("/") else text

    @property
    def media(self) -> list[str]:
        return self.metadata.get("media") or []

    @property
    def location(self) -> dict[str, float] | None:
        return self.metadata.get("location")

    @property
    def edited(self) -> bool:
        """Whether it is an earlier message in other words."""
        return bool(self.metadata.get("edited"))

    @property
    def waiting(self) -> bool:
        """Whether a person was asked for and none has come yet."""
        return bool(self.metadata.get("waiting"))

    @property
    def conversation(self) -> str:
        return self.tracker.sender_id

    @property
    def key(self) -> str:
        return f"{self.conversation}:{self.metadata.get('message_id', '')}"

    def entity(self, name: str) -> Any:
        """The value a button's payload carries under ``name``, or None."""
        for entity in self.tracker.latest_message.get("entities") or []:
            if entity.get("entity") == name:
                return entity.get("value")
        return None

    @property
    def in_form(self) -> bool:
        """Whether a form is open."""
        return bool(self.tracker.active_loop and self.tracker.active_loop.get("name"))

    def say(self, response: str, *, extra_buttons: list[dict[str, str]] | None = None, **values: object) -> None:
        """Answer with a response of domain.yml, its placeholders filled in."""
        said = self.house.sentences.say(response, **values)
        buttons = [*(extra_buttons or []), *said.buttons]
        self.dispatcher.utter_message(text=said.text, buttons=buttons or None)

    async def read(
        self,
        text: str,
        *,
        location: dict[str, float] | None = None,
        parts: dict[str, Any] | None = None,
        pin: dict[str, float] | None = None,
    ) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
        """The place and the matters that the backend reads in the words; the same words are read once. ``location`` is what
        came with them, ``pin`` what came before."""
        body = {"text": text, "location": location, "parts": parts or {}, "pin": pin}
        if self._reading is None or self._reading[0] != body:
            self._reading = body, await self.post("/intake/read", body, once="read")
        found = self._reading[1]
        return found["place"], found["matters"]

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        return await self.house.backend.get(path, conversation=self.conversation, **query)

    async def post(self, path: str, body: dict[str, Any], *, once: str = "") -> dict[str, Any]:
        """Post for this conversation. ``once`` tells several effects of one message apart."""
        return await self.house.backend.post(path, body, key=f"{self.key}:{once}", conversation=self.conversation)


def button(title: str, intent: str, **values: object) -> dict[str, str]:
    """A button whose payload is ``/intent{"name":"value"}``, within Telegram's 64 bytes."""
    inside = ",".join(f'"{name}":"{value}"' for name, value in values.items())
    return {"title": title, "payload": f"/{intent}{{{inside}}}"}


def only_changes(events: list[dict[str, Any]], slots: dict[str, Any]) -> list[dict[str, Any]]:
    """The events without slots that are set to the plain value which they have: the engine would store and replay each of them.

    The first event stays, which tells a form that the message was for it, and so does what is asked next.
    """
    known, kept = dict(slots), []
    for event in events:
        if event.get("event") == "slot":
            name, value = event["name"], event["value"]
            plain = value is None or isinstance(value, str | bool | int)  # a list may have been changed where it is
            if kept and plain and name != "requested_slot" and name in known and known[name] == value:
                continue
            known[name] = value
        kept.append(event)
    return kept


class HouseAction(Action):
    """An action that is given the house. Subclasses set ``action_name`` and define ``act``."""

    action_name = ""

    def __init__(self, house: House) -> None:
        self.house = house

    def name(self) -> str:
        return self.action_name

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        return only_changes(await self.act(Turn(self.house, tracker, dispatcher)), tracker.slots)

    async def act(self, turn: Turn) -> list[dict[str, Any]]:
        raise NotImplementedError
