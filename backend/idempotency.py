"""Effects happen once: a key is stored with the answer in the transaction that did the work."""

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, Database


class IdempotencyKey(Base):
    __tablename__ = "idempotency_key"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    answer: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


async def once(database: Database, key: str, now: datetime, work: Any) -> dict[str, Any]:
    """Run ``work(session)`` in a transaction and return its JSON-able dict; with a known key return the first answer.

    Two callers with one key at once: the second one's transaction fails on the key and it gets the first's answer.
    """

    async def known(session: AsyncSession) -> dict[str, Any] | None:
        row = await session.get(IdempotencyKey, key)
        return row.answer if row else None

    try:
        async with database.write() as session:
            if (answer := await known(session)) is not None:
                return answer
            answer = await work(session)
            session.add(IdempotencyKey(key=key, answer=answer, created_at=now))
            return answer
    except IntegrityError:
        async with database.read() as session:
            if (answer := await known(session)) is not None:
                return answer
        raise
