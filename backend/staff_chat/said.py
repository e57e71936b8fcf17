"""The sentences that staff read in a messenger: they stand in templates/said.txt."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701 - plain text, which no channel reads as markup
    trim_blocks=True,
)


def say(name: str, *values: object) -> str:
    """Fill in the sentence ``name``."""
    module = _TEMPLATES.get_template("said.txt").module
    return str(getattr(module, name)(*values)).strip()


def button(what: str, conversation_id: int, who: str = "") -> dict[str, str]:
    """A button that does ``what`` (claim, accept, return, talk) with a conversation."""
    return {"title": say("button", what, who), "payload": f'/desk{{"do": "{what}", "id": "{conversation_id}"}}'}
