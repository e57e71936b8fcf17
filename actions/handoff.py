"""A resident wants a person: the conversation goes to the community's desk."""

from typing import Any

from rasa_sdk.events import FollowupAction

from actions.mediation_card import wants_mediation
from actions.turn import HouseAction, Turn


async def ask_for_person(turn: Turn, *, reason: str = "") -> dict[str, Any]:
    """Put the conversation on the desk of the grid or community that is known from the report, if any; returns who waits."""
    place = (turn.tracker.get_slot("draft") or {}).get("place") or {}
    body = {
        "reason": reason or turn.intent,
        "community": place.get("community_code"),
        "grid": place.get("area_code") if place.get("status") == "grid" else None,
        "in_form": turn.in_form,
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
    if waiting["already"] and waiting["open"]:
        turn.say("utter_handoff_already", queue=queue)
    elif waiting["already"]:
        turn.say("utter_handoff_already_closed", desk=desk, opens=waiting["opens"], queue=queue)
    elif waiting["open"]:
        turn.say("utter_handoff_open", desk=desk, queue=queue)
    else:
        turn.say("utter_handoff_closed", desk=desk, opens=waiting["opens"])


class PlaceInQueue(HouseAction):
    """有人吗 while a person is waited for: the place in the queue, said as it was when it was asked."""

    action_name = "action_place_in_queue"

    async def act(self, turn: Turn) -> list[dict[str, Any]]:
        if turn.waiting:
            await hand_off(turn)
        else:
            turn.say("utter_greet")
        return []


class LeaveQueue(HouseAction):
    """A person is no longer wanted: the request is taken back, and said to be."""

    action_name = "action_leave_queue"

    async def act(self, turn: Turn) -> list[dict[str, Any]]:
        await leave_queue(turn)
        return []


async def leave_queue(turn: Turn) -> None:
    done = await turn.house.backend.post(f"/conversations/{turn.conversation}/handoff/withdraw", {})
    turn.say("utter_queue_left" if done["withdrawn"] else "utter_queue_not_left")


class Handoff(HouseAction):
    action_name = "action_handoff"

    async def act(self, turn: Turn) -> list[dict[str, Any]]:
        if wants_mediation(turn):
            return [FollowupAction("mediation_form")]
        await hand_off(turn)
        return []
