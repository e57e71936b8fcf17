"""Putting a report together: what, where, which kind, is it known already, is it right. Then it is filed.

The form's slots say what still has to be asked; everything read so far is in the ``draft`` slot:
{danger, danger_told, person, matter, bare, photos, parts, pin, place, place_hint, place_choices, item, item_choices, similar,
join, anonymous, urgent, editing, confirmed, elsewhere, waiting, misses, seen, again}; {left, offer} when none is under way.
``bare`` is the matter without its place. With ``corrects``, an event's number, the draft is that event's report, which is put
right.
"""

import re
from typing import Any

from rasa_sdk.events import FollowupAction, SlotSet

from actions.aside import ASIDE
from actions.backend_client import Refused
from actions.correction import add_instead, correction_in, draft_of, meant
from actions.emergency import is_faint, is_only_where, say_emergency
from actions.forms import ENDED, Events
from actions.guide import answer, answer_with_place
from actions.handoff import hand_off, leave_queue
from actions.places import only_a_place
from actions.spoken import (
    ABOUT_THE_FORM,
    ANONYMOUS,
    BARE_NUMBER,
    CORRECTIONS,
    DO_NOT_KNOW,
    HOW_LONG,
    INSTEAD,
    INTERJECTION,
    LEADING_CORRECTION,
    MATTER_ENDS,
    NAMED,
    NOT_BUT,
    NOT_THAT,
    NOTHING_TO_CHANGE,
    ONE_MORE_PHOTO,
    PHOTO_LATER,
    TEMPER,
    WRONG_KIND,
)
from actions.status import WITHDRAW, ask_withdraw
from actions.turn import SHORT_ANSWER, SURE_YES, HouseAction, Turn, button

FORM = "report_form"
SLOTS = ("danger", "person", "matter", "place", "item", "neighbour", "confirmation")
LEAVES = {"cancel", "delete_my_data"}
PAUSES = ("danger", "person")
PICTURES = {"share_photo", "share_file"}
ASKED_AGAIN = 2
# What is done about something else, and needs no reminder of the report.
STEPS_ELSEWHERE = {
    *("show_event", "urge", "withdraw", "withdraw_confirmed", "verify", "rate"),
    *("show_opinion", "support_opinion", "rate_opinion", "cast_ballot", "rate_consult"),
}
MATTER_LIMIT = 2000
LATER = 16
DOORS = {"building": "号楼|号|栋|幢|座|#", "unit": "单元"}
PLACE = ("street", "community", "compound", "road", "house_number", "group", "building", "unit", "room")
STREETS = 8
OF_ONE_SUMMARY = ("confirmed", "join", "editing", "elsewhere", "danger", "person")


class ValidateReportForm(HouseAction):
    """Read the message into the draft, then say which slot is asked next. No events: the message was not for us."""

    action_name = "validate_report_form"

    async def act(self, turn: Turn) -> Events:
        draft = before = dict(turn.tracker.get_slot("draft") or {})
        if left := before.get("left"):
            draft = dict(left) if turn.intent == "resume_report" else {}
        draft.pop("aside", None)
        message_id = turn.metadata.get("message_id")
        if draft.get("seen") != message_id or message_id is None:
            asked = turn.tracker.get_slot("requested_slot") if turn.in_form else None
            if asked is None and (offer := await offered(turn, before)):
                return [SlotSet("draft", {"aside": True} | offer), SlotSet("requested_slot", None)]
            if asked is None and await answers_a_question(turn):
                events = await answer_with_place(turn)
                return [*events, SlotSet("draft", {"aside": True}), SlotSet("requested_slot", None)]
            if asked is None and not draft and (report := await meant(turn)):
                if not report["correctable"]:
                    events = await add_instead(turn, report)
                    return [*events, SlotSet("draft", {"aside": True}), SlotSet("requested_slot", None)]
                draft = draft_of(report)
            if draft.get("corrects") and (turn.intent == "withdraw" or WITHDRAW.search(turn.text)):
                await ask_withdraw(turn, draft["corrects"])
                return [SlotSet("draft", {"aside": True}), SlotSet("requested_slot", None)]
            if not await read(turn, draft, asked):
                return []
            draft["seen"] = message_id
            draft.pop("again", None)
        await complete(turn, draft)
        return [SlotSet("draft", draft), *slots_of(draft)]


