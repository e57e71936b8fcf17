"""The index of the record's statutes."""

import asyncio
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.statutes.index import Entry, Index
from backend.statutes.models import Article, Library

_KEPT_FROM = 5_000  # articles; fewer are indexed in less than two seconds


async def current(session: AsyncSession, held: Index | None, *, cache: Path | None = None) -> Index:
    """Return ``held`` while the statutes are as they were when it was built, else a new index.

    A large one is kept in the folder ``cache``, and built in a thread so that others are answered meanwhile.
    """
    revision = await session.scalar(select(Library.revision)) or 0
    if held is not None and held.revision == revision:
        return held
    columns = (Article.article, Article.text, Article.version, Article.effective_from, Article.effective_to)
    entries = [Entry(*row) for row in await session.execute(select(*columns))]
    folder = cache if len(entries) >= _KEPT_FROM else None
    return await asyncio.to_thread(Index, entries, revision=revision, cache=folder)
