"""Duties, refusals and guides of the demo city."""

import csv
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from backend.catalogue import service as catalogue
from backend.catalogue.models import HandlerKind, Refusal
from backend.catalogue.service import Advice, Guides
from backend.db import Database
from backend.importing import import_city

HERE = Path(__file__).parent
DEMO = HERE.parent.parent.parent / "demo"


@pytest.fixture
async def city(database: Database) -> Database:
    async with database.write() as session:
        await import_city(session, DEMO)
    return database


@pytest.mark.parametrize(
    ("item", "path", "expected"),
    [
        ("streetlight", "LL/HL/HL-CD/HL-CD-GH/HL-CD-GH-1/", (HandlerKind.DEPARTMENT, "SZ")),
        ("noise", "LL/HL/HL-SZ/HL-SZ-YA/HL-SZ-YA-3/", (HandlerKind.GRID, "")),  # the community's own rule
        ("noise", "LL/HL/HL-CD/HL-CD-GH/HL-CD-GH-1/", None),  # two departments
        ("leak", "LL/HL/HL-CD/HL-CD-GH/HL-CD-GH-1/", (HandlerKind.COMMUNITY, "")),
        ("greening", "LL/HL/HL-CD/HL-CD-FH/HL-CD-FH-T1/", (HandlerKind.DEPARTMENT, "YL")),
        ("x_stock", "LL/HL/HL-CD/HL-CD-GH/HL-CD-GH-1/", None),  # no duty at all
    ],
)
async def test_the_most_specific_duty_wins_where_exactly_one_fits(
    city: Database, item: str, path: str, expected: tuple[HandlerKind, str] | None
) -> None:
    async with city.read() as session:
        assert await catalogue.handler_for(session, item, path) == expected


async def test_refusals_are_counted_by_day(city: Database) -> None:
    for day in (1, 1, 2):
        async with city.write() as session:
            await catalogue.count_refusal(session, "x_stock", date(2026, 11, day))

    async with city.read() as session:
        first = await session.get_one(Refusal, ("x_stock", date(2026, 11, 1)))
    assert first.count == 2


async def test_items_list_the_admitted_first(city: Database) -> None:
    async with city.read() as session:
        items = await catalogue.items(session)
    assert [item.admitted for item in items] == [True] * 31 + [False] * 12


async def test_paraphrases_find_their_guide(city: Database) -> None:
    with (HERE / "paraphrases.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    outcome: Counter[str] = Counter()
    async with city.read() as session:
        guides = await Guides.load(session)
    for row in rows:
        found = guides.find(row["text"])
        key = found.key if found else ""
        outcome["right" if key == row["key"] else "missed" if not key else "wrong"] += 1
    assert outcome["right"] >= 0.95 * len(rows)
    assert outcome["wrong"] <= 1


def test_without_guides_there_is_no_answer() -> None:
    assert Guides([]).best("几点上班") is None
    assert Guides([Advice(key="a", question="几点上班？", keywords="", answer="")]).best("")[1] == 0
