"""Models that ship as examples: trained where there is none yet, and again when the examples have changed."""

import hashlib
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from backend.triage.model import FORMAT, BadModel, Model

logger = logging.getLogger(__name__)


def load(path: Path, examples: Sequence[tuple[str, str]]) -> Model:
    """Read the model at ``path``, or train it there on (text, label) when it is missing or older than the examples.

    Training takes some seconds. A model that the city trained itself with ``linlitong triage train`` is used as it is.
    """
    wanted = hashlib.sha256(f"{FORMAT}\n{examples}".encode()).hexdigest()[:16]
    try:
        model = Model.load(path)
    except (FileNotFoundError, BadModel) as error:
        logger.info("training %s: %s", path.stem, type(error).__name__)
    else:
        if model.about.get("examples", wanted) == wanted:
            return model
    started = time.monotonic()
    # In a process of its own: the libraries that train, and what they used, take memory that is not given back.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        process.submit(_train, path, examples, wanted).result()
    logger.info("trained %s on %d examples in %.1f s", path.stem, len(examples), time.monotonic() - started)
    return Model.load(path)


def _train(path: Path, examples: Sequence[tuple[str, str]], wanted: str) -> None:
    from backend.triage.training import train

    train([(text,) for text, _ in examples], [label for _, label in examples], about={"examples": wanted}).save(path)
