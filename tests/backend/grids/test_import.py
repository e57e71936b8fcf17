"""A city from CSV files: everything wrong is said, nothing wrong is written, twice is once."""

import csv
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import func, select

from backend.catalogue.models import Department, Duty, Guide, Item
from backend.db import Database
from backend.grids import service as grids
from backend.grids.models import Area, GridKind, Level, Place
from backend.importing import FileResult, import_city
from backend.staff.models import Role, Staff

ROOT = Path(__file__).parent.parent.parent.parent
DEMO = ROOT / "demo"


async def imported(database: Database, folder: Path) -> dict[str, FileResult]:
    async with database.write() as session:
        return {result.file: result for result in await import_city(session, folder)}


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """A copy of the demo city to spoil."""
    folder = tmp_path / "city"
    shutil.copytree(DEMO, folder)
    return folder


def problems(result: FileResult) -> list[tuple[int, str, str]]:
    return [(problem.line, problem.column, problem.reason) for problem in result.problems]


async def test_the_demo_city_is_as_large_as_promised(database: Database) -> None:
    results = await imported(database, DEMO)

    assert [problems(result) for result in results.values()] == [[]] * 12
    async with database.read() as session:
        levels = Counter(await session.scalars(select(Area.level)))
        kinds = Counter(await session.scalars(select(Area.kind)))
        admitted = list(await session.scalars(select(Item).where(Item.admitted)))
        refused = list(await session.scalars(select(Item).where(~Item.admitted)))
        with_buildings = await session.scalar(select(func.count(Place.grid_code.distinct())).where(Place.building != ""))
        departments = await session.scalar(
            select(func.count(Duty.department_code.distinct())).where(Duty.department_code != "")
        )
        roles = set(await session.scalars(select(Staff.role).distinct()))
    assert (levels[Level.DISTRICT], levels[Level.STREET], levels[Level.COMMUNITY], levels[Level.GRID]) == (2, 9, 27, 219)
    assert [kinds[kind] for kind in (GridKind.PARK, GridKind.MARKET, GridKind.INDUSTRIAL)] == [1, 1, 1]
    assert with_buildings == 219
    assert (len(admitted), len({item.category for item in admitted})) == (31, 6)
    assert all(item.channel for item in refused)
    assert len(refused) == 12
    assert departments >= 20
    assert roles == set(Role)


async def test_importing_twice_changes_nothing(database: Database) -> None:
    await imported(database, DEMO)
    async with database.read() as session:
        before = await grids.current(session, None)

    again = await imported(database, DEMO)

    assert {name: result.changes.total for name, result in again.items()} == dict.fromkeys(again, 0)
    async with database.read() as session:
        assert await grids.current(session, before) is before


