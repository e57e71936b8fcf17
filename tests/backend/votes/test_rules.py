"""The rules, against a second tally that shares nothing with them, and at every threshold one unit to either side."""

import random
from collections import Counter
from fractions import Fraction

import pytest

from backend.votes.rules import RULES, Amount, Basis, Kind, Outcome, Question, RuleName, count, decide
from scripts import recount

HALF, TWO_THIRDS, THREE_QUARTERS = Fraction(1, 2), Fraction(2, 3), Fraction(3, 4)
# What the law says, written down a second time: quorum, "more than" or "at least", the same for passing.
LAW = {
    (RuleName.RESIDENTS, Basis.PERSON): ((HALF, ">"), (HALF, ">")),
    (RuleName.RESIDENTS, Basis.HOUSEHOLD): ((HALF, ">"), (HALF, ">")),
    (RuleName.RESIDENTS, Basis.REPRESENTATIVE): ((HALF, ">"), (HALF, ">")),
    (RuleName.VILLAGERS, Basis.PERSON): ((HALF, ">"), (HALF, ">")),
    (RuleName.VILLAGERS, Basis.HOUSEHOLD): ((TWO_THIRDS, ">="), (HALF, ">")),
    (RuleName.VILLAGERS, Basis.REPRESENTATIVE): ((TWO_THIRDS, ">="), (HALF, ">")),
    (RuleName.OWNERS, Basis.DWELLING): ((TWO_THIRDS, ">="), (HALF, ">")),
    (RuleName.OWNERS_SPECIAL, Basis.DWELLING): ((TWO_THIRDS, ">="), (THREE_QUARTERS, ">=")),
}


def holds(part: int, whole: int, needed: tuple[Fraction, str]) -> bool:
    if whole == 0:
        return False
    share = Fraction(part, whole)
    return share > needed[0] if needed[1] == ">" else share >= needed[0]


def second_tally(
    rule: RuleName, basis: Basis, kind: Kind, seats: int, areas: list[int], ballots: dict[int, tuple[str, ...]]
) -> tuple[str, list[str]]:
    """The outcome, computed voter by voter with fractions."""
    weighted = rule in (RuleName.OWNERS, RuleName.OWNERS_SPECIAL)
    everyone, there = range(len(areas)), list(ballots)

    def measures(voters: list[int]) -> list[int]:
        return [len(voters)] + ([sum(areas[voter] for voter in voters)] if weighted else [])

    def enough(some: list[int], all_: list[int], needed: tuple[Fraction, str]) -> bool:
        return all(holds(part, whole, needed) for part, whole in zip(measures(some), measures(all_), strict=True))

    law = LAW.get((rule, basis))
    if law and not enough(there, list(everyone), law[0]):
        return "no_quorum", []
    votes = {option: [v for v in there if option in ballots[v]] for option in ("yes", "no", "1", "2", "3", "4")}
    if kind is Kind.DECISION:
        if law:
            return ("passed", ["yes"]) if enough(votes["yes"], there, law[1]) else ("rejected", [])
        difference = len(votes["yes"]) - len(votes["no"])
        return ("tie", ["yes", "no"]) if not difference else ("noted", ["yes" if difference > 0 else "no"])
    good = [o for o in "1234" if votes[o] and (not law or enough(votes[o], there, law[1]))]
    better = {o: sum(measures(votes[p]) > measures(votes[o]) for p in good) for o in good}
    elected = [o for o in good if better[o] < seats]
    if not good:
        return "rejected", []
    if len(elected) > seats:
        worst = max(better[o] for o in elected)
        return "tie", [o for o in elected if better[o] == worst]
    return ("chosen" if law else "noted"), sorted(elected, key=lambda o: (better[o], o))


def ballot(dice: random.Random, kind: Kind, most: int) -> tuple[str, ...]:
    if kind is Kind.DECISION:
        return (dice.choice(("yes", "yes", "no", "abstain")),)
    if dice.random() < 0.1:
        return ("abstain",)
    size = {Kind.ONE: 1, Kind.SEVERAL: dice.randint(1, most), Kind.APPROVAL: dice.randint(1, 4)}[kind]
    return tuple(dice.sample("1234", size))


def test_ten_thousand_random_electorates_against_a_second_tally() -> None:
    dice = random.Random(278)
    seen: set[str] = set()
    for trial in range(10_000):
        rule, basis = dice.choice(list(RULES))
        kind, most, seats = dice.choice(list(Kind)), dice.randint(2, 4), dice.randint(1, 3)
        areas = [dice.randint(1, 2_000_000) for _ in range(dice.randint(1, 30))]
        taking_part = dice.sample(range(len(areas)), dice.randint(0, len(areas)))
        ballots = {voter: ballot(dice, kind, most) for voter in taking_part}
        options = ("yes", "no") if kind is Kind.DECISION else ("1", "2", "3", "4")
        question = Question(kind, options, most, seats)
        assert all(question.allows(choice) for choice in ballots.values())
        counted = count(question, Counter((choice, areas[voter]) for voter, choice in ballots.items()))
        found = decide(RULES[rule, basis], question, Amount(len(areas), sum(areas)), counted)
        wanted = second_tally(rule, basis, kind, seats, areas, ballots)
        assert (found.outcome.value, sorted(found.winners)) == (wanted[0], sorted(wanted[1])), (trial, rule, basis, kind)
        seen.add(found.outcome.value)
        bundle = {
            "vote": {"kind": kind.value, "options": [{"id": o} for o in options], "seats": seats},
            "rule": RULES[rule, basis].as_dict(),
            "electorate": {"number": len(areas), "area": sum(areas)},
            "ballots": [{"choice": list(choice), "area": areas[voter]} for voter, choice in ballots.items()],
        }
        third = recount.tally(bundle)
        assert third[1:] == (found.outcome.value, list(found.winners)), (trial, "recount.py")
        assert third[0] == {option: [a.number, a.area] for option, a in counted.options.items()}
    assert seen == {outcome.value for outcome in Outcome}


