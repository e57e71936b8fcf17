"""A resident's data is deleted: the file of a mediation is kept (人民调解法 article 27), without the resident."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.feedback.masking import masked
from backend.mediation import sittings
from backend.mediation.models import Booking, Mediation, MediationParty, MediationState, Side
from backend.mediation.service import UNDER_WAY


async def forget(session: AsyncSession, resident_id: int, *, now: datetime) -> int:
    """Take the resident out of every mediation; what they had asked for ends. Returns how many files are kept."""
    rows = await session.execute(
        select(Mediation, MediationParty)
        .join(MediationParty, MediationParty.mediation_id == Mediation.id)
        .where(MediationParty.resident_id == resident_id)
    )
    found = rows.all()
    for mediation, party in found:
        party.resident_id = party.conversation_id = None
        party.name = ""
        if party.side is Side.APPLICANT:
            mediation.text = masked(mediation.text)
            if mediation.state in UNDER_WAY:
                await sittings.drop(session, mediation)
                mediation.state, mediation.ended_at, mediation.due_at = MediationState.WITHDRAWN, now, None
    await session.execute(delete(Booking).where(Booking.resource == f"resident:{resident_id}"))
    return len(found)