async def offered(turn: Turn, before: dict[str, Any]) -> dict[str, Any] | None:
    """A photo right after something was filed most often belongs to that: it is asked which. What to keep until the answer,
    None when the photo begins a report."""
    if turn.intent not in PICTURES or (before and "offer" not in before):
        return None
    event = (await turn.get("/events/just-filed"))["event"]
    if event is None or await tells_something_new(turn, event["item_code"]):
        return None
    earlier = before.get("offer") or {}
    photos = list(dict.fromkeys([*earlier.get("photos", []), *turn.media]))
    text = "，".join(said for said in (earlier.get("text"), turn.text) if said)
    turn.say("utter_photo_offer", number=event["number"])
    return {"offer": {"number": event["number"], "photos": photos, "text": text}, "left": {"photos": photos}}


async def tells_something_new(turn: Turn, item_code: str | None) -> bool:
    """Whether a photo's caption names a place, or a matter of another kind than the one that was just filed."""
    if not turn.text or (len(turn.text) <= LATER and ONE_MORE_PHOTO.search(turn.text)):
        return False
    place, matters = await turn.read(turn.text)
    item = matters[0]["item"] if matters else {}
    named = bool(place and place["status"] != "missing")
    return named or (item.get("status") in ("sure", "off_list") and item["code"] != item_code)


async def answers_a_question(turn: Turn) -> bool:
    """Whether the words are the place that was asked for before (whose grid member?), and not the beginning of a report."""
    return bool(turn.tracker.get_slot("guide_question") and turn.text) and await only_a_place(turn)


async def read(turn: Turn, draft: dict[str, Any], asked: str | None) -> bool:
    """Take what the message brings into the draft; False when it brings nothing and was meant for someone else."""
    danger = draft.pop("danger", None)
    draft.pop("person", None)
    draft["danger_before"] = danger
    if shared := SHARED.get(turn.intent):
        return await shared(turn, draft, asked)
    took = await read_typed(turn, draft, asked)
    # A pause is over with the next message, even where that one brings nothing to the report.
    return took or (asked in PAUSES and turn.intent not in LEAVES)


async def take_danger(turn: Turn, draft: dict[str, Any], asked: str | None) -> bool:
    before = draft["danger_before"]
    if is_faint(turn) or await is_only_where(turn):
        return await read_typed(turn, draft, asked)  # no danger, whatever the model heard in the place's name
    draft["danger"] = turn.text or before or ""
    draft["danger_told"] = before is not None
    return True


async def take_no_danger(_turn: Turn, _draft: dict[str, Any], asked: str | None) -> bool:
    return asked is not None


async def take_wish_for_person(_turn: Turn, draft: dict[str, Any], _asked: str | None) -> bool:
    draft["person"] = True
    return True


async def take_media(turn: Turn, draft: dict[str, Any], asked: str | None) -> bool:
    draft["photos"] = list(dict.fromkeys([*draft.get("photos", []), *turn.media]))
    if turn.text:
        await read_text(turn, draft, turn.text, asked)
    elif asked:
        turn.say("utter_photo_added", count=len(draft["photos"]))
    return True


async def take_location(turn: Turn, draft: dict[str, Any], asked: str | None) -> bool:
    await read_text(turn, draft, turn.text, asked, location=turn.location)
    return True


async def take_item(turn: Turn, draft: dict[str, Any], _asked: str | None) -> bool:
    code = turn.entity("item_code")
    draft["item"] = next((c for c in draft.get("item_choices", []) if c["code"] == code), draft.get("item"))
    return True


async def take_neighbour(turn: Turn, draft: dict[str, Any], _asked: str | None) -> bool:
    draft["join"] = turn.entity("number")
    return True


async def take_no_neighbour(turn: Turn, draft: dict[str, Any], _asked: str | None) -> bool:
    if draft.get("elsewhere"):
        queue(turn, draft, draft.pop("elsewhere"))
    else:
        draft["similar"] = []
    return True


async def take_confirmation(_turn: Turn, draft: dict[str, Any], asked: str | None) -> bool:
    draft["confirmed"] = asked == "confirmation" and not draft.get("elsewhere")
    return True


async def take_resumption(turn: Turn, _draft: dict[str, Any], _asked: str | None) -> bool:
    turn.say("utter_resume")
    return True


async def take_place_in_queue(_turn: Turn, draft: dict[str, Any], asked: str | None) -> bool:
    """有人吗 where a person was just asked for is asking for them; elsewhere it is a word aside."""
    draft["person"] = asked == "person"
    return asked == "person"


async def take_leave_of_queue(turn: Turn, _draft: dict[str, Any], asked: str | None) -> bool:
    if asked != "person":
        return False
    await leave_queue(turn)
    return True


async def take_left(_turn: Turn, _draft: dict[str, Any], _asked: str | None) -> bool:
    return True  # what was left is in the draft already


async def take_wish_to_edit(_turn: Turn, draft: dict[str, Any], _asked: str | None) -> bool:
    draft["editing"] = True
    return True


