"""A resident's data is deleted: the file of a mediation is kept (人民调解法 article 27), without the resident."""

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.db import lock
from backend.events.service import Desk
from backend.feedback.masking import masked
from backend.mediation import phones, service
from backend.mediation.models import Booking, Mediation, MediationParty, Side


async def forget(session: AsyncSession, resident_id: int, *, desk: Desk) -> int:
    """Take the resident out of every mediation; what is under way ends, and the other side and the desk are told.

    Returns how many files are kept.
    """
    rows = await session.execute(
        select(Mediation, MediationParty)
        .join(MediationParty, MediationParty.mediation_id == Mediation.id)
        .where(MediationParty.resident_id == resident_id)
    )
    found = rows.all()
    for mediation, party in found:
        await lock(session, mediation)
        if mediation.state in service.UNDER_WAY:
            await service.withdraw(session, mediation, desk=desk, side=party.side)
        await phones.drop(session, mediation, party.side)
        party.resident_id = party.conversation_id = None
        party.name = ""
        if party.side is Side.APPLICANT:
            mediation.text = masked(mediation.text)
    await session.execute(delete(Booking).where(Booking.resource == f"resident:{resident_id}"))
    return len(found)
