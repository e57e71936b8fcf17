"""What happens to votes by itself: they end when their time has come, and everyone concerned is told."""

import logging

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Conversation
from backend.db import Database
from backend.errors import LinlitongError
from backend.outbox import service as outbox
from backend.votes import cards, service
from backend.votes.booth import Booth, BoothFactory
from backend.votes.models import Vote, VoteMatch, VoteState, VoteUnit

logger = logging.getLogger(__name__)
BATCH = 200


async def run_once(database: Database, booth_of: BoothFactory) -> int:
    """Do what is due, in transactions of its own; returns how much was done."""
    return await end_due(database, booth_of) + await tell(database, booth_of)


async def run_all(database: Database, booth_of: BoothFactory) -> None:
    """Do what is due until there is nothing left."""
    while await run_once(database, booth_of):
        pass


async def end_due(database: Database, booth_of: BoothFactory) -> int:
    booth = booth_of()
    async with database.read() as session:
        ids = list(await session.scalars(select(Vote.id).where(Vote.state == VoteState.OPEN, Vote.ends_at <= booth.now)))
    for vote_id in ids:
        try:
            async with database.write() as session:
                await service.end(session, await session.get_one(Vote, vote_id), booth=booth_of())
        except LinlitongError as error:
            logger.error("vote %s: ending failed with %s", vote_id, error.code)
    return len(ids)


async def tell(database: Database, booth_of: BoothFactory) -> int:
    """Push the news of each vote to its voters, BATCH at a time; nobody is told the same thing twice."""
    done = 0
    booth = booth_of()
    async with database.read() as session:
        ids = list(
            await session.scalars(
                select(Vote.id).where(Vote.telling != "", (Vote.starts_at <= booth.now) | (Vote.state != VoteState.OPEN))
            )
        )
    for vote_id in ids:
        async with database.write() as session:
            vote = await session.get_one(Vote, vote_id, with_for_update=True)
            done += await _tell_some(session, vote, booth_of())
    return done


async def _tell_some(session: AsyncSession, vote: Vote, booth: Booth) -> int:
    rows = (
        await session.execute(
            select(VoteUnit, VoteMatch.conversation_id)
            .join(VoteMatch, VoteMatch.unit_code == VoteUnit.code)
            .where(
                VoteUnit.vote_id == vote.id,
                VoteUnit.told != vote.telling,
                VoteMatch.area_code == vote.area_code,
                VoteMatch.basis == vote.basis,
                VoteMatch.ended_at.is_(None),
                VoteMatch.vote_id.is_(None) | (VoteMatch.vote_id == vote.id),
            )
            .order_by(VoteUnit.id)
            .limit(BATCH)
        )
    ).all()
    if not rows:
        vote.telling = ""
        return 0
    if len(rows) == BATCH:  # a unit's voter and proxy are told together
        last = rows[-1][0].id
        rows = [row for row in rows if row[0].id != last] or rows
    first = vote.telling == VoteState.OPEN.value
    for unit, conversation_id in rows:
        conversation = await session.get_one(Conversation, conversation_id)
        if first:
            voted = await service.has_voted(session, vote, unit.id, booth=booth)
            said = cards.ballot(vote, unit, booth=booth, voted=voted)
        else:
            said = cards.news(vote, booth=booth)
        media = vote.attachments if first else None
        await outbox.say(session, conversation, now=booth.now, text=said.text, buttons=said.buttons, media=media or None)
        unit.told = vote.telling
    return len(rows)