async def take_signature(_turn: Turn, draft: dict[str, Any], _asked: str | None) -> bool:
    draft["anonymous"] = not draft.get("anonymous")
    return True


async def take_emergency(turn: Turn, draft: dict[str, Any], _asked: str | None) -> bool:
    await report_danger(turn, draft, draft["danger_before"] or turn.tracker.get_slot("unsure_text") or "")
    return True


async def report_danger(turn: Turn, draft: dict[str, Any], text: str) -> None:
    """A danger that was offered to be passed on is passed on at once: whatever the admission list says of its kind, and
    with no question about that."""
    set_aside(draft)
    await read_text(turn, draft, text, None)
    draft["urgent"] = True
    if draft.get("matter") and (draft.get("item") or {}).get("status") != "sure":
        draft["item"] = {"status": "unknown", "choices": []}


async def read_typed(turn: Turn, draft: dict[str, Any], asked: str | None) -> bool:
    text = turn.text or (turn.tracker.get_slot("unsure_text") or "" if turn.intent == "report_issue" else "")
    if NAMED.search(text) or ANONYMOUS.search(text):
        draft["anonymous"] = not NAMED.search(text)
        if asked == "confirmation" and turn.intent != "report_issue":
            return True
    if asked is None and draft.get("corrects"):
        await read_text(turn, draft, correction_in(text), "confirmation")
        return True
    if asked is None:
        await begin(turn, draft, draft.pop("begun", None) or text)
        return True
    if turn.intent in LEAVES or not text:
        return False
    if asked == "danger" and (turn.intent == "affirm" or await only_a_place(turn)):
        danger = draft["danger_before"]
        await report_danger(turn, draft, danger if turn.intent == "affirm" else f"{danger}，{text}")
        return True
    return take_yes_or_no(turn, draft, text, asked) or await read_text(turn, draft, text, asked)


async def begin(turn: Turn, draft: dict[str, Any], text: str) -> None:
    """The first words of a report, after a word of regret to who is angry. A yes, or a place alone, goes with what was said
    before it and not settled."""
    if TEMPER.search(text):
        turn.say("utter_sorry")
    before, danger = turn.tracker.get_slot("unsure_text") or "", turn.heard_before == "emergency"
    goes_on = danger or turn.heard_before == "nlu_fallback"
    if danger and turn.intent == "affirm":
        text = before
    elif before and goes_on and await only_a_place(turn):
        text = f"{before}，{text}"
    else:
        danger = False
    if danger:
        await report_danger(turn, draft, text)
    else:
        await read_text(turn, draft, text, None)


def take_yes_or_no(turn: Turn, draft: dict[str, Any], text: str, asked: str) -> bool:
    """What a yes or a no means to the question that was asked; False when it is none."""
    yes, short = turn.intent == "affirm", len(text) <= SHORT_ANSWER
    match asked:
        case "confirmation" if yes:
            draft["confirmed"] = turn.confidence >= SURE_YES and not draft.get("elsewhere")
        case "neighbour" if yes and short:
            draft["join"] = draft["similar"][0]["number"]
        case "neighbour" if turn.intent == "deny" and short:
            draft["similar"] = []
        case "item" if yes and short and draft.get("item_choices"):
            draft["item"] = draft["item_choices"][0]
        case _:
            return False
    return True


async def take_aside(turn: Turn, draft: dict[str, Any], text: str, asked: str) -> bool:
    """What needs no reading: photos to come, how long it will take, nothing to change after all, the wrong kind, and a
    matter's own end (楼道灯 … 坏了). False when it is none of these."""
    short = len(text) <= LATER
    if short and PHOTO_LATER.search(text):
        turn.say("utter_photo_later")
        return True
    if asked not in ("place", "confirmation"):
        return False
    if short and HOW_LONG.search(text) and turn.intent != "ask_guide":
        await answer(turn, text)
    elif draft.get("editing") and NOTHING_TO_CHANGE.fullmatch(text.strip()):
        draft["editing"] = False
    elif WRONG_KIND.fullmatch(text.strip()):
        draft["editing"] = "kind"
    elif draft.get("matter") and not draft.get("editing") and MATTER_ENDS.fullmatch(text.strip()):
        take_words(draft, f"{draft['matter']}{text.strip()}", f"{draft.get('bare') or draft['matter']}{text.strip()}")
    else:
        return False
    return True


