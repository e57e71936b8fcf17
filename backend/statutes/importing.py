"""Articles and questions from JSON Lines files, plain or gzip: every wrong line is found, a file with one is not written."""

import gzip
import json
import zlib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.csvrows import Changes, Row, Table, Values, sync
from backend.statutes.models import Article, Library

_LONGEST = {"article": 200, "version": 32, "text": 50_000}
_ARTICLE = ("article", "text", "version", "effective_from", "effective_to")
_GZIP = b"\x1f\x8b"


def read_articles(path: Path) -> Table:
    """Return the rows {article, text, version, effective_from, effective_to} of a file, with every problem found."""
    table = _read(path, _article)
    table.unique("article", "version")
    return table


def read_questions(path: Path) -> Table:
    """Return the rows {question, articles} of a file of questions with the articles that answer them."""
    return _read(path, _question)


async def check_versions(session: AsyncSession, table: Table) -> None:
    """Add versions of one article that begin on the same day, in the file or in the record, to ``table.problems``."""
    columns = (Article.article, Article.version, Article.effective_from)
    begins = {(article, day): version for article, version, day in await session.execute(select(*columns))}
    replaced = {(row.values["article"], row.values["version"]) for row in table.rows}
    begins = {key: version for key, version in begins.items() if (key[0], version) not in replaced}
    for row in table.rows:
        version = row.values["version"]
        other = begins.setdefault((row.values["article"], row.values["effective_from"]), version)
        if other != version:
            table.wrong(row.line, "effective_from", f"与版本“{other}”的生效日期相同。")


async def write_articles(session: AsyncSession, rows: list[Values]) -> Changes:
    """Add and change articles; none is removed, as answers name them. The revision grows when something changed."""
    changes = await sync(session, Article, rows, key=("article", "version"), replace=False)
    if changes.total:
        library = await session.get(Library, 1)
        if library is None:
            session.add(Library(id=1, revision=1))
        else:
            library.revision += 1
    return changes


def _read(path: Path, parse: Callable[[Table, int, dict[str, Any]], Values | None]) -> Table:
    table = Table(path.name)
    content = path.read_bytes()
    if content.startswith(_GZIP):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error):
            table.wrong(1, "", "压缩文件不完整，解不开。")
            return table
    for line, raw in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not raw.strip():
            continue
        try:
            found = json.loads(raw.decode())
        except UnicodeDecodeError:
            table.wrong(line, "", "不是UTF-8编码。")
        except (ValueError, RecursionError):
            table.wrong(line, "", "不是一行完整的JSON。")
        else:
            if not isinstance(found, dict):
                table.wrong(line, "", "应是一个JSON对象。")
            elif (values := parse(table, line, found)) is not None:
                table.rows.append(Row(line, values))
    if not table.rows and not table.problems:
        table.wrong(1, "", "文件是空的。")
    return table


def _article(table: Table, line: int, found: dict[str, Any]) -> Values | None:
    before = len(table.problems)
    for name in found.keys() - set(_ARTICLE):
        table.wrong(line, name, "多出这一项。")
    values: Values = {}
    for name, longest in _LONGEST.items():
        given = found.get(name)
        value = given.strip() if isinstance(given, str) else "" if given is None else None
        if value is None:
            table.wrong(line, name, "应填文字。")
        elif not value and name != "version":
            table.wrong(line, name, "不能为空。")
        elif len(value) > longest:
            table.wrong(line, name, f"太长了，最多{longest}个字。")
        elif not all(char.isprintable() or (char in "\r\n\t" and name == "text") or char == "\u3000" for char in value):
            table.wrong(line, name, "含有看不见的字符。")
        values[name] = value
    for name in ("effective_from", "effective_to"):
        try:
            values[name] = date.fromisoformat(found[name]) if found.get(name) else None
        except (TypeError, ValueError):
            table.wrong(line, name, "应填日期，如2021-01-01。")
    if len(table.problems) > before:
        return None
    if values["effective_from"] and values["effective_to"] and values["effective_to"] < values["effective_from"]:
        table.wrong(line, "effective_to", "失效日期早于生效日期。")
        return None
    return values


def _question(table: Table, line: int, found: dict[str, Any]) -> Values | None:
    question, articles = found.get("question"), found.get("articles")
    if not isinstance(question, str) or not question.strip():
        table.wrong(line, "question", "不能为空。")
        return None
    if not isinstance(articles, list) or not articles or not all(isinstance(name, str) and name for name in articles):
        table.wrong(line, "articles", "应是至少一个条文名称的列表。")
        return None
    return {"question": question, "articles": articles}
