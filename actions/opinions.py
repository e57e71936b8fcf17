"""A suggestion is put together, confirmed and filed; neighbours' ones are seconded; answers are read and rated.

What is being put together is in the ``opinion`` slot: {words, media, place, home, city, whole_city, owner, days, similar,
support, confirmed, public, seen}.
"""

import re
from typing import Any

from rasa_sdk.events import FollowupAction, SlotSet

from actions.aside import ASIDE
from actions.backend_client import Refused
from actions.correction import HearsCorrections
from actions.forms import ENDED, DraftForm, Events, filled
from actions.turn import SHORT_ANSWER, SURE_YES, HouseAction, Turn, button

SLOTS = ("opinion_words", "opinion_place", "opinion_similar", "opinion_confirmation")
OPINION = re.compile(r"[Yy](\d{4})[-\s—－]?(\d{4})(?!\d)")
WISH = re.compile(r"^(我?想?(给你们)?提个?(小?建议|意见)[，,：: ]*|我?(建议|希望)[，,：: ]*)(?=.)")
WORDS_LIMIT = 2000
TITLE_LIMIT = 200


class GiveOpinion(HearsCorrections):
    """Begin a suggestion; in the middle of something else, say how to begin one afterwards."""

    action_name = "action_give_opinion"

    async def act(self, turn: Turn) -> Events:
        if turn.in_form:
            turn.say("utter_opinion_later")
            return []
        return [FollowupAction("opinion_form")]


class ValidateOpinionForm(DraftForm):
    """Read the message into the suggestion. No events: it was not for us."""

    action_name = "validate_opinion_form"
    slot = "opinion"

    async def take(self, turn: Turn, draft: dict[str, Any], asked: str | None) -> bool:
        return await take(turn, draft, asked)

    def slots_of(self, draft: dict[str, Any]) -> Events:
        return slots_of(draft)


async def take(turn: Turn, draft: dict[str, Any], asked: str | None) -> bool:
    """Take what the message brings into the draft; False when it was meant for someone else."""
    short = len(turn.text) <= SHORT_ANSWER
    match turn.intent:
        case "confirm_opinion":
            draft["confirmed"], draft["public"] = True, str(turn.entity("public")) == "1"
        case "affirm" if asked == "opinion_confirmation" and short:
            draft["confirmed"] = turn.confidence >= SURE_YES  # not public: that takes a word of its own
        case "edit_opinion":
            draft.update(words="", place=None, similar=[])
        case "opinion_place":
            draft["place"] = draft.get("home" if turn.entity("area") == "home" else "city")
            await read(turn, draft)
        case "support_opinion" if asked == "opinion_similar":
            draft["support"] = turn.entity("number")
        case "affirm" if asked == "opinion_similar" and short:
            draft["support"] = draft["similar"][0]["number"]
        case "opinion_apart":
            draft["similar"], draft["apart"] = [], True
        case "deny" if asked == "opinion_similar" and short:
            draft["similar"], draft["apart"] = [], True
        case "share_photo" | "share_file":
            draft["media"] = [*draft.get("media", []), *turn.media]
            turn.say("utter_opinion_photo")
            if turn.text:
                await add(turn, draft, turn.text)
        case "share_location":
            await read(turn, draft, location=turn.location)
        case _:
            return await take_words(turn, draft, asked)
    return True


async def take_words(turn: Turn, draft: dict[str, Any], asked: str | None) -> bool:
    text = turn.text or (turn.tracker.get_slot("unsure_text") or "" if asked is None else "")
    if asked is not None and (not text or turn.intent in ASIDE["opinion_form"]):
        return False
    if asked == "opinion_place":
        await answer_place(turn, draft, text)
    elif text:
        await add(turn, draft, text)
    return True


async def add(turn: Turn, draft: dict[str, Any], text: str) -> None:
    """Add ``text`` to the suggestion and read it anew."""
    before = draft.get("words")
    draft["words"] = (f"{before}\n{text}" if before else text)[:WORDS_LIMIT]
    await read(turn, draft)


async def read(turn: Turn, draft: dict[str, Any], *, location: dict[str, float] | None = None) -> None:
    """What the backend makes of the words: the place they name, who answers, and what neighbours have said like it."""
    place = draft.get("place")
    body = {"text": draft.get("words") or "", "location": location, "area_code": place and place["area_code"]}
    found = await turn.post("/opinions/read", body, once=f"read {bool(location)}")
    if not found["words"]:
        draft["words"] = ""
    draft["place"] = found["place"] or place or (found["city"] if found["whole_city"] else found["home"])
    for name in ("home", "city", "owner", "days"):
        draft[name] = found[name]
    draft["similar"] = [] if draft.get("apart") else found["similar"]


async def answer_place(turn: Turn, draft: dict[str, Any], text: str) -> None:
    """Where it is about is asked once: what is no place means the whole city, and the words are kept with it."""
    found = await turn.post("/opinions/read", {"text": text}, once="read place")
    draft["place"] = found["place"] or found["city"]
    await read(turn, draft)