async def read_text(
    turn: Turn, draft: dict[str, Any], text: str, asked: str | None, *, location: dict[str, float] | None = None
) -> bool:
    """Let the backend read the words; take from them what belongs here. False when nothing did."""
    if asked:
        if await take_aside(turn, draft, text, asked):
            return True
        text = INTERJECTION.sub("", text) or text
    correcting = bool(draft.get("editing")) or text.startswith(CORRECTIONS) or turn.intent == "deny" or turn.edited
    if correcting:
        text = NOT_THAT.sub("", INSTEAD.sub("，", text)) or text
    if draft.get("editing") is True and BARE_NUMBER.fullmatch(text.strip()):
        text = f"{text.strip()}号楼"
    pin = draft.get("pin")
    place, matters = await turn.read(text, location=location, parts=draft.get("parts"), pin=pin)
    if correcting and not place and NOT_BUT.search(text):
        place, matters = await turn.read(NOT_BUT.sub("", text), parts=draft.get("parts"), pin=pin)
    draft["pin"] = location or pin
    if asked == "matter" and len(text) <= LATER and DO_NOT_KNOW.search(text):
        matters = []
    no_place = asked == "place" and (DO_NOT_KNOW.search(text) or turn.intent == "out_of_scope")
    if (
        asked is not None
        and turn.intent in ASIDE[FORM]
        and not no_place
        and not (asked == "matter" and turn.intent == "out_of_scope" and matters and matters[0]["item"].get("named"))
        and not (place and (asked == "place" or (asked == "confirmation" and correcting)))
    ):
        return False
    if no_place:
        matters = []  # who cannot say where has said nothing about what
    if asked == "confirmation" and not correcting and matters and take_further(turn, draft, matters, place):
        return True
    took = False
    if place and not (asked == "place" and place["status"] == "missing"):
        take_place(turn, draft, place)
        took = True
    if matters and (correcting or not draft.get("matter") or asked == "item"):
        took |= take_matters(turn, draft, matters, asked, correcting=correcting)
    draft["editing"] = asked == "confirmation" and not took and (draft.get("editing") or turn.intent == "deny")
    if asked == "place" and (not place or place["status"] == "missing"):
        give_up_on_place(turn, draft)
        return True
    return took or turn.intent in ("affirm", "deny", "report_issue", "nlu_fallback", "give_opinion") or asked is None


def keep_matter_true(draft: dict[str, Any], parts: dict[str, Any], *, elsewhere: bool) -> None:
    """What the matter's own words say of the place is corrected with it: a door is put in the other's stead, and another place
    takes the old one out."""
    before, matter = draft.get("parts") or {}, draft.get("matter")
    if not matter:
        return
    changed = [name for name in PLACE if before.get(name) and before[name] != parts.get(name)]
    for name in changed:
        known = DOORS.get(name)
        old, new = before[name], parts.get(name)
        replaced = 0
        if known and new:
            matter, replaced = re.subn(rf"(?<!\d){re.escape(old)}(?={known})", new, matter, count=1)
        elsewhere |= not replaced
    if changed or elsewhere:
        draft["matter"] = draft.get("bare") or draft.get("matter") if elsewhere else matter


def take_further(turn: Turn, draft: dict[str, Any], matters: list[dict[str, Any]], place: dict[str, Any] | None) -> bool:
    """A matter that is told at the summary: one of another kind waits for its turn, at its own place where it names one; the
    same kind at another place may be either, and is asked about. False when it is neither."""
    if earlier := draft.pop("elsewhere", None):
        queue(turn, draft, earlier)  # not answered: what was told is not lost
    first, *others = matters
    named = first | {"place": place} if place else first
    if is_another(draft, first["item"]) and (place or first["item"].get("named")):
        queue(turn, draft, named, *others)
        return True
    if not place or not lies_elsewhere(draft.get("parts") or {}, place["parts"]) or not is_same(draft, first["item"]):
        return False
    draft["elsewhere"] = named
    draft["waiting"] = [*draft.get("waiting", []), *others]
    return True


def queue(turn: Turn, draft: dict[str, Any], *matters: dict[str, Any]) -> None:
    draft["waiting"] = [*draft.get("waiting", []), *matters]
    turn.say("utter_queued_matter")


def is_another(draft: dict[str, Any], item: dict[str, Any]) -> bool:
    """Whether the item is another kind than the one that is summed up."""
    return item.get("code") not in (None, (draft.get("item") or {}).get("code"))


def is_same(draft: dict[str, Any], item: dict[str, Any]) -> bool:
    """Whether the item is, or may be, the kind that is summed up."""
    code = (draft.get("item") or {}).get("code")
    return code is not None and code in (item.get("code"), *(choice["code"] for choice in item.get("choices", [])))


