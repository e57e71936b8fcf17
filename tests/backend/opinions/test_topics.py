"""What the demo's keywords make of suggestions that were written before the keywords were looked at."""

import csv
from pathlib import Path

import pytest

from backend.catalogue.models import HandlerKind
from backend.opinions.models import OpinionTopic
from backend.opinions.topics import topic_of

HERE = Path(__file__).parent


def known() -> list[OpinionTopic]:
    with Path("demo/opinion_topics.csv").open(encoding="utf-8") as file:
        return [
            OpinionTopic(code=row["code"], name=row["name"], keywords=row["keywords"], handler=HandlerKind(row["handler"]))
            for row in csv.DictReader(file)
        ]


@pytest.mark.parametrize(("file", "least"), [("topics_dev.csv", 36), ("topics_unseen.csv", 34)])
def test_suggestions_get_the_topic_that_a_reader_gives_them(file: str, least: int) -> None:
    topics = known()
    with (HERE / file).open(encoding="utf-8") as rows:
        wrong = [
            (row["text"], row["topic"], got.code)
            for row in csv.DictReader(rows)
            if (got := topic_of(topics, row["text"])) and got.code != row["topic"]
        ]
        total = rows.seek(0) or sum(1 for _ in rows) - 1
    assert total - len(wrong) >= least, wrong


def test_of_two_topics_that_weigh_the_same_the_one_named_last_is_meant() -> None:
    topics = [
        OpinionTopic(code="water", keywords="河边"),
        OpinionTopic(code="seats", keywords="长椅"),
        OpinionTopic(code="other", keywords=""),
    ]
    said = {"河边放几把长椅": "seats", "长椅挪到河边": "water", "长椅": "seats", "您辛苦了": "other"}
    assert {text: (found := topic_of(topics, text)) and found.code for text in said} == said
    assert topic_of([], "长椅") is None
