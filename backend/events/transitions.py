"""The one table of what may follow what, and by whose hand. docs/glossary.md has the Chinese names."""

import enum

from backend.events.models import EventState as S


class Hand(enum.StrEnum):
    """In what capacity someone acts on an event."""

    SYSTEM = "system"
    REPORTER = "reporter"
    MANAGER = "manager"
    HANDLER = "handler"
    VERIFIER = "verifier"


SYSTEM, REPORTER, MANAGER, HANDLER, VERIFIER = Hand

TABLE: dict[tuple[S, S], frozenset[Hand]] = {
    (S.REPORTED, S.ACCEPTED): frozenset({SYSTEM, MANAGER}),
    (S.REPORTED, S.REJECTED): frozenset({MANAGER}),
    (S.REPORTED, S.WITHDRAWN): frozenset({REPORTER}),
    (S.ACCEPTED, S.DISPATCHED): frozenset({SYSTEM, MANAGER}),
    (S.ACCEPTED, S.REJECTED): frozenset({MANAGER}),
    (S.ACCEPTED, S.WITHDRAWN): frozenset({REPORTER}),
    (S.DISPATCHED, S.IN_PROGRESS): frozenset({HANDLER}),
    (S.DISPATCHED, S.DISPATCHED): frozenset({MANAGER, HANDLER}),
    (S.DISPATCHED, S.ACCEPTED): frozenset({HANDLER, MANAGER, REPORTER}),  # the reporter: when a correction changes whose it is
    (S.DISPATCHED, S.WITHDRAWN): frozenset({REPORTER}),
    (S.IN_PROGRESS, S.HANDLED): frozenset({HANDLER}),
    (S.IN_PROGRESS, S.DISPATCHED): frozenset({HANDLER, MANAGER}),
    (S.HANDLED, S.VERIFYING): frozenset({SYSTEM}),
    (S.VERIFYING, S.CLOSED): frozenset({REPORTER, SYSTEM, VERIFIER}),
    (S.VERIFYING, S.REOPENED): frozenset({REPORTER, VERIFIER}),
    (S.CLOSED, S.REOPENED): frozenset({REPORTER}),
    (S.REOPENED, S.DISPATCHED): frozenset({SYSTEM, MANAGER}),
}

# Steps that make no sense without words.
NOTE_REQUIRED = {
    (S.REPORTED, S.REJECTED),
    (S.ACCEPTED, S.REJECTED),
    (S.DISPATCHED, S.ACCEPTED),
    (S.IN_PROGRESS, S.HANDLED),
    (S.IN_PROGRESS, S.DISPATCHED),
}

FINAL = frozenset({S.CLOSED, S.REJECTED, S.WITHDRAWN})
OPEN = frozenset(S) - FINAL
BEFORE_WORK = frozenset({S.REPORTED, S.ACCEPTED, S.DISPATCHED})
WITH_A_HANDLER = frozenset({S.DISPATCHED, S.IN_PROGRESS})


def allowed(before: S, after: S, hands: frozenset[Hand]) -> bool:
    """Whether one of ``hands`` may take an event from ``before`` to ``after``."""
    return bool(TABLE.get((before, after), frozenset()) & hands)


def next_steps(before: S, hands: frozenset[Hand]) -> list[S]:
    """The states that ``hands`` may choose next, in the table's order."""
    return [after for (start, after), who in TABLE.items() if start is before and who & hands]