def lies_elsewhere(parts: dict[str, Any], others: dict[str, Any]) -> bool:
    """Whether the second place contradicts the first, and does not only tell more of it."""
    return any(parts.get(name) and parts[name] != others.get(name) for name in PLACE)


def take_place(turn: Turn, draft: dict[str, Any], place: dict[str, Any], *, elsewhere: bool = False) -> None:
    """Keep what the backend made of the address: one grid, a choice, a desk, or a hint for the next question.

    An area alone is asked about once more; then its desk gets the report, flagged as without a grid. A pin that lies elsewhere
    than the words say is asked about. A building that is not known is said to be so. ``elsewhere``: it is not where the words
    of the matter say.
    """
    keep_matter_true(draft, place["parts"], elsewhere=elsewhere)
    hinted = (draft.get("place_hint") or {}).get("area_code")
    settled = place["status"] == "grid" or (
        place["status"] == "community" and (place["detailed"] or hinted == place["area_code"])
    )
    draft["parts"] = place["parts"]
    draft["misses"] = 0
    draft["place_hint"] = place
    draft["place"] = place if settled else None
    draft["place_choices"] = place["choices"]
    draft["similar"] = [] if draft.get("corrects") else None
    draft["pin_place"] = place.get("pin_place")
    if draft["pin_place"]:
        draft["place"] = None
    elif place.get("unknown_building"):
        turn.say("utter_building_unknown", building=place["unknown_building"])


async def choose_place(turn: Turn, draft: dict[str, Any], _asked: str | None) -> bool:
    """A button of the places that were offered; with a pin that contradicted the words, one of these two. At the summary,
    the other place that was named is this report's after all."""
    if elsewhere := draft.pop("elsewhere", None):
        take_place(turn, draft, elsewhere["place"])
        return True
    code, by_pin = turn.entity("area_code"), draft.get("pin_place")
    if by_pin:
        draft["pin"] = None
        pinned = code == by_pin["area_code"]
        take_place(turn, draft, by_pin if pinned else draft["place_hint"] | {"pin_place": None}, elsewhere=pinned)
        return True
    chosen = next((c for c in draft.get("place_choices", []) if c["area_code"] == code), None)
    if chosen:
        found = await turn.post("/intake/read", {"parts": draft.get("parts") or {}, "choice": chosen["place"]}, once="read")
        take_place(turn, draft, found["place"])
    return True


def give_up_on_place(turn: Turn, draft: dict[str, Any]) -> None:
    """The resident cannot say it more exactly: the desk of the smallest area that was named gets it. A yes to 是哪一个 is
    no answer: it is asked again."""
    if turn.intent == "affirm" and draft.get("place_choices"):
        return
    draft["misses"] = draft.get("misses", 0) + 1
    hint = draft.get("place_hint") or {}
    if draft.pop("pin_place", None):
        draft["pin"], draft["place"] = None, hint  # neither of the two was chosen: the words hold
    elif hint.get("status") in ("community", "street"):
        draft["place"] = hint


def take_matters(
    turn: Turn, draft: dict[str, Any], matters: list[dict[str, Any]], asked: str | None, *, correcting: bool
) -> bool:
    """Fill in or correct the matter; further matters of the same message wait for their turn."""
    first, *others = matters
    if draft.get("matter") and asked not in (None, "matter"):
        if asked == "item":
            take_kind(turn, draft, first["item"])
            return draft.get("item") is not None
        if correcting and ABOUT_THE_FORM.search(first["text"]):
            return False
        if draft.get("editing") == "kind" and first["item"]["status"] in ("sure", "close"):
            set_item(draft, first["item"])  # another kind; what was told stays
        elif correcting and first["item"]["status"] in ("sure", "close", "off_list"):
            take_words(draft, LEADING_CORRECTION.sub("", first["text"]), LEADING_CORRECTION.sub("", first["bare"]))
            set_item(draft, first["item"])
        else:
            take_words(draft, f"{draft['matter']}；{first['text']}", f"{draft.get('bare') or draft['matter']}；{first['bare']}")
        return True
    take_words(draft, first["text"], first["bare"])
    set_item(draft, first["item"])
    if others:
        turn.say("utter_more_matters", count=len(matters))
        draft["waiting"] = [*draft.get("waiting", []), *others]
    return True


def take_kind(turn: Turn, draft: dict[str, Any], item: dict[str, Any]) -> None:
    """The kind that was asked for: one of those that were offered, or one that is named. A yes in many words is the first."""
    choices = draft.get("item_choices", [])
    offered = item.get("code") in [choice["code"] for choice in choices]
    if item["status"] in ("sure", "off_list") and (offered or item.get("named")):
        draft["item"] = item
    elif turn.intent == "affirm" and choices:
        draft["item"] = choices[0]


