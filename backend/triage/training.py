"""Learning from a city's own history: two linear classifiers, added up and calibrated on texts they have not seen."""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse
from scipy.optimize import minimize_scalar
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

from backend.triage.model import Fields, Model, Vocabulary, blocks, softmax, weigh

SEED = 20201
PRECISIONS = ("0.95", "0.97")
FOLDS = 5
WORK = 4e8  # non-zero values times labels that the folds may cost: about half a minute of one core
FITS = 100  # labels times folds: each costs something however small the data
LARGEST = 300_000  # features; the rarest are dropped
RATIO_RANGE = (0.2, 4.0)

Matrix = Any  # scipy.sparse.csr_matrix
Numbers = npt.NDArray[np.int64]


class CannotTrain(Exception):
    """The data teaches nothing. ``str()`` says why."""


def train(texts: Sequence[Fields], labels: Sequence[str], *, seed: int = SEED, about: dict[str, Any] | None = None) -> Model:
    """Learn to tell ``labels`` from ``texts``. The same data and seed give the same model.

    Raises CannotTrain when there are fewer than two labels or no text.
    """
    names = tuple(sorted(set(labels)))
    if len(names) < 2:
        raise CannotTrain("at least two different labels are needed")
    vocabulary, matrix = read(texts)
    number = {name: index for index, name in enumerate(names)}
    targets = np.array([number[label] for label in labels])
    judged, scores, scales = _held_back(matrix, targets, len(names), len(vocabulary), seed)
    learners = _learn(matrix, targets, len(names), len(vocabulary), seed)
    sharpness = _sharpness(scores, targets[judged])
    found = softmax(scores * sharpness)
    return Model(
        labels=names,
        vocabulary=vocabulary,
        weights=np.sum([part * scale for (part, _), scale in zip(learners, scales, strict=True)], axis=0, dtype=np.float32),
        offsets=np.sum([part * scale for (_, part), scale in zip(learners, scales, strict=True)], axis=0, dtype=np.float32),
        sharpness=sharpness,
        thresholds={p: threshold(found.max(axis=1), found.argmax(axis=1) == targets[judged], float(p)) for p in PRECISIONS},
        about={"seed": seed, "texts": len(texts), **(about or {})},
    )


def read(texts: Sequence[Fields]) -> tuple[Vocabulary, Matrix]:
    """The vocabulary of the texts, features in at least two of them, and a row of values for each text."""
    numbers: defaultdict[str, int] = defaultdict(itertools.count().__next__)
    counted = [
        [
            (np.array([numbers[name] for name in found], dtype=np.int64), np.array(list(found.values())))
            for found in blocks(fields)
        ]
        for fields in texts
    ]
    names = list(numbers)
    spread = np.zeros(len(names), dtype=np.int64)
    for found in counted:
        for where, _ in found:
            spread[where] += 1
    kept = sorted(np.flatnonzero(spread > 1), key=lambda number: (-spread[number], names[number]))[:LARGEST]
    if not kept:
        raise CannotTrain("the texts have nothing in common")
    renumbered = np.full(len(names), -1)
    renumbered[kept] = np.arange(len(kept))
    rarity = (np.log((1 + len(texts)) / (1 + spread[kept])) + 1).astype(np.float32)
    rows = []
    for found in counted:
        known = [(renumbered[where], counts) for where, counts in found]
        rows.append(weigh([(where[where >= 0], counts[where >= 0]) for where, counts in known], rarity))
    matrix = scipy.sparse.csr_matrix(
        (
            np.concatenate([values for _, values in rows]).astype(np.float64),
            np.concatenate([where for where, _ in rows]).astype(np.int32),
            np.cumsum([0] + [len(where) for where, _ in rows]),
        ),
        shape=(len(texts), 2 * len(kept)),
    )
    matrix.sort_indices()
    return Vocabulary({names[number]: index for index, number in enumerate(kept)}, rarity), matrix


def threshold(probabilities: npt.NDArray[Any], right: npt.NDArray[np.bool_], precision: float) -> float | None:
    """The least probability from which on ``precision`` of the texts were judged right, or None.

    One more error and one standard error are allowed for, so that a few lucky texts do not decide and the precision
    holds on others too.
    """
    order = np.argsort(-probabilities, kind="stable")
    count = np.arange(1, len(order) + 1)
    share = np.cumsum(right[order]) / (count + 1)
    good = np.flatnonzero(share - np.sqrt(share * (1 - share) / count) >= precision)
    return float(probabilities[order[good[-1]]]) if len(good) else None


