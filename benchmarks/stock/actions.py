"""An action server that does nothing but move the dialogue on: every action says the same, and a form takes what it hears.

Runs in the engine's environment: ``python -m rasa_sdk --actions benchmarks.stock.actions``.
"""

from pathlib import Path
from typing import Any

import yaml
from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActiveLoop, SlotSet
from rasa_sdk.executor import CollectingDispatcher

DOMAIN = yaml.safe_load((Path(__file__).parents[2] / "domain.yml").read_text(encoding="utf-8"))
ASIDE = {"ask_guide", "ask_status", "cancel"}  # answered by a rule, in a form or not
ASKED_FOR = {"place", "confirmation"}  # the form's other slots are filled at once

Events = list[dict[str, Any]]


class Says(Action):
    action_name = "says"

    def name(self) -> str:
        return self.action_name

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        dispatcher.utter_message(text="好的。")
        return []


class Validates(Says):
    """Fills the slot that was asked, and at the beginning those that are not asked."""

    action_name = "validates"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        slots = DOMAIN["forms"][self.action_name.removeprefix("validate_")]["required_slots"]
        text, asked = tracker.latest_message["text"], tracker.get_slot("requested_slot")
        if asked is None:
            return [SlotSet(slot, text) for slot in slots if slot not in ASKED_FOR]
        return [] if tracker.get_intent_of_latest_message() in ASIDE else [SlotSet(asked, text)]


class Leaves(Says):
    action_name = "leaves"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        slots = [slot for form in DOMAIN["forms"].values() for slot in form["required_slots"]]
        super().run(dispatcher, tracker, domain)
        return [ActiveLoop(None), *(SlotSet(slot) for slot in ["requested_slot", *slots])]


def kind(name: str) -> type[Says]:
    if name.startswith("validate_"):
        return Validates
    return Leaves if name.startswith(("action_leave_", "action_submit_")) else Says


# rasa_sdk registers every class that it finds, for as long as there is one.
ACTIONS = [type(name, (kind(name),), {"action_name": name}) for name in DOMAIN["actions"]]
