"""How well addresses are read, measured on labelled sentences."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from backend.grids.address import FIELDS, AddressReader

BAR_FIELDS = ("street", "community", "building", "unit", "room", "phone")


def evaluate(reader: AddressReader, rows: Iterable[Mapping[str, str]]) -> dict[str, Any]:
    """Return {fields: {name: {precision, recall, f1}}, micro_f1, misses}.

    Each row has ``text`` and the FIELDS, each a literal part of the text or empty. A field counts as found when the
    very same characters are found; micro_f1 is over BAR_FIELDS. ``misses`` lists (text, field, gold, found).
    """
    right: Counter[str] = Counter()
    found: Counter[str] = Counter()
    gold: Counter[str] = Counter()
    misses = []
    for row in rows:
        reading = reader.read(row["text"])
        for name in FIELDS:
            expected, actual = (row.get(name) or "").strip(), reading.mention(name)
            gold[name] += bool(expected)
            found[name] += bool(actual)
            right[name] += bool(expected) and expected == actual
            if expected != actual:
                misses.append((row["text"], name, expected, actual))
    fields = {name: _scores(right[name], found[name], gold[name]) for name in FIELDS}
    total = _scores(*(sum(counts[name] for name in BAR_FIELDS) for counts in (right, found, gold)))
    return {"fields": fields, "micro_f1": total["f1"], "misses": misses}


def _scores(right: int, found: int, gold: int) -> dict[str, float]:
    precision = right / found if found else float(not gold)
    recall = right / gold if gold else float(not found)
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}
