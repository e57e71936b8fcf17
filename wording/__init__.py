"""The words residents read. Every sentence stands in domain.yml; here it is looked up and filled in.

The one package that both the backend and the actions import: it knows a file and nothing else.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Said:
    """A sentence ready to send: its text and its buttons.

    A button is {title, payload} and may have ``says``: space-separated words that mean the same when typed.
    """

    text: str
    buttons: list[dict[str, str]] = field(default_factory=list)


class Sentences:
    """The responses of a Rasa domain file, by name."""

    def __init__(self, responses: dict[str, list[dict[str, Any]]]) -> None:
        self._responses = responses

    @classmethod
    def load(cls, domain: Path) -> "Sentences":
        return cls(yaml.safe_load(domain.read_text(encoding="utf-8"))["responses"])

    def say(self, name: str, /, **values: object) -> Said:
        """Fill in ``{placeholders}`` of response ``name``. Raises KeyError for an unknown name or a missing value."""
        response = self._responses[name][0]
        buttons = [{key: fill(value, values) for key, value in button.items()} for button in response.get("buttons", [])]
        return Said(fill(response["text"], values), buttons)


def fill(template: str, values: dict[str, object]) -> str:
    """Replace ``{name}`` by its value; other braces (a payload's JSON) stay as they are."""
    text = template
    for name, value in values.items():
        text = text.replace("{" + name + "}", str(value))
    return text
