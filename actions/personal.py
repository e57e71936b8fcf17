"""导出我的数据 and 删除我的数据: deleting asks once more, then a job of the backend does it."""

from typing import Any

from rasa_sdk.events import AllSlotsReset

from actions.forms import ENDED
from actions.turn import HouseAction, Turn

ERASE = "erase"
NOTHING = "keep"
WISHES = {"export": "utter_data_export_begun", ERASE: "utter_data_erase_begun"}


class DeleteMyData(HouseAction):
    """What goes and what stays is said before anything is deleted; a form that was under way is over."""

    action_name = "action_delete_my_data"

    async def act(self, turn: Turn) -> list[dict[str, Any]]:
        turn.say("utter_data_erase_ask")
        return _nothing_under_way(turn)


class DataRequest(HouseAction):
    action_name = "action_data_request"

    async def act(self, turn: Turn) -> list[dict[str, Any]]:
        wish = turn.entity("data_request")
        if wish == NOTHING:
            turn.say("utter_nothing_open")
            return []
        if wish not in WISHES:
            turn.say("utter_data_erase_ask")
            return []
        await turn.post("/personal", {"wish": wish}, once="personal")
        turn.say(WISHES[wish])
        return _nothing_under_way(turn) if wish == ERASE else []


def _nothing_under_way(turn: Turn) -> list[dict[str, Any]]:
    return [AllSlotsReset(), *ENDED] if turn.in_form else []
