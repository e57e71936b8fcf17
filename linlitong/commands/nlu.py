"""linlitong nlu"""

import asyncio
import os
import subprocess
import sys
from typing import IO

import click

from linlitong.home import ROOT, Home
from linlitong.system import ENGINE, check_environments, training


@click.group("nlu")
def command() -> None:
    """Evaluate and export the language understanding."""


@command.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def evaluate(arguments: tuple[str, ...]) -> None:
    """Measure intents on labelled examples, in the engine's environment; a stale model is trained first."""
    check_environments(["engine"])
    quiet = [ENGINE, "-W", "ignore", "-m"]
    if "--help" not in arguments:
        home = Home.from_environment()
        trained = subprocess.run([*quiet, *training(home)], cwd=ROOT, check=False, stdout=sys.stderr)
        if trained.returncode:
            raise SystemExit(trained.returncode)
    os.execv(ENGINE, [*quiet, "bot.engine.evaluation", *arguments])  # noqa: S606 - our own interpreter


@command.command()
@click.option("--out", type=click.File("w", encoding="utf-8", atomic=True), default="-", help="File to write; else printed.")
def export(out: IO[str]) -> None:
    """Write the messages that staff marked as misunderstood as training examples, with personal data masked."""
    examples = asyncio.run(_marked(Home.from_environment()))
    if not examples:
        raise click.ClickException("No message has been marked yet.")
    out.write(training_data(examples))


async def _marked(home: Home) -> list[tuple[str, str]]:
    from sqlalchemy.exc import OperationalError, ProgrammingError

    from backend.db import Database
    from backend.feedback import service

    database = Database(home.database_url)
    try:
        async with database.read() as session:
            return await service.export(session)
    except (OperationalError, ProgrammingError) as error:
        raise click.ClickException(
            f"The database cannot be used ({type(error.orig).__name__}). Is it there, and is `linlitong db upgrade` done?"
        ) from None
    finally:
        await database.close()


def training_data(examples: list[tuple[str, str]]) -> str:
    """The (intent, text) pairs, sorted by intent, as Rasa's NLU YAML. Brackets, which Rasa reads as markup, become the
    full-width ones.
    """
    full_width = str.maketrans("[](){}", "［］（）｛｝")
    lines = ['version: "3.1"', "nlu:"]
    intents: dict[str, list[str]] = {}
    for intent, text in examples:
        intents.setdefault(intent, []).append(text.translate(full_width))
    for intent, texts in intents.items():
        lines += [f"- intent: {intent}", "  examples: |", *(f"    - {text}" for text in texts)]
    return "\n".join(lines) + "\n"
