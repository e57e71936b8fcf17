"""linlitong subsidies: the catalogue of what a city pays, and the keys of the vault."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linlitong.home import Home

if TYPE_CHECKING:
    from backend.subsidies.catalogue import Catalogue


@click.group("subsidies")
def command() -> None:
    """Load the catalogue of subsidies and look after the vault's keys."""


@command.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def import_(folder: Path) -> None:
    """Read the catalogue in FOLDER: facts.yml and one file for each kind.

    Every error is listed with file, line and reason, and nothing of a catalogue with an error is written. Importing twice
    changes nothing. docs/subsidies.md describes the files.
    """
    from backend.subsidies.catalogue import read

    try:
        catalogue, problems = read(folder)
    except FileNotFoundError:
        raise click.ClickException(f"{folder} holds no facts.yml.") from None
    for problem in problems:
        click.echo(f"{problem.file}:{problem.line} {problem.reason}", err=True)
    if catalogue is None:
        click.echo(f"{len(problems)}处错误，没有写入。")
        raise SystemExit(1)
    new = asyncio.run(_put(catalogue, Home.from_environment()))
    said = "已生效" if new else "和现在用的一样"
    click.echo(f"补贴{len(catalogue.kinds)}种，版本{catalogue.version}，{said}。")


async def _put(catalogue: "Catalogue", home: Home) -> bool:
    from backend import models  # noqa: F401 - foreign keys need every table
    from backend.db import Database
    from backend.subsidies import service

    database = Database(home.database_url)
    try:
        async with database.write() as session:
            return await service.put_in_force(session, catalogue, now=datetime.now(UTC))
    finally:
        await database.close()


@command.command("rotate")
def rotate() -> None:
    """Seal everything in the vault anew with the first of LINLITONG_VAULT_KEYS; afterwards the others can go."""
    click.echo(f"{asyncio.run(_rotate(Home.from_environment()))} values sealed anew")


async def _rotate(home: Home) -> int:
    from backend import models  # noqa: F401 - foreign keys need every table
    from backend.db import Database
    from backend.settings import Settings
    from backend.vault import service

    settings = Settings()
    vault = service.Vault.load(settings.vault_keys, settings.vault_hashing_key, home.path)
    database, total = Database(home.database_url), 0
    try:
        while True:
            async with database.write() as session:
                done = await service.rotate(session, vault)
            total += done
            if not done:
                return total
    except service.WrongKey:
        raise click.ClickException("The vault holds values that none of LINLITONG_VAULT_KEYS opens; nothing is lost.") from None
    finally:
        await database.close()
