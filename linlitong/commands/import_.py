"""linlitong import: a city's CSV files into the record."""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linlitong.home import Home

if TYPE_CHECKING:
    from backend.importing import FileResult


@click.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def command(folder: Path) -> None:
    """Read a city from the CSV files in FOLDER.

    Every wrong row is listed with file, line, column and reason, and nothing of a file with an error is written.
    Importing twice changes nothing. docs/import.md describes the files.
    """
    raise SystemExit(asyncio.run(_import(folder, Home.from_environment())))


async def _import(folder: Path, home: Home) -> int:
    from backend.db import Database
    from backend.grids import service as grids
    from backend.importing import import_city

    started = time.monotonic()
    database = Database(home.database_url)
    try:
        async with database.write() as session:
            results = await import_city(session, folder)
            await grids.write_dictionary(session, home.path / "registry.dict")
    except FileNotFoundError:
        raise click.ClickException(f"{folder} holds none of the files that docs/import.md describes.") from None
    finally:
        await database.close()
    for result in results:
        for problem in result.problems:
            where = f"{problem.file}:{problem.line}" + (f" [{problem.column}]" if problem.column else "")
            click.echo(f"{where} {problem.reason}", err=True)
        click.echo(_summary(result))
    click.echo(f"用时{time.monotonic() - started:.1f}秒。")
    return 1 if any(result.changes is None for result in results) else 0


def _summary(result: "FileResult") -> str:
    if result.changes is not None:
        done = result.changes
        return f"{result.file}: 新增{done.added}，更改{done.changed}，删除{done.removed}，不变{done.same}。"
    if result.problems:
        return f"{result.file}: {len(result.problems)}处错误，没有写入。"
    return f"{result.file}: 要用到的{result.held_by}有错误，没有写入。"
