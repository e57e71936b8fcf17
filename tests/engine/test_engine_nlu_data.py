"""The examples that the model learns from are many, and not multiplied."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from pathlib import Path

import pytest
import yaml

DATA = Path(__file__).parents[2] / "data/nlu"
LARGE = {"report_issue", "ask_legal", "apply_subsidy", "vote", "ask_status", "ask_guide"}
SMALL = {"give_opinion", "request_human", "emergency", "greet", "goodbye", "thank", "affirm", "deny", "cancel", "out_of_scope"}
TOO_SIMILAR = 0.9
# Whoever says yes or goodbye says it in the same few words; the rest of a language is not used up so soon.
SHORT_WORDS = {"greet", "goodbye", "thank", "affirm", "deny", "cancel"}


def examples() -> dict[str, list[str]]:
    """The texts of each intent."""
    found = defaultdict(list)
    for file in sorted(DATA.glob("*.yml")):
        for entry in yaml.safe_load(file.read_text(encoding="utf-8"))["nlu"]:
            if "intent" in entry:
                lines = entry["examples"].splitlines()
                found[entry["intent"]] += [line.removeprefix("- ").strip() for line in lines if line.strip()]
    return found


EXAMPLES = examples()


def trigrams(text: str) -> frozenset[str]:
    """The runs of three characters; a shorter text is one run."""
    return frozenset(text[i : i + 3] for i in range(max(1, len(text) - 2)))


def near_duplicates(texts: list[str]) -> list[tuple[str, str]]:
    """Pairs whose trigrams are more than TOO_SIMILAR alike (Jaccard)."""
    sets = [trigrams(text) for text in texts]
    holders = defaultdict(list)
    pairs = []
    for number, grams in enumerate(sets):
        shared = Counter(other for gram in grams for other in holders[gram])
        for other, count in shared.items():
            if count > TOO_SIMILAR * (len(grams) + len(sets[other]) - count):
                pairs.append((texts[other], texts[number]))
        for gram in grams:
            holders[gram].append(number)
    return pairs


def test_near_duplicates_are_found():
    text = "楼下的路灯坏了三天了一直没有人来修晚上回家看不见路老人摔了一跤"
    assert near_duplicates([text, text + "。", "楼道灯不亮"]) == [(text, text + "。")]


@pytest.mark.parametrize("intent", sorted(LARGE | SMALL))
def test_no_example_is_nearly_another(intent):
    assert near_duplicates(EXAMPLES[intent]) == []


@pytest.mark.parametrize("intent", sorted(LARGE | SMALL))
def test_there_are_enough_examples(intent):
    assert len(EXAMPLES[intent]) >= (600 if intent in LARGE else 150)


def test_no_text_stands_under_two_intents():
    intents = defaultdict(set)
    for intent, texts in EXAMPLES.items():
        for text in texts:
            intents[text].add(intent)
    assert {text: names for text, names in intents.items() if len(names) > 1} == {}


@pytest.mark.parametrize("name", ["dev_intents.csv", "unseen_intents.csv"])
def test_no_utterance_that_is_measured_with_stands_in_the_examples(name):
    with (Path(__file__).parent / name).open(encoding="utf-8", newline="") as lines:
        unseen = {bare(row["text"]) for row in csv.DictReader(lines) if row["intent"] not in SHORT_WORDS}
        unseen = {text for text in unseen if len(text) > 3}
    assert unseen & {bare(text) for texts in EXAMPLES.values() for text in texts} == set()


def bare(text: str) -> str:
    """The letters and numbers alone."""
    return "".join(c for c in text.lower() if c.isalnum())
