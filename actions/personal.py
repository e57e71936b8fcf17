"""导出我的数据 and 删除我的数据: deleting asks once more, then a job of the backend does it."""

from typing import Any

from actions.turn import HouseAction, Turn

NOTHING = "keep"
WISHES = {"export": "utter_data_export_begun", "erase": "utter_data_erase_begun"}


class DeleteMyData(HouseAction):
    """What goes and what stays is said before anything is deleted."""

    action_name = "action_delete_my_data"

    async def act(self, turn: Turn) -> list[dict[str, Any]]:
        turn.say("utter_data_erase_ask")
        return []


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
        return []
