from datetime import date
from pathlib import Path

from backend.clock import FakeClock
from backend.db import Database
from backend.house import desk_factory
from backend.importing import import_city
from backend.settings import Settings
from wording import Sentences


async def test_an_import_of_holidays_is_noticed_by_a_desk_that_knew_others(
    database: Database, clock: FakeClock, sentences: Sentences, tmp_path: Path
) -> None:
    desk_of = desk_factory(Settings(), clock, sentences)

    async def known() -> dict[date, bool]:
        async with database.read() as session:
            return (await desk_of(session)).calendar.holidays

    assert await known() == {}
    for day in ("2026-11-24", "2026-11-25"):
        (tmp_path / "holidays.csv").write_text(f"day,name,working\n{day},节,0\n", encoding="utf-8")
        async with database.write() as session:
            (result,) = await import_city(session, tmp_path)
        assert result.problems == []
        assert await known() == {date.fromisoformat(day): False}
