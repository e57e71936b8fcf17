"""What staff in a messenger are told by itself: who waits, and what their residents say."""

from backend.db import Database
from backend.duties import Duty, do_due
from backend.house import DeskFactory
from backend.staff_chat import service
from backend.staff_chat.models import StaffChat


async def run_once(database: Database, desk_of: DeskFactory) -> int:
    """Tell every chat its news, each in its own transaction; returns how many had some."""
    return await do_due(database, desk_of, (Duty(StaffChat, service.has_news, service.tell_news),))
