"""公开: entries written and taken down, listed and searched; subscriptions, and telling the subscribers."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, false, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Conversation
from backend.db import lock, wake
from backend.disclosure.models import Disclosure, DisclosureCopy, DisclosureSubscription, DisclosureTerm, Kind
from backend.errors import BadInput, NotFound
from backend.events.service import Desk
from backend.grids import service as grids
from backend.grids.models import Area
from backend.opinions.models import OpinionTopic
from backend.opinions.topics import topic_of, topics
from backend.outbox import service as outbox
from backend.terms import terms_of

PAGE = 20
BATCH = 200
TITLE_LIMIT = 80
WORDS_LIMIT = 60
MOST_SUBSCRIPTIONS = 30
# Of what is looked for, the share of pairs that has to stand in an entry.
ENOUGH = 0.6


@dataclass(frozen=True)
class Found:
    """One page of entries, newest first or, when words were looked for, the best first; ``more`` says there are others."""

    entries: list[Disclosure]
    more: bool


async def publish(
    session: AsyncSession,
    kind: Kind,
    number: str,
    *,
    title: str,
    text: str,
    area: Area,
    at: datetime,
    topic_code: str | None = None,
) -> Disclosure:
    """Write an entry, or write a known one anew without telling anyone again; its topic is read from its words unless given.

    Raises BadInput in a city that has no topics.
    """
    topic = await session.get(OpinionTopic, topic_code) if topic_code else topic_of(await topics(session), f"{title} {text}")
    if topic is None:
        raise BadInput("没有这个主题。", fields=["topic_code"])
    entry = await session.scalar(select(Disclosure).where(Disclosure.kind == kind, Disclosure.number == number))
    if entry is None:
        entry = Disclosure(kind=kind, number=number, published_at=at)
        session.add(entry)
    entry.title, entry.text, entry.topic_code = title[:TITLE_LIMIT], text, topic.code
    entry.area_code, entry.area_path = area.code, area.path
    await session.flush()
    await session.execute(delete(DisclosureTerm).where(DisclosureTerm.disclosure_id == entry.id))
    terms = terms_of(f"{title} {text} {area.name} {topic.name} {number}")
    await session.execute(insert(DisclosureTerm), [{"term": term, "disclosure_id": entry.id} for term in sorted(terms)])
    return entry


async def take_down(session: AsyncSession, kind: Kind, number: str) -> bool:
    """Remove an entry and what it was found by; returns whether there was one."""
    entry = await session.scalar(select(Disclosure).where(Disclosure.kind == kind, Disclosure.number == number))
    if entry is None:
        return False
    for table in (DisclosureTerm, DisclosureCopy):
        await session.execute(delete(table).where(table.disclosure_id == entry.id))
    await session.delete(entry)
    await session.flush()
    return True


# Reading


async def _within(session: AsyncSession, area_code: str) -> ColumnElement[bool]:
    """Of the area, of one inside it, or of one around it: what concerns who lives there. Raises NotFound."""
    chain = await grids.ancestors(session, area_code)
    if not chain:
        raise NotFound("没有这个地方。")
    inside = Disclosure.area_path.startswith(chain[0].path, autoescape=True)
    return or_(inside, Disclosure.area_path.in_([area.path for area in chain[1:]]))


async def find(
    session: AsyncSession, *, words: str = "", area_code: str = "", topic_code: str = "", page: int = 1, page_size: int = PAGE
) -> Found:
    """The entries that hold enough of the words, in an area and on a topic where those are given. Raises BadInput for words
    that are no words, NotFound for an unknown area."""
    conditions = []
    if area_code:
        conditions.append(await _within(session, area_code))
    if topic_code:
        conditions.append(Disclosure.topic_code == topic_code)
    query = select(Disclosure).where(*conditions)
    if words.strip():
        terms = terms_of(words[:WORDS_LIMIT])
        if not terms:
            raise BadInput("请说一两个词，比如“停车”。", fields=["words"])
        hits = (
            select(DisclosureTerm.disclosure_id, func.count().label("hits"))
            .where(DisclosureTerm.term.in_(terms))
            .group_by(DisclosureTerm.disclosure_id)
            .having(func.count() >= max(1, round(ENOUGH * len(terms))))
            .subquery()
        )
        query = query.join(hits, hits.c.disclosure_id == Disclosure.id).order_by(hits.c.hits.desc())
    rows = await session.scalars(query.order_by(Disclosure.id.desc()).offset((page - 1) * page_size).limit(page_size + 1))
    found = list(rows)
    return Found(found[:page_size], len(found) > page_size)


async def one(session: AsyncSession, entry_id: int) -> Disclosure:
    """Raises NotFound."""
    entry = await session.get(Disclosure, entry_id)
    if entry is None:
        raise NotFound("这一条没有公开，或者已经撤下了。")
    return entry


# Subscriptions


async def subscribe(
    session: AsyncSession, conversation: Conversation, *, topic_code: str, area_code: str, now: datetime
) -> tuple[str, str]:
    """Subscribe the conversation's resident to a topic ("" is all) in an area; returns both names. Again is the same.

    Raises BadInput for an unknown topic or area, or for too many.
    """
    topic = await session.get(OpinionTopic, topic_code) if topic_code else None
    area = await session.get(Area, area_code)
    if area is None or (topic_code and topic is None):
        raise BadInput("没有这个主题或这个地方，请从列出来的里面选。", fields=["topic_code", "area_code"])
    await lock(session, conversation)
    mine = DisclosureSubscription.resident_id == conversation.resident_id
    known = await session.scalar(
        select(DisclosureSubscription).where(
            mine, DisclosureSubscription.topic_code == topic_code, DisclosureSubscription.area_code == area.code
        )
    )
    if known is None:
        if (await session.scalar(select(func.count()).where(mine)) or 0) >= MOST_SUBSCRIPTIONS:
            raise BadInput("订得太多了，先说“退订”，再挑要紧的订。", code="too_many")
        known = DisclosureSubscription(
            resident_id=conversation.resident_id, topic_code=topic_code, area_code=area.code, area_path=area.path, at=now
        )
        session.add(known)
    known.conversation_id, known.stopped_at = conversation.id, None
    return (topic.name if topic else ""), area.name


async def stop(session: AsyncSession, conversation: Conversation, *, now: datetime) -> int:
    """End every subscription of the conversation's resident; returns how many there were."""
    result = await session.execute(
        update(DisclosureSubscription)
        .where(DisclosureSubscription.resident_id == conversation.resident_id, DisclosureSubscription.stopped_at.is_(None))
        .values(stopped_at=now)
    )
    return result.rowcount


