"""A report out of a conversation: what the resident said, read as the assistant reads it."""

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Author, Conversation, Message, MessageKind
from backend.intake import service as intake
from backend.intake.schemas import Pin
from backend.intake.service import Readers

LOOK_BACK = timedelta(hours=24)
MOST_MESSAGES = 30
MATTER_LIMIT = 2000
MOST_MATTERS = 5
SETTLED = ("grid", "community", "street")
OF_PLACE = ("area_code", "label", "status", "parts", "latitude", "longitude")


@dataclass(frozen=True)
class Draft:
    """What a report would hold. ``area_code`` is empty where no place was understood; ``status`` is the place's: grid,
    community or street.
    """

    matter: str = ""
    area_code: str = ""
    label: str = ""
    status: str = ""
    address: str = ""
    item_code: str | None = None
    parts: dict[str, Any] = field(default_factory=dict)
    photos: list[str] = field(default_factory=list)
    latitude: float | None = None
    longitude: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


async def said(session: AsyncSession, conversation: Conversation, *, now: datetime) -> list[Message]:
    """What the resident wrote, sent and shared within LOOK_BACK, in order."""
    rows = await session.scalars(
        select(Message)
        .where(
            Message.conversation_id == conversation.id,
            Message.author == Author.RESIDENT,
            Message.kind.in_([MessageKind.TEXT, MessageKind.PHOTO, MessageKind.LOCATION]),
            Message.created_at > now - LOOK_BACK,
        )
        .order_by(Message.sequence.desc())
        .limit(MOST_MESSAGES)
    )
    return list(rows)[::-1]


@dataclass
class _Matter:
    """A matter as it grows from message to message: what was said of it, where it is, what it is, its photos."""

    texts: list[str]
    place: dict[str, Any] | None
    item_code: str | None = None
    photos: list[str] = field(default_factory=list)

    def is_the_same(self, place: dict[str, Any] | None, item_code: str | None) -> bool:
        """Whether what was said now may be of this matter: nothing that was named tells them apart."""
        mine, theirs = (one["parts"].get("building") if one else None for one in (self.place, place))
        apart = self.place and place and self.place["area_code"] != place["area_code"]
        return self.item_code in (None, item_code) and not apart and not (mine and theirs and mine != theirs)

    def draft(self) -> Draft:
        settled = self.place if self.place and self.place["status"] in SETTLED else None
        return Draft(
            matter="；".join(dict.fromkeys(self.texts))[:MATTER_LIMIT],
            address=(settled["address"] or settled["label"]) if settled else "",
            item_code=self.item_code,
            photos=list(dict.fromkeys(self.photos))[:9],
            **{name: settled[name] for name in OF_PLACE if settled},
        )


async def drafts(session: AsyncSession, conversation: Conversation, readers: Readers, *, now: datetime) -> list[Draft]:
    """Read the resident's messages of the last LOOK_BACK in their order: a draft for each matter, at least one.

    A message that names a place alone says where the last matter is, and those that lie where it lay. What is said of one
    thing in several messages is one matter. A photo belongs to the matter that was told last.
    """
    await readers.prepared(session)
    place: dict[str, Any] | None = None
    told: list[_Matter] = []
    early: list[str] = []
    for message in await said(session, conversation, now=now):
        if message.kind is MessageKind.PHOTO:
            (told[-1].photos if told else early).extend(message.payload.get("media") or [])
        where = message.payload.get("location")
        if not message.text and not where:
            continue
        found = await intake.read(
            session,
            readers,
            text=message.text,
            pin=Pin(**where) if where else None,
            parts=place["parts"] if place else {},
            choice={},
        )
        before = place
        if found["place"] and (found["place"]["status"] in SETTLED or place is None):
            place = found["place"]
        if not found["matters"]:
            for matter in told:
                matter.place = place if matter.place is before else matter.place
        earlier = list(told)
        for matter in found["matters"]:
            _tell(told, earlier, matter, place)
    told = told or [_Matter([], place)]
    told[0].photos[:0] = early
    return [matter.draft() for matter in told[:MOST_MATTERS]]


def _tell(told: list[_Matter], earlier: list[_Matter], matter: dict[str, Any], place: dict[str, Any] | None) -> None:
    """Put what was said now to a matter of an ``earlier`` message, or begin a new one."""
    item, where = matter["item"], matter["place"] or place
    code = item["code"] if item["status"] == "sure" else None
    same = next((one for one in reversed(earlier) if one.is_the_same(where, code or one.item_code)), None)
    if same is None:
        told.append(_Matter([matter["text"]], where, code))
        return
    same.texts.append(matter["text"])
    same.item_code, same.place = same.item_code or code, where
