"""Chromium, where the machine has it."""

import shutil

import pytest


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The path of a Chromium; the test is not run where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if path := shutil.which(name):
            return path
    pytest.skip("no Chromium on this machine, and it could not be installed")
