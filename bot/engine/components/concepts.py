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
def _words() -> dict[str, list[tuple[str, str]]]:
    """(word, concept) by the word's first character."""
    listed: dict[str, list[tuple[str, str]]] = {}
    for concept, text in yaml.safe_load(FILE.read_text(encoding="utf-8")).items():
        for word in text.lower().split():
            listed.setdefault(word[0], []).append((word, concept))
    return listed


def found(normalised: str) -> list[str]:
    """The concept of each listed word in the text, in order; words may overlap."""
    listed = _words()
    return [
        concept
        for start, first in enumerate(normalised)
        for word, concept in listed.get(first, ())
        if normalised.startswith(word, start)
    ]


def danger_signs(normalised: str) -> list[float]:
    """Numbers that speak for and against danger: which concepts of DANGER, now, victim and CALM stand in the text (0 or
    1 each), how many of DANGER and of CALM (at most 3 each), and whether two of DANGER stand there and none of CALM.
    """
    present = set(found(normalised))
    danger, calm = len(present.intersection(DANGER)), len(present.intersection(CALM))
    named = [float(concept in present) for concept in (*DANGER, "now", "victim", *CALM)]
    return [*named, float(min(danger, 3)), float(min(calm, 3)), float(danger >= 2 and not calm)]
