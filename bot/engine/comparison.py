"""Three pipelines on the same examples and the same unseen utterances: python -m bot.engine.comparison FILE.csv.

Trains and measures, one after the other, what is shipped, logistic regression over words and characters, and Rasa's
default Chinese pipeline, and writes the table into docs/nlu.md between its two marks. DIET takes minutes an epoch on two
cores; ``--epochs`` says how many it learns for, and the table names it. Each is measured in one process, by the same calls,
one utterance at a time.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.engine import evaluation
from bot.engine.settings import CONFIG_FILE

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/nlu.md"
BEGIN, END = "<!-- comparison -->", "<!-- /comparison -->"
WORDS = {"name": "CountVectorsFeaturizer"}
CHARACTERS = {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4}
LOGISTIC = [
    {"name": "JiebaTokenizer"},
    WORDS,
    CHARACTERS,
    {"name": "LogisticRegressionClassifier", "random_state": 20201},
    {"name": "FallbackClassifier", "threshold": 0.7, "ambiguity_threshold": 0.1},
]
COLUMNS = (
    *("pipeline", "accuracy", "macro-F1", "emergency recall", "emergency precision", "out_of_scope recall"),
    *("wrong confident", "unsure", "ms p50", "training s"),
)


def default(epochs: int) -> list[dict[str, Any]]:
    """What `rasa init` suggests for intents, with the tokenizer for Chinese; response selection and entities aside."""
    return [
        {"name": "JiebaTokenizer"},
        {"name": "RegexFeaturizer"},
        {"name": "LexicalSyntacticFeaturizer"},
        WORDS,
        CHARACTERS,
        {"name": "DIETClassifier", "epochs": epochs, "constrain_similarities": True, "random_seed": 20201},
        {"name": "FallbackClassifier", "threshold": 0.7, "ambiguity_threshold": 0.1},
    ]


@dataclass(frozen=True)
class Row:
    """One pipeline's line of the table."""

    name: str
    report: dict[str, Any]
    unsure: float
    training_seconds: float

    def __str__(self) -> str:
        of = self.report["per_intent"]
        shares = (
            self.report["accuracy"],
            self.report["macro_f1"],
            of["emergency"]["recall"],
            of["emergency"]["precision"],
            of["out_of_scope"]["recall"],
            self.report["wrong_confident"],
            self.unsure,
        )
        numbers = [f"{share:.3f}" for share in shares] + [f"{self.report['ms_p50']:.1f}", f"{self.training_seconds:.0f}"]
        return f"| {self.name} | {' | '.join(numbers)} |"


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bot.engine.comparison", description=__doc__)
    parser.add_argument("file", type=Path, help="CSV with the columns text and intent")
    parser.add_argument("--data", type=Path, default=ROOT / "data/nlu", help="folder of NLU examples")
    parser.add_argument("--epochs", type=int, default=100, help="how long DIET learns; Rasa's default is 100")
    options = parser.parse_args(arguments)
    os.environ.update(RASA_TELEMETRY_ENABLED="false", RASA_MAX_CACHE_SIZE="0", TF_CPP_MIN_LOG_LEVEL="3")
    warnings.simplefilter("ignore")
    from bot.engine.__main__ import quiet_rasa

    quiet_rasa()
    utterances = evaluation.read(options.file)
    shipped = yaml.safe_load(CONFIG_FILE.read_text(encoding="utf-8"))["pipeline"]
    rows = []
    diet = f"Rasa's default with DIET, {options.epochs} epochs"
    for name, pipeline in (("shipped", shipped), ("logistic regression", LOGISTIC), (diet, default(options.epochs))):
        rows.append(compare(name, pipeline, options.data, utterances))
        print(rows[-1], flush=True)
        write(PAGE, rows, len(utterances))
    return 0


def compare(name: str, pipeline: list[dict[str, Any]], data: Path, utterances: list[tuple[str, str]]) -> Row:
    """Train the pipeline on the data and measure it on the utterances."""
    from rasa.model_training import train_nlu

    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yml"
        config.write_text(yaml.safe_dump({"recipe": "default.v1", "language": "zh", "pipeline": pipeline}))
        started = time.monotonic()
        model = train_nlu(str(config), str(data), output=folder)
        seconds = time.monotonic() - started
        if model is None:
            raise RuntimeError(f"{name} could not be trained")
        understood = asyncio.run(understand(model, utterances))
    return Row(name, evaluation.measure(understood), sum(not each.sure for each in understood) / len(understood), seconds)


async def understand(model: str, utterances: list[tuple[str, str]]) -> list[evaluation.Understood]:
    """Each utterance as Rasa's own agent takes it, so that all three are timed alike."""
    from rasa.core.agent import Agent

    agent = Agent.load(model)
    await agent.parse_message("预热")
    understood = []
    for text, intent in utterances:
        started = time.perf_counter()
        parse = await agent.parse_message(text)
        ms = (time.perf_counter() - started) * 1000
        ranking = [each["name"] for each in parse["intent_ranking"] if each["name"] != evaluation.UNSURE]
        understood.append(evaluation.Understood(intent, ranking[0], parse["intent"]["name"] != evaluation.UNSURE, ms))
    return understood


def write(page: Path, rows: list[Row], count: int) -> None:
    """Put the table between the marks of the page. Raises ValueError when they are not there."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"{page}: needs {BEGIN} and {END}")
    table = "\n".join([f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|", *map(str, rows)])
    page.write_text(f"{before}{BEGIN}\n{count} utterances.\n\n{table}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
