"""What the words of a text are about, by the list in concepts.yml."""

from __future__ import annotations

import functools
from pathlib import Path

import yaml

FILE = Path(__file__).with_name("concepts.yml")
# The concepts that say that somebody is in danger, and those that say that nobody is after all.
DANGER = (
    *("fire", "gas", "collapse_of_person", "blood", "violence", "suicide", "drowning", "missing", "trapped"),
    *("electric_shock", "crash", "poison", "collapse", "help"),
)
CALM = ("past", "supposed", "drill", "service_of_gas", "no_danger", "figure_of_speech")


@functools.cache
def words() -> dict[str, list[str]]:
    """The concepts of each word."""
    concepts: dict[str, list[str]] = {}
    for concept, listed in yaml.safe_load(FILE.read_text(encoding="utf-8")).items():
        for word in str(listed).lower().split():
            concepts.setdefault(word, []).append(concept)
    return concepts


@functools.cache
def _longest() -> int:
    return max(map(len, words()))


def found(normalised: str) -> list[str]:
    """The concept of each listed word in the text, in order; words may overlap."""
    known = words()
    return [
        concept
        for start in range(len(normalised))
        for end in range(start + 1, min(start + _longest(), len(normalised)) + 1)
        for concept in known.get(normalised[start:end], ())
    ]


def danger_signs(normalised: str) -> list[float]:
    """Numbers that speak for and against danger: which concepts of DANGER, now, victim and CALM stand in the text (0 or
    1 each), how many of DANGER and of CALM (at most 3 each), and whether two of DANGER stand there and none of CALM.
    """
    present = set(found(normalised))
    danger, calm = len(present.intersection(DANGER)), len(present.intersection(CALM))
    named = [float(concept in present) for concept in (*DANGER, "now", "victim", *CALM)]
    return [*named, float(min(danger, 3)), float(min(calm, 3)), float(danger >= 2 and not calm)]