def outcome(rule: RuleName, basis: Basis, *, electorate: tuple[int, int], yes: tuple[int, int], no: tuple[int, int]) -> Outcome:
    """The outcome of a decision, given (number, area) of each."""
    question = Question(Kind.DECISION, ("yes", "no"))
    counted = count(question, {})
    counted.options["yes"] = Amount(*yes)
    counted.options["no"] = Amount(*no)
    there = Amount(yes[0] + no[0], yes[1] + no[1])
    return decide(RULES[rule, basis], question, Amount(*electorate), type(counted)(there, counted.options)).outcome


@pytest.mark.parametrize(
    ("rule", "basis", "electorate", "taking_part", "enough"),
    [
        (RuleName.RESIDENTS, Basis.PERSON, 100, 49, False),
        (RuleName.RESIDENTS, Basis.PERSON, 100, 50, False),  # exactly one half is not more than half
        (RuleName.RESIDENTS, Basis.PERSON, 100, 51, True),
        (RuleName.RESIDENTS, Basis.HOUSEHOLD, 101, 50, False),
        (RuleName.RESIDENTS, Basis.HOUSEHOLD, 101, 51, True),
        (RuleName.VILLAGERS, Basis.PERSON, 100, 50, False),
        (RuleName.VILLAGERS, Basis.PERSON, 100, 51, True),
        (RuleName.VILLAGERS, Basis.HOUSEHOLD, 300, 199, False),
        (RuleName.VILLAGERS, Basis.HOUSEHOLD, 300, 200, True),  # exactly two thirds is two thirds or more
        (RuleName.VILLAGERS, Basis.HOUSEHOLD, 300, 201, True),
        (RuleName.VILLAGERS, Basis.REPRESENTATIVE, 30, 19, False),
        (RuleName.VILLAGERS, Basis.REPRESENTATIVE, 30, 20, True),
    ],
)
def test_the_quorum_to_the_unit(rule: RuleName, basis: Basis, electorate: int, taking_part: int, enough: bool) -> None:
    found = outcome(rule, basis, electorate=(electorate, 0), yes=(taking_part, 0), no=(0, 0))
    assert found is (Outcome.PASSED if enough else Outcome.NO_QUORUM)


@pytest.mark.parametrize(
    ("rule", "yes", "no", "passed"),
    [
        (RuleName.OWNERS, (100, 100_000_000), (100, 100_000_000), False),  # one half of both
        (RuleName.OWNERS, (101, 100_000_001), (99, 99_999_999), True),
        (RuleName.OWNERS, (101, 100_000_000), (99, 100_000_000), False),  # the number, not the area
        (RuleName.OWNERS, (100, 100_000_001), (100, 99_999_999), False),  # the area, not the number
        (RuleName.OWNERS_SPECIAL, (150, 150_000_000), (50, 50_000_000), True),  # three quarters of both
        (RuleName.OWNERS_SPECIAL, (150, 149_999_999), (50, 50_000_001), False),  # one square centimetre less
        (RuleName.OWNERS_SPECIAL, (149, 150_000_000), (51, 50_000_000), False),
        (RuleName.OWNERS_SPECIAL, (151, 150_000_001), (49, 49_999_999), True),
    ],
)
def test_owners_agree_by_number_and_by_area_to_the_square_centimetre(
    rule: RuleName, yes: tuple[int, int], no: tuple[int, int], passed: bool
) -> None:
    found = outcome(rule, Basis.DWELLING, electorate=(200, 200_000_000), yes=yes, no=no)
    assert found is (Outcome.PASSED if passed else Outcome.REJECTED)


@pytest.mark.parametrize(
    ("yes", "enough"),
    [
        ((200, 200_000_000), True),
        ((199, 200_000_000), False),
        ((200, 199_999_999), False),
        ((201, 200_000_001), True),
    ],
)
def test_two_thirds_of_the_owners_by_number_and_by_area_must_take_part(yes: tuple[int, int], enough: bool) -> None:
    found = outcome(RuleName.OWNERS, Basis.DWELLING, electorate=(300, 300_000_000), yes=yes, no=(0, 0))
    assert found is (Outcome.PASSED if enough else Outcome.NO_QUORUM)


def test_abstaining_is_taking_part_and_staying_away_is_not() -> None:
    question = Question(Kind.DECISION, ("yes", "no"))
    rule = RULES[RuleName.RESIDENTS, Basis.PERSON]
    three_of_six = count(question, {(("yes",), 0): 3})
    assert decide(rule, question, Amount(6), three_of_six).outcome is Outcome.NO_QUORUM
    with_one_abstaining = count(question, {(("yes",), 0): 3, (("abstain",), 0): 1})
    assert decide(rule, question, Amount(6), with_one_abstaining).outcome is Outcome.PASSED
    three_abstain = count(question, {(("yes",), 0): 3, (("abstain",), 0): 3})
    assert decide(rule, question, Amount(6), three_abstain).outcome is Outcome.REJECTED  # three of six is not more than half


def test_a_rule_and_a_basis_that_no_law_joins_are_not_there() -> None:
    assert (RuleName.OWNERS, Basis.PERSON) not in RULES
    assert (RuleName.RESIDENTS, Basis.DWELLING) not in RULES