def take_words(draft: dict[str, Any], matter: str, bare: str) -> None:
    draft["matter"], draft["bare"] = matter[:MATTER_LIMIT], bare[:MATTER_LIMIT]


def set_item(draft: dict[str, Any], item: dict[str, Any]) -> None:
    draft["item_choices"] = item.get("choices", [])
    draft["item"] = None if item["status"] == "close" else item
    draft["similar"] = [] if draft.get("corrects") else None


def set_aside(draft: dict[str, Any]) -> None:
    """The danger goes first: a report that was under way waits behind it, and what was to be put right stays as it was."""
    if draft.pop("corrects", None):
        draft.update(matter=None, bare=None, item=None, parts=None, place=None, place_hint=None, editing=False)
    if draft.get("matter"):
        waiting = {
            "text": draft["matter"],
            "bare": draft.get("bare"),
            "item": draft.get("item") or {"status": "unknown", "choices": []},
        }
        draft["waiting"] = [waiting, *draft.get("waiting", [])]
        draft["matter"] = draft["bare"] = draft["item"] = None


async def complete(turn: Turn, draft: dict[str, Any]) -> None:
    """Look up what does not need asking: whether neighbours have reported it already."""
    place, item = draft.get("place"), draft.get("item")
    if draft.get("similar") is None and draft.get("matter") and place and item and item.get("code"):
        if draft.get("urgent") or item["status"] == "off_list" or place["status"] != "grid":
            draft["similar"] = []
        else:
            where = {"area_code": place["area_code"], "item_code": item["code"]}
            if building := (place.get("parts") or {}).get("building"):
                where["building"] = building
            found = await turn.get("/events/similar", **where)
            draft["similar"] = found["events"][:1]


def slots_of(draft: dict[str, Any]) -> Events:
    """The form's slots and the next one to ask; all done ends the form."""
    item = draft.get("item")
    refused = bool(item and item["status"] == "off_list" and draft.get("matter"))
    values = {
        **{name: None if draft.get(name) else "none" for name in PAUSES},
        "matter": draft.get("matter"),
        "place": (draft.get("place") or {}).get("area_code"),
        "item": (item.get("code") or "unknown") if item else None,
        "neighbour": draft.get("join") or (None if draft.get("similar") else "none"),
        "confirmation": True if draft.get("confirmed") or draft.get("join") else None,
    }
    missing = next((name for name in SLOTS if not values[name]), None)
    if not any(draft.get(name) for name in PAUSES) and (refused or (draft.get("join") and values["matter"])):
        missing = None
    return [*(SlotSet(name, values[name]) for name in SLOTS), SlotSet("requested_slot", missing)]


# What is pressed or shared, and danger, each with the one thing it does to the draft.
SHARED = {
    "emergency": take_danger,
    "not_dangerous": take_no_danger,
    "report_emergency": take_emergency,
    "request_human": take_wish_for_person,
    "place_in_queue": take_place_in_queue,
    "leave_queue": take_leave_of_queue,
    "resume": take_resumption,
    "share_photo": take_media,
    "share_file": take_media,
    "share_location": take_location,
    "choose_place": choose_place,
    "choose_item": take_item,
    "join_neighbour": take_neighbour,
    "report_separately": take_no_neighbour,
    "confirm_report": take_confirmation,
    "resume_report": take_left,
    "edit_report": take_wish_to_edit,
    "toggle_anonymous": take_signature,
}


class AskDanger(HouseAction):
    """Danger in the middle of a report: the number to call comes first, and the report waits."""

    action_name = "action_ask_report_form_danger"

    async def act(self, turn: Turn) -> Events:
        draft = turn.tracker.get_slot("draft") or {}
        say_emergency(turn, draft["danger"], told=bool(draft.get("danger_told")))
        return []


class AskPerson(HouseAction):
    """A person is wanted in the middle of a report: it waits, and asks nothing more until the next word about it."""

    action_name = "action_ask_report_form_person"

    async def act(self, turn: Turn) -> Events:
        await hand_off(turn)
        return []


class Asking(HouseAction):
    """A question of the form. After what was said about something else it is asked again, twice and after questions and
    greetings only; then the report rests until the resident comes back to it."""

    async def act(self, turn: Turn) -> Events:
        draft = turn.tracker.get_slot("draft") or {}
        message_id = turn.metadata.get("message_id")
        if message_id is None or draft.get("seen") == message_id:
            return await self.ask(turn)
        again = draft.get("again", 0)
        if turn.intent in STEPS_ELSEWHERE or again >= ASKED_AGAIN:
            return []
        events = await self.ask(turn)
        asked = next((each["value"] for each in events if each.get("name") == "draft"), draft)
        return [*events, SlotSet("draft", asked | {"again": again + 1})]

    async def ask(self, turn: Turn) -> Events:
        """Put the question."""
        raise NotImplementedError


