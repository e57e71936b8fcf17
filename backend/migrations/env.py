"""Alembic's entry: run the migrations over the async engine, in one transaction."""

import asyncio

from alembic import context
from sqlalchemy.engine import Connection

from backend.db import Database
from backend.models import metadata


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


async def _online() -> None:
    database = Database(context.config.get_main_option("sqlalchemy.url"))
    try:
        async with database.engine.begin() as connection:
            await connection.run_sync(_run)
    finally:
        await database.close()


asyncio.run(_online())
