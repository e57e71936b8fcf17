"""What an action tells the engine: what has changed, and what says that the message was taken."""

from rasa_sdk.events import ActiveLoop, SlotSet

from actions.turn import only_changes


def test_slots_that_stay_as_they_are_are_not_told() -> None:
    slots = {"draft": {"matter": "路灯坏了"}, "matter": "路灯坏了", "place": None, "requested_slot": "place"}
    draft, asked = SlotSet("draft", slots["draft"]), SlotSet("requested_slot", "place")
    told = only_changes([draft, SlotSet("matter", "路灯坏了"), SlotSet("place", None), asked], slots)
    assert told == [draft, asked]
    told = only_changes([draft, SlotSet("matter", "井盖没了"), SlotSet("place", "3号楼"), asked], slots)
    assert told == [draft, SlotSet("matter", "井盖没了"), SlotSet("place", "3号楼"), asked]


def test_the_first_slot_is_told_as_it_is_so_that_a_form_knows_the_message_was_for_it() -> None:
    assert only_changes([SlotSet("speech", "好")], {"speech": "好"}) == [SlotSet("speech", "好")]
    assert only_changes([], {"speech": "好"}) == []


def test_a_slot_that_is_set_twice_ends_as_the_last_says() -> None:
    events = [ActiveLoop(None), SlotSet("place", "3号楼"), SlotSet("place", None)]
    assert only_changes(events, {"place": None}) == events


def test_what_may_have_been_changed_where_it_is_is_told() -> None:
    photos = ["a"]
    slots = {"speech": "好", "photos": photos}
    photos.append("b")
    events = [SlotSet("speech", "好"), SlotSet("photos", photos)]
    assert only_changes(events, slots) == events
