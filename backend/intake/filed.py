"""What a resident has filed, as the report that it was, so that they can put it right."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue.models import Item
from backend.events import service as events
from backend.events.models import Event
from backend.events.service import Desk
from backend.events.transitions import OPEN
from backend.grids.locate import full_name
from backend.grids.models import Area, Level
from backend.intake.matters import without_place
from backend.intake.service import Readers, item_as_dict


async def latest(
    session: AsyncSession, readers: Readers, *, resident_id: int, number: str | None, desk: Desk
) -> dict[str, Any] | None:
    """The report of that number, else the last one that the resident filed and that is not over: {number, matter, bare, parts,
    place, item, anonymous, correctable, minutes}, ``minutes`` since it was filed. None when there is none."""
    for event in await events.of_resident(session, resident_id):
        if event.reporter_id == resident_id and event.state in OPEN and number in (None, event.number):
            minutes = int((desk.now - event.created_at).total_seconds() // 60)
            found = await _report(session, readers, event)
            return found | {"correctable": await events.correctable(session, event), "minutes": minutes}
    return None


async def _report(session: AsyncSession, readers: Readers, event: Event) -> dict[str, Any]:
    reader = await readers.address(session)
    parts = dict(event.place)
    unknown = parts.pop("unknown_building", None)
    area = await session.get_one(Area, event.area_code)
    community = reader.gazetteer.above(area.code, Level.COMMUNITY)
    place = {
        "status": area.level.value,
        "area_code": area.code,
        "label": full_name(reader.gazetteer, area.code),
        "address": event.address,
        "detailed": True,
        "community_code": community.code if community else None,
        "choices": [],
        "parts": parts,
        "latitude": event.latitude,
        "longitude": event.longitude,
        "unknown_building": unknown,
        "pin_place": None,
    }
    item = await session.get(Item, event.item_code) if event.item_code else None
    return {
        "number": event.number,
        "matter": event.description,
        "bare": without_place(reader.read(event.description)),
        "parts": parts,
        "place": place,
        "item": item_as_dict(item, "sure") if item else {"status": "unknown", "choices": []},
        "anonymous": event.anonymous,
    }
