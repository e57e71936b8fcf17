"""Applying for legal aid, in three presses: who applies, the declaration, and which papers are there.

Each button carries what was chosen before it, so nothing is kept in between.
"""

from typing import Any

from actions.backend_client import Refused
from actions.numbers import number_in
from actions.turn import HouseAction, Turn, button

Events = list[dict[str, Any]]
# Who applies, and what people type for it beside the button's own words.
GROUPS = {
    "wages": "农民工 农民工讨薪 讨薪 讨工资 拖欠工资 工伤",
    "minor": "未成年 孩子 小孩",
    "old": "老人 我是老人",
    "disab": "残疾 残障 有残疾",
    "none": "都不是 家里困难 家里穷",
}
MISSING: dict[str, list[str]] = {"no": [], "id": ["id"], "case": ["case"], "both": ["id", "case"]}


class LegalAid(HouseAction):
    """Ask who applies; without a number it is about the latest open consult."""

    action_name = "action_legal_aid"

    async def act(self, turn: Turn) -> Events:
        number = number_in(turn)
        if number is None:
            still_open = [c for c in (await turn.get("/consults"))["consults"] if c["state"] != "ended"]
            if not still_open:
                turn.say("utter_aid_consult_first")
                return []
            number = still_open[0]["number"]
        names = turn.house.names
        choices = [
            button(names(f"aid_{group}"), "aid_group", number=number, group=group) | {"says": says}
            for group, says in GROUPS.items()
        ]
        turn.say("utter_ask_aid_group", number=number, extra_buttons=choices)
        return []


class AidGroup(HouseAction):
    """Show the declaration; accepting it says at once which papers are there."""

    action_name = "action_aid_group"

    async def act(self, turn: Turn) -> Events:
        number, group = number_in(turn) or "", turn.entity("group")
        if group not in GROUPS:
            turn.say("utter_aid_consult_first")
            return []
        text = (await turn.get(f"/legal-aid/declaration/{group}"))["declaration"]
        names = turn.house.names
        choices = [button(names(f"aid_gaps_{gaps}"), "aid_apply", number=number, group=group, gaps=gaps) for gaps in MISSING]
        turn.say("utter_ask_aid_declaration", declaration=text, extra_buttons=choices)
        return []


class AidApply(HouseAction):
    action_name = "action_aid_apply"

    async def act(self, turn: Turn) -> Events:
        number, group = number_in(turn) or "", turn.entity("group")
        body = {"group": group, "missing": MISSING.get(turn.entity("gaps") or "", []), "declared": True}
        try:
            aid = await turn.post(f"/consults/{number}/legal-aid", body, once=f"aid {number}")
        except Refused as refused:
            turn.say("utter_not_possible", reason=refused.sentence)
            return []
        if aid["already"]:
            turn.say("utter_aid_already", number=number, state=aid["state_name"])
        elif aid["missing"]:
            turn.say("utter_aid_with_gaps", number=number, papers=aid["missing"], cure_by=aid["cure_by"], due=aid["due"])
        else:
            turn.say("utter_aid_applied", number=number, due=aid["due"])
        return []
