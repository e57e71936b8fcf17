"""The command line: a thin group whose commands are loaded only when they are called.

Each command is a file linlitong/commands/NAME.py that exposes a click command or group called ``command``; a name that
Python reserves gets an underscore (import_.py). ``COMMANDS`` gives the line that --help shows.
"""

import importlib
from pathlib import Path

import click

from linlitong.home import AlreadyRunning
from linlitong.supervisor import CannotStart

COMMANDS = {
    "run": "Start everything and keep it running.",
    "chat": "Talk to the bot in this terminal.",
    "import": "Read a city from CSV files.",
    "db": "Upgrade, back up and restore the database.",
    "staff": "Create, disable and reset staff accounts.",
    "nlu": "Evaluate and export the language understanding.",
    "address": "Evaluate how addresses are resolved.",
    "triage": "Train and evaluate the classification of matters.",
    "statutes": "Import and evaluate the legal questions.",
    "dwellings": "Load the register of dwellings and households.",
    "subsidies": "Load the catalogue of subsidies; change the vault's keys.",
    "bench": "Time turns beside Rasa's defaults, and the desk of subsidies.",
}


class Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in COMMANDS if _file(name).exists()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"linlitong.commands.{_file(cmd_name).stem}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name]) for name in self.list_commands(ctx)])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (CannotStart, AlreadyRunning) as error:
            raise click.ClickException(str(error)) from None
        except Exception as error:
            if sentence := _about_the_database(error):
                raise click.ClickException(sentence) from None
            raise


def _about_the_database(error: Exception) -> str:
    """A sentence where it is the database that cannot be used, "" for anything else."""
    if isinstance(error, ConnectionError):
        return "The database does not answer; LINLITONG_DATABASE_URL says where it is."
    if not type(error).__module__.startswith("sqlalchemy."):
        return ""
    from sqlalchemy.exc import ArgumentError, OperationalError, ProgrammingError

    match error:
        case ArgumentError():
            return "LINLITONG_DATABASE_URL is no database's address; docs/operations.md shows how one is written."
        case OperationalError() | ProgrammingError():
            reason = type(error.orig).__name__
            return f"The database cannot be used ({reason}). Is it there, and is `linlitong db upgrade` done?"
    return ""


def _file(name: str) -> Path:
    return Path(__file__).parent / "commands" / f"{'import_' if name == 'import' else name}.py"


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """邻里通 Linlitong: the neighbourhood's assistant. LINLITONG_HOME (default var/) is where everything is kept."""
