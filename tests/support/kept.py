"""Models are trained once for all tests, and for the next run; one process of the tests at a time trains or copies them."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from linlitong.home import ROOT

MODELS = ROOT / ".pytest_cache" / "models"  # by their fingerprints


@contextmanager
def alone() -> Iterator[None]:
    """While it is entered, no other process of the tests has what is in MODELS under its hands."""
    MODELS.mkdir(parents=True, exist_ok=True)
    with (MODELS.parent / "models.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)  # and not by closing it only: a child may hold it open