# Telling


def untold(desk: Desk) -> ColumnElement[bool]:
    """The condition under which an entry's subscribers are to be told now; never at night."""
    return false() if desk.quiet.at(desk.now) else Disclosure.telling.is_(True)


async def tell(session: AsyncSession, entry: Disclosure, desk: Desk) -> None:
    """Tell up to BATCH subscribers who were not told yet; the last round ends it."""
    told = exists().where(
        DisclosureCopy.disclosure_id == entry.id, DisclosureCopy.resident_id == DisclosureSubscription.resident_id
    )
    around = [area.path for area in await grids.ancestors(session, entry.area_code)]
    path = DisclosureSubscription.area_path
    waiting = await session.execute(
        select(DisclosureSubscription.resident_id, func.max(DisclosureSubscription.conversation_id))
        .where(
            DisclosureSubscription.stopped_at.is_(None),
            DisclosureSubscription.topic_code.in_(("", entry.topic_code)),
            or_(path.in_(around), path.startswith(entry.area_path, autoescape=True)),
            ~told,
        )
        .group_by(DisclosureSubscription.resident_id)
        .order_by(DisclosureSubscription.resident_id)
        .limit(BATCH)
    )
    found = waiting.all()
    said = desk.sentences.say("utter_disclosure_push", **await values_of(session, entry, desk))
    for resident_id, conversation_id in found:
        conversation = await session.get_one(Conversation, conversation_id)
        await outbox.say(session, conversation, now=desk.now, text=said.text, buttons=said.buttons)
        session.add(DisclosureCopy(disclosure_id=entry.id, resident_id=resident_id, at=desk.now))
    entry.telling = len(found) == BATCH
    if entry.telling:
        wake(session, "disclosure")


async def values_of(session: AsyncSession, entry: Disclosure, desk: Desk) -> dict[str, str]:
    """What the sentences are filled with."""
    area = await session.get_one(Area, entry.area_code)
    topic = await session.get_one(OpinionTopic, entry.topic_code)
    return {
        "kind": desk.sentences.say(f"utter_name_disclosure_{entry.kind}").text,
        "title": entry.title,
        "area": area.name,
        "topic": topic.name,
        "entry": str(entry.id),
    }
