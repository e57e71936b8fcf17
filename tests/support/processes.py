"""Processes that the tests start end with the tests, however these end."""

import ctypes
import signal
import sys

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def stop_with_parent() -> None:
    """For Popen's ``preexec_fn``: the process is interrupted when the thread that starts it ends (Linux only)."""
    if _LIBC:
        _LIBC.prctl(1, signal.SIGINT)  # PR_SET_PDEATHSIG
