"""A resident wants a person: the conversation goes to the community's desk."""

from typing import Any

from actions.turn import HouseAction, Turn


async def ask_for_person(turn: Turn) -> dict[str, Any]:
    """Put the conversation on the desk of the community that is known from the report, if any; returns who waits."""
    place = (turn.tracker.get_slot("draft") or {}).get("place") or {}
    body = {"reason": turn.intent, "community": place.get("community_code")}
    return await turn.house.backend.post(f"/conversations/{turn.conversation}/handoff", body)


async def hand_off(turn: Turn) -> None:
    """Ask for a person and tell the resident where they wait and for how long."""
    waiting = await ask_for_person(turn)
    names = turn.house.names
    desk = names("community_service_desk", community=waiting["community"]) if waiting["community"] else names("shared_desk")
    queue = names("queue", ahead=waiting["ahead"]) if waiting["ahead"] else names("queue_next")
    if waiting["already"]:
        turn.say("utter_handoff_already", queue=queue)
    elif waiting["open"]:
        turn.say("utter_handoff_open", desk=desk, queue=queue)
    else:
        turn.say("utter_handoff_closed", desk=desk, opens=waiting["opens"])


class Handoff(HouseAction):
    action_name = "action_handoff"

    async def act(self, turn: Turn) -> list[dict[str, Any]]:
        await hand_off(turn)
        return []
