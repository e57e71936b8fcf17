"""Everything that was done to a mediation; nothing in it is ever changed."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from backend.db import wake
from backend.events.service import Desk
from backend.mediation.models import Mediation, MediationHistory, Side
from backend.staff.history import with_names

NOTE_LIMIT = 1000


def note(
    session: AsyncSession,
    mediation: Mediation,
    step: str,
    desk: Desk,
    *,
    staff_id: int | None = None,
    side: Side | None = None,
    text: str = "",
) -> None:
    """Write down what was done, by a staff member, a side, or time, and that the mediation has changed."""
    mediation.revision = (mediation.revision or 0) + 1
    session.add(
        MediationHistory(
            mediation_id=mediation.id,
            step=step,
            rung=mediation.step or 0,
            staff_id=staff_id,
            side=side,
            note=text[:NOTE_LIMIT],
            at=desk.now,
        )
    )
    wake(session, "console")


async def history_of(session: AsyncSession, mediation: Mediation) -> Sequence[tuple[MediationHistory, str]]:
    """Everything that was done, in order, with the staff member's name ("" for parties and time)."""
    return await with_names(session, MediationHistory, MediationHistory.mediation_id == mediation.id)
