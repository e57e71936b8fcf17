"""Custom actions of the small assistant, run by the real rasa_sdk."""

import os
import re
import time
from pathlib import Path

from rasa_sdk import Action, FormValidationAction
from rasa_sdk.events import FollowupAction, SlotSet

STATE = Path(os.environ["ASSISTANT_STATE"])


def note(name, tracker):
    """Write down that an action was called, and for which message."""
    with (STATE / "calls").open("a") as calls:
        calls.write(f"{name} {tracker.latest_message.get('message_id')}\n")


class Remember(Action):
    def name(self):
        return "action_remember"

    def run(self, dispatcher, tracker, domain):
        note(self.name(), tracker)
        return [SlotSet("nickname", tracker.latest_message["metadata"].get("nickname", "邻居"))]


class Recall(Action):
    def name(self):
        return "action_recall"

    def run(self, dispatcher, tracker, domain):
        note(self.name(), tracker)
        dispatcher.utter_message(text=f"{tracker.get_slot('nickname')} {tracker.latest_message['metadata'].get('location')}")
        return []


class ValidateReportForm(FormValidationAction):
    def name(self):
        return "validate_report_form"

    async def extract_matter(self, dispatcher, tracker, domain):
        note("extract", tracker)
        if tracker.get_intent_of_latest_message() == "report_issue":
            return {"matter": tracker.latest_message["text"]}
        return {}

    async def extract_place(self, dispatcher, tracker, domain):
        found = re.search(r"\d+号楼", tracker.latest_message["text"] or "")
        return {"place": found[0]} if found else {}

    async def extract_confirmed(self, dispatcher, tracker, domain):
        answers = {"affirm": True, "deny": False}
        intent = tracker.get_intent_of_latest_message()
        if tracker.get_slot("requested_slot") == "confirmed" and intent in answers:
            return {"confirmed": answers[intent]}
        return {}

    def validate_confirmed(self, value, dispatcher, tracker, domain):
        return {"confirmed": True} if value else {"confirmed": None, "place": None}


class Submit(Action):
    def name(self):
        return "action_submit_report"

    def run(self, dispatcher, tracker, domain):
        note(self.name(), tracker)
        dispatcher.utter_message(response="utter_filed")
        return [SlotSet("matter", None), SlotSet("place", None), SlotSet("confirmed", None)]


class Break(Action):
    """Fails in the way that the file `break` names, until it is gone."""

    def name(self):
        return "action_break"

    def run(self, dispatcher, tracker, domain):
        note(self.name(), tracker)
        way = STATE / "break"
        if way.exists():
            if way.read_text() == "sleep":
                time.sleep(6)
            raise RuntimeError("broken on purpose")
        dispatcher.utter_message(text="好了")
        return []


class Circle(Action):
    def name(self):
        return "action_circle"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(response="utter_round")
        return [FollowupAction("action_circle")]
