"""Asking for mediation: what happened, where, by which kind; then the mediator, the other party, and the sitting.

What is being put together is in the ``dispute`` slot: {text, number, title, kind, kinds, never, already, place, choices,
misses, picking, confirmed, seen}.
"""

import re
from typing import Any

from rasa_sdk.events import FollowupAction, SlotSet

from actions.aside import ASIDE
from actions.backend_client import Refused
from actions.forms import ENDED, DraftForm, Events, filled
from actions.mediation_card import mediator_buttons, show_mediation
from actions.numbers import number_in
from actions.turn import SHORT_ANSWER, SURE_YES, HouseAction, Turn, button

SLOTS = ("mediation_words", "mediation_place", "mediation_confirmation")
LIMIT = 2000
SHORTEST = 4
PLACES = {"grid", "community", "street"}
STREETS = 9
# What is said to ask for mediation, before what it is about.
_ASKING = re.compile(
    r"^(?:你好|您好)?[，,。\s]*(?:我|我们)?(?:想|要|想要)?(?:申请|找人|请人|找个?调解员|请个?调解员|找)?(?:来|帮忙)?(?:调解(?:员|一下|下)?)?[，,。!！\s]*"
)


class AskMediation(HouseAction):
    """Begin; in the middle of something else, say how to begin afterwards."""

    action_name = "action_ask_mediation"

    async def act(self, turn: Turn) -> Events:
        if turn.in_form:
            turn.say("utter_mediation_later")
            return []
        return [FollowupAction("mediation_form")]


class ValidateMediationForm(DraftForm):
    """Read the message into the dispute. No events: it was not for us."""

    action_name = "validate_mediation_form"
    slot = "dispute"

    async def take(self, turn: Turn, draft: dict[str, Any], asked: str | None) -> bool:
        if asked is None:
            await begin(turn, draft)
            return True
        return await take(turn, draft, asked)

    def slots_of(self, draft: dict[str, Any]) -> Events:
        return slots_of(draft)


async def begin(turn: Turn, draft: dict[str, Any]) -> None:
    """An event's or a consult's words, what was said beside the asking, or nothing yet."""
    draft["number"] = turn.entity("number") or ""
    text = _ASKING.sub("", turn.text) if turn.text and not turn.text.startswith("/") else ""
    if draft["number"] or len(text) >= SHORTEST:
        await read(turn, draft, text)


async def take(turn: Turn, draft: dict[str, Any], asked: str) -> bool:
    """Take what the message brings into the draft; False when it was meant for someone else."""
    match turn.intent:
        case "confirm_mediation":
            draft["confirmed"] = True
        case "affirm" if asked == "mediation_confirmation" and len(turn.text) <= SHORT_ANSWER:
            draft["confirmed"] = turn.confidence >= SURE_YES
        case "other_mediation":
            draft["picking"] = True
        case "mediation_kind" if turn.entity("kind") in draft.get("kinds", {}):
            draft["kind"], draft["picking"] = turn.entity("kind"), False
        case "mediation_place":
            chosen = next((c for c in draft.get("choices", []) if c["area_code"] == turn.entity("area_code")), None)
            draft["place"] = chosen and {"area_code": chosen["area_code"], "label": chosen["label"]}
        case _:
            return await take_words(turn, draft, asked)
    return True


async def take_words(turn: Turn, draft: dict[str, Any], asked: str) -> bool:
    if not turn.text:
        return False
    if asked == "mediation_place":
        return await take_place(turn, draft, turn.text)
    if turn.intent in ASIDE["mediation_form"]:
        return False
    await read(turn, draft, turn.text)
    return True


async def take_place(turn: Turn, draft: dict[str, Any], text: str) -> bool:
    """The place in the words; words that name none are asked about again, unless they were meant for somebody else."""
    place, _ = await turn.read(text)
    if place and place["status"] in PLACES:
        draft["place"] = {"area_code": place["area_code"], "label": place["address"] or place["label"]}
    elif place and place["status"] == "choices":
        draft["choices"] = place["choices"][:5]
    elif turn.intent in ASIDE["mediation_form"]:
        return False
    else:
        draft["misses"] = draft.get("misses", 0) + 1
    return True


