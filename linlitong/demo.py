"""The demo city for an empty record, and accounts for its staff with passwords made for this installation.

``python -m linlitong.demo`` does nothing where there is a city already.
"""

import asyncio
import csv
import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from argon2 import PasswordHasher
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue.models import Department
from backend.db import Database
from backend.grids.models import Area
from backend.staff.models import Staff
from linlitong import demo_talks
from linlitong.home import ROOT, Home

FILE = "demo-staff.csv"
COLUMNS = ("username", "password", "role", "scope")
# A random password of 72 bits cannot be guessed, however quick the hash; 570 slow ones would take a minute.
QUICK = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)


async def load(home: Home) -> int:
    """Loads the city and makes the accounts where that is due; returns the exit code of the import.

    The file of accounts stands without rows while this goes on, so that a load that was cut short is taken up again.
    """
    file = home.path / FILE
    database = Database(home.database_url)
    try:
        async with database.read() as session:
            empty = await session.scalar(select(Area.code).limit(1)) is None
        if not empty and not (file.exists() and _is_unfinished(file)):
            return 0
        _write(file, [])
        importing = await asyncio.create_subprocess_exec(sys.executable, "-m", "linlitong", "import", str(ROOT / "demo"))
        if code := await importing.wait():
            return code
        subsidies = str(ROOT / "demo" / "subsidies")
        importing = await asyncio.create_subprocess_exec(sys.executable, "-m", "linlitong", "subsidies", "import", subsidies)
        if code := await importing.wait():
            return code
        dwellings = str(ROOT / "demo" / "dwellings")
        importing = await asyncio.create_subprocess_exec(sys.executable, "-m", "linlitong", "dwellings", "import", dwellings)
        if code := await importing.wait():
            return code
        async with database.write() as session:
            accounts = await _make_accounts(session)
        await demo_talks.play(home, database)
        _write(file, accounts)
    finally:
        await database.close()
    return 0


async def _make_accounts(session: AsyncSession) -> list[tuple[str, str, str, str]]:
    """Gives every staff member a new password; returns the rows of the file."""
    areas = {area.code: area for area in await session.scalars(select(Area))}
    departments = {one.code: one.name for one in await session.scalars(select(Department))}
    rows = []
    for staff in await session.scalars(select(Staff).order_by(Staff.id)):
        password = secrets.token_urlsafe(9)
        staff.password_hash = QUICK.hash(password)
        scope = _full_name(areas, staff.area_code) if staff.area_code else departments[staff.department_code or ""]
        rows.append((staff.username, password, str(staff.role), scope))
    return rows


def _full_name(areas: dict[str, Area], code: str) -> str:
    """The area's name after those of the areas around it, without the city's: 海陵区城东街道宫涵社区."""
    codes = areas[code].path.rstrip("/").split("/")
    return "".join(areas[one].name for one in codes[1:]) or areas[code].name


def _is_unfinished(file: Path) -> bool:
    return len(file.read_text(encoding="utf-8").splitlines()) == 1


def _write(file: Path, rows: Sequence[tuple[str, ...]]) -> None:
    part = file.with_name(f".{file.name}")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([COLUMNS, *rows])
    part.replace(file)


if __name__ == "__main__":
    sys.exit(asyncio.run(load(Home.from_environment())))