def slots_of(draft: dict[str, Any]) -> Events:
    settled = draft.get("confirmed") or draft.get("support")
    return filled(
        {
            "opinion_words": "said" if draft.get("words") else None,
            "opinion_place": "known" if draft.get("place") else None,
            "opinion_similar": None if draft.get("similar") and not settled else "none",
            "opinion_confirmation": "done" if settled else None,
        }
    )


class AskWords(HouseAction):
    action_name = "action_ask_opinion_form_opinion_words"

    async def act(self, turn: Turn) -> Events:
        turn.say("utter_ask_opinion")
        return []


class AskPlace(HouseAction):
    action_name = "action_ask_opinion_form_opinion_place"

    async def act(self, turn: Turn) -> Events:
        turn.say("utter_ask_opinion_place")
        return []


class AskSimilar(HouseAction):
    action_name = "action_ask_opinion_form_opinion_similar"

    async def act(self, turn: Turn) -> Events:
        similar = (turn.tracker.get_slot("opinion") or {})["similar"]
        if similar[0]["mine"]:
            one = similar[0]
            turn.say(
                "utter_ask_own_opinion",
                created=one["created"],
                title=one["title"],
                number=one["number"],
                state=one["state_name"],
            )
            return []
        similar = [one for one in similar if not one["mine"]]
        turn.say("utter_ask_opinion_similar", lines=lines(turn, similar), extra_buttons=support_buttons(turn, similar))
        return []


def lines(turn: Turn, opinions: list[dict[str, Any]]) -> str:
    """Each opinion on a line of its own, counted."""
    return "\n".join(
        turn.house.names(
            "opinion_line", place=place, title=one["title"], number=one["number"], supporters=supporters(turn, one)
        )
        for place, one in enumerate(opinions, 1)
    )


def supporters(turn: Turn, one: dict[str, Any]) -> str:
    """How many second it; nothing where nobody does."""
    return turn.house.names("opinion_supporters", count=one["supporters"]) if one["supporters"] else ""


def support_buttons(turn: Turn, opinions: list[dict[str, Any]]) -> list[dict[str, str]]:
    """A button for each opinion that seconds it."""
    names = turn.house.names
    if len(opinions) == 1:
        says = "我也附议 附议吧 是一回事 同意 支持 就是这个"
        return [button(names("opinion_support"), "support_opinion", number=opinions[0]["number"]) | {"says": says}]
    return [
        button(names("opinion_support_one", place=place), "support_opinion", number=one["number"])
        for place, one in enumerate(opinions, 1)
    ]


class AskConfirmation(HouseAction):
    action_name = "action_ask_opinion_form_opinion_confirmation"

    async def act(self, turn: Turn) -> Events:
        draft = turn.tracker.get_slot("opinion") or {}
        turn.say(
            "utter_ask_opinion_confirmation",
            words=WISH.sub("", draft["words"]),
            place=draft["place"]["address"] or draft["place"]["label"],
            owner=draft["owner"],
            days=draft["days"],
        )
        return []


CLEARED = [SlotSet("opinion", None), SlotSet("unsure_text", None), *(SlotSet(name, None) for name in SLOTS)]


class SubmitOpinion(HouseAction):
    action_name = "action_submit_opinion"

    async def act(self, turn: Turn) -> Events:
        draft = turn.tracker.get_slot("opinion") or {}
        if number := draft.get("support"):
            if any(one["number"] == number and one["mine"] for one in draft.get("similar") or []):
                turn.say("utter_opinion_goes_on", number=number)
            else:
                await support(turn, str(number))
        else:
            await self._file(turn, draft)
        return [*CLEARED, *ENDED]

    async def _file(self, turn: Turn, draft: dict[str, Any]) -> None:
        body = {
            "text": draft["words"],
            "area_code": draft["place"]["area_code"],
            "address": draft["place"]["address"],
            "public": bool(draft.get("public")),
            "media": draft.get("media", []),
        }
        try:
            filed = await turn.post("/opinions", body, once="opinion")
        except Refused as refused:
            turn.say("utter_not_possible", reason=refused.sentence)
            return
        name = "utter_opinion_filed" if filed["public"] else "utter_opinion_filed_private"
        turn.say(name, number=filed["number"], owner=filed["owner"], due=filed["due"])


class LeaveOpinion(HouseAction):
    action_name = "action_leave_opinion"

    async def act(self, turn: Turn) -> Events:
        turn.say("utter_opinion_left")
        return [*CLEARED, *ENDED]


# After it was filed


def opinion_in(turn: Turn) -> str | None:
    """The opinion's number in a button's payload or in what was typed."""
    if turn.entity("number"):
        return str(turn.entity("number"))
    found = OPINION.search(turn.text)
    return f"Y{found[1]}-{found[2]}" if found else None


