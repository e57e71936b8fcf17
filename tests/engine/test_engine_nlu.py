"""The shipped model on utterances it has not seen, written by another hand than its examples: the bars of docs/nlu.md."""

from __future__ import annotations

import csv
import json
import subprocess
from pathlib import Path

import pytest

from tests.engine.running import ENGINE_PYTHON, PROJECT
from tests.engine.test_engine_nlu_data import EXAMPLES

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(600)]
DEV = Path(__file__).parent / "dev_intents.csv"
UNSEEN = Path(__file__).parent / "unseen_intents.csv"
DOMAIN = """version: "3.1"
intents: [{intents}]
responses:
  utter_greet:
  - text: 您好
"""
RULES = """version: "3.1"
rules:
- rule: greet
  steps:
  - intent: greet
  - action: utter_greet
"""


@pytest.fixture(scope="session")
def shipped_home(tmp_path_factory) -> Path:
    """A LINLITONG_HOME with a model of all examples and the shipped pipeline. The dialogue is a stand-in: it has no part
    in understanding."""
    home = tmp_path_factory.mktemp("shipped")
    data = home / "data"
    data.mkdir()
    (data / "rules.yml").write_text(RULES)
    (data / "nlu").symlink_to(PROJECT / "data/nlu")
    (home / "domain.yml").write_text(DOMAIN.format(intents=", ".join(EXAMPLES)))
    command = [ENGINE_PYTHON, "-m", "bot.engine.training", "--domain", home / "domain.yml", "--data", data]
    subprocess.run([*command, "--out", home / "models"], cwd=PROJECT, check=True, capture_output=True, timeout=540)
    return home


def evaluate(home: Path, file: Path) -> dict:
    """What the evaluation says of the file."""
    return json.loads(
        subprocess.run(
            [ENGINE_PYTHON, "-m", "bot.engine.evaluation", file, "--json"],
            cwd=PROJECT,
            env={"LINLITONG_HOME": str(home)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    )


@pytest.fixture(scope="session", params=[DEV, UNSEEN], ids=["dev", "unseen"])
def report(request, shipped_home) -> dict:
    """The evaluation of one of the two sets."""
    return evaluate(shipped_home, request.param)


def test_it_understands_what_it_has_not_seen(report):
    assert report["accuracy"] >= 0.92
    assert report["macro_f1"] >= 0.93


def test_danger_is_recognised_and_little_else_is_taken_for_it(report):
    assert report["per_intent"]["emergency"]["recall"] >= 0.98
    assert report["per_intent"]["emergency"]["precision"] >= 0.92


def test_what_is_not_for_us_is_recognised(report):
    assert report["per_intent"]["out_of_scope"]["recall"] >= 0.85


def test_it_is_rarely_sure_and_wrong(report):
    assert report["wrong_confident"] <= 0.035


@pytest.fixture(scope="session")
def understood(shipped_home, tmp_path_factory) -> dict[str, str]:
    """What each text of the tests below is taken for."""
    texts = [text for pair in SAME for text in pair] + [*DANGER, *CALM]
    file = tmp_path_factory.mktemp("texts") / "texts.csv"
    found = {}
    for text in texts:
        found[text] = ""
    with file.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        writer.writerow(["text", "intent"])
        # Each text has an intent of its own that nothing is ever taken for, so that the confusions name it.
        writer.writerows((text, f"text {number}") for number, text in enumerate(found))
    for meant, taken, _ in evaluate(shipped_home, file)["confusions"]:
        found[texts_in_order(found)[int(meant.removeprefix("text "))]] = taken
    return found


def texts_in_order(found: dict[str, str]) -> list[str]:
    """The texts as they were numbered."""
    return list(found)


SAME = [
    ("路灯坏了，晚上看不见", "路燈壞了，晚上看不見"),
    ("路灯坏了，晚上看不见", "ludeng huai le, wanshang kan bu jian"),
    ("我的进度到哪了", "我的进渡到那了"),
    ("高龄津贴怎么申请", "高铃津帖怎么申请"),
    ("转人工", "转人工！！！！！！"),
]
DANGER = ["着火了", "有人触电倒地了", "煤气漏了，头好晕", "有人跳河了快来", "老人昏过去没呼吸了", "孩子走丢了，找不到"]
CALM = ["消防演练是哪天", "去年那场火以后楼道一直没粉刷", "燃气费怎么交", "灭火器该换了", "今天热死我了"]


@pytest.mark.parametrize(("plain", "typed"), SAME)
def test_other_spellings_mean_the_same(understood, plain, typed):
    assert understood[plain] == understood[typed]


@pytest.mark.parametrize("text", DANGER)
def test_danger(understood, text):
    assert understood[text] == "emergency"


@pytest.mark.parametrize("text", CALM)
def test_words_of_danger_without_danger(understood, text):
    assert understood[text] != "emergency"


def normalise(*texts: str) -> list[str]:
    """The texts as the model looks at them."""
    code = (
        "import json, sys; from bot.engine.components.text import normalise;"
        "print(json.dumps([normalise(text) for text in json.load(sys.stdin)]))"
    )
    command = [ENGINE_PYTHON, "-c", code]
    ran = subprocess.run(command, cwd=PROJECT, input=json.dumps(texts), check=True, capture_output=True, text=True)
    return json.loads(ran.stdout)


def test_a_text_is_looked_at_in_one_form():
    cases = {
        "ＡＢＣ　１２３": "abc 000",
        "電梯壞了": "电梯坏了",
        "急急急急急！！！！": "急急!!",
        "灯 坏 了。。。": "灯坏了,",
        "wo yao  tousu": "wo yao tousu",
        "路\u200b灯\x00坏了": "路灯坏了",
        "3號樓": "0号楼",
    }
    assert normalise(*cases) == list(cases.values())
