"""The house's rules that a program can check."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from linlitong.home import ROOT

BIN = Path(sys.executable).parent
LOCKS = sorted(path for path in (ROOT / "requirements").glob("*.txt") if path.name != "engine-overrides.txt")


@pytest.mark.parametrize("command", [["ruff", "check"], ["ruff", "format", "--check"], ["lint-imports"]], ids=" ".join)
def test_the_code_keeps_to_the_rules(command: list[str]) -> None:
    done = subprocess.run([str(BIN / command[0]), *command[1:]], check=False, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_has_a_hash_for_everything_and_names_no_place(lock: Path) -> None:
    text = lock.read_text()
    pinned = re.findall(r"^[A-Za-z0-9][^\n]*\\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)
    named = re.findall(r"^[A-Za-z0-9]", text, re.MULTILINE)
    assert (len(pinned), re.findall(r"https?://|(?<![\w.])/\w+", text)) == (len(named), [])


def test_the_page_lock_names_no_place() -> None:
    assert re.findall(r'"resolved"|https?://', (ROOT / "package-lock.json").read_text()) == []
