"""Whether somebody may have a subsidy, from the facts they have told so far: yes, no, or not known yet.

A kind's rule is an expression over facts. Each fact has finitely many cells (the stretches between the numbers that the
rule names, or its choices), so a kind is a reduced ordered decision diagram over them (Bryant, 1986). Reduced and ordered
means canonical: a fact stands in the diagram if and only if it can still change the answer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Value = int | bool | str
Facts = Mapping[str, Value]


@dataclass(frozen=True)
class Condition:
    """One condition on one fact. ``cells`` for numbers are whole numbers: years, fen, hundredths of a mu.

    ``why`` says to people what is asked for: 须有本市户籍.
    """

    fact: str
    op: str  # at_least, at_most, is, in
    value: Value | tuple[Value, ...]
    why: str = ""

    def holds(self, value: Value) -> bool:
        match self.op:
            case "at_least":
                return value >= self.value  # type: ignore[operator]
            case "at_most":
                return value <= self.value  # type: ignore[operator]
            case "is":
                return value == self.value
            case _:
                return value in self.value  # type: ignore[operator]


@dataclass(frozen=True)
class All:
    parts: tuple["Rule", ...]


@dataclass(frozen=True)
class Any:
    parts: tuple["Rule", ...]


@dataclass(frozen=True)
class Not:
    part: "Rule"
    why: str = ""


Rule = Condition | All | Any | Not | bool


def settle(rule: Rule, facts: Facts) -> Rule:
    """The rule with what ``facts`` say put in: True, False, or what is left of it."""
    match rule:
        case bool():
            return rule
        case Condition():
            return rule.holds(facts[rule.fact]) if rule.fact in facts else rule
        case Not():
            inner = settle(rule.part, facts)
            return (not inner) if isinstance(inner, bool) else Not(inner, rule.why)
        case All() | Any():
            stop = isinstance(rule, Any)
            left = []
            for part in rule.parts:
                found = settle(part, facts)
                if found is stop:
                    return stop
                if not isinstance(found, bool):
                    left.append(found)
            return type(rule)(tuple(left)) if left else not stop


def conditions_in(rule: Rule) -> Iterable[Condition]:
    """Every test of the rule, in the order it is written."""
    match rule:
        case Condition():
            yield rule
        case Not():
            yield from conditions_in(rule.part)
        case All() | Any():
            for part in rule.parts:
                yield from conditions_in(part)


def reasons(rule: Rule, facts: Facts) -> list[str]:
    """What the known facts fail, in words, each once; empty when no single condition has failed for certain."""
    if settle(rule, facts) is not False:
        return []
    match rule:
        case Condition():
            found = [rule.why]
        case Not():
            found = [rule.why]
        case All() | Any():
            found = [why for part in rule.parts for why in reasons(part, facts)]
        case _:
            found = []
    return list(dict.fromkeys(why for why in found if why))


@dataclass(frozen=True)
class Node:
    """Ask ``fact``, go on with the child of its cell. Compared by identity: equal nodes are one node."""

    fact: str
    children: tuple["Tree", ...] = field(repr=False)
    support: frozenset[str] = field(repr=False)
    leaves: frozenset[int] = field(repr=False)


Tree = Node | int
NO = -1


@dataclass(frozen=True)
class Domain:
    """What a fact may be: whole numbers from ``low`` to ``high``, or one of ``choices``."""

    low: int = 0
    high: int = 0
    choices: tuple[Value, ...] = ()


class Diagram:
    """A kind's decision. ``cases`` are tried in order where ``rule`` holds; the answer is the index of the first that
    holds, or NO. The last case holds always.
    """

    def __init__(self, rule: Rule, cases: tuple[Rule, ...], domains: Mapping[str, Domain]) -> None:
        self.rule, self.cases = rule, cases
        named = list(dict.fromkeys(t.fact for one in (rule, *cases) for t in conditions_in(one)))
        self.cells = {fact: _cells(fact, (rule, *cases), domains[fact]) for fact in named}
        self._order = tuple(named)
        self._nodes: dict[tuple[str, tuple[int, ...]], Node] = {}
        self._built: dict[tuple[int, Rule, tuple[Rule, ...]], Tree] = {}
        self._numbers: dict[int, int] = {}
        self.root = self._build(0, rule, cases)

    def tree(self, facts: Facts) -> Tree:
        """What is left of the decision once ``facts`` are known. A fact stands in it iff it can change the answer."""
        known = {fact: self.cell_of(fact, facts[fact]) for fact in self._order if fact in facts}
        done: dict[int, Tree] = {}

        def restrict(tree: Tree) -> Tree:
            if isinstance(tree, int):
                return tree
            if id(tree) not in done:
                if tree.fact in known:
                    done[id(tree)] = restrict(tree.children[known[tree.fact]])
                else:
                    done[id(tree)] = self._node(tree.fact, [restrict(child) for child in tree.children])
            return done[id(tree)]

        return restrict(self.root)

    def cell_of(self, fact: str, value: Value) -> int:
        """The index of the cell in which ``value`` lies. Raises ValueError for a value outside the fact's domain."""
        cells = self.cells[fact]
        if isinstance(cells[0], int) and not isinstance(cells[0], bool):
            return sum(value >= start for start in cells) - 1  # type: ignore[operator]
        return cells.index(value)

    def _build(self, at: int, rule: Rule, cases: tuple[Rule, ...]) -> Tree:
        if rule is False:
            return NO
        first = next((i for i, case in enumerate(cases) if case is not False), NO)
        if rule is True and (first == NO or cases[first] is True):
            return first
        key = (at, rule, cases)
        if key not in self._built:
            fact = self._order[at]
            self._built[key] = self._node(
                fact,
                [
                    self._build(at + 1, settle(rule, {fact: value}), tuple(settle(case, {fact: value}) for case in cases))
                    for value in self.cells[fact]
                ],
            )
        return self._built[key]

    def _node(self, fact: str, children: list[Tree]) -> Tree:
        if all(child is children[0] or child == children[0] for child in children):
            return children[0]
        key = (fact, tuple(child if isinstance(child, int) else 1_000_000 + self._number(child) for child in children))
        if key not in self._nodes:
            self._nodes[key] = Node(
                fact,
                tuple(children),
                frozenset({fact}).union(*(child.support for child in children if isinstance(child, Node))),
                frozenset().union(*(leaves(child) for child in children)),
            )
        return self._nodes[key]

    def _number(self, node: Node) -> int:
        return self._numbers.setdefault(id(node), len(self._numbers))


def leaves(tree: Tree) -> frozenset[int]:
    """The answers that are still possible."""
    return frozenset({tree}) if isinstance(tree, int) else tree.leaves


def support(tree: Tree) -> frozenset[str]:
    """The facts that can still change the answer."""
    return frozenset() if isinstance(tree, int) else tree.support


def _cells(fact: str, rules: tuple[Rule, ...], domain: Domain) -> tuple[Value, ...]:
    """One value of each cell: the choices, or where a stretch of numbers begins."""
    if domain.choices:
        return domain.choices
    starts = {domain.low}
    for test in (t for rule in rules for t in conditions_in(rule) if t.fact == fact):
        values = test.value if isinstance(test.value, tuple) else (test.value,)
        for value in values:
            match test.op:
                case "at_least":
                    starts.add(value)  # type: ignore[arg-type]
                case "at_most":
                    starts.add(value + 1)  # type: ignore[operator]
                case _:
                    starts |= {value, value + 1}  # type: ignore[operator]
    return tuple(sorted(start for start in starts if domain.low <= start <= domain.high))
