"""What became of it: cards, urging, adding, withdrawing, the resident's verdict and stars."""

import re
from typing import Any

from rasa_sdk.events import ActiveLoop, FollowupAction, SlotSet

from actions import emergency, opinions
from actions.aside import ASIDE
from actions.backend_client import Refused
from actions.correction import HearsCorrections
from actions.handoff import leave_queue
from actions.mediation_card import OVER as SETTLED
from actions.mediation_card import show_mediation
from actions.numbers import NUMBER, OVER, number_in
from actions.turn import HouseAction, Turn, button

Events = list[dict[str, Any]]
APPLICATION = re.compile(r"[Bb](\d{4})[-\s—－]?(\d{4})(?!\d)")
SUPPLEMENT_WORD = re.compile(r"^[\s，,]*(我?(还|再)?(要|想|来)?补充(一下|一点|一句|两句)?)?[：:，,。\s]*")
WITHDRAWABLE = {"reported", "accepted", "dispatched"}
CARDS = 3
WITHDRAW = re.compile("撤[回销掉]|不用办了")
# The words that turn a question about progress into a step.
STEPS = (("withdraw", ("撤回", "撤销", "撤掉", "不用办了")), ("supplement", ("补充", "补一")), ("urge", ("催",)))


def show_card(turn: Turn, event: dict[str, Any]) -> None:
    names = turn.house.names
    if event["state"] in OVER:
        turn.say(
            "utter_event_card_over",
            title=event["title"],
            number=event["number"],
            address=event["address"],
            state=event["state_name"],
        )
        return
    due = names("late" if event["late"] else "due", due=event["due"]) if event["due"] else names("no_due")
    turn.say(
        "utter_event_card_verifying" if event["state"] == "verifying" else "utter_event_card",
        title=event["title"],
        number=event["number"],
        address=event["address"],
        state=event["state_name"],
        handler=event["handler"],
        due=due,
    )


def show_applications(turn: Turn, applications: list[dict[str, Any]], asked: re.Match[str] | None) -> bool:
    """Say how these applications for subsidies stand, or the one that was named; False when there is none."""
    found = [one for one in applications if asked is None or one["number"] == f"B{asked[1]}-{asked[2]}"][:CARDS]
    for one in found:
        said = "utter_subsidy_status_open" if one["may_withdraw"] else "utter_subsidy_status"
        money = "".join(f"\n{line}" for line in one["money"])
        turn.say(said, name=one["name"], number=one["number"], state=one["state"], money=money)
    return bool(found)


def show_consult(turn: Turn, consult: dict[str, Any]) -> None:
    """A legal consult's card, with what may be done with it."""
    turn.say(
        "utter_consult_card_over" if consult["state"] == "ended" else "utter_consult_card",
        title=consult["title"],
        number=consult["number"],
        area=consult["area_name"],
        state=consult["state_name"],
    )


def show_numbered(turn: Turn, standing: dict[str, Any], number: str) -> bool:
    """Show the resident's consult or mediation of that number; False when there is none."""
    for kind, show in (("consults", show_consult), ("mediations", show_mediation)):
        for one in standing[kind]:
            if one["number"] == number:
                show(turn, one)
                return True
    return False


