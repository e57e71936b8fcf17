"""What happens to mediations by themselves: reminders, sittings nobody wrote up, rungs that take too long."""

from backend.db import Database
from backend.duties import Duty, do_due
from backend.house import DeskFactory
from backend.mediation import service, sittings
from backend.mediation.models import Mediation, Sitting

DUTIES = (
    Duty(Sitting, sittings.day_before, sittings.remind_day),
    Duty(Sitting, sittings.hours_before, sittings.remind_hours),
    Duty(Sitting, sittings.unwritten, sittings.tell_unwritten),
    Duty(Mediation, service.too_late, service.tell_late),
)


async def run_once(database: Database, desk_of: DeskFactory) -> int:
    """Do everything that is due, each in its own transaction; returns how many were done."""
    return await do_due(database, desk_of, DUTIES)
