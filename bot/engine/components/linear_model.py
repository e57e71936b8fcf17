"""A linear model over the pieces of a text, small enough to be read in one go."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from bot.engine.components.text import normalise, pieces

# A piece that stands in one text only teaches that text.
LEAST_TEXTS = 2
FOLDS = 5
REGULARISATION = 1.0


def bag(text: str) -> Counter[str]:
    """How often each piece stands in a text."""
    return Counter(pieces(normalise(text)))


class Pieces:
    """The known pieces with their weights (inverse document frequency)."""

    def __init__(self, weights: dict[str, float]) -> None:
        self._weights = weights
        self._numbers = {piece: number for number, piece in enumerate(weights)}

    def __len__(self) -> int:
        return len(self._weights)

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each piece, in the order of the columns."""
        return self._weights

    @classmethod
    def of(cls, bags: Sequence[Counter[str]]) -> Pieces:
        """The pieces that stand in LEAST_TEXTS of the texts or more."""
        counts: Counter[str] = Counter()
        for each in bags:
            counts.update(each.keys())
        return cls(
            {
                piece: float(np.log((1 + len(bags)) / (1 + count)) + 1)
                for piece, count in sorted(counts.items())
                if count >= LEAST_TEXTS
            }
        )

    def vector(self, counts: Counter[str]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The numbers of a text's known pieces and their values; the values have length one."""
        known = [(self._numbers[p], (1 + math.log(n)) * self._weights[p]) for p, n in counts.items() if p in self._numbers]
        numbers = np.array([number for number, _ in known], dtype=np.int32)
        values = np.array([value for _, value in known], dtype=np.float32)
        return numbers, values / (np.linalg.norm(values) or 1.0)

    def matrix(self, bags: Sequence[Counter[str]]) -> scipy.sparse.csr_matrix:
        """One row for each text, one column for each piece."""
        vectors = [self.vector(each) for each in bags]
        lengths = [len(numbers) for numbers, _ in vectors]
        return scipy.sparse.csr_matrix(
            (
                np.concatenate([values for _, values in vectors]),
                np.concatenate([numbers for numbers, _ in vectors]),
                np.concatenate([[0], np.cumsum(lengths)]),
            ),
            shape=(len(bags), len(self)),
        )


@dataclass
class LinearModel:
    """Scores of each class for a text, and what they are worth as probabilities.

    coefficients: pieces by classes; intercepts, and scale (one number) to make probabilities of scores.
    """

    pieces: Pieces
    classes: list[str]
    coefficients: NDArray[np.float32]
    intercepts: NDArray[np.float32]
    scale: float

    @classmethod
    def fit(cls, texts: Sequence[str], labels: Sequence[str], seed: int) -> LinearModel:
        """Trained on the texts; the scale is chosen on texts that the scores were not trained on."""
        bags = [bag(text) for text in texts]
        known = Pieces.of(bags)
        rows, targets = known.matrix(bags), np.array(labels)
        classes = sorted(set(labels))
        scores = held_out_scores(rows, targets, classes, seed)
        coefficients, intercepts = _fit(rows, targets, seed)
        return cls(known, classes, coefficients, intercepts, _scale(scores, targets, classes))

    def probabilities(self, text: str) -> NDArray[np.float64]:
        """The probability of each class."""
        numbers, values = self.pieces.vector(bag(text))
        return softmax(self.scale * (values @ self.coefficients[numbers] + self.intercepts))

    def write(self, folder: Path) -> None:
        """Keep the model in a folder."""
        words = {"weights": self.pieces.weights, "classes": self.classes, "scale": self.scale}
        (folder / "model.json").write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")
        np.savez(folder / "model.npz", coefficients=self.coefficients, intercepts=self.intercepts)

    @classmethod
    def read(cls, folder: Path) -> LinearModel:
        """The model kept in a folder."""
        words = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        with np.load(folder / "model.npz") as numbers:
            return cls(
                Pieces(words["weights"]),
                words["classes"],
                numbers["coefficients"],
                numbers["intercepts"],
                words["scale"],
            )


def softmax(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Probabilities along the last axis."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True), dtype=np.float64)
    return powers / powers.sum(axis=-1, keepdims=True)


def held_out_scores(
    rows: scipy.sparse.csr_matrix, targets: NDArray[np.str_], classes: list[str], seed: int
) -> NDArray[np.float32]:
    """The scores of each row from a model that has not seen it."""
    from sklearn.model_selection import StratifiedKFold

    scores = np.zeros((len(targets), len(classes)), dtype=np.float32)
    for seen, unseen in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(rows, targets):
        coefficients, intercepts = _fit(rows[seen], targets[seen], seed)
        scores[unseen] = rows[unseen] @ coefficients + intercepts
    return scores


def _fit(
    rows: scipy.sparse.csr_matrix, targets: NDArray[np.str_], seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    from sklearn.svm import LinearSVC

    svm = LinearSVC(C=REGULARISATION, class_weight="balanced", random_state=seed).fit(rows, targets)
    return svm.coef_.T.astype(np.float32), svm.intercept_.astype(np.float32)


def _scale(scores: NDArray[np.float32], targets: NDArray[np.str_], classes: list[str]) -> float:
    """The factor with which the scores give the truth the highest likelihood."""
    truth = np.searchsorted(classes, targets)
    candidates = np.geomspace(0.5, 20, 60)
    likelihoods = [np.log(softmax(factor * scores)[np.arange(len(truth)), truth] + 1e-12).mean() for factor in candidates]
    return float(candidates[int(np.argmax(likelihoods))])
