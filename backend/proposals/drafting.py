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
SETTLED = ("grid", "community", "street")


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


async def draft(session: AsyncSession, conversation: Conversation, readers: Readers, *, now: datetime) -> Draft:
    """Read the resident's messages of the last LOOK_BACK in their order: a later place corrects an earlier one, every
    matter is taken up, every photo kept.
    """
    await readers.prepared(session)
    place: dict[str, Any] | None = None
    matters: list[dict[str, Any]] = []
    photos: list[str] = []
    for message in await said(session, conversation, now=now):
        photos += message.payload.get("media") or [] if message.kind is MessageKind.PHOTO else []
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
        if found["place"] and (found["place"]["status"] in SETTLED or place is None):
            place = found["place"]
        matters += found["matters"]
    settled = place if place and place["status"] in SETTLED else None
    item = next((m["item"] for m in matters if m["item"]["status"] == "sure"), None)
    texts = dict.fromkeys(matter["text"] for matter in matters)
    return Draft(
        matter="；".join(texts)[:MATTER_LIMIT],
        area_code=settled["area_code"] if settled else "",
        label=settled["label"] if settled else "",
        status=settled["status"] if settled else "",
        address=(settled["address"] or settled["label"]) if settled else "",
        item_code=item["code"] if item else None,
        parts=settled["parts"] if settled else {},
        photos=list(dict.fromkeys(photos))[:9],
        latitude=settled["latitude"] if settled else None,
        longitude=settled["longitude"] if settled else None,
    )
