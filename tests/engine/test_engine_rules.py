"""The rules that apply are found by their last step, and are those that Rasa finds by trying each."""

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
"""


def test_the_same_rules_apply_as_rasa_finds():
    subprocess.run([".venv-engine/bin/python", "-W", "ignore", "-c", COMPARE], check=True)
