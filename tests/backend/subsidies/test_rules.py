"""The rule engine against brute force: it never asks what cannot change the answer, never says yes where a rule says no."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.subsidies import rules
from backend.subsidies.rules import NO, All, Any, Condition, Diagram, Domain, Not, Rule

DOMAINS = {
    "age": Domain(low=0, high=9),
    "income": Domain(low=0, high=7),
    "hukou": Domain(choices=(True, False)),
    "grade": Domain(choices=("none", "one", "two")),
}


def values(fact: str) -> list:
    domain = DOMAINS[fact]
    return list(domain.choices) or list(range(domain.low, domain.high + 1))


def a_condition() -> st.SearchStrategy[Condition]:
    number = st.builds(
        Condition,
        st.sampled_from(["age", "income"]),
        st.sampled_from(["at_least", "at_most", "is"]),
        st.integers(-1, 10),
        st.just("w"),
    )
    hukou = st.builds(Condition, st.just("hukou"), st.just("is"), st.booleans(), st.just("w"))
    grades = st.lists(st.sampled_from(["none", "one", "two"]), min_size=1, unique=True).map(tuple)
    grade = st.builds(Condition, st.just("grade"), st.just("in"), grades, st.just("w"))
    return st.one_of(number, hukou, grade)


a_rule = st.recursive(
    a_condition(),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: All(tuple(parts))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Any(tuple(parts))),
        inner.map(Not),
    ),
    max_leaves=8,
)
some_facts = st.fixed_dictionaries({}, optional={fact: st.sampled_from(values(fact)) for fact in DOMAINS})


def plainly(rule: Rule, facts: dict) -> bool:
    """The rule over complete facts, written once more without the engine's help."""
    match rule:
        case bool():
            return rule
        case Condition(fact, op, value):
            mine = facts[fact]
            if op == "at_least":
                return mine >= value
            if op == "at_most":
                return mine <= value
            return mine in value if op == "in" else mine == value
        case All(parts):
            return all(plainly(part, facts) for part in parts)
        case Any(parts):
            return any(plainly(part, facts) for part in parts)
        case Not(part):
            return not plainly(part, facts)


def answer(rule: Rule, cases: tuple[Rule, ...], facts: dict) -> int:
    if not plainly(rule, facts):
        return NO
    return next((i for i, case in enumerate(cases) if plainly(case, facts)), NO)


def completions(facts: dict) -> list[dict]:
    open_facts = [fact for fact in DOMAINS if fact not in facts]
    return [
        facts | dict(zip(open_facts, chosen, strict=True)) for chosen in itertools.product(*(values(f) for f in open_facts))
    ]


@settings(max_examples=150, deadline=None)
@given(a_rule, st.lists(a_rule, max_size=2), some_facts)
def test_what_is_possible_and_what_is_asked_is_what_brute_force_says(rule: Rule, more: list[Rule], facts: dict):
    cases = (*more, True)
    tree = Diagram(rule, cases, DOMAINS).tree(facts)
    answers = {tuple(sorted(full.items())): answer(rule, cases, full) for full in completions(facts)}
    assert rules.leaves(tree) == set(answers.values())
    matters = set()
    for full in completions(facts):
        here = answers[tuple(sorted(full.items()))]
        for fact in DOMAINS.keys() - facts.keys():
            if any(answers[tuple(sorted((full | {fact: other}).items()))] != here for other in values(fact)):
                matters.add(fact)
    assert rules.support(tree) == matters


@settings(max_examples=150, deadline=None)
@given(a_rule, some_facts)
def test_a_reason_is_given_only_where_the_answer_is_no_for_certain(rule: Rule, facts: dict):
    if rules.reasons(rule, facts):
        assert rules.leaves(Diagram(rule, (True,), DOMAINS).tree(facts)) == {NO}


def test_a_fact_that_both_branches_answer_alike_is_not_asked():
    either = Any((Condition("age", "at_least", 5), Condition("age", "at_most", 4)))
    assert rules.support(Diagram(either, (True,), DOMAINS).tree({})) == set()
