"""The rules that decide, in whole numbers: thresholds are fractions, areas are square centimetres, nothing is rounded.

「以上」 includes the number itself (Civil Code, article 1259); 「过半数」 is more than one half. docs/votes.md names the
sources and what was not checked against the printed law.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class Basis(enum.StrEnum):
    """Whose the vote is: one ballot for each."""

    PERSON = "person"
    HOUSEHOLD = "household"
    REPRESENTATIVE = "representative"
    DWELLING = "dwelling"


class Kind(enum.StrEnum):
    """What is asked: DECISION yes, no or abstain; ONE option; SEVERAL up to a number; APPROVAL as many as one likes."""

    DECISION = "decision"
    ONE = "one"
    SEVERAL = "several"
    APPROVAL = "approval"


class RuleName(enum.StrEnum):
    RESIDENTS = "residents"
    VILLAGERS = "villagers"
    OWNERS = "owners"
    OWNERS_SPECIAL = "owners_special"
    CONSULTATION = "consultation"


class Outcome(enum.StrEnum):
    """NOTED is a consultation's result: it binds nobody. CHOSEN names the options that won."""

    PASSED = "passed"
    REJECTED = "rejected"
    NO_QUORUM = "no_quorum"
    TIE = "tie"
    CHOSEN = "chosen"
    NOTED = "noted"


@dataclass(frozen=True)
class Threshold:
    """``part`` of ``whole``: more than it when ``strict``, else at least it."""

    numerator: int
    denominator: int
    strict: bool

    def reached(self, part: int, whole: int) -> bool:
        """Whether ``part`` is enough of ``whole``; nothing is ever enough of nothing."""
        left, right = part * self.denominator, whole * self.numerator
        return whole > 0 and (left > right if self.strict else left >= right)

    def least(self, whole: int) -> int:
        """The smallest part that is enough of ``whole``."""
        product = whole * self.numerator
        return product // self.denominator + 1 if self.strict else -(-product // self.denominator)


MORE_THAN_HALF = Threshold(1, 2, strict=True)
TWO_THIRDS = Threshold(2, 3, strict=False)
THREE_QUARTERS = Threshold(3, 4, strict=False)


@dataclass(frozen=True)
class Rule:
    """``quorum`` of the electorate must take part, ``passing`` of those who take part must agree; with ``by_area`` both
    hold for the area and for the number. None: nothing is required."""

    quorum: Threshold | None
    passing: Threshold | None
    by_area: bool = False

    def as_dict(self) -> dict[str, Any]:
        def plain(threshold: Threshold | None) -> list[Any] | None:
            return None if threshold is None else [threshold.numerator, threshold.denominator, threshold.strict]

        return {"quorum": plain(self.quorum), "passing": plain(self.passing), "by_area": self.by_area}


# Rule and basis to thresholds; what is not here is no rule of law that we know, and is refused.
RULES: dict[tuple[RuleName, Basis], Rule] = {
    **{
        (RuleName.RESIDENTS, basis): Rule(MORE_THAN_HALF, MORE_THAN_HALF)
        for basis in (Basis.PERSON, Basis.HOUSEHOLD, Basis.REPRESENTATIVE)
    },
    (RuleName.VILLAGERS, Basis.PERSON): Rule(MORE_THAN_HALF, MORE_THAN_HALF),
    (RuleName.VILLAGERS, Basis.HOUSEHOLD): Rule(TWO_THIRDS, MORE_THAN_HALF),
    (RuleName.VILLAGERS, Basis.REPRESENTATIVE): Rule(TWO_THIRDS, MORE_THAN_HALF),
    (RuleName.OWNERS, Basis.DWELLING): Rule(TWO_THIRDS, MORE_THAN_HALF, by_area=True),
    (RuleName.OWNERS_SPECIAL, Basis.DWELLING): Rule(TWO_THIRDS, THREE_QUARTERS, by_area=True),
    **{(RuleName.CONSULTATION, basis): Rule(None, None) for basis in Basis},
}

YES, NO, ABSTAIN = "yes", "no", "abstain"


@dataclass(frozen=True)
class Amount:
    """So many ballots, and their area in cm² (0 where a vote is not weighted)."""

    number: int = 0
    area: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.number + other.number, self.area + other.area)


