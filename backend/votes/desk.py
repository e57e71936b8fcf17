"""What staff do to a vote, the same from the console and from the staff API."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from backend.csvrows import Table
from backend.db import Database
from backend.errors import BadInput, Conflict
from backend.staff.scope import Scope
from backend.vault.models import Secret
from backend.vault.numbers import judge, take_out
from backend.vault.service import Vault
from backend.votes import drawing, opening, service
from backend.votes.booth import Booth, BoothFactory
from backend.votes.electorate import PHONE, read_electorate, units_of
from backend.votes.models import Vote

SHOWN_PROBLEMS = 20

Act = Callable[[AsyncSession, Vote, Booth], Awaitable[Any]]


@dataclass(frozen=True)
class VoteDesk:
    """One who runs votes, at work."""

    database: Database
    booth_of: BoothFactory
    vault: Vault
    scope: Scope
    zone: ZoneInfo

    async def on_vote(self, number: str, what: str, act: Act) -> Any:
        """Do something to the vote in one transaction; what is refused for its state is written down, and then refused."""
        booth = self.booth_of()
        try:
            async with self.database.write() as session:
                return await act(session, await service.by_number(session, number, scope=self.scope), booth)
        except Conflict as refused:
            async with self.database.write() as session:
                vote = await service.by_number(session, number, scope=self.scope)
                service.log(session, vote, what, now=booth.now, scope=self.scope, refused=True, code=refused.code)
            raise

    def _today(self, booth: Booth) -> date:
        return booth.now.astimezone(self.zone).date()

    async def import_electorate(self, number: str, text: str) -> None:
        """Replace the electorate by that of a CSV file. Raises BadInput with the lines that are wrong; nothing is kept then."""

        async def act(session: AsyncSession, vote: Vote, booth: Booth) -> None:
            weighted, today = service.rule_of(vote).by_area, self._today(booth)
            table = await asyncio.to_thread(_read_list, text, weighted=weighted)
            if table.problems:
                told = "；".join(f"第{p.line}行{p.column}：{p.reason}" for p in table.problems[:SHOWN_PROBLEMS])
                told, _ = take_out(told, today=today)
                raise BadInput(f"名单有 {len(table.problems)} 处错误，没有导入。{told}", fields=["csv"])
            units = [_without_numbers(unit, self.vault, today=today) for unit in units_of(table, weighted=weighted)]
            await service.set_electorate(session, vote, units, scope=self.scope, booth=booth)

        await self.on_vote(number, "electorate", act)

    async def draw_electorate(self, number: str) -> None:
        """The electorate as the register of dwellings has it on the day the vote begins."""

        async def act(session: AsyncSession, vote: Vote, booth: Booth) -> None:
            units = await drawing.draw(session, vote, on=vote.starts_at.astimezone(self.zone).date())
            await service.set_electorate(session, vote, units, scope=self.scope, booth=booth, source="register")

        await self.on_vote(number, "electorate", act)

    async def announce(self, number: str, *, assessment: str) -> None:
        """Freeze and publish it; ``assessment`` is the risk assessment's conclusion where that was still missing."""

        async def act(session: AsyncSession, vote: Vote, booth: Booth) -> None:
            service.assess(vote, assessment)
            await service.announce(session, vote, scope=self.scope, booth=booth)

        await self.on_vote(number, "announced", act)

    async def open_box(self, number: str, phrases: list[str]) -> None:
        """Open the box with the keyholders' phrases: read, then count outside any transaction, then write."""

        async def look(session: AsyncSession, vote: Vote, booth: Booth) -> opening.Closed:
            return await opening.read_box(session, vote, booth=booth)

        closed = await self.on_vote(number, "decided", look)
        found = await asyncio.to_thread(opening.open_and_count, closed, phrases, booth=self.booth_of())

        async def write(session: AsyncSession, vote: Vote, booth: Booth) -> None:
            await opening.publish(session, vote, found, scope=self.scope, booth=booth)

        await self.on_vote(number, "decided", write)


def _read_list(text: str, *, weighted: bool) -> Table:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "名单.csv"
        file.write_text(text, encoding="utf-8")
        return read_electorate(file, weighted=weighted)


def _without_numbers(unit: dict[str, Any], vault: Vault, *, today: date) -> dict[str, Any]:
    """The unit with its phone as the keyed hash by which one is found (half of it), and no number in its words."""
    words = {key: take_out(str(unit[key]), today=today)[0] for key in ("name", "part")}
    phone = judge(str(unit["phone"]), today=today) if unit["phone"] else None
    known = phone is not None and phone.kind is Secret.PHONE and phone.value is not None
    return unit | words | {"phone": vault.hash(Secret.PHONE, phone.value)[:PHONE] if known else ""}