async def test_every_wrong_row_is_reported_and_its_file_not_written(database: Database, city: Path) -> None:
    with (city / "places.csv").open("a", encoding="utf-8") as file:
        file.write("NOWHERE,幸福里,,,1,,\nHL-CD-GH-1,,,,,,\nHL-CD-GH-1,,,12,2,91,x\nHL-CD-GH-1,幸福里,长街,9-3,,,\n")
    with (city / "items.csv").open("a", encoding="utf-8") as file:
        file.write("x_new,不在受理范围,新事项,0,,,\nroad,市政设施,又是道路,也许,0,,\n")

    results = await imported(database, city)

    assert problems(results["places.csv"]) == [
        (1530, "grid_code", "没有编码为NOWHERE的网格。"),
        (1531, "compound", "小区、道路、楼栋至少填一项。"),
        (1532, "latitude", "应在-90到90之间。"),
        (1532, "longitude", "应填数字。"),
        (1532, "road", "有门牌号就要填道路。"),
        (1533, "house_number", "应填一个号码，或从小到大的一段，如88、1-99、1-99单、2-98双。"),
    ]
    assert problems(results["items.csv"]) == [
        (45, "channel", "不受理的事项要写明该找哪里。"),
        (46, "admitted", "只能填1或0。"),
        (46, "due_hours", "应在1到2000之间。"),
        (46, "code", "与第3行重复。"),
        (46, "channel", "不受理的事项要写明该找哪里。"),
    ]
    assert results["areas.csv"].changes is not None
    assert results["items.csv"].changes is None
    assert (results["duties.csv"].changes, results["duties.csv"].held_by) == (None, "items.csv")
    async with database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Place)) == 0
        assert await session.scalar(select(func.count()).select_from(Item)) == 0
        assert await session.scalar(select(func.count()).select_from(Area)) == 258


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("code,name\n1,甲\n".encode(), (1, "phone", "表头缺少这一列。")),
        (b"code,name,phone,fax\n", (1, "fax", "表头多出这一列。")),
        ("code,name,phone\nA,财政局\n".encode(), (2, "", "应有3列，实有2列。")),
        ("code,name,phone\nA,财政局,\nA 1,水利局,\n".encode(), (3, "code", "编码只能用字母、数字、短横和下划线，最多32个。")),
        ("code,name,phone\nA,财\0政局,\n".encode(), (2, "name", "含有看不见的字符。")),
        ('code,name,phone\nA,"财政局,\n'.encode(), (2, "", "引号没有配对，这一行读不懂。")),
        ("code,name,phone\nA,财政局,\n".encode("gbk"), (2, "", "不是UTF-8编码，请另存为“CSV UTF-8”后再导入。")),
    ],
)
async def test_a_file_that_cannot_be_read_says_where(
    database: Database, tmp_path: Path, content: bytes, expected: tuple[int, str, str]
) -> None:
    (tmp_path / "departments.csv").write_bytes(content)

    results = await imported(database, tmp_path)

    assert problems(results["departments.csv"]) == [expected]


async def test_what_names_a_file_that_cannot_be_read_is_held_and_not_blamed(database: Database, city: Path) -> None:
    departments = city / "departments.csv"
    departments.write_bytes(departments.read_text(encoding="utf-8").encode("gbk"))

    results = await imported(database, city)

    assert len(problems(results["departments.csv"])) == 1
    for name in ("duties.csv", "staff.csv"):
        assert (results[name].held_by, results[name].changes, problems(results[name])) == ("departments.csv", None, []), name


async def test_a_byte_order_mark_and_blank_lines_are_no_error(database: Database, tmp_path: Path) -> None:
    (tmp_path / "departments.csv").write_bytes("\ufeffcode,name,phone\r\n\r\nA,财政局,\r\n,,\r\n".encode())

    results = await imported(database, tmp_path)

    assert results["departments.csv"].changes.added == 1


async def test_the_tree_of_areas_must_be_sound(database: Database, tmp_path: Path) -> None:
    header = "code,parent_code,level,name,kind,phone,address,latitude,longitude\n"
    rows = "C,,city,市,,,,,\nD,C,district,东区,,,,,\nG,D,grid,第一网格,,,,,\nX,Y,street,城东街道,,,,,\nE,C,district,东区,,,,,\n"
    (tmp_path / "areas.csv").write_text(header + rows, encoding="utf-8")

    results = await imported(database, tmp_path)

    assert problems(results["areas.csv"]) == [
        (4, "parent_code", "上级应当正好高一级（市、区、街道、社区、网格）。"),
        (5, "parent_code", "没有编码为Y的上级。"),
        (6, "name", "与第3行同名。"),
    ]


async def test_a_changed_file_changes_only_its_rows(database: Database, city: Path) -> None:
    await imported(database, DEMO)
    _edit(city / "places.csv", drop=1, change={"building": "2"}, to={"building": "52"})
    _edit(city / "items.csv", change={"code": "road"}, to={"due_hours": "20"})

    results = await imported(database, city)

    assert (results["places.csv"].changes.removed, results["places.csv"].changes.added) == (2, 1)
    assert (results["items.csv"].changes.changed, results["items.csv"].changes.total) == (1, 1)
    async with database.read() as session:
        road = await session.get_one(Item, "road")
    assert (road.due_hours, road.version) == (20, 2)


def _edit(path: Path, *, change: dict[str, str], to: dict[str, str], drop: int = 0) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[drop:]
    row = next(row for row in rows if change.items() <= row.items())
    row.update(to)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


