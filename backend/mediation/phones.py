"""Where a side can be called: kept in the vault, shown masked, in full only to whoever has this rung and says why."""

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncSession

from backend.errors import BadInput, NotFound
from backend.events.service import Desk
from backend.mediation.models import Mediation, PartyPhone, Side
from backend.mediation.trail import note
from backend.staff.scope import Scope
from backend.vault import service as vaults
from backend.vault.models import Secret, VaultItem
from backend.vault.numbers import Found
from backend.vault.service import Vault


async def keep(
    session: AsyncSession,
    scope: Scope,
    mediation: Mediation,
    side: Side,
    found: Iterable[Found],
    *,
    vault: Vault,
    desk: Desk,
) -> None:
    """Write down a side's phone, the only one ``found`` in what was typed; an earlier one is gone then. Raises BadInput."""
    values = [one.value for one in found if one.kind is Secret.PHONE and one.value]
    if len(values) != 1:
        raise BadInput("电话号码不对，请核对后再填。", fields=["phone"])
    await drop(session, mediation, side)
    item = await vaults.put(session, vault, Secret.PHONE, values[0], resident_id=None, now=desk.now)
    session.add(PartyPhone(mediation_id=mediation.id, side=side, item_id=item.id))
    note(session, mediation, "phone_kept", desk, staff_id=scope.staff_id, text=item.masked)


async def drop(session: AsyncSession, mediation: Mediation, side: Side) -> None:
    """Delete what is kept of a side, if anything."""
    if (kept := await session.get(PartyPhone, (mediation.id, side))) is not None:
        item = await session.get_one(VaultItem, kept.item_id)
        await session.delete(kept)
        await session.flush()
        await session.delete(item)
        await session.flush()


async def masked_of(session: AsyncSession, mediation: Mediation, side: Side) -> str:
    """E.g. 138****0000; "" where none is kept."""
    kept = await session.get(PartyPhone, (mediation.id, side))
    return (await session.get_one(VaultItem, kept.item_id)).masked if kept else ""


async def look(
    session: AsyncSession, scope: Scope, mediation: Mediation, side: Side, *, reason: str, vault: Vault, desk: Desk
) -> str:
    """The number in full; who looked and why is written down. Raises BadInput without a reason, NotFound."""
    kept = await session.get(PartyPhone, (mediation.id, side))
    if kept is None:
        raise NotFound("没有留电话。", code="no_phone")
    item, value = await vaults.uncover(session, vault, kept.item_id, staff_id=scope.staff_id, reason=reason, now=desk.now)
    note(session, mediation, "phone_seen", desk, staff_id=scope.staff_id, text=f"{item.masked}：{reason.strip()}")
    return value
