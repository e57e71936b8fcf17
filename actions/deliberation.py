"""议事: what is being talked over around here, speaking up, and what the neighbours said, one statement at a time."""

from typing import Any

from rasa_sdk.events import ActiveLoop, SlotSet

from actions.aside import ASIDE, SHORT_QUESTIONS
from actions.backend_client import Refused
from actions.turn import HouseAction, Turn, button

Events = list[dict[str, Any]]
LONGEST = 300
QUESTION = 15  # characters; a longer question in the middle of speaking is what the resident wants to say
SLOTS = ("speech", "speech_from", "speech_number")
CLEARED = [*(SlotSet(name, None) for name in SLOTS), ActiveLoop(None), SlotSet("requested_slot", None)]


def show(turn: Turn, said: dict[str, Any]) -> None:
    turn.dispatcher.utter_message(text=said["text"], buttons=said["buttons"] or None)


class Deliberations(HouseAction):
    """What is being talked over where the resident is asked; else the last result."""

    action_name = "action_deliberations"

    async def act(self, turn: Turn) -> Events:
        found = await turn.get("/deliberations")
        waiting = found["open"]
        if len(waiting) > 1:
            buttons = [button(one["title"], "show_deliberation", number=one["number"]) for one in waiting]
            turn.say("utter_deliberations_which", count=len(waiting), extra_buttons=buttons)
            return []
        if waiting or found["past"]:
            show(turn, (waiting or found["past"])[0]["card"])
        if not waiting:
            turn.say("utter_deliberations_none")
        return []


class ShowDeliberation(HouseAction):
    action_name = "action_show_deliberation"

    async def act(self, turn: Turn) -> Events:
        try:
            found = await turn.get(f"/deliberations/{turn.entity('number')}")
        except Refused as refused:
            turn.say("utter_not_possible", reason=refused.sentence)
            return []
        show(turn, found["card"])
        return []


class JoinDeliberation(HouseAction):
    action_name = "action_join_deliberation"

    async def act(self, turn: Turn) -> Events:
        try:
            found = await turn.post(f"/deliberations/{turn.entity('number')}/join", {}, once="join")
        except Refused as refused:
            turn.say("utter_not_possible", reason=refused.sentence)
            return []
        turn.say("utter_deliberation_joined")
        show(turn, found["card"])
        return []


class StartSpeech(HouseAction):
    action_name = "action_start_speech"

    async def act(self, turn: Turn) -> Events:
        return [
            SlotSet("speech_number", turn.entity("number")),
            SlotSet("speech_from", turn.metadata.get("message_id")),
            SlotSet("speech", None),
        ]


class AskSpeech(HouseAction):
    action_name = "action_ask_speech_form_speech"

    async def act(self, turn: Turn) -> Events:
        turn.say("utter_ask_speech", most=LONGEST)
        return []


def is_speech(turn: Turn) -> bool:
    """Whether the message is what the resident wants to say, and not a button, a photo or a question to us."""
    if not turn.text or turn.metadata.get("message_id") == turn.tracker.get_slot("speech_from"):
        return False
    if turn.intent in SHORT_QUESTIONS:
        return len(turn.text) > QUESTION
    return turn.intent not in ASIDE["speech_form"]


class ValidateSpeechForm(HouseAction):
    """The next words are the statement, and go to the deliberation at once."""

    action_name = "validate_speech_form"

    async def act(self, turn: Turn) -> Events:
        if not is_speech(turn):
            return []
        number = turn.tracker.get_slot("speech_number")
        try:
            said = await turn.post(f"/deliberations/{number}/statements", {"text": turn.text}, once="speech")
        except Refused as refused:
            turn.say("utter_not_possible", reason=refused.sentence)
            if refused.code == "bad_input":
                return [SlotSet("speech", None), SlotSet("requested_slot", "speech")]
            return [SlotSet("speech", "refused"), SlotSet("requested_slot", None)]
        return [SlotSet("speech", str(said["statement"])), SlotSet("requested_slot", None)]


class SubmitSpeech(HouseAction):
    action_name = "action_submit_speech"

    async def act(self, turn: Turn) -> Events:
        said = turn.tracker.get_slot("speech")
        if said and said != "refused":
            turn.say("utter_speech_taken", number=turn.tracker.get_slot("speech_number"), statement=said)
        return CLEARED


class LeaveSpeech(HouseAction):
    action_name = "action_leave_speech"

    async def act(self, turn: Turn) -> Events:
        turn.say("utter_speech_left")
        return CLEARED


class NextStatement(HouseAction):
    action_name = "action_next_statement"

    async def act(self, turn: Turn) -> Events:
        number, after = turn.entity("number"), str(turn.entity("after") or "0")
        try:
            found = await turn.get(f"/deliberations/{number}/next", after=after)
            if found["statement"]:
                show(turn, found["statement"])
                return []
            whole = await turn.get(f"/deliberations/{number}")
        except Refused as refused:
            turn.say("utter_not_possible", reason=refused.sentence)
            return []
        if whole["open"] and whole["participant"]:
            turn.say("utter_statements_over", number=number)
        else:
            show(turn, whole["card"])
        return []


class JudgeStatement(HouseAction):
    """支持 or 不支持; the next statement follows."""

    action_name = "action_judge_statement"

    async def act(self, turn: Turn) -> Events:
        statement, stance = turn.entity("statement"), turn.entity("stance")
        try:
            done = await turn.post(f"/statements/{statement}/stance", {"stance": stance}, once="stance")
        except Refused as refused:
            turn.say("utter_not_possible", reason=refused.sentence)
            return []
        show(turn, done["said"])
        if done["next"]:
            show(turn, done["next"])
        else:
            turn.say("utter_statements_over", number=done["number"])
        return []


class WithdrawStatement(HouseAction):
    action_name = "action_withdraw_statement"

    async def act(self, turn: Turn) -> Events:
        try:
            done = await turn.post(f"/statements/{turn.entity('statement')}/withdrawal", {}, once="withdrawal")
        except Refused as refused:
            turn.say("utter_not_possible", reason=refused.sentence)
            return []
        turn.say("utter_statement_withdrawn", number=done["number"])
        return []
