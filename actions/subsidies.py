"""Subsidies: every message goes to the backend, which knows where the talk stands; what it answers is said here."""

from typing import Any

from rasa_sdk.events import ActiveLoop, SlotSet

from actions.backend_client import Refused
from actions.turn import HouseAction, Turn

Events = list[dict[str, Any]]
OVER = "over"
SLOT = "subsidy"


class ValidateSubsidyForm(HouseAction):
    """No events: the message was meant for somebody else, and the form asks on after that one has answered."""

    action_name = "validate_subsidy_form"

    async def act(self, turn: Turn) -> Events:
        body = {
            "text": turn.text,
            "intent": turn.intent,
            "choice": turn.entity("subsidy_choice") or "",
            "media": turn.media,
            "message_id": turn.metadata.get("message_id"),
            "starting": turn.tracker.get_slot("requested_slot") != SLOT,
        }
        try:
            heard = await turn.post("/subsidies/talk", body, once="subsidies")
        except Refused as refused:
            turn.say("utter_not_possible", reason=refused.sentence)
            return [SlotSet(SLOT, OVER)]
        if not heard["taken"]:
            return []
        for reply in heard["replies"]:
            turn.dispatcher.utter_message(text=reply["text"], buttons=reply["buttons"] or None)
        return [SlotSet(SLOT, OVER if heard["over"] else None)]


class AskSubsidy(HouseAction):
    action_name = "action_ask_subsidy_form_subsidy"

    async def act(self, turn: Turn) -> Events:
        question = await turn.get("/subsidies/question")
        turn.dispatcher.utter_message(text=question["text"], buttons=question["buttons"] or None)
        return []


class SubmitSubsidy(HouseAction):
    """The talk is over; what there was to say has been said."""

    action_name = "action_submit_subsidy"

    async def act(self, turn: Turn) -> Events:
        return [SlotSet(SLOT, None), ActiveLoop(None)]


class LeaveSubsidy(HouseAction):
    """Where it stands is in the record: anyone may go on weeks later."""

    action_name = "action_leave_subsidy"

    async def act(self, turn: Turn) -> Events:
        turn.say("utter_subsidy_left")
        return [SlotSet(SLOT, None), ActiveLoop(None), SlotSet("requested_slot", None)]
