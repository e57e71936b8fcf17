"""What happens to applications for legal aid by themselves: reminders, lapsed ones, late decisions."""

from backend.db import Database
from backend.duties import Duty, do_due
from backend.house import DeskFactory
from backend.legal_aid import service
from backend.legal_aid.models import LegalAid

DUTIES = (
    Duty(LegalAid, service.to_withdraw, service.withdraw),
    Duty(LegalAid, service.to_remind, service.remind),
    Duty(LegalAid, service.too_late, service.tell_late),
)


async def run_once(database: Database, desk_of: DeskFactory) -> int:
    """Do everything that is due, each application in its own transaction; returns how many were done."""
    return await do_due(database, desk_of, DUTIES)
