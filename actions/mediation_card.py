"""A mediation in short: what it is about, the rung, who mediates, when, and what may be done."""

import re
from typing import Any

from actions.turn import Turn, button

# Asking for a mediator in plain words; a question about mediation is for a lawyer or the guide.
_WANTED = re.compile(r"(?:申请|找人|找个人|请人|求)(?:来)?调解|(?:找|约|请|派|要)(?:个|一?位|一下)?(?:人民|社区|街道)?调解员")
_ASKED = re.compile(r"[吗么？?]|怎么|如何|是不是|要不要|能不能|必须|效力|收费|多久|哪里|在哪|要勿要")
OVER = {"agreed", "court", "withdrawn"}


def wants_mediation(turn: Turn) -> bool:
    """Whether the words ask for mediation, outside of any form."""
    in_form = turn.in_form
    return not in_form and bool(_WANTED.search(turn.text)) and not _ASKED.search(turn.text)


def show_mediation(turn: Turn, card: dict[str, Any]) -> None:
    names = turn.house.names
    number = card["number"]
    if card["state"] in OVER:
        turn.say("utter_mediation_card_over", title=card["title"], number=number, state=card["state_name"])
        return
    if card["state"] == "proposed":
        turn.say("utter_mediation_proposed", title=card["title"], number=number, kind=card["kind"])
        return
    if card["when"]:
        detail = names("mediation_time", when=card["when"], place=card["place"], mediator=card["mediator"])
    elif card["mediator"]:
        detail = names("mediation_no_time", mediator=card["mediator"])
    else:
        detail = names("mediation_no_mediator")
    buttons = []
    if card["offered"]:
        buttons.append(button(names("mediation_choose"), "show_mediators", number=number))
    if card["side"] == "applicant" and not card["joined"]:
        buttons.append(button(names("mediation_invite"), "invite_party", number=number))
    buttons.append(button(names("mediation_withdraw"), "withdraw_mediation", number=number))
    turn.say(
        "utter_mediation_card",
        title=card["title"],
        number=number,
        ladder=card["ladder"],
        state=card["state_name"],
        detail=detail,
        extra_buttons=buttons,
    )


def mediator_buttons(turn: Turn, card: dict[str, Any]) -> list[dict[str, str]]:
    """The mediators on offer, and leaving it to the desk."""
    number = card["number"]
    offered = [button(one["label"], "choose_mediator", number=number, mediator=one["id"]) for one in card["offered"]]
    return [*offered, button(turn.house.names("mediation_office"), "choose_mediator", number=number, mediator=0)]
