"""Reading a resident's words: where it is, what it is, and which item of the admission list that makes it."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jieba
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue.models import Item
from backend.catalogue.service import Guides
from backend.grids import service as grids
from backend.grids.address import AddressReader, Reading
from backend.grids.gazetteer import Gazetteer
from backend.grids.models import Level
from backend.intake.matters import by_place, has_matter, joined, without_place
from backend.intake.schemas import Pin
from backend.triage.classifier import ItemClassifier

# docs/triage.md has the measured table.
SURE = 0.60
CLOSE_RATIO = 0.3
KNOWN = 0.12
OFFERED = 0.25
REFUSE = 0.60
CHOICES = 3
AREAS = {"street", "community", "compound", "road"}
DETAILS = ("road", "building", "group", "grid")


@dataclass
class Readers:
    """What reading needs in memory: the registry's reader, the admission list and the guides, kept up with imports,
    and the item classifier."""

    classifier_path: Path
    _reader: AddressReader | None = field(default=None, repr=False)
    _classifier: ItemClassifier | None = field(default=None, repr=False)
    _admission: tuple[int, dict[str, Row[Any]]] | None = field(default=None, repr=False)
    _guides: tuple[int, Guides] | None = field(default=None, repr=False)

    async def address(self, session: AsyncSession) -> AddressReader:
        """The address reader of the registry's present revision."""
        held = self._reader.gazetteer if self._reader else None
        present = await grids.current(session, held)
        if self._reader is None or present is not held:
            self._reader = AddressReader(present)
        return self._reader

    async def admission(self, session: AsyncSession) -> dict[str, Row[Any]]:
        """The admission list by code: its items, without their versions."""
        present = await grids.revision(session)
        if self._admission is None or self._admission[0] != present:
            columns = (Item.code, Item.category, Item.name, Item.admitted, Item.due_hours, Item.keywords, Item.channel)
            self._admission = present, {item.code: item for item in await session.execute(select(*columns))}
        return self._admission[1]

    async def guides(self, session: AsyncSession) -> Guides:
        """The city's guides."""
        present = await grids.revision(session)
        if self._guides is None or self._guides[0] != present:
            self._guides = present, await Guides.load(session)
        return self._guides[1]

    def items(self) -> ItemClassifier:
        assert self._classifier is not None, "prepare() comes first"
        return self._classifier

    async def prepared(self, session: AsyncSession) -> None:
        """``prepare``, unless that was done."""
        if self._classifier is None:
            await self.prepare(session)

    async def prepare(self, session: AsyncSession) -> None:
        """Load what reading needs; the item classifier is trained first when it is stale (some seconds)."""
        items = list(await session.scalars(select(Item)))
        keywords = {item.code: f"{item.name} {item.keywords}" for item in items}
        off_list = {item.code for item in items if not item.admitted}
        self._classifier = await asyncio.to_thread(
            ItemClassifier.load, self.classifier_path, keywords=keywords, off_list=off_list
        )
        # The dictionaries are read now and not with the first resident, whose turn would not wait so long.
        reader = await self.address(session)
        await asyncio.to_thread(reader.warm)
        await asyncio.to_thread(jieba.dt.initialize)


async def read(
    session: AsyncSession,
    readers: Readers,
    *,
    text: str,
    pin: Pin | None,
    parts: dict[str, Any],
    choice: dict[str, Any],
    earlier_pin: Pin | None = None,
) -> dict[str, Any]:
    """Return {place, matters}: ``place`` is None when no place was named, else as ``place_of`` gives it;
    ``matters`` lists {text, bare, item, place}, in the order they were said; ``bare`` is the text without its place. ``place``
    is what a further matter names of its
    own, within the first one's area where it names only doors, None where it names nothing."""
    reader = await readers.address(session)
    reading = reader.read(text)
    said_matters = matters_of(readers, reader, reading)
    if len(said_matters) > 1 and AREAS & (first := reader.read(said_matters[0]).place()).keys():
        said = first | choice  # each has its own place; the doors of the others are not this one's
    else:
        said = reading.place() | choice
    place = None
    if pin is not None or said:
        place = await place_of(session, reader.gazetteer, grids.merge(parts, said), pin=pin or earlier_pin)
    items = await readers.admission(session) if said_matters else {}
    matters = []
    for number, matter in enumerate(said_matters):
        told = reader.read(matter)
        own = told.place() if number else {}
        if own and place and not AREAS & own.keys():
            own = grids.merge(without_doors(place["parts"]) if own.get("building") else place["parts"], own)
        named = await place_of(session, reader.gazetteer, own, pin=None) if AREAS & own.keys() else None
        item = item_of(readers, items, matter)
        matters.append({"text": matter, "bare": without_place(told), "item": item, "place": named})
    return {"place": place, "matters": matters}


