"""Kills what a process started when that process dies, however it dies.

The guard is a small process of its own that reads the numbers of process groups from a pipe, and kills those that are
left when the pipe ends. It knows of whole groups, so that also what a program had started goes.
"""

import contextlib
import os
import signal
import subprocess
import sys


class Guard:
    """Use as a context manager; ``add`` and ``remove`` name process groups by their leader's pid."""

    def __init__(self) -> None:
        self._groups: set[int] = set()

    def __enter__(self) -> "Guard":
        self._start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._end()

    def add(self, group: int) -> None:
        self._groups.add(group)
        self._tell(f"{group}\n")

    def remove(self, group: int) -> None:
        self._groups.discard(group)
        self._tell(f"-{group}\n")

    def _start(self) -> None:
        command = [sys.executable, "-I", "-S", __file__]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, bufsize=0, start_new_session=True)
        assert self._process.stdin
        self._pipe = self._process.stdin

    def _end(self) -> None:
        self._pipe.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        try:
            self._pipe.write(line.encode())
        except BrokenPipeError:  # somebody killed the guard
            self._end()
            self._start()
            self._pipe.write("".join(f"{group}\n" for group in self._groups).encode())


def main() -> None:
    groups: set[int] = set()
    for line in sys.stdin:
        number = int(line)
        (groups.add if number > 0 else groups.discard)(abs(number))
    for group in groups:
        kill_group(group)


def kill_group(group: int) -> None:
    """Ends every process of the group that is left, at once."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    main()
