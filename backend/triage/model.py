"""A linear text classifier: how a text becomes features, and the file that holds what was learned.

The file is an .npz archive of plain numbers and text, read with ``allow_pickle=False``: a model from somebody else
can be wrong, but it cannot run code.
"""

import functools
import itertools
import json
import math
import os
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FORMAT = 1
HEAD_LENGTH = 100  # characters of the first field that count as its heading
LONGEST = 4_000  # characters of a field that are read
_SPACE = re.compile(r"\s+")

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]
Fields = Sequence[str]


class BadModel(Exception):
    """The file is no model, or one of another version. ``str()`` says which."""


def clean(fields: Fields) -> tuple[str, str]:
    """The heading (of the first field) and the whole text, in lower case with single spaces."""
    parts = [_SPACE.sub(" ", field[:LONGEST]).strip().lower() for field in fields]
    return parts[0][:HEAD_LENGTH], "\n".join(part for part in parts if part)


def blocks(fields: Fields) -> tuple[Counter[str], ...]:
    """How often each feature occurs, in four blocks: words and characters (1 to 2) of the whole text, words (1 to 2)
    and characters (1 to 3) of its heading. The names in different blocks differ."""
    head, whole = clean(fields)
    words, head_words = _words(whole), _words(head)
    return (
        Counter("w" + word for word in words),
        Counter("c" + gram for gram in _grams(whole, 2)),
        Counter(["v" + word for word in head_words] + [f"v{a} {b}" for a, b in itertools.pairwise(head_words)]),
        Counter("h" + gram for gram in _grams(head, 3)),
    )


WEIGHTS = (1.0, 1.0, 0.7, 0.7)
CHARACTERS = (1, 3)  # the blocks that are also counted without damping


def _words(text: str) -> list[str]:
    return [word for word in _tokenizer().cut(text) if not word.isspace()]


@functools.cache
def _tokenizer() -> Any:
    import jieba

    jieba.setLogLevel(30)
    return jieba.dt


def _grams(text: str, longest: int) -> Iterator[str]:
    for size in range(1, longest + 1):
        for start in range(len(text) - size + 1):
            yield text[start : start + size]


@dataclass(frozen=True)
class Vocabulary:
    """The number of each feature, and the weight of its rarity."""

    numbers: Mapping[str, int]
    rarity: Floats

    def __len__(self) -> int:
        return len(self.numbers)

    def vector(self, fields: Fields) -> tuple[Numbers, Floats]:
        """The non-zero positions of a text and their values: see ``weigh``."""
        found = []
        for counts in blocks(fields):
            known = [(number, count) for name, count in counts.items() if (number := self.numbers.get(name)) is not None]
            pairs = np.array(known, dtype=np.int64).reshape(-1, 2)
            found.append((pairs[:, 0], pairs[:, 1]))
        return weigh(found, self.rarity)


def weigh(counted: Sequence[tuple[Numbers, Numbers]], rarity: Floats) -> tuple[Numbers, Floats]:
    """Positions and values from the features' numbers and counts in each block.

    A feature's own position holds its count damped to 1 + log; ``len(rarity)`` further on, for characters only, stands
    the plain count. Both are weighted by rarity, and each block has the fixed length of ``WEIGHTS``.
    """
    positions: list[Numbers] = []
    values: list[Floats] = []
    for index, (numbers, counts) in enumerate(counted):
        if not len(numbers):
            continue
        kinds = [(numbers, 1 + np.log(counts))]
        if index in CHARACTERS:
            kinds.append((numbers + len(rarity), counts))
        for where, strength in kinds:
            value = strength * rarity[numbers]
            positions.append(where)
            values.append((value * (WEIGHTS[index] / math.sqrt(float(value @ value)))).astype(np.float32))
    if not positions:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
    return np.concatenate(positions), np.concatenate(values)


@dataclass(frozen=True)
class Model:
    """What was learned. ``weights`` has a row for each position of ``Vocabulary.vector`` and a column for each label.

    ``sharpness`` turns scores into probabilities. ``thresholds`` gives, for a precision such as "0.95", the least
    probability at which a text may be dispatched automatically; None where no probability is good enough.
    """

    labels: tuple[str, ...]
    vocabulary: Vocabulary
    weights: Floats
    offsets: Floats
    sharpness: float
    thresholds: Mapping[str, float | None]
    about: Mapping[str, Any]

    def probabilities(self, fields: Fields) -> Floats:
        """One calibrated probability for each label; they sum to 1."""
        where, values = self.vocabulary.vector(fields)
        return softmax((values @ self.weights[where] + self.offsets) * self.sharpness)

    def rank(self, fields: Fields) -> list[tuple[str, float]]:
        """Every label with its probability, likeliest first."""
        found = self.probabilities(fields)
        return [(self.labels[number], float(found[number])) for number in np.argsort(-found, kind="stable")]

    def save(self, path: Path) -> None:
        """Write the file; whoever reads meanwhile sees the old one or the new one."""
        header = {
            "format": FORMAT,
            "labels": self.labels,
            "sharpness": self.sharpness,
            "thresholds": dict(self.thresholds),
            "about": dict(self.about),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        with temporary.open("wb") as file:
            np.savez_compressed(
                file,
                header=_bytes(json.dumps(header, ensure_ascii=False)),
                features=_bytes("\0".join(self.vocabulary.numbers)),
                rarity=self.vocabulary.rarity,
                weights=self.weights,
                offsets=self.offsets,
            )
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path) -> "Model":
        """Read a file that ``save`` wrote. Raises FileNotFoundError or BadModel."""
        try:
            with np.load(path, allow_pickle=False) as archive:
                header = json.loads(_text(archive["header"]))
                names = _text(archive["features"]).split("\0")
                rarity, weights, offsets = archive["rarity"], archive["weights"], archive["offsets"]
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise BadModel(f"{path} is not a triage model.") from error
        if not isinstance(header, dict) or header.get("format") != FORMAT:
            raise BadModel(f"{path} was written by another version; train it again.")
        labels = tuple(header["labels"])
        if weights.shape[1:] != (len(labels),) or offsets.shape != (len(labels),) or rarity.shape != (len(names),):
            raise BadModel(f"{path} is damaged; train it again.")
        return cls(
            labels=labels,
            vocabulary=Vocabulary({name: number for number, name in enumerate(names)}, rarity),
            weights=weights,
            offsets=offsets,
            sharpness=header["sharpness"],
            thresholds=header["thresholds"],
            about=header["about"],
        )


def softmax(scores: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Probabilities along the last axis."""
    grown = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return grown / grown.sum(axis=-1, keepdims=True)


def _bytes(text: str) -> npt.NDArray[np.uint8]:
    return np.frombuffer(text.encode("utf-8"), dtype=np.uint8)


def _text(array: npt.NDArray[np.uint8]) -> str:
    return array.tobytes().decode("utf-8")
