"""A community that votes: staff, residents matched to units, and every step by one call."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from backend.clock import FakeClock
from backend.conversations import service as conversations
from backend.conversations.models import Author, Conversation, Message, MessageKind
from backend.db import Database
from backend.staff.scope import Scope
from backend.votes import clerk, matching, opening, service
from backend.votes.booth import Booth, BoothFactory
from backend.votes.door import CAST, Door
from backend.votes.models import MatchedBy, Vote, VoteUnit
from backend.votes.rules import Basis, Kind, RuleName
from tests.support.small_city import SmallCity, resident


@dataclass
class Hall:
    database: Database
    clock: FakeClock
    city: SmallCity
    booth_of: BoothFactory
    home: Path
    door: Door
    phrases: list[str] = field(default_factory=list)
    said: int = 0

    @property
    def booth(self) -> Booth:
        return self.booth_of()

    @property
    def scope(self) -> Scope:
        return self.city.scopes["community1"]

    def draft(self, **more: Any) -> service.Draft:
        now = self.clock.now()
        return service.Draft(
            **{
                "title": "三号楼加装电梯",
                "question": "是否同意三号楼一单元加装电梯？",
                "kind": Kind.DECISION,
                "rule": RuleName.RESIDENTS,
                "basis": Basis.HOUSEHOLD,
                "starts_at": now,
                "ends_at": now + timedelta(days=7),
                "keyholders": ("王秀兰", "李建国", "赵敏"),
                "keys_needed": 2,
            }
            | more
        )

    async def vote(self, units: int | Sequence[dict[str, Any]] = 5, *, announce: bool = True, **more: Any) -> str:
        """A vote over so many households, announced; returns its number."""
        if isinstance(units, int):
            units = [unit(place) for place in range(1, units + 1)]
        async with self.database.write() as session:
            vote = await service.create(session, self.draft(**more), area_code="c1", scope=self.scope, booth=self.booth)
            await service.set_electorate(session, vote, units, scope=self.scope, booth=self.booth)
            self.phrases = [
                (await service.hand_key(session, vote, holder.id, scope=self.scope, booth=self.booth))[1]
                for holder in await service.keyholders(session, vote)
            ]
            if announce:
                await service.announce(session, vote, scope=self.scope, booth=self.booth)
            return vote.number

    async def get(self, number: str) -> Vote:
        async with self.database.read() as session:
            return await service.by_number(session, number)

    async def unit(self, number: str, code: str) -> VoteUnit:
        async with self.database.read() as session:
            return await service.unit_by_code(session, await service.by_number(session, number), code)

    async def resident(self, name: str) -> Conversation:
        async with self.database.write() as session:
            return await resident(session, name, now=self.clock.now())

    async def matched(self, number: str, code: str, name: str | None = None) -> Conversation:
        """A resident whom staff have matched to the unit."""
        async with self.database.write() as session:
            vote = await service.by_number(session, number)
            conversation = await resident(session, name or f"{number}-{code}", now=self.clock.now())
            found = await service.unit_by_code(session, vote, code)
            await matching.match(session, vote, found, conversation, how=MatchedBy.STAFF, booth=self.booth)
            return conversation

    async def presses(self, conversation: Conversation, number: str, code: str, choice: str) -> Message:
        """The resident presses a ballot's button: what is stored of it."""
        found = await self.unit(number, code)
        text = f'{CAST}{{"vote":"{number}","unit":"{found.id}","choice":"{choice}"}}'
        return await self.sends(conversation, text, kind=MessageKind.BUTTON)

    async def sends(self, conversation: Conversation, text: str, *, kind: MessageKind = MessageKind.TEXT) -> Message:
        """A message through the door, answered."""
        self.said += 1
        async with self.database.write() as session:
            row = await session.get_one(Conversation, conversation.id)
            address = await _address(session, row)
            inbound = conversations.Inbound("web", f"said-{self.said}", address, kind, text, title=text[:20])
            accepted = await conversations.accept(session, await self.door.seal(session, inbound), now=self.clock.now())
            accepted.message.turn_state = conversations.TurnState.DONE
            return accepted.message

    async def casts(self, conversation: Conversation, number: str, code: str, choice: str) -> bool:
        """Press and put in; returns whether it replaced an earlier ballot."""
        said = json.loads((await self.presses(conversation, number, code, choice)).text.removeprefix(CAST))
        async with self.database.write() as session:
            return await service.cast(
                session,
                number,
                unit_id=int(said["unit"]),
                resident_id=conversation.resident_id,
                ballot=said["ballot"],
                booth=self.booth,
            )

    async def paper(self, number: str, code: str, *choice: str) -> None:
        async with self.database.write() as session:
            vote = await service.by_number(session, number)
            await service.enter_paper(session, vote, code=code, choice=choice, scope=self.scope, booth=self.booth)

    async def work(self) -> None:
        """Everything that is due."""
        while await clerk.run_once(self.database, self.booth_of):
            pass

    async def ends(self, number: str) -> Vote:
        """The clock comes to the end."""
        left = (await self.get(number)).ends_at - self.clock.now()
        self.clock.advance(seconds=left.total_seconds())
        await self.work()
        return await self.get(number)

    async def opens(self, number: str, phrases: list[str] | None = None) -> Vote:
        """The keyholders open the box."""
        async with self.database.read() as session:
            closed = await opening.read_box(session, await service.by_number(session, number), booth=self.booth)
        found = opening.open_and_count(closed, self.phrases[:2] if phrases is None else phrases, booth=self.booth)
        async with self.database.write() as session:
            vote = await service.by_number(session, number)
            await opening.publish(session, vote, found, scope=self.scope, booth=self.booth)
        return await self.get(number)

    async def bundle(self, number: str) -> dict[str, Any]:
        async with self.database.read() as session:
            return json.loads(await opening.published(session, await service.by_number(session, number)))

    async def receipt(self, number: str, code: str) -> str | None:
        found = await self.unit(number, code)
        async with self.database.read() as session:
            return await service.receipt_of(session, await service.by_number(session, number), found.id, booth=self.booth)

    async def told(self, conversation: Conversation) -> list[str]:
        async with self.database.read() as session:
            rows = await session.scalars(
                select(Message.text)
                .where(Message.conversation_id == conversation.id, Message.author != Author.RESIDENT)
                .order_by(Message.sequence)
            )
            return list(rows)


async def _address(session: Any, conversation: Conversation) -> str:
    from backend.residents.models import Account

    return (await session.get_one(Account, conversation.account_id)).address


def unit(place: int, *, area: int = 0, part: str = "") -> dict[str, Any]:
    """The unit ``3-<place>``."""
    return {"code": f"3-{place}", "name": f"户{place}", "part": part, "area": area, "phone": ""}
