"""What somebody may have, as far as the known facts say, and which fact is worth asking next."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from backend.subsidies import rules
from backend.subsidies.catalogue import Catalogue, Kind
from backend.subsidies.rules import NO, Facts


@dataclass(frozen=True)
class Fit:
    """``fen`` is what is paid each cycle, ``text`` says it; None while the fact it is counted by is open."""

    kind: Kind
    case: int
    fen: int | None

    @property
    def text(self) -> str:
        return self.kind.amounts[self.case].text


@dataclass(frozen=True)
class Open:
    """Not known yet; ``facts`` can still change the answer. ``sure`` when it fits and only the amount is open."""

    kind: Kind
    facts: list[str]
    sure: bool


@dataclass(frozen=True)
class Out:
    kind: Kind
    why: list[str]


@dataclass(frozen=True)
class Advice:
    fits: list[Fit]
    open: list[Open]
    out: list[Out]


def advise(catalogue: Catalogue, facts: Facts, kinds: Iterable[str] = ()) -> Advice:
    """What is known of each of ``kinds``, of all when none is named."""
    advice = Advice([], [], [])
    for code in kinds or catalogue.kinds:
        kind = catalogue.kinds[code]
        tree = catalogue.diagrams[code].tree(facts)
        if tree == NO:
            advice.out.append(Out(kind, rules.reasons(kind.rule, facts)))
        elif isinstance(tree, int):
            advice.fits.append(Fit(kind, tree, kind.fen(tree, facts)))
        else:
            needed = [fact for fact in catalogue.facts if fact in tree.support]
            advice.open.append(Open(kind, needed, NO not in tree.leaves))
    return advice


def next_fact(catalogue: Catalogue, facts: Facts, *, skipped: Iterable[str] = (), kinds: Iterable[str] = ()) -> str | None:
    """The fact to ask: one that can still change an answer, and the most answers. None when there is none."""
    counts: Counter[str] = Counter()
    for code in kinds or catalogue.kinds:
        tree = catalogue.diagrams[code].tree(facts)
        counts.update(rules.support(tree))
        if isinstance(tree, int) and tree != NO and (needed := catalogue.kinds[code].amounts[tree].fen_per):
            counts.update({needed} - facts.keys())
    for key in skipped:
        counts.pop(key, None)
    order = {key: number for number, key in enumerate(catalogue.facts)}
    return min(counts, key=lambda key: (-counts[key], order[key]), default=None)
