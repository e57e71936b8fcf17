"""What forms share whose answers are put together in one slot, the draft."""

from collections.abc import Mapping
from typing import Any

from rasa_sdk.events import ActiveLoop, SlotSet

from actions.turn import HouseAction, Turn

Events = list[dict[str, Any]]
ENDED: Events = [ActiveLoop(None), SlotSet("requested_slot", None)]


def filled(values: Mapping[str, object]) -> Events:
    """A form's slots, in the order in which they are asked; the first that is empty is asked next, and none ends the form."""
    missing = next((name for name, value in values.items() if not value), None)
    return [*(SlotSet(name, value) for name, value in values.items()), SlotSet("requested_slot", missing)]


class DraftForm(HouseAction):
    """Reads each message once into the draft in ``slot``. No events: it was not for us."""

    slot = ""

    async def act(self, turn: Turn) -> Events:
        draft = dict(turn.tracker.get_slot(self.slot) or {}) if turn.in_form else {}
        message_id = turn.metadata.get("message_id")
        if not turn.in_form or draft.get("seen") != message_id:
            asked = turn.tracker.get_slot("requested_slot") if turn.in_form else None
            if not await self.take(turn, draft, asked):
                return []
            draft["seen"] = message_id
        return [SlotSet(self.slot, draft), *self.slots_of(draft)]

    async def take(self, turn: Turn, draft: dict[str, Any], asked: str | None) -> bool:
        """Take what the message brings into the draft; False when it was meant for someone else. ``asked`` is the slot that
        was asked for, None when the form begins."""
        raise NotImplementedError

    def slots_of(self, draft: dict[str, Any]) -> Events:
        """The form's slots as the draft has them, and the one to ask next."""
        raise NotImplementedError
