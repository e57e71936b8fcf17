"""linlitong bench turns."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from linlitong.commands.bench import table
from linlitong.home import ROOT
from tests.support import kept

AT_ONCE = {"residents", "turns", "ms_p50", "ms_p95", "turns_per_second", "core_ms_per_turn", "turns_per_second_per_core"}
PROGRAMS = {"backend", "actions", "engine", "gateway", "supervisor"}


@pytest.mark.slow
@pytest.mark.engine
@pytest.mark.timeout(900)
def test_what_a_turn_costs_is_told_for_every_part(tmp_path: Path) -> None:
    with kept.alone():
        shutil.copytree(kept.MODELS, tmp_path / "models")
    sizes = ["--no-stock", "--residents", "1,2", "--turns", "10", "--messages", "20"]
    done = subprocess.run(
        [sys.executable, "-m", "linlitong", "bench", "turns", "--json", *sizes],
        check=False,
        cwd=ROOT,
        env={**os.environ, "LINLITONG_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report.keys() == {"machine", "conversation", "ours", "stock", "ratios"}
    assert (report["stock"], report["ratios"]) == (None, None)
    ours = report["ours"]
    assert [(level["residents"], level["turns"], level.keys()) for level in ours["at_once"]] == [
        (1, 10, AT_ONCE),
        (2, 10, AT_ONCE),
    ]
    for figures in (ours["parse"], *ours["at_once"]):
        assert 0 < figures["ms_p50"] <= figures["ms_p95"]
    long = ours["one_conversation"]
    assert long["messages"] == 20
    assert min(long["first_ms"], long["tenth_ms"], long["last_ms"]) > ours["parse"]["ms_p50"]
    memory = ours["memory_mb"]
    assert memory.keys() == {*PROGRAMS, "all"}
    assert abs(memory["all"] - sum(memory[name] for name in PROGRAMS)) <= len(PROGRAMS)  # each is rounded
    assert memory["engine"] > 100
    intents = dict(zip(report["conversation"], ours["parse"]["intents"], strict=True))
    assert (intents["路灯坏了三天了"], intents["不报了"]) == ("report_issue", "cancel")
    shown = "\n".join(table(report))
    assert f"{memory['all']}\n" in shown + "\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["models"]  # nothing left


@pytest.mark.parametrize("given", ["0", "1,x", ""])
def test_a_wrong_number_of_residents_is_said(given: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "linlitong", "bench", "turns", "--residents", given],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, "--residents" in done.stderr) == (2, True)