def without_doors(parts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parts.items() if name not in ("building", "unit", "room")}


def matters_of(readers: Readers, reader: AddressReader, reading: Reading) -> list[str]:
    """The message's matters in the order they were said: cut by their places first, then by what they are about."""
    if not has_matter(reading):
        return []
    items = readers.items()

    def certain(part: str, joined: bool) -> bool:
        return has_matter(reader.read(part)) and items.certain(part, joined)

    pieces = [matter for part in by_place(reading, certain) for matter in items.split(part)]
    return joined(pieces, [has_matter(reader.read(piece)) for piece in pieces])


async def place_of(session: AsyncSession, gazetteer: Gazetteer, parts: dict[str, Any], *, pin: Pin | None) -> dict[str, Any]:
    """Where the parts and the pin lie: {status, area_code, label, address, detailed, community_code, choices, parts,
    latitude, longitude, unknown_building, pin_place}. ``detailed`` says whether more than an area was named. ``pin_place``
    is where the pin lies by itself when that contradicts the words; then the pin is not this place's."""
    at = (pin.latitude, pin.longitude) if pin else None
    found = await grids.resolve(session, gazetteer, parts, pin=at)
    community = gazetteer.above(found.area_code, Level.COMMUNITY) if found.area_code else None
    elsewhere = grids.contradicted(gazetteer, parts, found, at) if at and any(parts.values()) else None
    pin_place = await place_of(session, gazetteer, {}, pin=pin) if elsewhere else None
    pin = None if pin_place else pin
    return {
        "status": found.status.value,
        "area_code": found.area_code,
        "label": found.name,
        "address": found.address,
        "detailed": pin is not None or any(parts.get(name) for name in DETAILS),
        "community_code": community.code if community else None,
        "choices": [{"area_code": c.area_code, "label": c.label, "place": c.place} for c in found.choices],
        "parts": parts,
        "latitude": pin.latitude if pin else None,
        "longitude": pin.longitude if pin else None,
        "unknown_building": found.unknown_building,
        "pin_place": pin_place,
    }


def item_of(readers: Readers, items: dict[str, Row[Any]], text: str) -> dict[str, Any]:
    """Which item a matter is: {status, code, name, category, channel, choices, named}.

    status is sure, close (``choices`` has two or three to ask about), off_list (refused, ``channel`` says where to
    turn) or unknown (the street decides). Only a clear case is refused. ``named``: the item's name or one of its keywords
    stands in the text.
    """
    ranked = readers.items().classify(text)
    ranked = [(items[code], probability) for code, probability in ranked if code in items]
    if not ranked or ranked[0][1] < KNOWN:
        return {"status": "unknown", "choices": []}
    best, probability = ranked[0]
    rival = ranked[1][1] if len(ranked) > 1 else 0.0
    if not best.admitted and probability >= REFUSE:
        return item_as_dict(best, "off_list") | {"named": any(word in text for word in (best.name, *best.keywords.split()))}
    admitted = [(item, p) for item, p in ranked if item.admitted]
    if best.admitted and (probability >= SURE or rival < probability * CLOSE_RATIO):
        return item_as_dict(best, "sure") | {"named": any(word in text for word in (best.name, *best.keywords.split()))}
    if probability < OFFERED:
        return {"status": "unknown", "choices": []}
    choices = [{"code": item.code, "name": item.name} for item, p in admitted[:CHOICES] if p >= KNOWN / 2]
    if len(choices) < 2:
        return item_as_dict(admitted[0][0], "sure") if admitted else {"status": "unknown", "choices": []}
    return {"status": "close", "choices": [c | {"status": "sure"} for c in choices]}


def item_as_dict(item: Item | Row[Any], status: str) -> dict[str, Any]:
    """The item as ``item_of`` gives it."""
    return {
        "status": status,
        "code": item.code,
        "name": item.name,
        "category": item.category,
        "channel": item.channel,
        "choices": [],
    }
