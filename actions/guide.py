"""Questions about how things are done: office hours, who the grid member is, papers, how long it takes."""

from typing import Any

from actions.handoff import ask_for_person
from actions.turn import HouseAction, Turn


class Guide(HouseAction):
    """Answer from the city's own guide; what it does not know is not made up."""

    action_name = "action_guide"

    async def act(self, turn: Turn) -> list[dict[str, Any]]:
        draft = turn.tracker.get_slot("draft") or {}
        found = await turn.post(
            "/intake/guide",
            {
                "text": turn.text,
                "parts": draft.get("parts") or {},
                "item_code": (draft.get("item") or {}).get("code"),
            },
            once="guide",
        )
        names = turn.house.names
        match found["kind"]:
            case "office":
                today = names("open_now") if found["open"] else names("opens", opens=found["next"])
                turn.say("utter_guide_office", opens=found["opens"], closes=found["closes"], today=today)
            case "grid_member":
                turn.say("utter_guide_grid_member", grid=found["grid"], name=found["name"], phone=found["phone"])
            case "which_community":
                turn.say("utter_guide_which_community")
            case "duration":
                turn.say("utter_guide_duration", item=found["item"], hours=found["hours"], due=found["due"])
            case "erasure":
                await ask_for_person(turn)
                turn.say("utter_data_request")
            case "answer":
                turn.dispatcher.utter_message(text=found["answer"])
            case _:
                turn.say("utter_guide_unknown")
        return []
