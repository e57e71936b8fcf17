"""What residents see of a deliberation: the card, a statement of somebody else's, and the news."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from backend.deliberation.models import Deliberation, DeliberationState, Stance, Statement, StatementState
from backend.deliberation.service import STATEMENTS_EACH, Counts, takes_part
from backend.events.service import Desk
from backend.localtime import say_moment
from wording import Said

SHOWN = 600
STATES = {
    StatementState.PENDING: "utter_name_statement_pending",
    StatementState.PUBLIC: "utter_name_statement_public",
    StatementState.REFUSED: "utter_name_statement_refused",
}


def _moment(moment: datetime, desk: Desk) -> str:
    return say_moment(moment, now=desk.now, zone=desk.zone)


def news(one: Deliberation, *, desk: Desk) -> Said:
    """One push: the invitation, or what has become of it; a vote or an event while that is being told."""
    say = desk.sentences.say
    kind, _, became = one.telling.partition(" ")[0].partition(":")
    return say(f"utter_deliberation_became_{kind}", title=one.title, number=became) if became else outcome(one, desk=desk)


def outcome(one: Deliberation, *, desk: Desk) -> Said:
    """What has become of it; the invitation while it is open."""
    say, values = desk.sentences.say, {"title": one.title, "number": one.number}
    match one.state:
        case DeliberationState.PUBLISHED:
            return say("utter_deliberation_published", **values, summary=one.summary[:SHOWN], resolution=one.resolution[:SHOWN])
        case DeliberationState.EMPTY:
            return say("utter_deliberation_empty", **values)
        case DeliberationState.CANCELLED:
            return say("utter_deliberation_cancelled", **values, reason=one.reason)
        case DeliberationState.CLOSED:
            return say("utter_deliberation_closed", **values)
        case _:
            background, until = one.background[:SHOWN], _moment(one.ends_at, desk)
            return say("utter_deliberation_invitation", **values, background=background, until=until)


def card(
    one: Deliberation,
    *,
    desk: Desk,
    mine: Sequence[Statement],
    public: int,
    participant: bool,
    became: Sequence[tuple[str, str]],
) -> Said:
    """One deliberation for a resident, with what they can do next; ``became`` are (vote or event, number)."""
    say = desk.sentences.say
    if not takes_part(one, now=desk.now):
        said = outcome(one, desk=desk)
        links = "".join(say(f"utter_name_deliberation_{kind}", number=number).text for kind, number in became)
        return Said(said.text + links, said.buttons)
    said = say(
        "utter_deliberation_card",
        title=one.title,
        background=one.background[:SHOWN],
        until=_moment(one.ends_at, desk),
        count=public,
        mine="".join(_own(statement, desk=desk) for statement in mine),
    )
    if not participant:
        return Said(said.text, say("utter_name_deliberation_join", number=one.number).buttons)
    buttons: list[dict[str, str]] = []
    if len(mine) < STATEMENTS_EACH:
        buttons += say("utter_name_deliberation_speak", number=one.number).buttons
    buttons += say("utter_name_deliberation_listen", number=one.number).buttons
    for place, statement in enumerate(mine, 1):
        buttons += say("utter_name_deliberation_take_back", place=place, statement=statement.id).buttons
    return Said(said.text, buttons)


def _own(statement: Statement, *, desk: Desk) -> str:
    state = desk.sentences.say(STATES[statement.state]).text
    return desk.sentences.say("utter_name_statement_own", text=statement.text[:60], state=state).text


def to_judge(one: Deliberation, statement: Statement, *, desk: Desk) -> Said:
    """Somebody else's statement with the two answers; how many gave which is told afterwards."""
    return desk.sentences.say(
        "utter_statement_card", title=one.title, number=one.number, text=statement.text, statement=statement.id
    )


def judged(stance: Stance, counts: Counts, *, desk: Desk) -> Said:
    """The answer to a stance, with how many support the statement and how many do not."""
    name = desk.sentences.say(f"utter_name_stance_{stance.value}").text
    return desk.sentences.say("utter_statement_judged", stance=name, support=counts.support, oppose=counts.oppose)


def as_dict(said: Said) -> dict[str, Any]:
    return {"text": said.text, "buttons": said.buttons}
