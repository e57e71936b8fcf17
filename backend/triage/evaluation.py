"""How well a model routes texts it has not seen, and the CSV files that histories come in."""

import csv
import gzip
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from backend.triage.model import Fields, Model


class BadFile(Exception):
    """The CSV cannot be used. ``str()`` says why."""


@dataclass
class Labelled:
    """Texts with the labels they were given; ``skipped`` counts rows without a label or without any text."""

    texts: list[Fields] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    skipped: int = 0

    def pick(self, rows: Sequence[int]) -> "Labelled":
        return Labelled([self.texts[row] for row in rows], [self.labels[row] for row in rows])


def read_csv(path: Path, text_columns: Sequence[str], label_column: str) -> Labelled:
    """Read a .csv or .csv.gz in UTF-8 or GB 18030. Raises BadFile for a missing column or other encodings."""
    content = path.read_bytes()
    try:
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = content.decode("gb18030")
        except UnicodeDecodeError:
            raise BadFile(f"{path} is neither UTF-8 nor GB 18030.") from None
    except (OSError, EOFError):
        raise BadFile(f"{path} is no gzip file.") from None
    csv.field_size_limit(10_000_000)
    reader = csv.DictReader(io.StringIO(text, newline=""))
    missing = [name for name in (*text_columns, label_column) if name not in (reader.fieldnames or ())]
    if missing:
        raise BadFile(f"{path} has no column {', '.join(missing)}; it has {', '.join(reader.fieldnames or ['none'])}.")
    found = Labelled()
    for row in reader:
        fields, label = tuple((row[name] or "").strip() for name in text_columns), (row[label_column] or "").strip()
        if label and any(fields):
            found.texts.append(fields)
            found.labels.append(label)
        else:
            found.skipped += 1
    if not found.texts:
        raise BadFile(f"{path} has no row with a text and a label.")
    return found


def split(data: Labelled, share: float, seed: int) -> tuple[Labelled, Labelled]:
    """A training and a test part with the labels in equal shares. Raises BadFile where a label stands only once."""
    from sklearn.model_selection import train_test_split

    try:
        kept, tested = train_test_split(range(len(data.labels)), test_size=share, random_state=seed, stratify=data.labels)
    except ValueError as error:
        raise BadFile(f"The data cannot be split: {error}") from None
    return data.pick(kept), data.pick(tested)


def evaluate(model: Model, data: Labelled) -> dict[str, Any]:
    """Return {texts, accuracy, macro_f1, top3_accuracy, auto_at_95, precision_at_95, auto_at_97, precision_at_97,
    ms_p50}. ``auto_at`` is the share of texts above the threshold that training chose for that precision, and
    ``precision_at`` what it came to here: None where nothing is above it."""
    from sklearn.metrics import f1_score

    rows, times = [], []
    model.rank(data.texts[0])  # the first text also loads the dictionary
    for fields in data.texts:
        started = time.perf_counter()
        rows.append(model.probabilities(fields))
        times.append(time.perf_counter() - started)
    probabilities = np.array(rows)
    order = np.argsort(-probabilities, axis=1, kind="stable")
    names, gold = np.array(model.labels), np.array(data.labels)
    predicted = names[order[:, 0]]
    right = predicted == gold
    result: dict[str, Any] = {
        "texts": len(gold),
        "accuracy": float(right.mean()),
        "macro_f1": float(f1_score(gold, predicted, average="macro", zero_division=0)),
        "top3_accuracy": float((names[order[:, :3]] == gold[:, None]).any(axis=1).mean()),
    }
    for precision, least in model.thresholds.items():
        chosen = probabilities.max(axis=1) >= (2.0 if least is None else least)
        percent = round(float(precision) * 100)
        result[f"auto_at_{percent}"] = float(chosen.mean())
        result[f"precision_at_{percent}"] = float(right[chosen].mean()) if chosen.any() else None
    return result | {"ms_p50": float(np.median(times) * 1000)}
