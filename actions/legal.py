"""A legal question becomes a consult that a volunteer answers: read, confirmed, filed, followed up, ended, rated.

What is being put together is in the ``consult`` slot: {question, media, area_name, already, answered, adding, confirmed,
follow, told, seen}.
"""

from typing import Any

from rasa_sdk.events import FollowupAction, SlotSet

from actions.aside import ASIDE
from actions.backend_client import Refused
from actions.forms import ENDED, DraftForm, Events, filled
from actions.mediation_card import wants_mediation
from actions.numbers import number_in
from actions.turn import SHORT_ANSWER, SURE_YES, HouseAction, Turn, button

SLOTS = ("legal_question", "legal_confirmation")
QUESTION_LIMIT = 2000


class AskLegal(HouseAction):
    """Begin a consult; in the middle of something else, say how to begin one afterwards."""

    action_name = "action_ask_legal"

    async def act(self, turn: Turn) -> Events:
        if turn.in_form:
            turn.say("utter_legal_later")
            return []
        return [FollowupAction("mediation_form" if wants_mediation(turn) else "legal_form")]


class ValidateLegalForm(DraftForm):
    """Read the message into the consult. No events: it was not for us."""

    action_name = "validate_legal_form"
    slot = "consult"

    async def take(self, turn: Turn, draft: dict[str, Any], asked: str | None) -> bool:
        return await take(turn, draft, asked)

    def slots_of(self, draft: dict[str, Any]) -> Events:
        return slots_of(draft)


async def take(turn: Turn, draft: dict[str, Any], asked: str | None) -> bool:
    """Take what the message brings into the draft; False when it was meant for someone else."""
    match turn.intent:
        case "confirm_consult":
            draft["confirmed"] = True
        case "affirm" if asked == "legal_confirmation" and len(turn.text) <= SHORT_ANSWER:
            draft["confirmed"] = turn.confidence >= SURE_YES
        case "follow_instead":
            draft["follow"] = number_in(turn)
        case "add_to_consult":
            draft["adding"] = True
        case "share_photo" | "share_file":
            draft["media"] = [*draft.get("media", []), *turn.media]
            if turn.text:
                await read(turn, draft, turn.text)
            else:
                turn.say("utter_photo_added", count=len(draft["media"]))
        case _:
            return await take_words(turn, draft, asked)
    return True


async def take_words(turn: Turn, draft: dict[str, Any], asked: str | None) -> bool:
    text = turn.text or (turn.tracker.get_slot("unsure_text") or "" if asked is None else "")
    if asked is not None and (not text or turn.intent in ASIDE["legal_form"]):
        return False
    if text:
        await read(turn, draft, text)
    return True


async def read(turn: Turn, draft: dict[str, Any], text: str) -> None:
    """Add ``text`` to the question; what cannot wait, and an article that answers it, is told at once."""
    draft["question"] = f"{draft['question']}\n{text}"[:QUESTION_LIMIT] if draft.get("question") else text[:QUESTION_LIMIT]
    draft["adding"] = False
    found = await turn.post("/consults/read", {"text": draft["question"]}, once="read")
    draft["area_name"], draft["already"], draft["answered"] = found["area_name"], found["already"], found["answered"]
    told = draft.setdefault("told", [])
    if found["urgent"] and found["urgent"] not in told:
        told.append(found["urgent"])
        turn.say(f"utter_legal_urgent_{found['urgent']}")
    for article in found["articles"]:
        if article["article"] not in told:
            told.append(article["article"])
            turn.say("utter_legal_article", article=article["article"], text=article["text"])


def slots_of(draft: dict[str, Any]) -> Events:
    return filled(
        {
            "legal_question": "asked" if draft.get("question") and not draft.get("adding") else None,
            "legal_confirmation": "done" if draft.get("confirmed") or draft.get("follow") or draft.get("already") else None,
        }
    )


class AskQuestion(HouseAction):
    action_name = "action_ask_legal_form_legal_question"

    async def act(self, turn: Turn) -> Events:
        draft = turn.tracker.get_slot("consult") or {}
        turn.say("utter_ask_consult_more" if draft.get("question") else "utter_ask_consult")
        return []


class AskConfirmation(HouseAction):
    action_name = "action_ask_legal_form_legal_confirmation"

    async def act(self, turn: Turn) -> Events:
        draft = turn.tracker.get_slot("consult") or {}
        buttons = []
        if answered := draft.get("answered"):
            title = turn.house.names("follow_instead", number=answered["number"])
            buttons.append(button(title, "follow_instead", number=answered["number"]))
        turn.say(
            "utter_ask_consult_confirmation",
            question=draft["question"],
            area=draft["area_name"],
            extra_buttons=buttons,
        )
        return []


CLEARED = [SlotSet("consult", None), *(SlotSet(name, None) for name in SLOTS)]


