"""What happens to opinions by itself: late ones climb."""

from backend.db import Database
from backend.duties import Duty, do_due
from backend.house import DeskFactory
from backend.opinions import service
from backend.opinions.models import Opinion

DUTIES = (Duty(Opinion, service.late, service.climb),)


async def run_once(database: Database, desk_of: DeskFactory) -> int:
    """Do everything that is due, each opinion in its own transaction; returns how many were done."""
    return await do_due(database, desk_of, DUTIES)
