"""Voting: what is open for me, my ballot, the code of a paper slip, a proxy.

A ballot comes sealed: the backend seals it before the message is stored, so neither the engine nor this module ever reads it.
"""

from typing import Any

from actions.backend_client import Refused
from actions.turn import HouseAction, Turn, button

Events = list[dict[str, Any]]
CARDS = 3


def show(turn: Turn, said: dict[str, Any]) -> None:
    """Say what the backend has put together from the same sentences."""
    turn.dispatcher.utter_message(text=said["text"], buttons=said["buttons"] or None)


class ListVotes(HouseAction):
    """The ballots that wait for this resident, the soonest to end first; else the news of the last ones."""

    action_name = "action_vote"

    async def act(self, turn: Turn) -> Events:
        votes = await turn.get("/votes")
        waiting = [vote for vote in votes["open"] if not vote["voted"]] or votes["open"]
        if not waiting:
            for vote in votes["recent"][:1]:
                show(turn, vote["news"])
            by_phone = [button(turn.house.names("vote_by_phone"), "vouch_phone")] if votes["vouches"] else []
            turn.say("utter_vote_none", extra_buttons=by_phone)
            return []
        if len(waiting) > 1:
            turn.say("utter_vote_more", count=len(waiting))
        show(turn, waiting[0]["card"])
        return []


class ShowVote(HouseAction):
    """One vote by its number: its ballots while it is open, what became of it afterwards."""

    action_name = "action_show_vote"

    async def act(self, turn: Turn) -> Events:
        try:
            vote = await turn.get(f"/votes/{turn.entity('number')}")
        except Refused as refused:
            turn.say("utter_not_possible", reason=refused.sentence)
            return []
        for card in vote["open"][:CARDS]:
            show(turn, card["card"])
        if vote["news"]:
            show(turn, vote["news"])
        elif not vote["open"]:
            turn.say("utter_vote_not_begun", title=vote["title"])
        return []


class CastBallot(HouseAction):
    action_name = "action_cast_ballot"

    async def act(self, turn: Turn) -> Events:
        number, unit = str(turn.entity("vote") or ""), str(turn.entity("unit") or "")
        if not unit.isdecimal() or not number:
            return await ListVotes(self.house).act(turn)
        body = {"unit": int(unit), "ballot": turn.entity("ballot") or ""}
        try:
            done = await turn.post(f"/votes/{number}/ballots", body, once="ballot")
        except Refused as refused:
            turn.say("utter_not_possible", reason=refused.sentence)
            return []
        response = "utter_vote_changed" if done["changed"] else "utter_vote_cast"
        turn.say(response, title=done["title"], receipt=done["receipt"], number=number, unit=unit)
        votes = (await turn.get("/votes"))["open"]
        if following := next((vote for vote in votes if not vote["voted"]), None):
            show(turn, following["card"])
        return []


class UseVoteCode(HouseAction):
    action_name = "action_use_vote_code"

    async def act(self, turn: Turn) -> Events:
        try:
            found = await turn.post("/votes/codes", {"code": str(turn.entity("code") or "-")}, once="code")
        except Refused as refused:
            turn.say("utter_not_possible", reason=refused.sentence)
            return []
        response = "utter_vote_code_proxy" if found["proxy"] else "utter_vote_code_matched"
        turn.say(response, unit=found["unit"], title=found["title"])
        if found["begun"]:
            show(turn, found["card"])
        else:
            turn.say("utter_vote_not_begun", title=found["title"])
        return []


class VouchPhone(HouseAction):
    """The number that the messenger vouches for: how to send it, and once it was sent, what it opened."""

    action_name = "action_vouch_phone"

    async def act(self, turn: Turn) -> Events:
        votes = await turn.get("/votes")
        if not votes["vouches"]:
            turn.say("utter_vote_phone_not_here")
        elif turn.entity("sent") == "no":
            turn.say("utter_vote_phone_typed")
        elif not turn.entity("sent"):
            turn.say("utter_ask_vote_phone")
        elif votes["open"]:
            turn.say("utter_vote_phone_matched")
            return await ListVotes(self.house).act(turn)
        else:
            turn.say("utter_vote_phone_unknown")
        return []


class Proxy(HouseAction):
    """The voter's consent: a code to hand on."""

    action_name = "action_vote_proxy"

    async def act(self, turn: Turn) -> Events:
        number, unit = turn.entity("number"), str(turn.entity("unit") or "0")
        try:
            given = await turn.post(f"/votes/{number}/proxy", {"unit": int(unit)}, once="proxy")
        except Refused as refused:
            turn.say("utter_not_possible", reason=refused.sentence)
            return []
        turn.say("utter_vote_proxy_code", code=given["code"], title=given["title"], number=number, unit=unit)
        return []


class RevokeProxy(HouseAction):
    action_name = "action_revoke_proxy"

    async def act(self, turn: Turn) -> Events:
        number, unit = turn.entity("number"), str(turn.entity("unit") or "0")
        try:
            await turn.post(f"/votes/{number}/proxy/revoke", {"unit": int(unit)}, once="revoke")
        except Refused as refused:
            turn.say("utter_not_possible", reason=refused.sentence)
            return []
        turn.say("utter_vote_proxy_revoked", number=number)
        return []
