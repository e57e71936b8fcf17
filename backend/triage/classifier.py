"""Which item of the admission list a matter is, by the items' own keywords."""

import csv
import re
from pathlib import Path

ITEMS = Path(__file__).parents[2] / "demo" / "items.csv"
_JOINS = re.compile(r"[，。；;！!？?\n]|还有|另外|再一个|顺便|以及|并且|而且")


class ItemClassifier:
    def __init__(self, keywords: dict[str, list[str]]) -> None:
        self._keywords = keywords

    @classmethod
    def load(cls, path: Path) -> "ItemClassifier":
        with ITEMS.open(encoding="utf-8") as file:
            return cls({row["code"]: row["keywords"].split() for row in csv.DictReader(file)})

    def classify(self, text: str) -> list[tuple[str, float]]:
        scores = {code: sum(len(w) ** 1.5 for w in words if w in text) for code, words in self._keywords.items()}
        total = sum(scores.values()) + 1
        return sorted(((code, score / total) for code, score in scores.items()), key=lambda pair: -pair[1])

    def split(self, text: str) -> list[str]:
        return [text]
