"""A resident wants a person: the conversation goes to the community's desk."""

from typing import Any

from actions.turn import HouseAction, Turn


async def ask_for_person(turn: Turn, *, reason: str = "") -> dict[str, Any]:
    """Put the conversation on the desk of the grid or community that is known from the report, if any; returns who waits."""
    place = (turn.tracker.get_slot("draft") or {}).get("place") or {}
    body = {
        "reason": reason or turn.intent,
        "community": place.get("community_code"),
        "grid": place.get("area_code") if place.get("status") == "grid" else None,
        "in_form": bool((turn.tracker.active_loop or {}).get("name")),
    }
    return await turn.house.backend.post(f"/conversations/{turn.conversation}/handoff", body)


async def hand_off(turn: Turn, *, reason: str = "") -> None:
    """Ask for a person and tell the resident where they wait, behind how many, and for how long as a rule."""
    waiting = await ask_for_person(turn, reason=reason)
    names = turn.house.names
    desk = names("community_service_desk", community=waiting["community"]) if waiting["community"] else names("shared_desk")
    queue = names("queue", ahead=waiting["ahead"]) if waiting["ahead"] else names("queue_next")
    if waiting["minutes"]:
        queue += names("usual_wait", minutes=waiting["minutes"])
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
