"""Personal numbers that staff wrote into the notes of an event: masked there, kept in the vault, uncovered with a reason."""

from collections.abc import Iterable

from sqlalchemy import delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.events.models import Event, EventWithheld
from backend.events.service import Desk
from backend.vault import service as vaults
from backend.vault.models import VaultItem
from backend.vault.numbers import Found
from backend.vault.service import Vault


async def keep(session: AsyncSession, vault: Vault, event: Event, found: Iterable[Found], *, staff_id: int, desk: Desk) -> None:
    """Store what was taken out of a note; a wrong number is not kept."""
    for item in await vaults.keep(session, vault, found, resident_id=None, message_id=None, now=desk.now):
        session.add(EventWithheld(event_id=event.id, item_id=item.id, staff_id=staff_id))


async def of(session: AsyncSession, event: Event) -> list[VaultItem]:
    """The numbers in the notes of an event, the newest first, each once."""
    rows = await session.scalars(
        select(VaultItem)
        .join(EventWithheld, EventWithheld.item_id == VaultItem.id)
        .where(EventWithheld.event_id == event.id)
        .order_by(VaultItem.id.desc())
    )
    return list({item.lookup: item for item in reversed(rows.all())}.values())[::-1]


async def any_of(session: AsyncSession, number: str) -> bool:
    """Whether the event of that number has such notes."""
    mine = exists().where(EventWithheld.event_id == Event.id, Event.number == number)
    return bool(await session.scalar(select(mine)))


async def forget(session: AsyncSession, event: Event) -> None:
    """Delete them, when the event's reporter wants their data deleted."""
    mine = select(EventWithheld.item_id).where(EventWithheld.event_id == event.id)
    await session.execute(delete(VaultItem).where(VaultItem.id.in_(mine)))
    await session.execute(delete(EventWithheld).where(EventWithheld.event_id == event.id))
