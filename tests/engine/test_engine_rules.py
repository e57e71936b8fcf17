"""The rules that apply are found by their last step and from the last states, and are those that Rasa finds by trying each."""

from __future__ import annotations

import subprocess

import pytest

pytestmark = pytest.mark.engine

COMPARE = """
import itertools, json
from bot.engine import lean
lean.leave_out_tensorflow()
from rasa.core.policies.rule_policy import RulePolicy
from bot.engine import rules

def state(action, intent, **slots):
    user = {"user": {"intent": intent, "entities": ["number"]} if intent == "rate" else {"intent": intent}} if intent else {}
    made = {"prev_action": {"action_name": action}} if action else {}
    return made | user | ({"slots": slots} if slots else {})

actions, intents = [None, "action_listen", "form"], [None, "greet", "rate"]
steps = [state(*each) for each in itertools.product(actions, intents)] + [state("action_listen", "greet", place=[1.0])]
lookup = {json.dumps(list(each)): "act" for length in (1, 2) for each in itertools.product(steps, repeat=length)}
policy = RulePolicy.__new__(RulePolicy)
plain = RulePolicy._get_possible_keys
found = 0
for states in [[], *([one] for one in steps), *itertools.product(steps, steps)]:
    quick = rules._possible_keys(policy, lookup, list(states))
    assert quick == plain(policy, lookup, list(states)), states
    found += len(quick)
assert found > 500

from rasa.core.featurizers.tracker_featurizers import MaxHistoryTrackerFeaturizer
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

slots = {"city": {"type": "bool", "mappings": [{"type": "custom"}]}}
forms = {"form": {"required_slots": ["city"]}}
domain = Domain.from_dict({"intents": intents[1:], "actions": ["tell"], "slots": slots, "forms": forms})
said = [UserUttered(intent, {"name": intent, "confidence": 1.0}) for intent in intents[1:]]
happened = [ActionExecuted("action_listen"), *said, ActionExecuted("tell"), SlotSet("city", True), ActiveLoop("form")]
policy._Policy__featurizer = MaxHistoryTrackerFeaturizer()
by_intent = {json.dumps(list(each)): "tell" for each in itertools.product(steps, [one for one in steps if "user" in one])}
policy.lookup = {"rules": by_intent, "rules_for_loop_unhappy_path": {}}
compared = 0
for events in itertools.product(happened, repeat=4):
    tracker = DialogueStateTracker.from_events("one", events, slots=domain.slots)
    for by_text in (True, False):
        whole = RulePolicy._prediction_states(policy, tracker, domain, by_text)
        assert rules._last_states(policy, tracker, domain, by_text) == whole[-2:], events
        found = rules._find_action_by_intent(policy, tracker, domain, by_text)
        plain_found = rules._find_action(policy, tracker, domain, by_text)
        assert (found[0], found[2]) == (plain_found[0], plain_found[2]), (events, by_text)
        compared += found[0] is not None
assert compared > 100, compared

for_any = json.dumps([state("action_listen", None)])
policy = RulePolicy.__new__(RulePolicy)
policy._Policy__featurizer = MaxHistoryTrackerFeaturizer()
policy.lookup = {"rules": {for_any: "tell"}, "rules_for_loop_unhappy_path": {}}
tracker = DialogueStateTracker.from_events("one", [ActionExecuted("action_listen"), said[0]], slots=domain.slots)
assert rules._find_action_by_intent(policy, tracker, domain, True)[0] == "tell"
"""


def test_the_same_rules_apply_as_rasa_finds():
    subprocess.run([".venv-engine/bin/python", "-W", "ignore", "-c", COMPARE], check=True)
