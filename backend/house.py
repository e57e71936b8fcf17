"""The desk's view of now: clock, calendar, published times; made per transaction from the settings and the record."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from backend.clock import Clock
from backend.conversations.models import Conversation
from backend.conversations.service import Inbound
from backend.desk.service import Patience
from backend.events.service import Desk
from backend.grids import service as grids
from backend.grids.calendar import Calendar
from backend.outbox.service import Quiet
from backend.settings import Settings
from backend.votes.booth import BoothFactory
from wording import Sentences

DeskFactory = Callable[[AsyncSession], Awaitable[Desk]]
DESK = web.AppKey("desk", DeskFactory)
BOOTH = web.AppKey("booth", BoothFactory)


class Gate(Protocol):
    """Stands where messages enter and leave the record; see backend/votes/door.py."""

    async def seal(self, session: AsyncSession, inbound: Inbound) -> Inbound:
        """The message as it may be stored."""

    async def vouch(self, session: AsyncSession, conversation: Conversation, phone: str) -> None:
        """Take to the record that the channel vouches for the sender's phone number."""

    async def unveil(self, session: AsyncSession, text: str) -> str:
        """The stored text as the resident reads it."""


GATE = web.AppKey("gate", Gate)


def patience_of(settings: Settings) -> Patience:
    """How long a desk has to come for a resident before the next one above is asked."""
    return Patience(grid=settings.desk_minutes_grid, community=settings.desk_minutes_community)


def quiet_of(settings: Settings) -> Quiet:
    """The hours in which nobody is woken."""
    return Quiet(settings.quiet_from, settings.quiet_until, settings.zone)


def desk_factory(settings: Settings, clock: Clock, sentences: Sentences) -> DeskFactory:
    """Return a function that builds the Desk for a session: holidays are read again after an import."""
    held: tuple[int, Calendar] | None = None

    async def calendar(session: AsyncSession) -> Calendar:
        nonlocal held
        revision = await grids.revision(session)
        if held is None or held[0] != revision:
            loaded = await Calendar.load(
                session, opens=settings.office_opens, closes=settings.office_closes, zone=settings.zone
            )
            held = revision, loaded
        return held[1]

    async def build(session: AsyncSession) -> Desk:
        return Desk(
            now=clock.now(),
            zone=settings.zone,
            sentences=sentences,
            calendar=await calendar(session),
            verify_hours=settings.verify_hours,
            reopen_days=settings.reopen_days,
            duplicate_days=settings.duplicate_days,
            quiet=quiet_of(settings),
            sms=bool(settings.sms_url),
        )

    return build
