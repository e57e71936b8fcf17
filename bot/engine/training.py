"""Train the model when it is stale: python -m bot.engine.training --domain … --data … --out …"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.metadata
import io
import logging
import os
import platform
import sys
import time
import warnings
from collections.abc import Iterable
from pathlib import Path

from bot.engine.settings import CONFIG_FILE, ENGINE_HOME

VERSIONS_THAT_COUNT = ("rasa", "numpy", "scipy", "scikit-learn", "jieba", "opencc-purepy", "pypinyin")
KEPT_MODELS = 3


class TrainingFailed(Exception):
    """The domain, the rules or the data do not make a model; the message says what is wrong."""


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status: 0 when a fresh model is there."""
    parser = argparse.ArgumentParser(prog="python -m bot.engine.training", description=__doc__)
    parser.add_argument("--domain", type=Path, required=True, help="domain file or folder")
    parser.add_argument("--data", type=Path, required=True, help="folder of NLU data and rules")
    parser.add_argument("--config", type=Path, default=CONFIG_FILE, help="pipeline and policies")
    parser.add_argument("--out", type=Path, required=True, help="folder of models")
    parser.add_argument("--force", action="store_true", help="train even when nothing has changed")
    options = parser.parse_args(arguments)
    try:
        train_when_stale(options.domain, options.data, options.config, options.out, force=options.force)
    except TrainingFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


def train_when_stale(domain: Path, data: Path, config: Path, out: Path, force: bool = False) -> Path:
    """The model of these files, trained unless it is there already. Raises TrainingFailed."""
    started = time.monotonic()
    model = out / f"linlitong-{fingerprint(domain, data, config)}.tar.gz"
    if model.exists() and not force:
        model.touch()
        _say(f"model: {model.name} is fresh")
        return model
    out.mkdir(parents=True, exist_ok=True)
    _say("model: loading Rasa's trainer")
    _train(domain, data, config, model)
    for old in sorted(out.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime_ns)[:-KEPT_MODELS]:
        old.unlink()
    _say(f"model: {model.name} trained in {time.monotonic() - started:.0f} s")
    return model


def fingerprint(domain: Path, data: Path, config: Path) -> str:
    """A short name for everything that decides what the model is: files, our components, versions."""
    digest = hashlib.sha256()
    for part in (domain, data, config, ENGINE_HOME / "components"):
        for file in _files(part):
            digest.update(str(file.relative_to(part.parent)).encode())
            digest.update(file.read_bytes())
    for package in VERSIONS_THAT_COUNT:
        digest.update(f"{package} {importlib.metadata.version(package)}".encode())
    digest.update(platform.python_version().encode())
    return digest.hexdigest()[:16]


def _files(part: Path) -> Iterable[Path]:
    if part.is_file():
        return [part]
    return sorted(file for file in part.rglob("*") if file.suffix in (".yml", ".py"))


def _train(domain: Path, data: Path, config: Path, model: Path) -> None:
    # Nothing is reported to anybody, and nothing is remembered between trainings: Rasa's cache does
    # not see when the code of a component changes. The last two keep progress bars and notes away.
    os.environ.update(RASA_TELEMETRY_ENABLED="false", RASA_MAX_CACHE_SIZE="0", LOG_LEVEL="ERROR", TF_CPP_MIN_LOG_LEVEL="3")
    said = io.StringIO()
    unfinished = model.parent / "unfinished"
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(said):
        import rasa.model_training
        from rasa.shared.exceptions import RasaException

        _log_steps()
        warnings.simplefilter("ignore")
        warnings.filterwarnings("default", category=UserWarning, module="rasa")
        warnings.filterwarnings("ignore", message="Slot auto-fill")
        try:
            result = rasa.model_training.train(
                str(domain), str(config), [str(data)], output=str(unfinished), fixed_model_name=model.name
            )
        except RasaException as error:
            raise TrainingFailed(str(error)) from error
        except SystemExit as error:
            raise TrainingFailed(said.getvalue()) from error
    for warning in dict.fromkeys(str(each.message) for each in caught if each.category is UserWarning):
        _say(f"model: warning: {warning}")
    if result.model is None:
        raise TrainingFailed(said.getvalue())
    Path(result.model).replace(model)
    unfinished.rmdir()


def _log_steps() -> None:
    """Rasa logs each component that it trains; let that through to standard output."""
    handler = logging.StreamHandler(sys.__stdout__)
    handler.setFormatter(logging.Formatter("model: %(message)s"))
    steps = logging.getLogger("rasa.engine.training.hooks")
    steps.setLevel(logging.INFO)
    steps.addHandler(handler)
    steps.propagate = False


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
