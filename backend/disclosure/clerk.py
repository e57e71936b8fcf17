"""Lists what was decided and answered, takes down what is not public any more, and tells the subscribers."""

from sqlalchemy.ext.asyncio import AsyncSession

from backend.db import Database
from backend.deliberation.models import Deliberation
from backend.disclosure import service, sources
from backend.disclosure.models import Disclosure
from backend.duties import Duty, do_due
from backend.events.service import Desk
from backend.house import DeskFactory
from backend.opinions.models import Opinion
from backend.votes.booth import BoothFactory
from backend.votes.models import Vote


async def run_once(database: Database, desk_of: DeskFactory, booth_of: BoothFactory) -> int:
    """Do everything that is due, each row in its own transaction; returns how many were done."""

    async def list_vote(session: AsyncSession, vote: Vote, desk: Desk) -> None:
        await sources.list_vote(session, vote, desk, booth=booth_of())

    listing = (
        Duty(Vote, sources.decided_vote, list_vote),
        Duty(Deliberation, sources.published_resolution, sources.list_resolution),
        Duty(Opinion, sources.opinion_to_look_at, sources.list_opinion),
    )
    done = await do_due(database, desk_of, listing)
    return done + await do_due(database, desk_of, (Duty(Disclosure, service.untold, service.tell),))
