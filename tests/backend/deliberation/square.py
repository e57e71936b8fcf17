"""A community that talks something over: every step by one call."""

import re
from typing import Any

from sqlalchemy import select

from backend.deliberation import clerk, service
from backend.deliberation.models import Deliberation, Statement
from backend.house import DESK
from tests.backend.legal.desk import LegalDesk

TOPIC = {
    "title": "小区门口的早点摊",
    "background": "东门的早点摊方便，可也占道。大家说说怎么办好。",
    "area": "GH",
    "starts_at": "2026-11-24T10:00",
    "ends_at": "2026-12-01T18:00",
}


class Square(LegalDesk):
    """The console, the internal API and their residents, as in the legal desk."""

    async def clerk(self) -> int:
        """Everything that is due; returns how much was done."""
        done = 0
        while now := await clerk.run_once(self.database, self.internal.app[DESK]):  # type: ignore[union-attr]
            done += now
        return done

    async def makes(self, username: str = "community", **more: str) -> tuple[int, str]:
        return await self.post(username, "/deliberations", **TOPIC | more)

    async def opens(self, **more: str) -> str:
        """Made, announced, and its people invited; returns the number."""
        status, where = await self.makes(**more)
        assert status == 303, where
        assert (await self.post("community", f"{where}/announce"))[0] == 303
        await self.clerk()
        return where.rpartition("/")[2]

    async def says(self, who: str, number: str, text: str) -> int:
        """A resident says something; returns the statement's id."""
        status, answer = await self.resident(who, "POST", f"/deliberations/{number}/statements", {"text": text})
        assert status == 201, answer
        return int(answer["statement"])

    async def moderates(self, number: str, statement: int, username: str = "community", **fields: str) -> tuple[int, str]:
        return await self.post(username, f"/deliberations/{number}/statements/{statement}", **fields or {"public": "1"})

    async def public(self, who: str, number: str, text: str) -> int:
        statement = await self.says(who, number, text)
        assert (await self.moderates(number, statement))[0] == 303
        return statement

    async def judges(self, who: str, statement: int, stance: str) -> tuple[int, Any]:
        return await self.resident(who, "POST", f"/statements/{statement}/stance", {"stance": stance})

    async def ends(self) -> None:
        self.town.clock.advance(days=8)
        await self.clerk()

    async def published(self, number: str) -> None:
        """Ended and published."""
        await self.ends()
        done = await self.post(
            "community", f"/deliberations/{number}/publication", summary="多数人想留下", resolution="早点摊搬到北门空地"
        )
        assert done[0] == 303, done

    async def counts(self, statement: int) -> service.Counts:
        async with self.database.read() as session:
            return (await service.counts(session, [statement]))[statement]

    async def stored(self, number: str) -> Deliberation:
        async with self.database.read() as session:
            return (await session.scalars(select(Deliberation).where(Deliberation.number == number))).one()

    async def statement(self, statement: int) -> Statement:
        async with self.database.read() as session:
            return await session.get_one(Statement, statement)

    async def last(self, who: str) -> str:
        heard = await self.heard(who)
        return heard[-1].text if heard else ""

    async def shown(self, number: str) -> str:
        status, page = await self.page("community", f"/deliberations/{number}")
        assert status == 200
        return re.sub(r"\s+", " ", page)
