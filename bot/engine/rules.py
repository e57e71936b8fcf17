"""Finding the rules that apply, without trying each of them at every step."""

from __future__ import annotations

from collections import defaultdict

from rasa.core.policies.rule_policy import RulePolicy
from rasa.shared.core.constants import PREVIOUS_ACTION, SHOULD_NOT_BE_SET, USER
from rasa.shared.core.domain import State
from rasa.shared.nlu.constants import ACTION_NAME, INTENT

Step = tuple[str | None, str | None]  # the action before it, and the intent; None where a rule names none


def _step(state: State) -> Step:
    names = (state.get(PREVIOUS_ACTION, {}).get(ACTION_NAME), state.get(USER, {}).get(INTENT))
    return tuple(name if name and name != SHOULD_NOT_BE_SET else None for name in names)


def _possible_keys(policy: RulePolicy, lookup: dict[str, str], states: list[State]) -> set[str]:
    """The keys of the rules that fit the states, the last state first, as Rasa's own method finds them."""
    if not states:
        return set(lookup)
    by_step = policy.__dict__.setdefault("rules_by_step", {})
    if id(lookup) not in by_step:
        by_step[id(lookup)] = rules = defaultdict(list)
        for key in lookup:
            rules[_step(policy._rule_key_to_state(key)[-1])].append(key)
    rules = by_step[id(lookup)]
    action, intent = _step(states[-1])
    possible = [
        key
        for (rule_action, rule_intent), keys in rules.items()
        if rule_action in (action, None) and (rule_intent in (intent, None) or action is None)
        for key in keys
    ]
    for index, state in enumerate(reversed(states)):
        possible = [key for key in possible if policy._is_rule_applicable(key, index, state)]
    return set(possible)


def index_rules() -> None:
    """Let every RulePolicy look only at rules whose last step has the action and the intent at hand, or names none."""
    RulePolicy._get_possible_keys = _possible_keys