async def read(turn: Turn, draft: dict[str, Any], text: str) -> None:
    """Add ``text`` to the words, and learn what they tell: what it is about, the kind, where."""
    words = f"{draft['text']}\n{text}"[:LIMIT] if draft.get("text") and text else text[:LIMIT] or draft.get("text", "")
    try:
        found = await turn.post("/mediations/read", {"text": words, "number": draft["number"]}, once="read mediation")
    except Refused:
        draft["number"] = ""
        return
    draft |= {name: found[name] for name in ("text", "title", "kind", "kinds", "never", "already")}
    draft["picking"] = False
    if draft.get("place") or found["never"]:
        return
    if found["area_code"]:
        draft["place"] = {"area_code": found["area_code"], "label": turn.house.names("mediation_same_place")}
        return
    place, _ = await turn.read(found["text"])
    if place and place["status"] in PLACES:
        draft["place"] = {"area_code": place["area_code"], "label": place["address"] or place["label"]}
    elif place and place["status"] == "choices":
        draft["choices"] = place["choices"][:5]


def slots_of(draft: dict[str, Any]) -> Events:
    over = draft.get("never") or draft.get("already")
    return filled(
        {
            "mediation_words": "said" if draft.get("text") else None,
            "mediation_place": "known" if draft.get("place") or over else None,
            "mediation_confirmation": "done" if draft.get("confirmed") or over else None,
        }
    )


class AskWords(HouseAction):
    action_name = "action_ask_mediation_form_mediation_words"

    async def act(self, turn: Turn) -> Events:
        turn.say("utter_ask_mediation_words")
        return []


class AskPlace(HouseAction):
    """Choices where several fit; the streets where nothing was understood."""

    action_name = "action_ask_mediation_form_mediation_place"

    async def act(self, turn: Turn) -> Events:
        draft = turn.tracker.get_slot("dispute") or {}
        if choices := draft.get("choices"):
            turn.say("utter_ask_mediation_place_choices", extra_buttons=place_buttons(choices))
        elif draft.get("misses"):
            streets = (await turn.get("/intake/streets"))["streets"][:STREETS]
            turn.say("utter_ask_mediation_place_again", extra_buttons=place_buttons(streets))
            return (
                [SlotSet("dispute", draft | {"choices": [], "misses": draft["misses"]})]
                if not streets
                else [SlotSet("dispute", draft | {"choices": streets, "misses": 0})]
            )
        else:
            turn.say("utter_ask_mediation_place")
        return []


def place_buttons(choices: list[dict[str, Any]]) -> list[dict[str, str]]:
    return [button(one["label"], "mediation_place", area_code=one["area_code"]) for one in choices]


class AskConfirmation(HouseAction):
    action_name = "action_ask_mediation_form_mediation_confirmation"

    async def act(self, turn: Turn) -> Events:
        draft = turn.tracker.get_slot("dispute") or {}
        if draft.get("picking"):
            choices = [button(kind["name"], "mediation_kind", kind=code) for code, kind in draft["kinds"].items()]
            turn.say("utter_ask_mediation_kind", extra_buttons=choices)
            return []
        kind = draft["kinds"][draft["kind"]]
        turn.say(
            "utter_ask_mediation_confirmation",
            title=draft["title"],
            words=draft["text"],
            place=draft["place"]["label"],
            kind=kind["name"],
            ladder=kind["ladder"],
        )
        return []


CLEARED = [SlotSet("dispute", None), *(SlotSet(name, None) for name in SLOTS)]


class SubmitMediation(HouseAction):
    action_name = "action_submit_mediation"

    async def act(self, turn: Turn) -> Events:
        draft = turn.tracker.get_slot("dispute") or {}
        if draft.get("never"):
            turn.say(f"utter_mediation_never_{draft['never']}")
        elif draft.get("already"):
            turn.say("utter_mediation_already", number=draft["already"])
        else:
            await file(turn, draft)
        return [*CLEARED, *ENDED]


async def file(turn: Turn, draft: dict[str, Any]) -> None:
    body = {name: draft[name] for name in ("text", "number", "kind")} | {"area_code": draft["place"]["area_code"]}
    try:
        card = await turn.post("/mediations", body, once="mediation")
    except Refused as refused:
        turn.say("utter_not_possible", reason=refused.sentence)
        return
    if card["already"]:
        turn.say("utter_mediation_already", number=card["number"])
    else:
        offer(turn, card, "utter_mediation_filed", "utter_mediation_filed_office")


