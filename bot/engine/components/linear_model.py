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

from bot.engine.components.concepts import danger_signs
from bot.engine.components.text import normalise, pieces

EMERGENCY = "emergency"
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
class Guard:
    """How likely somebody is in danger: a logistic model over the emergency's score, how far it lies above the best
    other, and the danger signs of the text. Danger is assumed from the probability ``least``.
    """

    weights: NDArray[np.float64]
    intercept: float
    least: float

    @classmethod
    def fit(
        cls,
        signs: Sequence[Sequence[float]],
        scores: NDArray[np.float32],
        emergency: int,
        truth: NDArray[np.bool_],
        precision: float,
    ) -> Guard:
        """Fitted to held-out scores. ``least`` is the lowest probability from which on that share of those texts is truly
        an emergency.
        """
        from sklearn.linear_model import LogisticRegression

        rows = np.array([guard_row(each, row, emergency) for each, row in zip(signs, scores, strict=True)])
        fitted = LogisticRegression(max_iter=2000).fit(rows, truth)
        probabilities = fitted.predict_proba(rows)[:, 1]
        order = np.argsort(-probabilities, kind="stable")
        precisions = np.cumsum(truth[order]) / np.arange(1, len(order) + 1)
        good = np.flatnonzero(precisions >= precision)
        least = float(probabilities[order[good[-1]]]) if len(good) else 0.5
        return cls(fitted.coef_[0], float(fitted.intercept_[0]), least)

    def probability(self, signs: Sequence[float], scores: NDArray[np.floating], emergency: int) -> float:
        """The probability that the text tells of danger to life now."""
        return float(1 / (1 + np.exp(-(guard_row(signs, scores, emergency) @ self.weights + self.intercept))))


def guard_row(signs: Sequence[float], scores: NDArray[np.floating], emergency: int) -> NDArray[np.float64]:
    """What the guard looks at: two numbers made of the scores, then the danger signs."""
    own, others = float(scores[emergency]), float(np.delete(scores, emergency).max())
    return np.array([own, own - others, *signs])


@dataclass(frozen=True)
class Judgement:
    """The classes from the likeliest down, the probability of each, and whether the first may be acted on unasked.

    An emergency stands first as soon as the guard assumes danger, and is always sure: below doubt, danger wins.
    """

    ranking: list[tuple[str, float]]
    sure: bool


