"""Not sure what was meant: the two or three likeliest as buttons; a second miss in a row offers a person."""

from typing import Any

from rasa_sdk.events import SlotSet

from actions.turn import HouseAction, Turn

OFFERED = {
    "report_issue",
    "ask_legal",
    "apply_subsidy",
    "vote",
    "give_opinion",
    "ask_status",
    "request_human",
    "ask_guide",
    "emergency",
}
CHOICES = 3


class Unsure(HouseAction):
    action_name = "action_unsure"

    async def act(self, turn: Turn) -> list[dict[str, Any]]:
        likely = [r["name"] for r in turn.ranking if r["name"] in OFFERED][:CHOICES]
        if missed_before(turn) or not likely:
            turn.say("utter_unsure_again")
        else:
            names = turn.house.names
            buttons = [{"title": names(intent), "payload": f"/{intent}"} for intent in likely]
            turn.say("utter_unsure", extra_buttons=[*buttons, {"title": names("other"), "payload": "/not_these"}])
        return [SlotSet("unsure_text", turn.text)]


def missed_before(turn: Turn) -> bool:
    """Whether the message before this one was not understood either."""
    heard = [event for event in turn.tracker.events if event.get("event") == "user"]
    if len(heard) < 2:
        return False
    intent = (heard[-2].get("parse_data") or {}).get("intent") or {}
    return intent.get("name") in ("nlu_fallback", "not_these")
