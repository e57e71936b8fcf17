"""Events by words of their text and place, or by a part of their number, through the table of terms."""

from sqlalchemy import ColumnElement, Select, and_, delete, exists, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.events.models import Event, EventTerm
from backend.terms import terms_of

WORDS_LIMIT = 100
LAST = "\U0010ffff"
EVERYWHERE = {"号楼", "小区", "社区", "单元", "街道", "网格", "楼道"}  # looked for last, among the few that are left


async def write_terms(session: AsyncSession, event: Event) -> None:
    """Write down anew what the event is found by."""
    await session.execute(delete(EventTerm).where(EventTerm.event_id == event.id))
    terms = event_terms(event.description, event.address, event.number)
    await session.execute(insert(EventTerm), [{"term": term, "event_id": event.id} for term in sorted(terms)])


def event_terms(description: str, address: str, number: str) -> set[str]:
    """The terms of an event. A character that ends a run of Chinese stands alone too, so that 灯 finds 路灯."""
    text = f"{description} {address} {number}"
    pairs = terms_of(text)
    return pairs | {pair[-1] for pair in pairs if len(pair) > 1 and not pair.isascii()}


def containing(words: str) -> ColumnElement[bool] | None:
    """A condition for the events in which all terms of ``words`` stand; None where there is nothing to look for.

    Pairs of characters stand as they are. One character alone, and digits where nothing else is asked for, begin a term.
    """
    terms = terms_of(words[:WORDS_LIMIT])
    if not terms:
        return None
    begun = {term for term in terms if (len(term) == 1 and not term.isdigit()) or (term.isdigit() and len(terms) == 1)}
    whole = sorted(terms - begun, key=lambda term: (term in EVERYWHERE, term))
    conditions = [Event.id.in_(_events(EventTerm.term >= term, EventTerm.term < term + LAST)) for term in sorted(begun)]
    conditions += [Event.id.in_(_events(EventTerm.term == term)) for term in whole[:1]]
    conditions += [exists().where(EventTerm.term == term, EventTerm.event_id == Event.id) for term in whole[1:]]
    return and_(*conditions)


def _events(*conditions: ColumnElement[bool]) -> Select[tuple[int]]:
    return select(EventTerm.event_id).where(*conditions)