@dataclass
class LinearModel:
    """Scores of each class for a text, and what they are worth as probabilities.

    coefficients: pieces by classes; intercepts; scale (one number) to make probabilities of scores; the guard, where
    there are emergencies to learn from; sure_from: the least probability of a sure answer.
    """

    pieces: Pieces
    classes: list[str]
    coefficients: NDArray[np.float32]
    intercepts: NDArray[np.float32]
    scale: float
    guard: Guard | None = None
    sure_from: float = 0.0

    @classmethod
    def fit(
        cls, texts: Sequence[str], labels: Sequence[str], seed: int, wrong_confident: float, guard_precision: float
    ) -> LinearModel:
        """Trained on the texts. Scale, guard and sure_from are chosen on scores of texts that these were not trained on:
        among those, at most the share ``wrong_confident`` is answered surely and wrongly.
        """
        return cls.fit_and_judge(texts, labels, seed, wrong_confident, guard_precision)[0]

    @classmethod
    def fit_and_judge(
        cls, texts: Sequence[str], labels: Sequence[str], seed: int, wrong_confident: float, guard_precision: float
    ) -> tuple[LinearModel, list[Judgement]]:
        """As ``fit``, with the judgement of each text by scores that were not trained on it."""
        bags = [bag(text) for text in texts]
        known = Pieces.of(bags)
        rows, targets = known.matrix(bags), np.array(labels)
        classes = sorted(set(labels))
        signs = [danger_signs(normalise(text)) for text in texts]
        scores = held_out_scores(rows, targets, classes, seed)
        coefficients, intercepts = _fit(rows, targets, seed)
        model = cls(known, classes, coefficients, intercepts, _scale(scores, targets, classes))
        if EMERGENCY in classes:
            number = classes.index(EMERGENCY)
            model.guard = Guard.fit(signs, scores, number, targets == EMERGENCY, guard_precision)
        first = [model.judgement(*each).ranking[0] for each in zip(signs, scores, strict=True)]
        model.sure_from = _sure_from(first, labels, wrong_confident)
        return model, [model.judgement(*each) for each in zip(signs, scores, strict=True)]

    def judge(self, text: str) -> Judgement:
        """What the text wants."""
        numbers, values = self.pieces.vector(bag(text))
        return self.judgement(danger_signs(normalise(text)), values @ self.coefficients[numbers] + self.intercepts)

    def judgement(self, signs: Sequence[float], scores: NDArray[np.floating]) -> Judgement:
        """What the danger signs and the scores of a text say."""
        probabilities = softmax(self.scale * scores)
        danger = False
        if self.guard:
            number = self.classes.index(EMERGENCY)
            emergency = self.guard.probability(signs, scores, number)
            others = max(1 - probabilities[number], 1e-12)
            probabilities *= (1 - emergency) / others
            probabilities[number] = emergency
            danger = emergency >= self.guard.least
        order = sorted(
            range(len(self.classes)), key=lambda i: (not (danger and self.classes[i] == EMERGENCY), -probabilities[i])
        )
        if self.guard and not danger and self.classes[order[0]] == EMERGENCY:
            order[:2] = order[1::-1]
        ranking = [(self.classes[i], float(probabilities[i])) for i in order]
        return Judgement(ranking, danger or ranking[0][1] >= self.sure_from)

    def write(self, folder: Path) -> None:
        """Keep the model in a folder."""
        words: dict[str, object] = {"weights": self.pieces.weights, "classes": self.classes, "scale": self.scale}
        words["sure_from"] = self.sure_from
        if self.guard:
            words["guard"] = [self.guard.weights.tolist(), self.guard.intercept, self.guard.least]
        (folder / "model.json").write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")
        np.savez(folder / "model.npz", coefficients=self.coefficients, intercepts=self.intercepts)

    @classmethod
    def read(cls, folder: Path) -> LinearModel:
        """The model kept in a folder."""
        words = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        guard = None
        if "guard" in words:
            weights, intercept, least = words["guard"]
            guard = Guard(np.array(weights), intercept, least)
        with np.load(folder / "model.npz") as numbers:
            return cls(
                Pieces(words["weights"]),
                words["classes"],
                numbers["coefficients"],
                numbers["intercepts"],
                words["scale"],
                guard,
                words["sure_from"],
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

    # Half-way between every example and every class counting the same.
    counts = Counter(targets.tolist())
    mean = len(targets) / len(counts)
    weights = {name: math.sqrt(mean / count) for name, count in counts.items()}
    svm = LinearSVC(C=REGULARISATION, class_weight=weights, random_state=seed).fit(rows, targets)
    return svm.coef_.T.astype(np.float32), svm.intercept_.astype(np.float32)


def _scale(scores: NDArray[np.float32], targets: NDArray[np.str_], classes: list[str]) -> float:
    """The factor with which the scores give the truth the highest likelihood."""
    truth = np.searchsorted(classes, targets)
    candidates = np.geomspace(0.5, 20, 60)
    likelihoods = [np.log(softmax(factor * scores)[np.arange(len(truth)), truth] + 1e-12).mean() for factor in candidates]
    return float(candidates[int(np.argmax(likelihoods))])


def _sure_from(first: Sequence[tuple[str, float]], labels: Sequence[str], wrong_confident: float) -> float:
    """The least probability at which answers that are wrong make up at most that share of all texts. Emergencies are not
    counted: they are sure at any probability.
    """
    wrong = sorted((p for (name, p), label in zip(first, labels, strict=True) if EMERGENCY != name != label), reverse=True)
    allowed = int(wrong_confident * len(labels))
    return float(np.nextafter(wrong[allowed], 1)) if len(wrong) > allowed else 0.0
