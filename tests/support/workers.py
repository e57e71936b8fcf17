"""How the tests are shared out among processes (pytest-xdist): ``make test`` uses three, of which one mostly waits."""

import pytest
from xdist.scheduler import LoadScopeScheduling

KILL = "tests/e2e/test_kill.py"  # mostly waits, and longer than any other
OWN_SYSTEM = {KILL, "tests/e2e/test_handoff.py"}


def scope(nodeid: str) -> str:
    """What stays in one process: a file, and all tests that talk to the one running system."""
    file = nodeid.split("::", maxsplit=1)[0]
    talks = file.startswith(("tests/dialogue/", "tests/e2e/")) and file not in OWN_SYSTEM
    return "the running system" if talks else file


class Scopes(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Scopes:
    config.option.loadscopereorder = False  # but in the order below
    return Scopes(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that no process waits for it alone in the end."""
    if hasattr(config, "workerinput"):
        first = [KILL, "the running system"]
        items.sort(key=lambda item: first.index(kind) if (kind := scope(item.nodeid)) in first else len(first))