def _held_back(
    matrix: Matrix, targets: Numbers, count: int, half: int, seed: int
) -> tuple[Numbers, npt.NDArray[Any], tuple[float, float]]:
    """Which texts were held back, the scores they got from models that had not seen them, and each learner's scale.

    Every text is judged when the folds are cheap; with many labels, only as many folds as ``WORK`` allows.
    """
    rounds = max(1, min(FOLDS, int(WORK / (matrix.nnz * count)), FITS // count))
    judged, seen = [], []
    for train_rows, test_rows in list(_folds(targets, seed))[:rounds]:
        learners = _learn(matrix[train_rows], targets[train_rows], count, half, seed)
        judged.append(test_rows)
        seen.append([matrix[test_rows] @ weights + offsets for weights, offsets in learners])
    first, second = (np.concatenate([scores[index] for scores in seen]) for index in (0, 1))
    scales = (1 / float(first.std()), 1 / float(second.std()))
    return np.concatenate(judged), first * scales[0] + second * scales[1], scales


def _folds(targets: Numbers, seed: int) -> Iterator[tuple[Numbers, Numbers]]:
    """Five parts with each label spread over them as evenly as it goes; a label that stands alone is never held back."""
    counts = np.bincount(targets)
    lonely = np.flatnonzero(counts[targets] < 2)
    others = np.flatnonzero(counts[targets] >= 2)
    if len(others) < FOLDS:
        raise CannotTrain("too few texts")
    grouped = np.where(counts[targets[others]] >= FOLDS, targets[others], -1)
    splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    if np.count_nonzero(grouped == -1) < FOLDS:
        grouped[grouped == -1] = grouped[grouped != -1][0] if np.any(grouped != -1) else 0
    for train_rows, test_rows in splitter.split(grouped, grouped):
        yield np.concatenate([others[train_rows], lonely]), others[test_rows]


def _learn(
    matrix: Matrix, targets: Numbers, count: int, half: int, seed: int
) -> list[tuple[npt.NDArray[Any], npt.NDArray[Any]]]:
    """Weights (positions, labels) and offsets of both learners.

    The first is a support vector machine over every damped feature, with rare labels weighted up. The second reads
    only the plain counts of characters, each scaled by how far its log-ratio between label and rest departs from 0
    (Wang and Manning 2012); what the two miss differs.
    """
    damped, plain = matrix[:, :half], matrix[:, half:]
    weights = [np.zeros((2 * half, count)), np.zeros((2 * half, count))]
    offsets = [np.full(count, -1.0), np.full(count, -1.0)]
    present = np.bincount(targets, minlength=count)
    total = np.asarray(plain.sum(axis=0)).ravel() + 0.05
    for label in np.flatnonzero(present):
        mine = targets == label
        rarity = {True: len(mine) / np.count_nonzero(present) / present[label]}
        svm = LinearSVC(C=0.3, tol=1e-3, class_weight=rarity, random_state=seed)
        svm.fit(damped, mine)
        weights[0][:half, label], offsets[0][label] = svm.coef_[0], svm.intercept_[0]

        own = np.asarray(plain[mine].sum(axis=0)).ravel() + 0.05
        rest = total - own + 0.05
        ratio = np.clip(np.abs(np.log(own / own.sum()) - np.log(rest / rest.sum())), *RATIO_RANGE)
        scaled = scipy.sparse.csr_matrix((plain.data * ratio[plain.indices], plain.indices, plain.indptr), shape=plain.shape)
        nb = LinearSVC(C=0.2, tol=1e-3, random_state=seed).fit(scaled, mine)
        weights[1][half:, label], offsets[1][label] = nb.coef_[0] * ratio, nb.intercept_[0]
    return list(zip(weights, offsets, strict=True))


def _sharpness(scores: npt.NDArray[Any], targets: Numbers) -> float:
    """The factor under which the held-back scores give the likeliest probabilities."""

    def loss(log_factor: float) -> float:
        grown = scores * math.exp(log_factor)
        highest = grown.max(axis=1)
        total = highest + np.log(np.exp(grown - highest[:, None]).sum(axis=1))
        return float(np.mean(total - grown[np.arange(len(targets)), targets]))

    return math.exp(minimize_scalar(loss, bounds=(-4, 4), method="bounded").x)
