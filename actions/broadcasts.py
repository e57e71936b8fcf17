"""普法推送: choosing topics, one word to stop, and reading what was pushed."""

from typing import Any

from actions.backend_client import Refused
from actions.turn import HouseAction, Turn, button

Events = list[dict[str, Any]]


class Subscribe(HouseAction):
    """A button's topic is subscribed to; without one the topics are offered."""

    action_name = "action_subscribe"

    async def act(self, turn: Turn) -> Events:
        if topic := turn.entity("topic"):
            try:
                found = await turn.post("/subscriptions", {"topic": topic}, once=f"subscribe {topic}")
            except Refused as refused:
                turn.say("utter_not_possible", reason=refused.sentence)
                return []
            turn.say("utter_subscribed", topic=found["name"])
            return []
        topics = (await turn.get("/subscriptions"))["topics"]
        left = [button(one["name"], "subscribe", topic=one["topic"]) for one in topics if not one["subscribed"]]
        mine = [one["name"] for one in topics if one["subscribed"]]
        if mine:
            turn.say("utter_ask_more_topics", topics="、".join(mine), extra_buttons=left)
        else:
            turn.say("utter_ask_topics", extra_buttons=left)
        return []


class Unsubscribe(HouseAction):
    """One word ends every subscription: to legal advice and to what is disclosed."""

    action_name = "action_unsubscribe"

    async def act(self, turn: Turn) -> Events:
        advice = await turn.post("/subscriptions/stop", {}, once="stop")
        decisions = await turn.post("/disclosure/wishes/stop", {}, once="stop")
        turn.say("utter_unsubscribed" if advice["stopped"] or decisions["stopped"] else "utter_nothing_subscribed")
        return []


class OpenBroadcast(HouseAction):
    action_name = "action_open_broadcast"

    async def act(self, turn: Turn) -> Events:
        number = turn.entity("broadcast") or 0
        try:
            found = await turn.post(f"/broadcasts/{int(number)}/open", {}, once=f"open {number}")
        except Refused as refused:
            turn.say("utter_not_possible", reason=refused.sentence)
            return []
        turn.say("utter_broadcast_text", title=found["title"], text=found["text"])
        return []
