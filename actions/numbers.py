"""Which event is meant by what residents write and press."""

import re
from typing import Any

from actions.turn import Turn

NUMBER = re.compile(r"(?<!\d)(\d{4})[-\s—－]?(\d{4})(?!\d)")
OVER = {"closed", "rejected", "withdrawn"}


def number_in(turn: Turn) -> str | None:
    """The event number in a button's payload or in what was typed."""
    if turn.entity("number"):
        return str(turn.entity("number"))
    found = NUMBER.search(turn.text)
    return f"{found[1]}-{found[2]}" if found else None


async def event_meant(turn: Turn) -> dict[str, Any] | None:
    """The resident's event of the number that was named, or their one event that is not over; None for none or several."""
    still_open = [event for event in (await turn.get("/events"))["events"] if event["state"] not in OVER]
    number = number_in(turn)
    meant = [event for event in still_open if number in (None, event["number"])]
    return meant[0] if len(meant) == 1 else None