class SubmitConsult(HouseAction):
    action_name = "action_submit_consult"

    async def act(self, turn: Turn) -> Events:
        draft = turn.tracker.get_slot("consult") or {}
        try:
            if follow := draft.get("follow"):
                body = {"text": draft["question"], "media": draft.get("media", [])}
                await turn.post(f"/consults/{follow}/followup", body, once=f"followup {follow}")
                turn.say("utter_consult_followed_up", number=follow)
            elif already := draft.get("already"):
                turn.say("utter_consult_already", number=already["number"], state=already["state_name"])
            else:
                body = {"question": draft["question"], "media": draft.get("media", [])}
                consult = await turn.post("/consults", body, once="consult")
                turn.say("utter_consult_filed", number=consult["number"])
        except Refused as refused:
            turn.say("utter_not_possible", reason=refused.sentence)
        return [*CLEARED, *ENDED]


class LeaveConsult(HouseAction):
    action_name = "action_leave_consult"

    async def act(self, turn: Turn) -> Events:
        turn.say("utter_consult_left")
        return [*CLEARED, *ENDED]


# After it was filed


class StartConsultReply(HouseAction):
    """追问 asks for words, 同意 for a phone number."""

    action_name = "action_start_consult_reply"

    async def act(self, turn: Turn) -> Events:
        kind = "contact" if turn.intent == "share_contact" else "followup"
        return [
            SlotSet("consult_number", number_in(turn)),
            SlotSet("consult_reply_kind", kind),
            SlotSet("consult_reply_from", turn.metadata.get("message_id")),
            SlotSet("consult_reply", None),
        ]


class AskConsultReply(HouseAction):
    action_name = "action_ask_consult_reply_form_consult_reply"

    async def act(self, turn: Turn) -> Events:
        kind = turn.tracker.get_slot("consult_reply_kind")
        turn.say("utter_ask_consult_phone" if kind == "contact" else "utter_ask_consult_followup")
        return []


class ValidateConsultReplyForm(HouseAction):
    """The next words or photo are the reply, and go to the consult at once."""

    action_name = "validate_consult_reply_form"

    async def act(self, turn: Turn) -> Events:
        if turn.metadata.get("message_id") == turn.tracker.get_slot("consult_reply_from"):
            return []  # the word that began it, 追问, is no reply yet
        if turn.intent in ASIDE["consult_reply_form"] or (not turn.text and not turn.media):
            return []
        number = turn.tracker.get_slot("consult_number") or ""
        try:
            if turn.tracker.get_slot("consult_reply_kind") == "contact":
                body = {"agree": True, "message_id": turn.metadata.get("message_id")}
                await turn.post(f"/consults/{number}/contact", body, once=f"contact {number}")
            else:
                body = {"text": turn.text, "media": turn.media}
                await turn.post(f"/consults/{number}/followup", body, once=f"followup {number}")
        except Refused as refused:
            if refused.code == "no_phone":
                turn.say("utter_consult_phone_wrong")
                return [SlotSet("consult_reply", None), SlotSet("requested_slot", "consult_reply")]
            turn.say("utter_not_possible", reason=refused.sentence)
            return [SlotSet("consult_reply", "refused"), SlotSet("requested_slot", None)]
        return [SlotSet("consult_reply", "taken"), SlotSet("requested_slot", None)]


REPLY_SLOTS = ("consult_reply", "consult_reply_kind", "consult_reply_from", "consult_number")
REPLY_CLEARED = [SlotSet(name, None) for name in REPLY_SLOTS]


class SubmitConsultReply(HouseAction):
    action_name = "action_submit_consult_reply"

    async def act(self, turn: Turn) -> Events:
        if turn.tracker.get_slot("consult_reply") == "taken":
            contact = turn.tracker.get_slot("consult_reply_kind") == "contact"
            number = turn.tracker.get_slot("consult_number")
            turn.say("utter_consult_contact_shared" if contact else "utter_consult_followed_up", number=number)
        return [*REPLY_CLEARED, *ENDED]


class LeaveConsultReply(HouseAction):
    action_name = "action_leave_consult_reply"

    async def act(self, turn: Turn) -> Events:
        turn.say("utter_consult_nothing_added")
        return [*REPLY_CLEARED, *ENDED]


async def step(turn: Turn, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
    """Take one step of the consult that the button names; None when it was refused, which the resident is told."""
    number = number_in(turn) or ""
    try:
        return await turn.post(f"/consults/{number}/{path}", body, once=f"{path} {number}")
    except Refused as refused:
        turn.say("utter_not_possible", reason=refused.sentence)
        return None


class DeclineContact(HouseAction):
    action_name = "action_decline_contact"

    async def act(self, turn: Turn) -> Events:
        if await step(turn, "contact", {"agree": False}):
            turn.say("utter_consult_contact_declined")
        return []


class EndConsult(HouseAction):
    """问完了 ends it; where a volunteer has answered the stars are asked for."""

    action_name = "action_end_consult"

    async def act(self, turn: Turn) -> Events:
        consult = await step(turn, "end", {})
        if consult:
            name = "utter_consult_ended" if consult["answered"] else "utter_consult_withdrawn"
            turn.say(name, number=consult["number"])
        return []


class RateConsult(HouseAction):
    action_name = "action_rate_consult"

    async def act(self, turn: Turn) -> Events:
        stars = turn.entity("stars")
        if await step(turn, "rating", {"stars": stars}):
            turn.say("utter_rated", stars=stars)
        return []
