"""Says at the end of every run what was not run, and why."""

from collections import Counter

import pytest


class NotRun:
    """Counts skipped tests by file and reason, and names a test that was skipped alone."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.names: dict[tuple[str, str], str] = {}

    def add(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if not report.skipped or hasattr(report, "wasxfail"):
            return
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        key = (report.nodeid.split("::")[0], reason.removeprefix("Skipped: "))
        self.counts[key] += 1
        self.names[key] = report.nodeid

    pytest_runtest_logreport = add
    pytest_collectreport = add

    def lines(self) -> list[str]:
        """``not run: NAME - reason`` for each test, or for all of a file that share a reason."""
        return [
            f"not run: {self.names[key] if count == 1 else f'{key[0]} ({count} tests)'} - {key[1]}"
            for key, count in sorted(self.counts.items())
        ]

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        lines = self.lines()
        terminalreporter.section("not run")
        for line in lines or ["nothing: every test was run"]:
            terminalreporter.write_line(line)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(NotRun(), "linlitong-not-run")
