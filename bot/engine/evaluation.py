"""How well the shipped model understands: python -m bot.engine.evaluation FILE.csv [--json]."""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.engine import lean, settings

UNSURE = "nlu_fallback"


@dataclass(frozen=True)
class Understood:
    """One utterance: what was meant, what it was taken for, whether without asking back, and how fast."""

    intent: str
    likeliest: str
    sure: bool
    ms: float


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bot.engine.evaluation", description=__doc__)
    parser.add_argument("file", type=Path, help="CSV with the columns text and intent")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    from bot.engine.__main__ import quiet_rasa

    quiet_rasa()
    lean.leave_out_tensorflow()
    try:
        utterances = read(options.file)
        model = settings.from_environment(os.environ).newest_model()
    except (OSError, ValueError, settings.SettingsError) as error:
        print(error, file=sys.stderr)
        return 2
    report = measure(asyncio.run(understand(model, utterances)))
    print(json.dumps(report, ensure_ascii=False) if options.json else in_words(report))
    return 0


def read(file: Path) -> list[tuple[str, str]]:
    """(text, intent) of each row. Raises ValueError when a column is missing or there is no row."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.DictReader(lines)
        if not {"text", "intent"} <= set(rows.fieldnames or ()):
            raise ValueError(f"{file}: needs the columns text and intent")
        utterances = [(row["text"], row["intent"].strip()) for row in rows]
    if not utterances:
        raise ValueError(f"{file}: no rows")
    return utterances


async def understand(model: Path, utterances: Sequence[tuple[str, str]]) -> list[Understood]:
    """Each utterance as the model in production takes it, in order."""
    from bot.engine.turns import TurnProcessor

    processor = TurnProcessor(model)
    await processor.parse("预热")
    understood = []
    for text, intent in utterances:
        started = time.perf_counter()
        parse = await processor.parse(text)
        ms = (time.perf_counter() - started) * 1000
        understood.append(Understood(intent, parse.ranking[0]["name"], parse.intent != UNSURE, ms))
    return understood


def measure(understood: Sequence[Understood]) -> dict[str, Any]:
    """{accuracy, macro_f1, per_intent, confusions, wrong_confident, ms_p50, ms_p95}.

    macro_f1 is over the intents that stand in the file. An unsure message counts as its likeliest
    intent. wrong_confident is the share of all messages that were answered without asking back, and
    wrongly. confusions are [meant, taken for, how often].
    """
    pairs = [(each.intent, each.likeliest) for each in understood]
    wrong = Counter(pair for pair in pairs if pair[0] != pair[1])
    per_intent = {intent: of_intent(intent, pairs) for intent in sorted({name for pair in pairs for name in pair})}
    milliseconds = sorted(each.ms for each in understood)
    return {
        "accuracy": 1 - wrong.total() / len(pairs),
        "macro_f1": statistics.fmean(each["f1"] for each in per_intent.values() if each["count"]),
        "per_intent": per_intent,
        "confusions": [[*pair, count] for pair, count in wrong.most_common()],
        "wrong_confident": sum(each.sure and each.intent != each.likeliest for each in understood) / len(pairs),
        "ms_p50": milliseconds[len(milliseconds) // 2],
        "ms_p95": milliseconds[len(milliseconds) * 95 // 100],
    }


def of_intent(intent: str, pairs: Iterable[tuple[str, str]]) -> dict[str, float]:
    """{precision, recall, f1, count} of one intent."""
    outcomes = Counter((meant == intent, taken == intent) for meant, taken in pairs)
    hits, missed, false = outcomes[True, True], outcomes[True, False], outcomes[False, True]
    return {
        "precision": hits / (hits + false) if hits + false else 0.0,
        "recall": hits / (hits + missed) if hits + missed else 0.0,
        "f1": 2 * hits / (2 * hits + missed + false),
        "count": hits + missed,
    }


def in_words(report: dict[str, Any]) -> str:
    """The report as a table to read."""
    lines = [f"{name:16}{report[name]:8.4f}" for name in ("accuracy", "macro_f1", "wrong_confident", "ms_p50", "ms_p95")]
    lines.append(f"\n{'intent':16}{'f1':>8}{'precision':>11}{'recall':>8}{'count':>7}")
    lines += [
        f"{intent:16}{each['f1']:8.3f}{each['precision']:11.3f}{each['recall']:8.3f}{each['count']:7}"
        for intent, each in report["per_intent"].items()
    ]
    lines.append("\nmeant            taken for        times")
    lines += [f"{meant:17}{taken:17}{count:5}" for meant, taken, count in report["confusions"]]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
