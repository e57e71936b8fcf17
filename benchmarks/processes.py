"""Memory and processor time of a process and everything it started, from Linux's /proc."""

import os
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
PROC = Path("/proc")


def family(pid: int) -> list[int]:
    """The process and all its living descendants."""
    children: dict[int, list[int]] = {}
    for stat in PROC.glob("[0-9]*/stat"):
        if fields := _stat(int(stat.parent.name)):
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def resident_mb(pids: list[int]) -> float:
    """Resident memory (RSS) of these processes together, in MB of 2**20 bytes; what two share is counted twice."""
    return sum(int(fields[21]) for pid in pids if (fields := _stat(pid))) * PAGE / 2**20


def processor_seconds(pids: list[int]) -> float:
    """Processor time used by these processes so far, with that of children that have ended."""
    return sum(sum(map(int, fields[11:15])) for pid in pids if (fields := _stat(pid))) / TICK


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third, the state, on; empty when the process has ended."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
