"""Finding the rules that apply, without trying each of them at every step, and without looking further back than they do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from rasa.core.policies.rule_policy import RULES, RULES_FOR_LOOP_UNHAPPY_PATH, RulePolicy
from rasa.shared.core.constants import ACTION_LISTEN_NAME, PREVIOUS_ACTION, SHOULD_NOT_BE_SET, USER
from rasa.shared.core.domain import Domain, State
from rasa.shared.core.events import ActionExecuted
from rasa.shared.core.trackers import DialogueStateTracker
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


def _rules(policy: RulePolicy) -> Iterator[list[State]]:
    """Every rule as its states."""
    for kind in (RULES, RULES_FOR_LOOP_UNHAPPY_PATH):
        for key in policy.lookup[kind]:
            yield policy._rule_key_to_state(key)


def _last_states(
    policy: RulePolicy,
    tracker: DialogueStateTracker,
    domain: Domain,
    use_text_for_last_user_input: bool = False,
    rule_only_data: dict[str, Any] | None = None,  # noqa: ARG001 - of no use to a policy that knows nothing but rules
) -> list[State]:
    """As many of the conversation's states, up to the present one, as the longest rule has."""
    kept = policy.__dict__
    if "longest_rule" not in kept:
        kept["longest_rule"] = max(map(len, _rules(policy)), default=1)
    count = 1 + sum(isinstance(event, ActionExecuted) for event in tracker.applied_events())
    states = [
        domain.get_active_state(prior)
        for number, (prior, _hidden) in enumerate(tracker.generate_all_prior_trackers(), start=1)
        if number > count - kept["longest_rule"]
    ]
    policy.featurizer._choose_last_user_input([states], use_text_for_last_user_input)
    return states


_find_action = RulePolicy._find_action_from_rules


def _find_action_by_intent(
    policy: RulePolicy, tracker: DialogueStateTracker, domain: Domain, use_text_for_last_user_input: bool
) -> tuple[str | None, str | None, bool]:
    """What the rules say. A message's text is looked at only where a rule can apply to a message without naming its intent."""
    kept = policy.__dict__
    if "needs_text" not in kept:
        listening = (None, ACTION_LISTEN_NAME)
        kept["needs_text"] = any(action in listening and intent is None for action, intent in map(_last_step, _rules(policy)))
    if use_text_for_last_user_input and not kept["needs_text"]:
        return None, None, False
    return _find_action(policy, tracker, domain, use_text_for_last_user_input)


def _last_step(rule: list[State]) -> Step:
    return _step(rule[-1])


def index_rules() -> None:
    """Let every RulePolicy look only at rules whose last step has the action and the intent at hand, or names none; only at the
    last states of a conversation; and at a message's text only where a rule might apply to it."""
    RulePolicy._get_possible_keys = _possible_keys
    RulePolicy._prediction_states = _last_states
    RulePolicy._find_action_from_rules = _find_action_by_intent