class Status(HearsCorrections):
    """Answer by number, else with the last few events, and the consults and mediations that go on; a word such as 催 makes it
    that step."""

    action_name = "action_status"

    async def act(self, turn: Turn) -> Events:
        step = next((name for name, words in STEPS if any(word in turn.text for word in words)), None)
        if opinions.OPINION.search(turn.text):
            asked_opinion = opinions.opinion_in(turn) or ""
            await (opinions.ask_withdraw if step == "withdraw" else opinions.show_number)(turn, asked_opinion)
            return []
        number = number_in(turn)
        asked = APPLICATION.search(turn.text)
        standing = await turn.get("/standing")
        shown = bool(asked or not (number or step)) and show_applications(turn, standing["applications"], asked)
        if shown and (asked or "补贴" in turn.text):
            return []
        return await self._events(turn, standing, step, number, shown=shown)

    async def _events(
        self, turn: Turn, standing: dict[str, Any], step: str | None, number: str | None, *, shown: bool
    ) -> Events:
        events = standing["events"]
        if number:
            event = next((e for e in events if e["number"] == number), None)
            if event is not None:
                return await self._one(turn, event, step)
            if not show_numbered(turn, standing, number):
                turn.say("utter_number_unknown", number=number)
            return []
        consults = [] if step else [c for c in standing["consults"] if c["state"] != "ended"][:CARDS]
        alone = not (shown or events or consults)
        suggested = [] if step else opinions.waiting_ones(standing["opinions"], limit=CARDS, alone=alone)
        for opinion in suggested:
            opinions.show(turn, opinion)
        mediations = [] if step else [m for m in standing["mediations"] if m["state"] not in SETTLED]
        if not events and not consults and not mediations:
            return [] if shown or suggested else await nothing_reported(turn, step)
        still_open = [event for event in events if event["state"] not in OVER]
        if step and len(still_open) == 1:
            return await self._one(turn, still_open[0], step)
        if step and events:
            ask_which(turn, step, still_open, events[0])
            return []
        shown = events[:CARDS]
        if len(shown) > 1:
            turn.say("utter_status_intro", count=len(shown))
        for event in shown:
            show_card(turn, event)
        for consult in consults:
            show_consult(turn, consult)
        for mediation in mediations[:CARDS]:
            show_mediation(turn, mediation)
        return []

    async def _one(self, turn: Turn, event: dict[str, Any], step: str | None) -> Events:
        match step:
            case "urge":
                return await urge(turn, event["number"])
            case "withdraw":
                await ask_withdraw(turn, event["number"])
            case "supplement":
                return [SlotSet("supplement_number", event["number"]), {"event": "followup", "name": "supplement_form"}]
            case _:
                show_card(turn, event)
        return []


async def nothing_reported(turn: Turn, step: str | None) -> Events:
    """Who asks after something that they never reported here, and says what it is, reports it now."""
    _, matters = await turn.read(turn.text) if turn.text and not step else (None, [])
    in_form = turn.in_form
    if matters and not in_form and matters[0]["item"]["status"] == "sure" and matters[0]["item"].get("named"):
        return [SlotSet("draft", {"begun": turn.text}), FollowupAction("report_form")]
    turn.say("utter_no_events")
    return []


def ask_which(turn: Turn, step: str, still_open: list[dict[str, Any]], latest: dict[str, Any]) -> None:
    """Which of the open events the step is for; with none open, that there is none."""
    if not still_open:
        turn.say("utter_step_over", title=latest["title"], number=latest["number"], state=latest["state_name"])
        return
    turn.say(
        "utter_ask_which",
        extra_buttons=[button(f"{e['title']} {e['number']}", step, number=e["number"]) for e in still_open[:5]],
    )


class Cancel(HearsCorrections):
    """With nothing under way, "撤回" is about an event, and "算了" about the person who is waited for; else it is nothing."""

    action_name = "action_cancel"

    async def act(self, turn: Turn) -> Events:
        if any(word in turn.text for word in STEPS[0][1]):
            return await Status(self.house).act(turn)
        if turn.waiting:
            await leave_queue(turn)
        else:
            turn.say("utter_nothing_open")
        return []


async def urge(turn: Turn, number: str) -> Events:
    try:
        event = await turn.post(f"/events/{number}/urge", {}, once=f"urge {number}")
    except Refused as refused:
        turn.say("utter_not_possible", reason=refused.sentence)
        return []
    turn.say("utter_urged", number=number, handler=event["handler"])
    return []


class Urge(HouseAction):
    action_name = "action_urge"

    async def act(self, turn: Turn) -> Events:
        return await urge(turn, number_in(turn) or "")


class Withdraw(HouseAction):
    action_name = "action_withdraw"

    async def act(self, turn: Turn) -> Events:
        await ask_withdraw(turn, number_in(turn) or "")
        return []


async def ask_withdraw(turn: Turn, number: str) -> None:
    """Ask whether it is certain; what would be refused is not asked."""
    try:
        event = (await turn.get(f"/events/{number}"))["event"]
    except Refused:
        turn.say("utter_number_unknown", number=number)
        return
    if not event["mine"]:
        turn.say("utter_withdraw_not_yours", number=number)
    elif event["state"] not in WITHDRAWABLE:
        turn.say("utter_withdraw_too_late", number=number, state=event["state_name"])
    else:
        turn.say("utter_withdraw_ask", title=event["title"], number=number)


class WithdrawConfirmed(HouseAction):
    action_name = "action_withdraw_confirmed"

    async def act(self, turn: Turn) -> Events:
        number = number_in(turn) or ""
        try:
            await turn.post(f"/events/{number}/withdraw", {}, once=f"withdraw {number}")
        except Refused as refused:
            turn.say("utter_not_possible", reason=refused.sentence)
            return []
        turn.say("utter_withdrawn", number=number)
        return []


