"""linlitong dwellings: the register of dwellings and of who lives in them."""

import asyncio
from datetime import datetime
from pathlib import Path

import click

from linlitong.home import Home


@click.group("dwellings")
def command() -> None:
    """Load the register of dwellings and households."""


@command.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def import_(folder: Path) -> None:
    """Read dwellings.csv and dwellers.csv in FOLDER; docs/import.md describes them.

    What they say of a community takes the place of what was known of it. Every error is listed with file, line and reason,
    and nothing of files with an error is written. Phone numbers are kept as keyed hashes.
    """
    try:
        raise SystemExit(asyncio.run(_load(folder, Home.from_environment())))
    except FileNotFoundError:
        raise click.ClickException(f"{folder} needs dwellings.csv and dwellers.csv.") from None


async def _load(folder: Path, home: Home) -> int:
    from backend import models  # noqa: F401 - foreign keys need every table
    from backend.db import Database
    from backend.dwellings import importing
    from backend.settings import Settings
    from backend.vault.service import Vault

    settings = Settings()
    vault = Vault.load(settings.vault_keys, settings.vault_hashing_key, home.path)
    database = Database(home.database_url)
    try:
        async with database.write() as session:
            today = datetime.now(settings.zone).date()
            tables = await importing.read_register(session, folder, today=today)
            problems = [problem for table in tables for problem in table.problems]
            for problem in problems:
                click.echo(f"{problem.file}:{problem.line} {problem.column} {problem.reason}", err=True)
            if problems:
                click.echo(f"{len(problems)}处错误，没有写入。")
                return 1
            counted = await importing.write_register(session, *tables, vault=vault)
        click.echo(f"房屋{counted.dwellings}套，住户{counted.dwellers}人。")
        return 0
    finally:
        await database.close()
