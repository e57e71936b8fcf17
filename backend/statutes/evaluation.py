"""How well the index answers questions whose articles are known."""

import time
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np

from backend.csvrows import Values
from backend.statutes.index import Index

_DEPTH = 200
_SHOWN = 3  # what the bot may show by itself
_THRESHOLDS = (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)


def evaluate(index: Index, questions: Sequence[Values], *, at: date) -> dict[str, Any]:
    """Return recall_at_1, recall_at_5 and recall_at_10 (the mean over questions of the share of the question's articles
    that are found so high), mrr (of its first one; 0 below rank 200), ms_p50 and ms_p95 of a question.

    Beside them: ``missing``, how many of the articles asked for are not in the index (they count as not found), and
    ``shown``: for each threshold, the share of questions for which at least one of the three nearest articles reaches it,
    and the share of the articles so shown that are right.
    """
    names = index.names(at)
    ranks, best, times, shown, missing = [], [], [], [], 0
    for row in questions:
        wanted = {names.find(article) or article for article in row["articles"]}
        started = time.perf_counter()
        found = index.nearest(row["question"], _DEPTH, at=at)
        times.append(1000 * (time.perf_counter() - started))
        places = {item.article: rank for rank, item in enumerate(found, 1)}
        missing += sum(names.find(article) is None for article in wanted)
        of_question = [places.get(article, np.inf) for article in wanted]
        ranks.append([sum(rank <= depth for rank in of_question) / len(of_question) for depth in (1, 5, 10)])
        best.append(1 / min(of_question))
        shown.append([(item.score, item.article in wanted) for item in found[:_SHOWN]])
    recall = np.mean(ranks, axis=0)
    return {
        "recall_at_1": round(float(recall[0]), 4),
        "recall_at_5": round(float(recall[1]), 4),
        "recall_at_10": round(float(recall[2]), 4),
        "mrr": round(float(np.mean(best)), 4),
        "ms_p50": round(float(np.percentile(times, 50)), 2),
        "ms_p95": round(float(np.percentile(times, 95)), 2),
        "missing": missing,
        "shown": [_above(threshold, shown) for threshold in _THRESHOLDS],
    }


def _above(threshold: float, shown: list[list[tuple[float, bool]]]) -> dict[str, float]:
    kept = [[right for score, right in items if score >= threshold] for items in shown]
    flat = [right for items in kept for right in items]
    return {
        "threshold": threshold,
        "questions": round(sum(map(bool, kept)) / len(kept), 3),
        "precision": round(sum(flat) / len(flat), 3) if flat else 0.0,
    }
