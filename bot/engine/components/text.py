"""The one form in which every text is looked at, and the pieces it is looked at in."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import jieba

# What follows in a longer text no longer changes what it is about, but would cost time.
LOOKED_AT = 600
NGRAMS = (1, 2, 3, 4)


def normalise(text: str) -> str:
    """Half-width, lower case, single spaces, at most LOOKED_AT characters; marks that cannot be seen,
    such as NUL, zero-width and direction marks, are gone."""
    compatible = unicodedata.normalize("NFKC", text[: 2 * LOOKED_AT])
    visible = (" " if c.isspace() else c for c in compatible if c.isspace() or unicodedata.category(c)[0] != "C")
    return " ".join("".join(visible).lower().split())[:LOOKED_AT]


def pieces(normalised: str) -> Iterator[str]:
    """The words that jieba finds, each behind a mark of its own, and the characters 1 to 4 at a time."""
    for word in jieba.cut(normalised):
        yield "\t" + word
    bounded = f"\n{normalised}\n"
    for length in NGRAMS:
        for start in range(len(bounded) - length + 1):
            yield bounded[start : start + length]
