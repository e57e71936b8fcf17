"""A trained model and a running assistant for the tests of the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.running import ASSISTANT, Assistant, train


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory) -> Path:
    """A LINLITONG_HOME with the model of the small assistant."""
    home = tmp_path_factory.mktemp("home")
    train(home, ASSISTANT / "domain.yml", ASSISTANT / "data")
    return home


@pytest.fixture(scope="module")
def assistant(trained_home, tmp_path_factory):
    """A running assistant; conversations of different tests have different senders."""
    running = Assistant(trained_home, tmp_path_factory.mktemp("state"))
    try:
        running.start()
        yield running
    finally:
        running.stop()
