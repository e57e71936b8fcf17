"""CSV files from a city's offices: every wrong row is found, and a table is brought to what its file says."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert, inspect, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backend.db import Base

Values = dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """One wrong cell. ``line`` counts from 1 with the header; ``reason`` is a Chinese sentence for the office."""

    file: str
    line: int
    column: str
    reason: str


@dataclass(frozen=True)
class Row:
    line: int
    values: Values


@dataclass(frozen=True)
class Changes:
    """How many rows of a table were added, changed and removed, and how many stood as they are."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    same: int = 0

    @property
    def total(self) -> int:
        return self.added + self.changed + self.removed


@dataclass(frozen=True)
class Column:
    """``parse`` turns a trimmed cell into a value and raises ValueError with a Chinese reason."""

    name: str
    parse: Callable[[str], Any]
    required: bool = True
    default: Any = ""


@dataclass
class Table:
    """A file as it was read. Checks add to ``problems``; a table with problems is not written."""

    file: str
    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, line: int, column: str, reason: str) -> None:
        self.problems.append(Problem(self.file, line, column, reason))

    def unique(self, *key: str) -> None:
        """Report every row whose key stood in an earlier one."""
        seen: dict[tuple[Any, ...], int] = {}
        for row in self.rows:
            first = seen.setdefault(tuple(row.values[name] for name in key), row.line)
            if first != row.line:
                self.wrong(row.line, "、".join(key), f"与第{first}行重复。")

    def check(self, column: str, known: set[str], reason: str) -> None:
        """Report every cell of ``column`` that is filled and not in ``known``."""
        for row in self.rows:
            if row.values[column] and row.values[column] not in known:
                self.wrong(row.line, column, reason.format(row.values[column]))


def text(limit: int) -> Callable[[str], str]:
    """A parser of text of at most ``limit`` characters."""

    def parse(cell: str) -> str:
        if len(cell) > limit:
            raise ValueError(f"太长了，最多{limit}个字。")
        if not cell.isprintable():
            raise ValueError("含有看不见的字符。")
        return cell

    return parse


def code(cell: str) -> str:
    """A parser of codes: up to 32 ASCII letters, digits, hyphens and underscores."""
    if not (cell.isascii() and cell.replace("-", "").replace("_", "").isalnum() and len(cell) <= 32):
        raise ValueError("编码只能用字母、数字、短横和下划线，最多32个。")
    return cell


def one_of(kind: type[Any]) -> Callable[[str], Any]:
    """A parser of the values of a StrEnum."""

    def parse(cell: str) -> Any:
        try:
            return kind(cell)
        except ValueError:
            raise ValueError(f"只能填：{'、'.join(kind)}。") from None

    return parse


def number(low: float, high: float, kind: type[int] | type[float] = float) -> Callable[[str], Any]:
    """A parser of numbers between ``low`` and ``high``."""

    def parse(cell: str) -> Any:
        try:
            value = kind(cell)
        except ValueError:
            raise ValueError("应填数字。" if kind is float else "应填整数。") from None
        if not low <= value <= high:
            raise ValueError(f"应在{low}到{high}之间。")
        return value

    return parse


def flag(cell: str) -> bool:
    """A parser of 1/0 and 是/否."""
    if cell not in {"1", "0", "是", "否"}:
        raise ValueError("只能填1或0。")
    return cell in {"1", "是"}


def read(path: Path, columns: Sequence[Column]) -> Table:
    """Return the rows of a CSV file, each cell parsed, with every problem found on the way."""
    table = Table(path.name)
    try:
        content = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        table.wrong(path.read_bytes()[: error.start].count(b"\n") + 1, "", "不是UTF-8编码，请另存为“CSV UTF-8”后再导入。")
        return table
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        names = [column.name for column in columns]
        for name in names:
            if name not in header:
                table.wrong(1, name, "表头缺少这一列。")
        for name in header:
            if name not in names or header.count(name) > 1:
                table.wrong(1, name, "表头多出这一列。")
        if table.problems:
            return table
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                _parse(table, line, header, cells, columns)
            line = reader.line_num + 1
    except csv.Error:
        table.wrong(reader.line_num, "", "引号没有配对，这一行读不懂。")
    return table


def _parse(table: Table, line: int, header: list[str], cells: list[str], columns: Sequence[Column]) -> None:
    if len(cells) != len(header):
        table.wrong(line, "", f"应有{len(header)}列，实有{len(cells)}列。")
        return
    given = dict(zip(header, (cell.strip() for cell in cells), strict=True))
    values: Values = {}
    for column in columns:
        cell = given[column.name]
        if not cell:
            if column.required:
                table.wrong(line, column.name, "不能为空。")
            values[column.name] = column.default
            continue
        try:
            values[column.name] = column.parse(cell)
        except ValueError as error:
            table.wrong(line, column.name, str(error))
            values[column.name] = column.default
    table.rows.append(Row(line, values))


async def sync(
    session: AsyncSession,
    model: type[Base],
    wanted: Sequence[Values],
    *,
    key: Sequence[str],
    replace: bool,
    counter: str | None = None,
) -> Changes:
    """Bring the table of ``model`` to ``wanted`` (rows with the same columns, unique by ``key``) in bulk statements.

    With ``replace`` rows that are not wanted are removed; without it they stay, as other records may name them.
    ``counter`` names a column that grows by one with each change of a row.
    """
    names = list(wanted[0] if wanted else key)
    primary = [column.key for column in inspect(model).primary_key]
    loaded = [*dict.fromkeys([*primary, *names, *([counter] if counter else [])])]
    stored = {}
    for found in await session.execute(select(*(getattr(model, name) for name in loaded))):
        old = dict(zip(loaded, found, strict=True))
        stored[tuple(old[name] for name in key)] = old
    added, changed, seen = [], [], set()
    for row in wanted:
        identity = tuple(row[name] for name in key)
        seen.add(identity)
        was = stored.get(identity)
        if was is None:
            added.append(row)
        elif any(was[name] != row[name] for name in names):
            grown = {counter: was[counter] + 1} if counter else {}
            changed.append({name: was[name] for name in primary} | row | grown)
    gone = [was for identity, was in stored.items() if identity not in seen] if replace else []
    for start in range(0, len(gone), 500):
        part = gone[start : start + 500]
        column = getattr(model, primary[0])
        if len(primary) == 1:
            await session.execute(delete(model).where(column.in_([was[primary[0]] for was in part])))
        else:
            for was in part:
                await session.execute(delete(model).where(*(getattr(model, name) == was[name] for name in primary)))
    if changed:
        await session.execute(update(model), changed)
    if added:
        await session.execute(insert(model), added)
    return Changes(len(added), len(changed), len(gone), len(wanted) - len(added) - len(changed))
