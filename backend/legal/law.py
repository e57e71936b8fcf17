"""What the legal desk keeps in memory: the area classifier and the index of the statutes, kept up with imports."""

import asyncio
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from backend.legal.areas import AreaClassifier, LawArea, Urgency, urgency
from backend.statutes import service as statutes
from backend.statutes.index import Found, Index

# Only the first article, and only from this score: 91 % were right of those so shown; docs/statutes.md has the table.
SHOWN_FROM = 0.43
NEAREST = 10
SURE = 0.5
POSSIBLE = 0.15


class Reading(NamedTuple):
    """What a question's words tell. ``second`` is another area it may belong to, where the first is not certain."""

    area: LawArea
    second: LawArea | None
    urgent: Urgency | None


@dataclass
class Law:
    """``home`` holds the trained model and the cache of a large index."""

    home: Path
    _classifier: AreaClassifier | None = field(default=None, repr=False)
    _index: Index | None = field(default=None, repr=False)

    async def prepare(self, session: AsyncSession) -> None:
        """Load both; the classifier is trained first when it is stale (some seconds)."""
        self._classifier = await asyncio.to_thread(AreaClassifier.load, self.home / "models" / "legal-areas.npz")
        await self.index(session)

    async def index(self, session: AsyncSession) -> Index:
        """The index of the record's present statutes."""
        self._index = await statutes.current(session, self._index, cache=self.home / "cache")
        return self._index

    def read(self, text: str) -> Reading:
        """The area of law and the urgency of a question. Violence at home and detention settle the area by themselves."""
        assert self._classifier is not None, "prepare() comes first"
        urgent = urgency(text)
        if urgent is Urgency.VIOLENCE:
            return Reading(LawArea.DOMESTIC_VIOLENCE, None, urgent)
        (first, sure), (second, likely), *_ = self._classifier.model.rank((text,))
        area = self._classifier.area(text)
        if area is LawArea.DOMESTIC_VIOLENCE:
            return Reading(area, None, urgent or Urgency.VIOLENCE)
        unsure = sure < SURE and likely >= POSSIBLE
        other = (LawArea(first) if area is LawArea.OTHER else LawArea(second)) if unsure else None
        return Reading(area, other if other is not area else None, urgent)

    async def shown(self, session: AsyncSession, question: str, *, at: date) -> list[Found]:
        """The articles the bot may show by itself: the nearest one where it is near enough, else none."""
        return [found for found in (await self.index(session)).nearest(question, 1, at=at) if found.score >= SHOWN_FROM]
