"""linlitong nlu"""

import os

import click

from linlitong.system import ENGINE, check_environments


@click.group("nlu")
def command() -> None:
    """Evaluate and export the language understanding."""


@command.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def evaluate(arguments: tuple[str, ...]) -> None:
    """Measure intents and entities on labelled examples, in the engine's environment."""
    check_environments(["engine"])
    os.execv(ENGINE, [ENGINE, "-m", "bot.engine.evaluation", *arguments])  # noqa: S606 - our own interpreter
