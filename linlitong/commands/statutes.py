"""linlitong statutes: the articles volunteers and residents are shown."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linlitong.home import Home

if TYPE_CHECKING:
    from backend.csvrows import Changes, Table
    from backend.statutes.index import Index

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("statutes")
def command() -> None:
    """Import statutes and evaluate how they are found."""


@command.command("import")
@click.argument("file", type=_FILE)
def import_(file: Path) -> None:
    """Read articles from FILE: one JSON object a line with article, text and, where there are several versions, version,
    effective_from and effective_to; plain or gzip.

    Every wrong line is listed with file, line and reason, and nothing of a file with an error is written. Importing
    twice changes nothing. docs/statutes.md describes the file.
    """
    from backend.statutes.importing import read_articles

    table = read_articles(file)
    changes = asyncio.run(_write(table, Home.from_environment()))
    if changes is None:
        _show(table)
        click.echo(f"{table.file}: {len(table.problems)}处错误，没有写入。")
        raise SystemExit(1)
    click.echo(f"{table.file}: 新增{changes.added}，更改{changes.changed}，不变{changes.same}。")


@command.command("evaluate")
@click.argument("file", type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--statutes", type=_FILE, help="The articles to search instead of the database's.")
def evaluate(file: Path, *, as_json: bool, statutes: Path | None) -> None:
    """Measure the search on FILE: one JSON object a line with question and articles, plain or gzip."""
    from backend.statutes.evaluation import evaluate as measure
    from backend.statutes.importing import read_questions

    table = read_questions(file)
    if table.problems:
        _show(table)
        raise click.ClickException(f"{file} has {len(table.problems)} wrong lines.")
    today = datetime.now(UTC).date()
    index = _index_of(statutes) if statutes else asyncio.run(_stored_index(Home.from_environment()))
    if not index.names(today):
        raise click.ClickException("The database holds no statutes: import them, or name a file with --statutes.")
    result = measure(index, [row.values for row in table.rows], at=today)
    missing, shown = result.pop("missing"), result.pop("shown")
    if as_json:
        click.echo(json.dumps(result))
        return
    for name, value in result.items():
        click.echo(f"{name:<13} {value:>8.2f}" if name.startswith("ms_") else f"{name:<13} {value:>8.3f}")
    click.echo(f"{len(table.rows)} questions; {missing} of their articles are not in the index.")
    click.echo("threshold  questions with an article shown  right among the (at most 3) shown")
    for row in shown:
        click.echo(f"{row['threshold']:>9.2f} {row['questions']:>32.3f} {row['precision']:>34.3f}")


def _show(table: "Table") -> None:
    for problem in sorted(table.problems, key=lambda problem: problem.line):
        where = f"{problem.file}:{problem.line}" + (f" [{problem.column}]" if problem.column else "")
        click.echo(f"{where} {problem.reason}", err=True)


async def _write(table: "Table", home: Home) -> "Changes | None":
    """What changed; None when the table has problems and nothing was written."""
    from sqlalchemy.exc import OperationalError, ProgrammingError

    from backend.db import Database
    from backend.statutes.importing import check_versions, write_articles

    database = Database(home.database_url)
    try:
        async with database.write() as session:
            await check_versions(session, table)
            if table.problems:
                return None
            return await write_articles(session, [row.values for row in table.rows])
    except (OperationalError, ProgrammingError) as error:
        raise click.ClickException(
            f"The database cannot be used ({type(error.orig).__name__}). Is it there, and is `linlitong db upgrade` done?"
        ) from None
    finally:
        await database.close()


def _index_of(file: Path) -> "Index":
    from backend.statutes.importing import read_articles
    from backend.statutes.index import Entry, Index

    table = read_articles(file)
    if table.problems:
        _show(table)
        raise click.ClickException(f"{file} has {len(table.problems)} wrong lines.")
    return Index([Entry(**row.values) for row in table.rows])


async def _stored_index(home: Home) -> "Index":
    from sqlalchemy.exc import OperationalError, ProgrammingError

    from backend.db import Database
    from backend.statutes import service
    from backend.statutes.index import Index

    database = Database(home.database_url)
    try:
        async with database.read() as session:
            return await service.current(session, None, cache=home.path / "cache")
    except (OperationalError, ProgrammingError):  # not migrated yet
        return Index([])
    finally:
        await database.close()