class StartSupplement(HouseAction):
    action_name = "action_start_supplement"

    async def act(self, turn: Turn) -> Events:
        number = number_in(turn) or turn.tracker.get_slot("supplement_number")
        return [SlotSet("supplement_number", number), SlotSet("supplement_content", None)]


class ValidateSupplementForm(HouseAction):
    """Every text or photo goes to the event at once; 好了 ends it."""

    action_name = "validate_supplement_form"

    async def act(self, turn: Turn) -> Events:
        number = turn.tracker.get_slot("supplement_number")
        offer = (turn.tracker.get_slot("draft") or {}).get("offer") or {}
        if turn.in_form:
            content = await self._content(turn, number)
        elif offer and offer["number"] == number:
            content = await add(turn, number, offer["text"], offer["photos"])
        else:
            content = None
        if content is None:
            return []
        kept = [SlotSet("unsure_text", turn.text)] if content == "danger" else []
        if not turn.in_form:
            kept.append(SlotSet("draft", None))
        return [SlotSet("supplement_content", content), *kept, SlotSet("requested_slot", None)]

    @staticmethod
    async def _content(turn: Turn, number: str) -> str | None:
        """What came of the message: taken, danger (taken too), done, over; None when it was not for us."""
        if turn.intent == "supplement_done" or (turn.intent in ("deny", "affirm", "thank") and not turn.media):
            return "done"
        danger = turn.intent == "emergency" and not emergency.is_faint(turn)
        if danger:
            turn.say(f"utter_emergency_{emergency.kind_of(turn.text)}")  # first, and then it is added
        elif turn.intent in ASIDE["supplement_form"] - {"emergency"}:
            return None
        text = SUPPLEMENT_WORD.sub("", NUMBER.sub("", turn.text)).strip()
        if not text and not turn.media:
            return None
        content = await add(turn, number, text, turn.media)
        return "danger" if danger and content == "taken" else content


async def add(turn: Turn, number: str, text: str, photos: list[str]) -> str:
    """Add the words and photos to the event: taken, or over where it is refused."""
    try:
        await turn.post(f"/events/{number}/supplement", {"text": text, "photos": photos}, once=f"supplement {number}")
    except Refused as refused:
        turn.say("utter_not_possible", reason=refused.sentence)
        return "over"
    return "taken"


class SubmitSupplement(HouseAction):
    action_name = "action_submit_supplement"

    async def act(self, turn: Turn) -> Events:
        match turn.tracker.get_slot("supplement_content"):
            case "taken" | "danger" as content:
                turn.say("utter_supplement_taken", number=turn.tracker.get_slot("supplement_number"))
                if content == "danger":
                    await emergency.offer(turn, turn.text)
            case "done":
                turn.say("utter_supplement_nothing")
        return [SlotSet("supplement_content", None), SlotSet("supplement_number", None), ActiveLoop(None)]


class LeaveSupplement(HouseAction):
    action_name = "action_leave_supplement"

    async def act(self, turn: Turn) -> Events:
        turn.say("utter_supplement_nothing")
        return [
            SlotSet("supplement_content", None),
            SlotSet("supplement_number", None),
            ActiveLoop(None),
            SlotSet("requested_slot", None),
        ]


class Verify(HouseAction):
    """已解决 closes, 未解决 reopens one rung higher; the words typed beside it go with it."""

    action_name = "action_verify"

    async def act(self, turn: Turn) -> Events:
        number, solved = number_in(turn) or "", bool(turn.entity("solved"))
        note = turn.metadata.get("text") if turn.metadata.get("kind") == "text" else ""
        try:
            event = await turn.post(
                f"/events/{number}/verdict", {"solved": solved, "note": note or ""}, once=f"verdict {number}"
            )
        except Refused as refused:
            known = refused.code != "illegal_transition"
            turn.say(
                "utter_not_possible", reason=refused.sentence if known else turn.house.names("verdict_late", number=number)
            )
            return []
        turn.say("utter_event_closed" if solved else "utter_verified_unsolved", title=event["title"], number=number)
        return []


class Rate(HouseAction):
    action_name = "action_rate"

    async def act(self, turn: Turn) -> Events:
        number, stars = number_in(turn) or "", turn.entity("stars")
        try:
            await turn.post(f"/events/{number}/rating", {"stars": stars}, once=f"rating {number}")
        except Refused as refused:
            turn.say("utter_not_possible", reason=refused.sentence)
            return []
        turn.say("utter_rated", stars=stars)
        return []
