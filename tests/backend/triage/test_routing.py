"""Learning from a city's history: what it takes in, what it promises, and the bar on real complaints."""

import csv
import gzip
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from backend.triage import evaluation, training
from backend.triage.model import BadModel, Model
from linlitong.commands.triage import command

ROOT = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("LINLITONG_TEST_SHARED_DATA") or ROOT.parent / "shared" / "data")
COMPLAINTS = SHARED / "complaints_dev.csv.gz"
CODES = ("streetlight", "garbage", "noise", "elevator", "wage")
HISTORY = [
    (row["text"], row["item_code"])
    for row in csv.DictReader((ROOT / "data/triage/items.csv").read_text(encoding="utf-8").splitlines())
    if row["item_code"] in CODES
]


def write(path: Path, rows: list[tuple[str, ...]], header: tuple[str, ...] = ("title", "department")) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def train(rows: list[tuple[str, str]] = HISTORY) -> Model:
    return training.train([(text,) for text, _ in rows], [label for _, label in rows])


@pytest.fixture(scope="module")
def model() -> Model:
    return train()


def test_the_same_data_and_seed_give_the_same_model(model: Model) -> None:
    again = train()
    assert (again.weights == model.weights).all()
    assert (again.sharpness, again.thresholds) == (model.sharpness, model.thresholds)


def test_a_saved_model_answers_as_before(model: Model, tmp_path: Path) -> None:
    model.save(tmp_path / "model.npz")
    again = Model.load(tmp_path / "model.npz")
    assert again.rank(("电梯又坏了",)) == model.rank(("电梯又坏了",))
    assert again.rank(("电梯又坏了",))[0][0] == "elevator"


def test_probabilities_sum_to_one_even_for_nothing_known(model: Model) -> None:
    for text in ("", "zzzz", "路灯坏了"):
        assert sum(probability for _, probability in model.rank((text,))) == pytest.approx(1, abs=1e-5)


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "harm",))  # type: ignore[return-value]

    path = tmp_path / "model.npz"
    with path.open("wb") as file:
        np.savez(file, header=np.array([Harm()], dtype=object))
    with pytest.raises(BadModel):
        Model.load(path)
    path.write_bytes(b"no archive at all")
    with pytest.raises(BadModel):
        Model.load(path)
    assert not (tmp_path / "harm").exists()


def test_the_threshold_is_the_least_probability_with_the_precision() -> None:
    probabilities = np.linspace(1, 0, 1001)
    right = probabilities >= 0.5
    assert training.threshold(probabilities, right, 0.95) == pytest.approx(0.48, abs=0.01)
    assert training.threshold(probabilities, right, 0.97) > training.threshold(probabilities, right, 0.95)
    assert training.threshold(probabilities, ~right, 0.95) is None


def test_a_few_lucky_texts_make_no_threshold() -> None:
    assert training.threshold(np.array([0.9, 0.8, 0.7]), np.array([True, True, True]), 0.95) is None


def test_rare_labels_and_short_texts_do_no_harm() -> None:
    model = train([*HISTORY, ("路灯", "once"), ("吵", "twice"), ("吵死", "twice")])
    assert {"once", "twice"} < set(model.labels)
    assert model.rank(("垃圾桶满了没人收",))[0][0] == "garbage"


@pytest.mark.parametrize("rows", [[("路灯坏了", "a"), ("路灯", "a")], [("甲", "a"), ("乙", "b")]])
def test_what_teaches_nothing_is_said(rows: list[tuple[str, str]]) -> None:
    with pytest.raises(training.CannotTrain):
        train(rows)


def test_rows_without_label_or_text_are_skipped_and_counted(tmp_path: Path) -> None:
    rows = [("路灯坏了", "", "SZ"), ("", "楼道灯不亮", "SZ"), ("", " ", "SZ"), ("垃圾没人收", "", "")]
    path = write(tmp_path / "history.csv", rows, ("title", "detail", "department"))
    read = evaluation.read_csv(path, ("title", "detail"), "department")
    assert (read.texts, read.labels, read.skipped) == ([("路灯坏了", ""), ("", "楼道灯不亮")], ["SZ", "SZ"], 2)


def test_an_offices_encoding_and_gzip_are_read(tmp_path: Path) -> None:
    content = "title,department\n路灯坏了,市政所\n"
    (tmp_path / "a.csv").write_bytes(content.encode("gb18030"))
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(content.encode("utf-8-sig")))
    for name in ("a.csv", "b.csv.gz"):
        assert evaluation.read_csv(tmp_path / name, ("title",), "department").labels == ["市政所"]
    with pytest.raises(evaluation.BadFile, match="no column detail; it has title, department"):
        evaluation.read_csv(tmp_path / "a.csv", ("detail",), "department")


def test_the_commands_train_and_measure(tmp_path: Path) -> None:
    data = write(tmp_path / "history.csv", HISTORY)
    out = tmp_path / "models" / "city.npz"
    trained = run("train", "--data", data, "--text", "title", "--label", "department", "--out", out, "--split", "0.2", "--json")
    assert trained.exit_code == 0, trained.output
    held_back = json.loads(trained.stdout)
    assert held_back["texts"] == math.ceil(len(HISTORY) * 0.2)
    assert held_back["macro_f1"] > 0.8
    measured = json.loads(run("evaluate", "--model", out, "--data", data, "--json").stdout)
    assert {"accuracy", "macro_f1", "top3_accuracy", "auto_at_95", "auto_at_97", "ms_p50"} < set(measured)
    assert measured["accuracy"] <= measured["top3_accuracy"] <= 1
    assert measured["auto_at_97"] <= measured["auto_at_95"]
    wrong = run("train", "--data", data, "--text", "words", "--label", "department", "--out", out)
    assert wrong.exit_code == 1
    assert "no column words" in wrong.output


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(not COMPLAINTS.exists(), reason="the complaints that the bar is measured on are not on this machine")
def test_the_bar_on_real_complaints(tmp_path: Path) -> None:
    arguments = ["--data", COMPLAINTS, "--text", "title,detail", "--label", "label", "--out", tmp_path / "m.npz"]
    measured = json.loads(run("train", *arguments, "--split", "0.1", "--json").stdout)
    assert measured["macro_f1"] >= 0.935
    assert measured["precision_at_95"] >= 0.94
    assert measured["precision_at_97"] >= 0.955
