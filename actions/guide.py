"""Questions about how things are done: office hours, who the grid member is, papers, how long it takes."""

from typing import Any

from rasa_sdk.events import FollowupAction, SlotSet

from actions import disclosure
from actions.correction import HearsCorrections
from actions.handoff import ask_for_person
from actions.spoken import without_questions
from actions.turn import Turn


class Guide(HearsCorrections):
    """Answer from the city's own guide; what it does not know is not made up.

    A question that needs to know where somebody lives is kept in ``guide_question`` until they have said so.
    """

    action_name = "action_guide"

    async def act(self, turn: Turn) -> list[dict[str, Any]]:
        if await disclosure.is_about(turn):
            return []
        answered = await answer(turn, turn.text)
        return [*answered, *await report_beside(turn)]


async def report_beside(turn: Turn) -> list[dict[str, Any]]:
    """A report that stands beside the question in the same message begins when the question is answered."""
    told = without_questions(turn.text)
    if not told or turn.in_form:
        return []
    place, matters = await turn.read(told)
    if not (place and matters and matters[0]["item"]["status"] == "sure" and matters[0]["item"].get("named")):
        return []
    return [SlotSet("draft", {"begun": told}), FollowupAction("report_form")]


async def answer_with_place(turn: Turn) -> list[dict[str, Any]]:
    """The message says where somebody lives, and so answers the question that waits for it."""
    return await answer(turn, f"{turn.tracker.get_slot('guide_question')}，{turn.text}")


async def knows(turn: Turn, text: str) -> bool:
    """Whether the city's guide has an answer to the words."""
    found = await turn.post("/intake/guide", {"text": text}, once="guide known")
    return bool(found["kind"] == "answer")


async def answer(turn: Turn, text: str) -> list[dict[str, Any]]:
    """Say what the city's guide has to say, by the report that is under way if there is one."""
    draft = turn.tracker.get_slot("draft") or {}
    body = {"text": text, "parts": draft.get("parts") or {}, "item_code": (draft.get("item") or {}).get("code")}
    found = await turn.post("/intake/guide", body, once="guide")
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
            person = names("request_human")
            buttons = [{"title": person, "payload": "/request_human"}] if person in found["answer"] else None
            turn.dispatcher.utter_message(text=found["answer"], buttons=buttons)
        case _:
            turn.say("utter_guide_unknown")
    return [SlotSet("guide_question", text if found["kind"] == "which_community" else None)]
