"""Not sure what was meant: the two or three likeliest as buttons; a second miss in a row offers a person."""

import re
from typing import Any

from rasa_sdk.events import FollowupAction, SlotSet

from actions import disclosure
from actions.correction import HearsCorrections
from actions.guide import answer, knows, report_beside
from actions.handoff import PlaceInQueue
from actions.numbers import number_in
from actions.opinions import OPINION
from actions.places import place_alone
from actions.spoken import TEMPER
from actions.status import Status
from actions.turn import Turn

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
LEGAL = "x_legal"
LOOKS_FOR_PERSON = re.compile(r"有人|人呢|人在|没人|还没来|不来|怎么还|[几多]久|半天|轮到|排到|第几")
GRID_MEMBER = re.compile(r"网格[员长]")


async def clear_case(turn: Turn) -> list[dict[str, Any]] | None:
    """What the words themselves settle where the intent does not. A number asks how that event is; a place alone answers
    what was asked before, or begins a report; so does a matter with its place (it is confirmed before it is filed); a
    matter that is off the admission list is refused with the right channel."""
    if number_in(turn) or OPINION.search(turn.text):
        return await Status(turn.house).act(turn)
    if await disclosure.is_about(turn):
        return []
    if turn.waiting and LOOKS_FOR_PERSON.search(turn.text):
        return await PlaceInQueue(turn.house).act(turn)
    likely = [r["name"] for r in turn.ranking[:CHOICES]]
    if GRID_MEMBER.search(turn.text) and "ask_guide" in likely:
        return [*await answer(turn, turn.text), *await report_beside(turn)]
    settled = await by_matter(turn, likely)
    if settled is None and likely[:1] == ["ask_guide"] and await knows(turn, turn.text):
        return await answer(turn, turn.text)  # most likely a question, and the guide has the answer
    return settled


async def by_matter(turn: Turn, likely: list[str]) -> list[dict[str, Any]] | None:
    """What the place and the matter in the words settle."""
    place, matters = await turn.read(turn.text)
    if not matters:
        return await place_alone(turn) if place else None
    item = matters[0]["item"]
    if await refused(turn, item):
        return []
    named = bool(item.get("named")) and ("report_issue" in likely or TEMPER.search(turn.text))
    if item["status"] == "sure" and (named or (place and "report_issue" in likely[:2])):
        return [FollowupAction("report_form")]
    return None


class Unsure(HearsCorrections):
    action_name = "action_unsure"

    async def act(self, turn: Turn) -> list[dict[str, Any]]:
        in_form = turn.in_form
        if not in_form and (settled := await clear_case(turn)) is not None:
            return settled
        likely = [r["name"] for r in turn.ranking if r["name"] in OFFERED][:CHOICES]
        if missed_before(turn) or not likely:
            turn.say("utter_unsure_again")
        else:
            names = turn.house.names
            buttons = [{"title": names(intent), "payload": f"/{intent}"} for intent in likely]
            turn.say("utter_unsure", extra_buttons=[*buttons, {"title": names("other"), "payload": "/not_these"}])
        return [SlotSet("unsure_text", turn.text)]


class OutOfScope(HearsCorrections):
    """Not ours: refused with the right channel where the list names one, else a short courteous answer."""

    action_name = "action_out_of_scope"

    async def act(self, turn: Turn) -> list[dict[str, Any]]:
        if number_in(turn):
            return await Status(turn.house).act(turn)
        _, matters = await turn.read(turn.text)
        item = matters[0]["item"] if matters else {"status": "unknown"}
        if not await refused(turn, item):
            turn.say("utter_out_of_scope")
        return []


async def refused(turn: Turn, item: dict[str, Any]) -> bool:
    """Refuse, with the right channel named, a matter that is off the list and that the words themselves name: the
    classifier has an item for every text, also for one that is about nothing."""
    if item["status"] != "off_list" or not item["named"]:
        return False
    await turn.post("/refusals", {"item_code": item["code"]}, once=item["code"])
    lawyer = [{"title": turn.house.names("ask_legal"), "payload": "/ask_legal"}] if item["code"] == LEGAL else []
    turn.say("utter_refused", extra_buttons=lawyer, item=item["name"], channel=item["channel"])
    return True


def missed_before(turn: Turn) -> bool:
    """Whether the message before this one was not understood either."""
    return turn.heard_before in ("nlu_fallback", "not_these")
