"""What a dispute's words tell, wherever they were said: in the chat, in an event, in a consult."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from backend.errors import BadInput, NotFound
from backend.events import service as events
from backend.legal import service as legal
from backend.legal.law import Law
from backend.mediation.ladder import BY_ITEM, NEVER, Kind, Matter, kind_of, matter_of
from backend.mediation.models import Origin


@dataclass(frozen=True)
class Dispute:
    """``never``: why it cannot be mediated ("violence", "crime"), else "". ``area_code`` only where it is known."""

    text: str
    matter: Matter
    kind: Kind
    never: str
    origin: Origin
    source_number: str
    area_code: str


def read(law: Law, text: str, *, item_code: str | None = None) -> tuple[Matter, Kind, str]:
    """(matter, kind, why never) of the words; the item of an event settles what it is about."""
    area = law.read(text).area
    matter = BY_ITEM.get(item_code or "") or matter_of(text, area)
    return matter, kind_of(text, matter), NEVER.get(area, "") if item_code not in BY_ITEM else ""


async def dispute(session: AsyncSession, law: Law, text: str, number: str, *, resident_id: int) -> Dispute:
    """The dispute in ``text``, or in the resident's own event or consult of that number. Raises NotFound."""
    item_code, area_code, origin = None, "", Origin.CHAT
    if number:
        try:
            event = await events.by_number(session, number, resident_id=resident_id)
            text, item_code, area_code, origin = text or event.description, event.item_code, event.area_code, Origin.EVENT
        except NotFound:
            consult = await legal.own(session, number, resident_id=resident_id)
            text, origin = text or consult.question, Origin.CONSULT
    matter, kind, never = read(law, text, item_code=item_code)
    return Dispute(text, matter, kind, never, origin, number, area_code)


def check(found: Dispute) -> None:
    """Raises BadInput for what is not settled by talking."""
    if found.never:
        raise BadInput("这种事不能调解，请打 110，或者问律师。", code="never_mediated")
