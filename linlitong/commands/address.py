"""linlitong address: how well the address reader reads."""

import asyncio
import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linlitong.home import ROOT, Home

if TYPE_CHECKING:
    from backend.grids.gazetteer import Gazetteer


@click.group("address")
def command() -> None:
    """Evaluate how addresses are resolved."""


@command.command("evaluate")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--misses", is_flag=True, help="List every field that was read differently.")
def evaluate(file: Path, *, as_json: bool, misses: bool) -> None:
    """Measure the reader on FILE, a CSV with text, street, community, compound, road, building, unit, room, phone and
    time_phrase, each a literal part of the text or empty. The registry is the database's, or the demo city's when
    there is none."""
    from backend.grids.address import AddressReader
    from backend.grids.evaluation import evaluate as measure

    with file.open(encoding="utf-8-sig", newline="") as opened:
        reader = csv.DictReader(opened)
        if "text" not in (reader.fieldnames or ()):
            raise click.ClickException(f"{file} has no column text.")
        rows = list(reader)
    result = measure(AddressReader(asyncio.run(_gazetteer(Home.from_environment()))), rows)
    missed = result.pop("misses")
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False))
        return
    click.echo(f"{'field':<12} precision  recall      F1")
    for name, scores in result["fields"].items():
        click.echo(f"{name:<12} {scores['precision']:>9.3f} {scores['recall']:>7.3f} {scores['f1']:>7.3f}")
    click.echo(f"micro-F1 (street, community, building, unit, room, phone): {result['micro_f1']:.3f}")
    if misses:
        for text, name, expected, actual in missed:
            click.echo(f"{name}: {expected or '-'} | {actual or '-'} | {text}")


async def _gazetteer(home: Home) -> "Gazetteer":
    from sqlalchemy.exc import OperationalError, ProgrammingError

    from backend.db import Database
    from backend.grids.gazetteer import Gazetteer

    sqlite = home.path / "linlitong.db"
    if not home.database_url.startswith("sqlite") or sqlite.exists():
        database = Database(home.database_url)
        try:
            async with database.read() as session:
                gazetteer = await Gazetteer.load(session)
        except (OperationalError, ProgrammingError):  # not migrated yet
            gazetteer = Gazetteer([])
        finally:
            await database.close()
        if gazetteer.areas:
            return gazetteer
    return Gazetteer.from_folder(ROOT / "demo")