def show(turn: Turn, one: dict[str, Any]) -> None:
    """An opinion's card, with what may be done with it."""
    names = turn.house.names
    count = supporters(turn, one)
    text = WISH.sub("", one["text"])
    text = text if len(text) <= TITLE_LIMIT else text[:TITLE_LIMIT] + "…"
    if one["state"] == "answered":
        stars = f"\n{'★' * one['stars']}" if one["mine"] and one["stars"] else ""
        turn.say(
            "utter_opinion_card_answered",
            text=text,
            number=one["number"],
            owner=one["owner"],
            answer=one["answer"],
            supporters=count + stars,
        )
        return
    buttons = []
    if one["state"] == "waiting" and one["mine"]:
        wish = "hide" if one["public"] else "publish"
        public = int(not one["public"])
        buttons = [
            button(names("opinion_withdraw"), "withdraw_opinion", number=one["number"]),
            button(names(f"opinion_{wish}"), "publish_opinion", number=one["number"], public=public),
        ]
    elif one["state"] == "waiting":
        buttons = support_buttons(turn, [one])
    due = "" if one["state"] != "waiting" else names("opinion_overdue" if one["late"] else "opinion_due", due=one["due"])
    turn.say(
        "utter_opinion_card",
        text=text,
        number=one["number"],
        created=one["created"],
        state=one["state_name"],
        owner=one["owner"],
        due=due,
        supporters=count,
        extra_buttons=buttons,
    )


async def show_number(turn: Turn, number: str) -> None:
    try:
        show(turn, (await turn.get(f"/opinions/{number}"))["opinion"])
    except Refused as refused:
        turn.say("utter_not_possible", reason=refused.sentence)


def waiting_ones(mine: list[dict[str, Any]], *, limit: int, alone: bool) -> list[dict[str, Any]]:
    """Those of a resident's own and seconded opinions that wait for an answer, newest first; with none of them and nothing else
    to tell (``alone``), the newest one."""
    return [one for one in mine if one["state"] == "waiting"][:limit] or (mine[:1] if alone else [])


async def support(turn: Turn, number: str) -> None:
    try:
        found = await turn.post(f"/opinions/{number}/support", {}, once=f"support {number}")
    except Refused as refused:
        turn.say("utter_not_possible", reason=refused.sentence)
        return
    name = "utter_opinion_supported" if found["new"] else "utter_opinion_supported_before"
    turn.say(name, title=found["title"], number=number, count=found["supporters"])


class ListOpinions(HouseAction):
    """What neighbours suggest and waits for an answer, each with a button that seconds it."""

    action_name = "action_list_opinions"

    async def act(self, turn: Turn) -> Events:
        found = await turn.get("/opinions")
        mine = {one["number"] for one in found["mine"]}
        around = [one for one in found["around"] if one["number"] not in mine]
        if not around:
            turn.say("utter_opinions_none")
            return []
        area = found["area"] or turn.house.names("everywhere")
        turn.say("utter_opinions_around", area=area, lines=lines(turn, around), extra_buttons=support_buttons(turn, around))
        return []


class ShowOpinion(HouseAction):
    action_name = "action_show_opinion"

    async def act(self, turn: Turn) -> Events:
        await show_number(turn, opinion_in(turn) or "")
        return []


class SupportOpinion(HouseAction):
    action_name = "action_support_opinion"

    async def act(self, turn: Turn) -> Events:
        await support(turn, opinion_in(turn) or "")
        return []


async def step(turn: Turn, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
    """Take one step of the resident's own opinion; None when it was refused, which they are told."""
    number = opinion_in(turn) or ""
    try:
        return await turn.post(f"/opinions/{number}/{path}", body, once=f"{path} {number}")
    except Refused as refused:
        turn.say("utter_not_possible", reason=refused.sentence)
        return None


async def ask_withdraw(turn: Turn, number: str) -> None:
    """Ask whether it is certain; a neighbour's is not asked about."""
    try:
        one = (await turn.get(f"/opinions/{number}"))["opinion"]
    except Refused as refused:
        turn.say("utter_not_possible", reason=refused.sentence)
        return
    if one["mine"] and one["state"] == "waiting":
        turn.say("utter_opinion_withdraw_ask", title=one["title"], number=number)
    else:
        show(turn, one)


class WithdrawOpinion(HouseAction):
    action_name = "action_withdraw_opinion"

    async def act(self, turn: Turn) -> Events:
        await ask_withdraw(turn, opinion_in(turn) or "")
        return []


class WithdrawOpinionConfirmed(HouseAction):
    action_name = "action_withdraw_opinion_confirmed"

    async def act(self, turn: Turn) -> Events:
        if done := await step(turn, "withdraw", {}):
            turn.say("utter_opinion_withdrawn", number=done["number"])
        return []


class PublishOpinion(HouseAction):
    action_name = "action_publish_opinion"

    async def act(self, turn: Turn) -> Events:
        public = str(turn.entity("public")) == "1"
        if done := await step(turn, "publicity", {"public": public}):
            turn.say("utter_opinion_public" if public else "utter_opinion_private", number=done["number"])
        return []


class RateOpinion(HouseAction):
    action_name = "action_rate_opinion"

    async def act(self, turn: Turn) -> Events:
        stars = turn.entity("stars")
        if rated := await step(turn, "rating", {"stars": stars}):
            if rated["state"] == "waiting":
                turn.say("utter_opinion_reopened", number=rated["number"], owner=rated["owner"], due=rated["due"])
            else:
                turn.say("utter_rated", stars=stars)
        return []
