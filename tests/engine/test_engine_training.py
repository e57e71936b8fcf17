"""The model is trained when it is stale, and only then; the shipped one is measured by a command."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from tests.engine.running import ASSISTANT, ENGINE_PYTHON, PROJECT, train

pytestmark = pytest.mark.engine


def test_a_fresh_model_is_not_trained_again_and_a_stale_one_is(trained_home, tmp_path):
    shutil.copytree(ASSISTANT, tmp_path / "assistant")
    domain, data = tmp_path / "assistant/domain.yml", tmp_path / "assistant/data"
    home = tmp_path / "home"
    shutil.copytree(trained_home / "models", home / "models")
    trained = [path.name for path in (home / "models").iterdir()]
    assert train(home, domain, data) == f"model: {trained[0]} is fresh\n"
    domain.write_text(domain.read_text().replace("text: 您好", "text: 您好呀"))
    said = train(home, domain, data).splitlines()
    assert said[0] == "model: loading Rasa's trainer"
    assert "model: Finished training component 'LinearIntentClassifier'." in said
    assert len(list((home / "models").iterdir())) == 2


def test_what_is_wrong_with_the_rules_is_said(tmp_path):
    shutil.copytree(ASSISTANT, tmp_path / "assistant")
    rules = tmp_path / "assistant/data/rules.yml"
    rules.write_text(rules.read_text() + "  - rule: no such slot\n    steps:\n      - slot_was_set:\n          - absent: 1\n")
    with pytest.raises(subprocess.CalledProcessError) as failure:
        train(tmp_path, tmp_path / "assistant/domain.yml", tmp_path / "assistant/data")
    assert "absent" in failure.value.stderr
    assert "Traceback" not in failure.value.stderr


def evaluate(home, file, *options):
    return subprocess.run(
        [ENGINE_PYTHON, "-m", "bot.engine.evaluation", file, *options],
        cwd=PROJECT,
        env={"LINLITONG_HOME": str(home)},
        check=False,
        capture_output=True,
        text=True,
    )


def test_the_evaluation_counts_what_the_model_takes_each_text_for(trained_home, tmp_path):
    file = tmp_path / "utterances.csv"
    # The greeting is said to be a report, so that there is one confusion.
    file.write_text(
        "text,intent\n路灯坏了,report_issue\n算了,cancel\n你们几点上班,ask_guide\n早上好,report_issue\n", "utf-8-sig"
    )
    report = json.loads(evaluate(trained_home, file, "--json").stdout)
    assert list(report) == ["accuracy", "macro_f1", "per_intent", "confusions", "wrong_confident", "ms_p50", "ms_p95"]
    assert report["accuracy"] == 0.75
    assert report["confusions"] == [["report_issue", "greet", 1]]
    assert report["per_intent"]["report_issue"] == {"precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3), "count": 2}
    assert report["macro_f1"] == pytest.approx((2 / 3 + 1 + 1) / 3)
    assert 0 < report["ms_p50"] <= report["ms_p95"]
    assert "accuracy          0.7500" in evaluate(trained_home, file).stdout


def test_a_file_without_the_columns_is_refused(trained_home, tmp_path):
    file = tmp_path / "wrong.csv"
    file.write_text("question,label\na,b\n")
    refused = evaluate(trained_home, file)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "needs the columns text and intent" in refused.stderr