class AskMatter(Asking):
    action_name = "action_ask_report_form_matter"

    async def ask(self, turn: Turn) -> Events:
        draft = turn.tracker.get_slot("draft") or {}
        if (draft.get("place_hint") or {}).get("status") == "outside":
            turn.say("utter_place_outside")
        elif draft.get("place"):
            place = draft["place"].get("address") or draft["place"]["label"]
            turn.say("utter_ask_matter_after_location", place=place)
        elif draft.get("photos"):
            turn.say("utter_ask_matter_after_photo")
        else:
            turn.say("utter_ask_matter")
        return []


class AskPlace(Asking):
    action_name = "action_ask_report_form_place"

    async def ask(self, turn: Turn) -> Events:
        draft = turn.tracker.get_slot("draft") or {}
        hint = draft.get("place_hint") or {}
        if by_pin := draft.get("pin_place"):
            said = hint.get("address") or hint["label"]
            turn.say(
                "utter_ask_place_or_pin",
                said=said,
                pin=by_pin["label"],
                said_code=hint["area_code"],
                pin_code=by_pin["area_code"],
            )
        elif draft.get("place_choices") and not draft.get("misses"):
            turn.say(
                "utter_ask_place_choices",
                extra_buttons=[
                    button(c["label"], "choose_place", area_code=c["area_code"]) for c in draft["place_choices"][:5]
                ],
            )
        elif draft.get("misses", 0) >= 2:
            streets = (await turn.get("/intake/streets"))["streets"]
            buttons = [button(each["label"], "choose_place", area_code=each["area_code"]) for each in streets[:STREETS]]
            turn.say("utter_ask_place_stuck", extra_buttons=buttons)
            return [SlotSet("draft", draft | {"place_choices": streets})]
        elif draft.get("misses"):
            turn.say("utter_ask_place_again")
        elif hint.get("status") == "outside":
            turn.say("utter_place_outside")
        elif hint.get("label"):
            turn.say("utter_ask_place_more", known=hint["label"])
        else:
            turn.say("utter_ask_place")
        return []


class AskItem(Asking):
    action_name = "action_ask_report_form_item"

    async def ask(self, turn: Turn) -> Events:
        draft = turn.tracker.get_slot("draft") or {}
        choices = draft.get("item_choices", [])[:3]
        turn.say("utter_ask_item", extra_buttons=[button(c["name"], "choose_item", item_code=c["code"]) for c in choices])
        return []


class AskNeighbour(Asking):
    action_name = "action_ask_report_form_neighbour"

    async def ask(self, turn: Turn) -> Events:
        event = (turn.tracker.get_slot("draft") or {})["similar"][0]
        turn.say(
            "utter_ask_own_event" if event["mine"] else "utter_ask_neighbour",
            number=event["number"],
            title=event["title"],
            address=event["address"],
            created=event["created"],
            state=event["state_name"],
        )
        return []


class AskConfirmation(Asking):
    action_name = "action_ask_report_form_confirmation"

    async def ask(self, turn: Turn) -> Events:
        draft = turn.tracker.get_slot("draft") or {}
        number = draft.get("corrects")
        if elsewhere := draft.get("elsewhere"):
            place = elsewhere["place"]
            here = place.get("address") or place["label"]
            turn.say("utter_ask_elsewhere", matter=elsewhere["bare"], place=here, area_code=place["area_code"] or "")
            return []
        if draft.get("editing"):
            ask = "utter_ask_kind" if draft["editing"] == "kind" else "utter_ask_correction" if number else "utter_ask_change"
            turn.say(ask, number=number or "", matter=draft["matter"])
            return []
        names = turn.house.names
        place, item = draft["place"], draft["item"]
        photos = len(draft.get("photos", []))
        anonymous = bool(draft.get("anonymous"))
        turn.say(
            "utter_confirm_correction" if number else "utter_ask_confirmation",
            number=number or "",
            matter=draft["matter"],
            place=place.get("address") or place["label"],
            grid=grid_name(turn, place),
            item=item.get("name") or names("item_unknown"),
            photos=names("photo_count", count=photos) if photos else names("none"),
            signed=names("anonymous" if anonymous else "named"),
            toggle=names("toggle_named" if anonymous else "toggle_anonymous"),
        )
        return []


def grid_name(turn: Turn, place: dict[str, Any]) -> str:
    """The grid, or whose desk will find it."""
    if place["status"] == "grid":
        return place["label"]
    if place["status"] == "street":
        return turn.house.names("street_desk", street=place["label"])
    return turn.house.names("community_desk", community=place["label"])


