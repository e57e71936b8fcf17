"""Times the statute search on generated articles: .venv/bin/python scripts/bench_statutes.py [--articles 60000]

The articles are made of clauses and words with the uneven frequencies of real text; nothing is read or kept.
"""

import argparse
import random
import resource
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from backend.statutes.index import Entry, Index
from backend.statutes.knowledge import shipped

SEED = 20201
QUESTIONS = 300


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=60_000)
    wanted = parser.parse_args().articles
    draw = random.Random(SEED)  # noqa: S311 - a repeatable measurement
    knowledge = shipped()
    terms = list(dict.fromkeys(term for meant in knowledge.terms.values() for term in meant))
    common = [chr(0x4E00 + draw.randrange(2_500)) for _ in range(2_500)]
    words = terms + ["".join(draw.choices(common, k=2)) for _ in range(30_000)]
    draw.shuffle(words)
    often = [1 / (rank + 5) for rank in range(len(words))]
    cut = np.cumsum(often).tolist()

    def sentence(low: int, high: int) -> str:
        return "".join(draw.choices(words, cum_weights=cut, k=draw.randint(low, high)))

    entries = []
    for number in range(wanted):
        text = "。".join("，".join(sentence(4, 9) for _ in range(draw.randint(1, 4))) for _ in range(draw.randint(1, 4)))
        entries.append(Entry(f"第{number // 100}号示范条例第{number % 100 + 1}条", text + "。"))
    lay = list(knowledge.terms)
    questions = [
        "，".join(draw.choice(lay) + sentence(2, 4) for _ in range(draw.randint(1, 4))) + "怎么办？" for _ in range(QUESTIONS)
    ]
    started = time.perf_counter()
    index = Index(entries)
    built = time.perf_counter() - started
    times, of_processor = [], []
    for question in questions:
        started, processor = time.perf_counter(), time.process_time()
        index.nearest(question, at=date(2026, 1, 1))
        times.append(1000 * (time.perf_counter() - started))
        of_processor.append(1000 * (time.process_time() - processor))
    length = sum(len(entry.text) for entry in entries) / len(entries)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{wanted} articles of {length:.0f} characters: built in {built:.1f} s, at most {peak:.0f} MB")
    print(f"{QUESTIONS} questions of {sum(map(len, questions)) / QUESTIONS:.0f} characters")
    for name, measured in (("elapsed", times), ("of the processor", of_processor)):
        p50, p95 = np.percentile(measured, [50, 95])
        print(f"p50 {p50:.1f} ms, p95 {p95:.1f} ms {name}")


if __name__ == "__main__":
    main()
