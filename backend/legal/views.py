"""A consult as the resident reads it."""

from typing import Any

from backend.legal.areas import AREA_NAMES
from backend.legal.models import Consult, ConsultState

STATE_NAMES = {
    ConsultState.WAITING: "等律师接",
    ConsultState.CLAIMED: "律师在看",
    ConsultState.ANSWERED: "律师已答复",
    ConsultState.ENDED: "已结束",
}
TITLE = 20


def card(consult: Consult) -> dict[str, Any]:
    """{number, title, area, area_name, urgent, state, state_name, answered, contact}."""
    return {
        "number": consult.number,
        "title": consult.question[:TITLE],
        "area": consult.area.value,
        "area_name": AREA_NAMES[consult.area],
        "urgent": consult.urgent.value if consult.urgent else None,
        "state": consult.state.value,
        "state_name": STATE_NAMES[consult.state],
        "answered": consult.answered_at is not None,
        "contact": consult.contact.value,
    }
