"""Quick answers: what a desk says often, kept with its area, filled in for the resident it is said to."""

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Conversation
from backend.desk.hours import calendar_of, hours_in_words
from backend.desk.leading import led_area
from backend.desk.models import QuickAnswer, Visit
from backend.errors import BadInput, Conflict, NotFound
from backend.events.models import Event
from backend.events.service import Desk
from backend.events.transitions import OPEN
from backend.grids import service as grids
from backend.grids.models import Area
from backend.localtime import say_moment
from backend.residents.models import Resident
from backend.staff.scope import Scope

TITLE_LIMIT = 24
TEXT_LIMIT = 1000
MOST = 60  # of one area
PLACEHOLDER = re.compile(r"[{｛]\s*([^{}｛｝\s]{1,16})\s*[}｝]")
# Each placeholder with what a clerk is told where it cannot be filled in.
PLACEHOLDERS = {
    "居民": "还不知道这位居民怎么称呼",
    "编号": "这位居民手头没有在办的事件",
    "期限": "这位居民在办的事件没有办理期限",
    "值班台": "还不知道这位居民归哪个值班台",
    "办公时间": "还不知道这个值班台的办公时间",
    "电话": "这个值班台没有登记电话",
    "我": "账号上没有您的姓名",
}


@dataclass(frozen=True)
class Filled:
    """A quick answer for one conversation. What could not be filled in still stands in ``text``; ``problem`` says why."""

    answer: QuickAnswer
    text: str
    problem: str


def check(text: str) -> None:
    """Raises BadInput when words that are to reach a resident still hold a placeholder."""
    left = PLACEHOLDER.search(text)
    if left is None:
        return
    name = left[1]
    why = f"{PLACEHOLDERS[name]}，" if name in PLACEHOLDERS else ""
    raise BadInput(f"{why}“{{{name}}}”还没有填上，请改好再发。", code="placeholder_left", fields=["text"])


def check_template(text: str) -> None:
    """Raises BadInput for a placeholder that nobody knows."""
    for name in PLACEHOLDER.findall(text):
        if name not in PLACEHOLDERS:
            known = "、".join(f"{{{one}}}" for one in PLACEHOLDERS)
            raise BadInput(f"没有“{{{name}}}”这个占位符，可以用的有：{known}。", code="unknown_placeholder", fields=["text"])


def fill(text: str, values: dict[str, str]) -> tuple[str, str]:
    """(the text with every placeholder that has a value filled in, why the others could not be, "" when none is left)."""
    missing: list[str] = []

    def put(found: re.Match[str]) -> str:
        if value := values.get(found[1]):
            return value
        missing.append(PLACEHOLDERS.get(found[1], f"没有“{{{found[1]}}}”这个占位符"))
        return found[0]

    filled = PLACEHOLDER.sub(put, text)
    return filled, "；".join(dict.fromkeys(missing))


async def of_area(session: AsyncSession, area_code: str | None) -> list[QuickAnswer]:
    """What the desk of an area may say: its own answers first, then those of the areas above, the nearest of a title."""
    if area_code is None:
        return []
    codes = [area.code for area in await grids.ancestors(session, area_code)]
    rows = await session.scalars(select(QuickAnswer).where(QuickAnswer.area_code.in_(codes)).order_by(QuickAnswer.id))
    nearest: dict[str, QuickAnswer] = {}
    for row in sorted(rows, key=lambda row: codes.index(row.area_code)):
        nearest.setdefault(row.title, row)
    return list(nearest.values())


async def filled_for(session: AsyncSession, conversation: Conversation, scope: Scope, *, desk: Desk) -> list[Filled]:
    """The quick answers of the conversation's desk, else of the asker's, filled in for its resident."""
    code = conversation.desk_area_code or scope.area_code
    found = await of_area(session, code)
    if not found:
        return []
    values = await _values(session, conversation, scope, code, desk=desk)
    return [Filled(answer, *fill(answer.text, values)) for answer in found]


async def _values(
    session: AsyncSession, conversation: Conversation, scope: Scope, code: str | None, *, desk: Desk
) -> dict[str, str]:
    resident = await session.get_one(Resident, conversation.resident_id)
    area = await session.get(Area, code) if code else None
    event = await _event_of(session, conversation)
    phone = next((one.phone for one in await grids.ancestors(session, code) if one.phone), "") if code else ""
    return {
        "居民": resident.display_name,
        "编号": event.number if event else "",
        "期限": say_moment(event.due_at, now=desk.now, zone=desk.zone) if event and event.due_at else "",
        "值班台": f"{area.name}值班台" if area else "",
        "办公时间": await hours_in_words(session, await calendar_of(session, desk.calendar, code), code),
        "电话": phone,
        "我": scope.name,
    }


async def _event_of(session: AsyncSession, conversation: Conversation) -> Event | None:
    """The event that the visit is about, else the resident's latest that is not over."""
    about = await session.scalar(
        select(Visit.event_id).where(Visit.conversation_id == conversation.id, Visit.ended_at.is_(None))
    )
    if about is not None:
        return await session.get(Event, about)
    return await session.scalar(
        select(Event)
        .where(Event.reporter_id == conversation.resident_id, Event.state.in_(OPEN))
        .order_by(Event.id.desc())
        .limit(1)
    )


async def save(
    session: AsyncSession, scope: Scope, area_code: str, *, title: str, text: str, answer_id: int | None = None, now: datetime
) -> QuickAnswer:
    """Add an answer to an area's desk, or change one. Raises NotFound, Forbidden where the desk is not led, BadInput for an
    empty, long or wrong one, Conflict for a title that is there.
    """
    area = await led_area(session, scope, area_code)
    title, text = " ".join(title.split()), text.strip()
    if not title or len(title) > TITLE_LIMIT:
        raise BadInput(f"请起一个{TITLE_LIMIT}个字以内的名字。", fields=["title"])
    if not text or len(text) > TEXT_LIMIT:
        raise BadInput(f"请写{TEXT_LIMIT}个字以内的内容。", fields=["text"])
    check_template(text)
    own = list(await session.scalars(select(QuickAnswer).where(QuickAnswer.area_code == area.code).with_for_update()))
    if any(row.title == title and row.id != answer_id for row in own):
        raise Conflict("已经有一条叫这个名字的快捷回复了。", code="title_taken", fields=["title"])
    if answer_id is None:
        if len(own) >= MOST:
            raise Conflict(f"一个值班台最多{MOST}条快捷回复，请先删掉用不着的。", code="too_many_answers")
        row = QuickAnswer(area_code=area.code)
        session.add(row)
    else:
        row = _own(own, answer_id)
    row.title, row.text, row.staff_id, row.updated_at = title, text, scope.staff_id, now
    await session.flush()
    return row


async def remove(session: AsyncSession, scope: Scope, area_code: str, answer_id: int) -> None:
    """Take an answer away. Raises NotFound, or Forbidden where the desk is not led."""
    area = await led_area(session, scope, area_code)
    own = list(await session.scalars(select(QuickAnswer).where(QuickAnswer.area_code == area.code)))
    await session.delete(_own(own, answer_id))
    await session.flush()


def _own(rows: list[QuickAnswer], answer_id: int) -> QuickAnswer:
    found = next((row for row in rows if row.id == answer_id), None)
    if found is None:
        raise NotFound("没有这条快捷回复。")
    return found