async def test_an_area_cannot_move_under_another(database: Database, city: Path) -> None:
    await imported(database, DEMO)
    _edit(city / "areas.csv", change={"code": "HL-CD-GH"}, to={"parent_code": "HL-NY"})

    results = await imported(database, city)

    assert problems(results["areas.csv"]) == [(5, "parent_code", "已导入的区划不能改换上级或层级，请用新的编码。")]


async def test_passwords_survive_an_import(database: Database, city: Path) -> None:
    await imported(database, DEMO)
    async with database.write() as session:
        (await session.scalars(select(Staff).where(Staff.username == "admin"))).one().password_hash = "kept"
    _edit(city / "staff.csv", change={"username": "admin"}, to={"phone": "10000009999"})

    await imported(database, city)

    async with database.read() as session:
        admin = (await session.scalars(select(Staff).where(Staff.username == "admin"))).one()
    assert (admin.password_hash, admin.phone) == ("kept", "10000009999")


async def test_staff_must_sit_where_their_role_sits(database: Database, city: Path) -> None:
    _edit(city / "staff.csv", change={"username": "wg-hl-cd-gh-1"}, to={"area_code": "HL-CD-GH"})
    _edit(city / "staff.csv", change={"username": "bm-zj"}, to={"department_code": "NONE"})

    results = await imported(database, city)

    assert [(column, reason) for _, column, reason in problems(results["staff.csv"])] == [
        ("area_code", "要填已有的、与角色同一层级的区划编码。"),
        ("department_code", "部门人员要填已有的部门编码。"),
    ]


@pytest.mark.slow
async def test_ten_thousand_grids_import_in_under_a_minute(database: Database, tmp_path: Path) -> None:
    large_city(tmp_path)

    started = time.monotonic()
    results = await imported(database, tmp_path)
    took = time.monotonic() - started

    assert {name: result.changes.added for name, result in results.items()} == {"areas.csv": 10_626, "places.csv": 60_000}
    assert took < 60


def large_city(folder: Path) -> None:
    """10,000 grids in 500 communities, six buildings each."""
    areas = ["C,,city,大市,,,,,", "D,C,district,大区,,,,,"]
    places = []
    for s in range(124):
        areas.append(f"S{s},D,street,第{s}街道,,,,,")
    for c in range(500):
        areas.append(f"M{c},S{c % 124},community,第{c}社区,,,,,")
        for g in range(20):
            areas.append(f"G{c}-{g},M{c},grid,第{g + 1}网格,,,,32.{c:03d}{g:02d},119.{c:03d}{g:02d}")
            places += [f"G{c}-{g},第{c}小区,,,{g * 6 + b + 1},," for b in range(6)]
    header = "code,parent_code,level,name,kind,phone,address,latitude,longitude\n"
    (folder / "areas.csv").write_text(header + "\n".join(areas) + "\n", encoding="utf-8")
    header = "grid_code,compound,road,house_number,building,latitude,longitude\n"
    (folder / "places.csv").write_text(header + "\n".join(places) + "\n", encoding="utf-8")


def test_the_command_lists_errors_and_exits_with_one(sqlite_url: str, city: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "LINLITONG_HOME": str(tmp_path / "home"), "LINLITONG_DATABASE_URL": sqlite_url}

    def run(folder: Path) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "linlitong", "import", str(folder)]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)

    good = run(DEMO)
    with (city / "guides.csv").open("a", encoding="utf-8") as file:
        file.write("new,,,\n")
    bad = run(city)

    assert good.returncode == 0
    assert "areas.csv: 新增258，更改0，删除0，不变0。" in good.stdout
    assert "宫涵社区 2000 ns\n" in (tmp_path / "home" / "registry.dict").read_text(encoding="utf-8")
    assert bad.returncode == 1
    assert bad.stderr.splitlines() == ["guides.csv:61 [question] 不能为空。", "guides.csv:61 [answer] 不能为空。"]
    assert "guides.csv: 2处错误，没有写入。" in bad.stdout


async def test_guides_and_departments_come_along(database: Database) -> None:
    await imported(database, DEMO)

    async with database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Guide)) == 59
        assert await session.scalar(select(func.count()).select_from(Department)) == 27
