"""Questions about how things are done, answered from the record: the city's guide, office hours, grid members."""

import re
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from backend.events.service import Desk
from backend.grids import service as grids
from backend.grids.locate import full_name
from backend.grids.models import Area, Level
from backend.intake.service import Readers, item_of
from backend.localtime import say_moment

_GRID_MEMBER = re.compile(r"网格(员|长)")
_COMPLAINT = re.compile(r"投诉|不作为|态度|举报|告[他她]|不负责|不理")
_ERASURE = re.compile(r"(删|清除|注销|抹).{0,8}(数据|信息|资料|记录|照片)|(数据|信息|资料|记录|照片).{0,10}(删|清除|抹)")
_OFFICE_HOURS = "office_hours"
_DURATION = "how_long"


async def answer(
    session: AsyncSession,
    readers: Readers,
    *,
    text: str,
    parts: dict[str, Any],
    item_code: str | None,
    area_code: str | None,
    desk: Desk,
) -> dict[str, Any]:
    """Return {kind, ...}: grid_member {grid, name, phone}, which_community, office {opens, closes, open, next},
    duration {item, hours, due}, answer {answer}, erasure (the resident's data is to go), or unknown. Nothing is made up."""
    if _ERASURE.search(text):
        return {"kind": "erasure"}
    if _GRID_MEMBER.search(text) and not _COMPLAINT.search(text):
        return await _grid_member(session, readers, text=text, parts=parts, area_code=area_code)
    guide = (await readers.guides(session)).find(text)
    if guide is None:
        return {"kind": "unknown"}
    if guide.key == _OFFICE_HOURS:
        calendar = desk.calendar
        return {
            "kind": "office",
            "opens": f"{calendar.opens:%-H:%M}",
            "closes": f"{calendar.closes:%-H:%M}",
            "open": calendar.is_open(desk.now),
            "next": say_moment(calendar.next_opening(desk.now), now=desk.now, zone=desk.zone),
        }
    if guide.key == _DURATION and (item := _item(readers, await readers.admission(session), text, item_code)) is not None:
        due = say_moment(desk.calendar.add_working_hours(desk.now, item.due_hours), now=desk.now, zone=desk.zone)
        return {"kind": "duration", "item": item.name, "hours": item.due_hours, "due": due}
    return {"kind": "answer", "answer": guide.answer}


def _item(readers: Readers, items: dict[str, Row[Any]], text: str, item_code: str | None) -> Row[Any] | None:
    if item_code is None:
        read = item_of(readers, items, text)
        item_code = read.get("code") if read["status"] == "sure" else None
    return items.get(item_code) if item_code else None


async def _grid_member(
    session: AsyncSession, readers: Readers, *, text: str, parts: dict[str, Any], area_code: str | None
) -> dict[str, Any]:
    reader = await readers.address(session)
    merged = grids.merge(parts, reader.read(text).place())
    code = None
    if merged:
        resolution = await grids.resolve(session, reader.gazetteer, merged)
        code = resolution.area_code if resolution.status == "grid" else None
    elif area_code:
        area = await session.get(Area, area_code)
        code = area_code if area and area.level is Level.GRID else None
    card = await grids.card(session, code) if code else None
    if card is None or code is None:
        return {"kind": "which_community"}
    return {"kind": "grid_member", "grid": full_name(reader.gazetteer, code), "name": card.name, "phone": card.phone}
