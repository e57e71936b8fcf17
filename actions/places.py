"""A message that is a place and nothing else."""

from typing import Any

from rasa_sdk.events import FollowupAction

from actions.guide import answer_with_place
from actions.turn import Turn


async def only_a_place(turn: Turn) -> bool:
    """Whether the message names a place and nothing that is the matter there."""
    place, matters = await turn.read(turn.text)
    return bool(place) and not matters


async def place_alone(turn: Turn) -> list[dict[str, Any]]:
    """Where somebody lives whose grid member was asked for; else a report begins there."""
    if turn.tracker.get_slot("guide_question"):
        return await answer_with_place(turn)
    return [FollowupAction("report_form")]