def offer(turn: Turn, card: dict[str, Any], some: str, none: str) -> None:
    """Say ``some`` with the mediators as buttons, or ``none`` where there are none."""
    buttons = mediator_buttons(turn, card) if card["offered"] else []
    turn.say(some if buttons else none, number=card["number"], rung=card["rung"], extra_buttons=buttons)


class LeaveMediation(HouseAction):
    action_name = "action_leave_mediation"

    async def act(self, turn: Turn) -> Events:
        turn.say("utter_mediation_left")
        return [*CLEARED, *ENDED]


# After it was filed


class MediationStep(HouseAction):
    """A step of one mediation: posted once, and answered with a sentence; what is refused is said."""

    async def post(self, turn: Turn, step: str, body: dict[str, Any]) -> dict[str, Any] | None:
        number = number_in(turn) or ""
        try:
            return await turn.post(f"/mediations/{number}/{step}", body, once=f"{step} {number}")
        except Refused as refused:
            turn.say("utter_not_possible", reason=refused.sentence)
            return None


class ShowMediators(HouseAction):
    action_name = "action_show_mediators"

    async def act(self, turn: Turn) -> Events:
        number = number_in(turn)
        card = next((one for one in (await turn.get("/mediations"))["mediations"] if one["number"] == number), None)
        if card is None:
            turn.say("utter_number_unknown", number=number)
        elif card["choosing"]:
            offer(turn, card, "utter_mediation_choose", "utter_mediation_nobody")
        else:
            show_mediation(turn, card)
        return []


class ChooseMediator(MediationStep):
    action_name = "action_choose_mediator"

    async def act(self, turn: Turn) -> Events:
        chosen = str(turn.entity("mediator") or "0")
        card = await self.post(turn, "mediator", {"mediator": int(chosen) if chosen.isdecimal() else 0})
        if card:
            said = "utter_mediator_chosen" if card["mediator"] else "utter_mediator_left"
            turn.say(said, number=card["number"], mediator=card["mediator"])
        return []


class InviteParty(MediationStep):
    action_name = "action_invite_party"

    async def act(self, turn: Turn) -> Events:
        if card := await self.post(turn, "invitation", {}):
            turn.say("utter_mediation_invitation", code=card["code"], days=card["days"])
        return []


class JoinMediation(HouseAction):
    """A code was handed on: what it invites to, and whether they want it."""

    action_name = "action_join_mediation"

    async def act(self, turn: Turn) -> Events:
        code = str(turn.entity("code") or "-")
        try:
            card = await turn.post("/mediations/codes", {"code": code}, once="look at code")
        except Refused as refused:
            turn.say("utter_not_possible", reason=refused.sentence)
            return []
        turn.say("utter_mediation_invited", code=code, **{name: card[name] for name in ("number", "title", "kind", "rung")})
        return []


class AnswerMediation(HouseAction):
    action_name = "action_answer_mediation"

    async def act(self, turn: Turn) -> Events:
        agree = bool(turn.entity("agree"))
        try:
            card = await turn.post(
                "/mediations/codes", {"code": str(turn.entity("code") or "-"), "agree": agree}, once="answer code"
            )
        except Refused as refused:
            turn.say("utter_not_possible", reason=refused.sentence)
            return []
        turn.say("utter_mediation_joined" if agree else "utter_mediation_refused", number=card["number"])
        return []


class AcceptMediation(MediationStep):
    action_name = "action_accept_mediation"

    async def act(self, turn: Turn) -> Events:
        if card := await self.post(turn, "accept", {}):
            offer(turn, card, "utter_mediation_filed", "utter_mediation_filed_office")
        return []


class AnswerSitting(MediationStep):
    action_name = "action_answer_sitting"

    async def act(self, turn: Turn) -> Events:
        coming = bool(turn.entity("coming"))
        if card := await self.post(turn, "sitting", {"coming": coming}):
            turn.say("utter_mediation_coming" if coming else "utter_mediation_not_coming", number=card["number"])
        return []


class WithdrawMediation(HouseAction):
    action_name = "action_withdraw_mediation"

    async def act(self, turn: Turn) -> Events:
        turn.say("utter_mediation_ask_withdraw", number=number_in(turn))
        return []


class WithdrawMediationSure(MediationStep):
    action_name = "action_withdraw_mediation_sure"

    async def act(self, turn: Turn) -> Events:
        if card := await self.post(turn, "withdraw", {}):
            turn.say("utter_mediation_withdrawn", number=card["number"])
        return []
