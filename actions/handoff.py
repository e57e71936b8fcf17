"""A resident wants a person: the conversation goes to the community's desk."""

from typing import Any

from actions.turn import HouseAction, Turn


class Handoff(HouseAction):
    action_name = "action_handoff"

    async def act(self, turn: Turn) -> list[dict[str, Any]]:
        place = (turn.tracker.get_slot("draft") or {}).get("place") or {}
        body = {"reason": turn.intent, "community": place.get("community_code")}
        waiting = await turn.house.backend.post(f"/conversations/{turn.conversation}/handoff", body)
        names = turn.house.names
        desk = (
            names("community_service_desk", community=waiting["community"])
            if waiting["community"]
            else names("shared_desk")
        )
        if turn.intent == "delete_my_data":
            turn.say("utter_data_request")
        elif waiting["already"]:
            turn.say("utter_handoff_already", ahead=waiting["ahead"])
        elif waiting["open"]:
            turn.say("utter_handoff_open", desk=desk, ahead=waiting["ahead"])
        else:
            turn.say("utter_handoff_closed", desk=desk, opens=waiting["opens"])
        return []
