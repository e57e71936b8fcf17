"""What must hold after any number of deaths: nothing acknowledged is lost, nothing is doubled, pushes are in order."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

FILED = re.compile(r"登记好了，编号 (\d{4}-\d{4})")
PUSH = re.compile(r"【(已受理|已派遣)】.*?(\d{4}-\d{4})", re.DOTALL)


@dataclass
class Ledger:
    """One resident's side: ``acknowledged`` are the client ids that were answered 202, with the message id given;
    ``confirmed`` counts reports that were confirmed."""

    acknowledged: dict[str, int] = field(default_factory=dict)
    confirmed: int = 0


def problems(ledger: Ledger, feed: list[dict[str, Any]], events: list[dict[str, Any]]) -> list[str]:
    """Every way in which the record differs from what the resident was promised; empty when all is well."""
    found = []
    said = [message for message in feed if message["author"] == "resident"]
    ids = Counter(message["message_id"] for message in feed)
    found += [f"message {each} stands {count} times" for each, count in ids.items() if count > 1]
    known = {message["message_id"] for message in said}
    found += [f"message {each} was acknowledged and is lost" for each in ledger.acknowledged.values() if each not in known]
    if len(said) > len(ledger.acknowledged):
        found.append(f"{len(said)} messages stand for {len(ledger.acknowledged)} that were sent")
    found += [f"message {each['message_id']} is {each['turn']}" for each in said if each["turn"] != "done"]
    numbers = [event["number"] for event in events]
    if len(numbers) != ledger.confirmed:
        found.append(f"{len(numbers)} events for {ledger.confirmed} confirmations")
    told = [match[1] for message in feed if (match := FILED.search(message["text"]))]
    if sorted(told) != sorted(numbers):
        found.append(f"numbers told {sorted(told)} are not the events' {sorted(numbers)}")
    for number in numbers:
        steps = [match[1] for message in feed if (match := PUSH.search(message["text"])) and match[2] == number]
        if steps != ["已受理", "已派遣"]:
            found.append(f"event {number} was pushed as {steps}")
    sequences = [message["sequence"] for message in feed]
    if sequences != sorted(sequences):
        found.append("the feed is out of order")
    return found