@dataclass(frozen=True)
class Question:
    kind: Kind
    options: tuple[str, ...]
    most: int = 1
    seats: int = 1

    def allows(self, choice: tuple[str, ...]) -> bool:
        """Whether a ballot may say this. ABSTAIN stands alone; no option twice; no more than allowed."""
        if not choice or len(set(choice)) != len(choice):
            return False
        if choice == (ABSTAIN,):
            return True
        most = len(self.options) if self.kind is Kind.APPROVAL else self.most if self.kind is Kind.SEVERAL else 1
        return len(choice) <= most and all(option in self.options for option in choice)


@dataclass(frozen=True)
class Count:
    """What the ballots say: who took part, and how much each option got (ABSTAIN among them)."""

    taking_part: Amount
    options: dict[str, Amount]


def count(question: Question, ballots: Mapping[tuple[tuple[str, ...], int], int]) -> Count:
    """Count ballots: (choice, area) to how many say so. Abstaining is taking part."""
    numbers: dict[str, int] = dict.fromkeys((*question.options, ABSTAIN), 0)
    areas: dict[str, int] = dict.fromkeys((*question.options, ABSTAIN), 0)
    number = area = 0
    for (choice, weight), many in ballots.items():
        number += many
        area += many * weight
        for option in choice:
            numbers[option] += many
            areas[option] += many * weight
    return Count(Amount(number, area), {option: Amount(numbers[option], areas[option]) for option in numbers})


@dataclass(frozen=True)
class Decision:
    outcome: Outcome
    winners: tuple[str, ...] = ()
    steps: tuple[dict[str, Any], ...] = field(default_factory=tuple)


def quorum_met(rule: Rule, electorate: Amount, taking_part: Amount) -> bool:
    """Whether enough took part; a vote without a quorum always has it."""
    return all(step["reached"] for step in _steps("quorum", rule.quorum, taking_part, electorate, by_area=rule.by_area))


def decide(rule: Rule, question: Question, electorate: Amount, counted: Count) -> Decision:
    """The outcome with its arithmetic: each step {what, measure, part, whole, least, reached, option?}."""
    steps = _steps("quorum", rule.quorum, counted.taking_part, electorate, by_area=rule.by_area)
    if not all(step["reached"] for step in steps):
        return Decision(Outcome.NO_QUORUM, steps=tuple(steps))
    if question.kind is Kind.DECISION:
        return _decision(rule, counted, steps)
    passing = []
    for option in question.options:
        part = _steps("passing", rule.passing, counted.options[option], counted.taking_part, by_area=rule.by_area)
        steps += [step | {"option": option} for step in part]
        if all(step["reached"] for step in part) and counted.options[option].number:
            passing.append(option)
    ranked = sorted(passing, key=lambda option: _rank(rule, counted.options[option]), reverse=True)
    if not ranked:
        return Decision(Outcome.REJECTED, steps=tuple(steps))
    seats = min(question.seats, len(ranked))
    last = _rank(rule, counted.options[ranked[seats - 1]])
    if len(ranked) > seats and _rank(rule, counted.options[ranked[seats]]) == last:
        return Decision(Outcome.TIE, tuple(o for o in ranked if _rank(rule, counted.options[o]) == last), tuple(steps))
    outcome = Outcome.NOTED if rule.passing is None else Outcome.CHOSEN
    return Decision(outcome, tuple(ranked[:seats]), tuple(steps))


def _rank(rule: Rule, amount: Amount) -> tuple[int, int]:
    return (amount.number, amount.area if rule.by_area else 0)


def _decision(rule: Rule, counted: Count, steps: list[dict[str, Any]]) -> Decision:
    yes, no = counted.options[YES], counted.options[NO]
    if rule.passing is None:
        if yes.number == no.number:
            return Decision(Outcome.TIE, (YES, NO), tuple(steps))
        return Decision(Outcome.NOTED, (YES,) if yes.number > no.number else (NO,), tuple(steps))
    part = _steps("passing", rule.passing, yes, counted.taking_part, by_area=rule.by_area)
    steps += [step | {"option": YES} for step in part]
    passed = all(step["reached"] for step in part)
    return Decision(Outcome.PASSED if passed else Outcome.REJECTED, (YES,) if passed else (), tuple(steps))


def _steps(what: str, threshold: Threshold | None, part: Amount, whole: Amount, *, by_area: bool) -> list[dict[str, Any]]:
    if threshold is None:
        return []
    measures = [("number", part.number, whole.number)] + ([("area", part.area, whole.area)] if by_area else [])
    return [
        {
            "what": what,
            "measure": measure,
            "part": got,
            "whole": of,
            "least": threshold.least(of),
            "reached": threshold.reached(got, of),
        }
        for measure, got, of in measures
    ]