class SubmitReport(HouseAction):
    """File the confirmed draft, join the neighbour's event, or refuse; then take up what else was said."""

    action_name = "action_submit_report"

    async def act(self, turn: Turn) -> Events:
        draft = turn.tracker.get_slot("draft") or {}
        item = draft.get("item") or {}
        if draft.get("aside"):
            kept = {name: draft[name] for name in ("left", "offer") if name in draft}
            return [*cleared(), SlotSet("draft", kept or None)]
        if item.get("status") == "off_list" and not draft.get("join"):
            await turn.post("/refusals", {"item_code": item["code"]}, once=item["code"])
            turn.say("utter_refused", item=item["name"], channel=item["channel"])
        elif draft.get("join"):
            await self._join(turn, draft)
        elif draft.get("confirmed"):
            await (self._correct if draft.get("corrects") else self._file)(turn, draft)
        else:
            turn.say("utter_report_gone")
        return next_matter(turn, draft)

    async def _join(self, turn: Turn, draft: dict[str, Any]) -> None:
        number = draft["join"]
        if any(event["number"] == number and event["mine"] for event in draft.get("similar") or []):
            turn.say("utter_own_event_goes_on", number=number)
            return
        try:
            event = await turn.post(f"/events/{number}/join", {}, once=number)
        except Refused as refused:
            turn.say("utter_not_possible", reason=refused.sentence)
            return
        turn.say("utter_joined", number=number, state=event["state_name"])

    async def _file(self, turn: Turn, draft: dict[str, Any]) -> None:
        event = await turn.post("/events", report_of(draft) | {"message_id": turn.metadata.get("message_id")}, once="file")
        turn.say("utter_report_filed_urgent" if draft.get("urgent") else "utter_report_filed", number=event["number"])

    async def _correct(self, turn: Turn, draft: dict[str, Any]) -> None:
        number = draft["corrects"]
        try:
            await turn.post(f"/events/{number}/correction", report_of(draft), once="correct")
        except Refused as refused:
            turn.say("utter_not_possible", reason=refused.sentence)
            return
        turn.say("utter_corrected", number=number)


def report_of(draft: dict[str, Any]) -> dict[str, Any]:
    """What was confirmed, as the backend files it."""
    place, item = draft["place"], draft["item"]
    return {
        "description": draft["matter"],
        "area_code": place["area_code"],
        "address": place.get("address") or place["label"],
        "item_code": item.get("code"),
        "place": (place.get("parts") or {}) | unknown_building(place),
        "photos": draft.get("photos", []),
        "anonymous": bool(draft.get("anonymous")),
        "urgent": bool(draft.get("urgent")),
        "unplaced": place["status"] != "grid",
        "latitude": place.get("latitude"),
        "longitude": place.get("longitude"),
    }


def unknown_building(place: dict[str, Any]) -> dict[str, str]:
    """For the desk: the building is none of those that are known there."""
    return {"unknown_building": place["unknown_building"]} if place.get("unknown_building") else {}


def cleared() -> Events:
    return [*(SlotSet(name, None) for name in SLOTS), SlotSet("draft", None), SlotSet("unsure_text", None)]


def next_matter(turn: Turn, draft: dict[str, Any]) -> Events:
    """Clear the form; with another matter waiting, begin it where it was said to be, else at the same place."""
    waiting = draft.get("waiting") or []
    if not waiting:
        return cleared()
    turn.say("utter_next_matter")
    first, *others = waiting
    following: dict[str, Any] = {
        "matter": first["text"],
        "bare": first.get("bare"),
        "waiting": others,
        "place": draft.get("place"),
        "anonymous": draft.get("anonymous"),
        "seen": draft.get("seen"),
    }
    if own := first.get("place"):
        take_place(turn, following, own)
    else:
        following["parts"] = draft.get("parts")
    set_item(following, first["item"])
    return [*cleared(), SlotSet("draft", following), FollowupAction(FORM)]


class LeaveReport(HouseAction):
    """The report is left; a button takes it up again as it was."""

    action_name = "action_leave_report"

    async def act(self, turn: Turn) -> Events:
        draft = turn.tracker.get_slot("draft") or {}
        if draft.get("corrects"):
            turn.say("utter_correction_left", number=draft["corrects"])
            return [*cleared(), *ENDED]
        turn.say("utter_cancelled")
        left = {name: value for name, value in draft.items() if name not in OF_ONE_SUMMARY}
        return [*cleared(), SlotSet("draft", {"left": left}), *ENDED]
