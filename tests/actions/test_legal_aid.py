"""Who applies for legal aid may type it in words of their own."""

from pathlib import Path

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.backend_client import Backend
from actions.legal_aid import LegalAid
from actions.turn import House
from backend.conversations.typed import button_meant
from wording import Sentences

DOMAIN = Path(__file__).parents[2] / "domain.yml"


@pytest.fixture(scope="module")
def sentences() -> Sentences:
    return Sentences.load(DOMAIN)


@pytest.mark.parametrize(
    ("typed", "group"),
    [
        ("农民工讨薪", "wages"),
        ("我是老人", "old"),
        ("孩子", "minor"),
        ("残疾", "disab"),
        ("都不是", "none"),
        ("农民工讨薪要去哪儿啊？", None),
    ],
)
async def test_who_applies_may_be_typed_in_other_words_than_the_buttons(
    typed: str, group: str | None, sentences: Sentences
) -> None:
    pressed = {"text": "", "entities": [{"entity": "number", "value": "1234-5678"}]}
    tracker = Tracker("c1", {}, pressed, [], False, None, {}, "action_listen")
    dispatcher = CollectingDispatcher()
    house = House(Backend("http://127.0.0.1:9", "t"), sentences)
    await LegalAid(house).run(dispatcher, tracker, {})
    meant = button_meant(typed, dispatcher.messages[0]["buttons"])
    assert (meant or {}).get("payload") == (f'/aid_group{{"number":"1234-5678","group":"{group}"}}' if group else None)
