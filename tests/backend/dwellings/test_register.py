"""The register of dwellings: what a file may say, and the electorates that are drawn from it."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select

from backend.db import Database
from backend.dwellings import importing
from backend.dwellings.models import Dweller, Dwelling
from backend.dwellings.service import is_adult
from backend.vault.models import Secret
from backend.vault.service import Vault, put
from backend.votes.models import Vote, VoteLog, VoteUnit
from tests.backend.staff.test_votes import DRAFT, Desk
from tests.backend.staff.town import Town

TODAY = date(2026, 11, 24)
HOMES = """community,unit,grid,part,area_m2,owner,owner_name,owner_phone
GH,1-101,GH1,1号楼,89.37,O-1,王秀兰,10000030001
GH,1-102,GH1,1号楼,61.5,,李建国,
GH,2-101,GH2,2号楼,100,O-1,王秀兰,10000030001
JP,1-101,JP1,1号楼,70,,赵敏,
"""
PEOPLE = """community,unit,code,name,born,representative,phone
GH,1-101,P1,王秀兰,1960-05-01,1,10000030001
GH,1-101,P2,王小宝,2008-11-25,,
GH,1-101,P3,周强,1958-02-03,,
GH,1-102,P4,李建国,1980-01-01,,
GH,2-101,P5,孙芳,2008-11-24,1,
JP,1-101,P1,赵敏,1990-01-01,1,
"""


async def load(database: Database, folder: Path, homes: str = HOMES, people: str = PEOPLE) -> list[str]:
    """Import the two files; returns what was wrong with them."""
    (folder / "dwellings.csv").write_text(homes, encoding="utf-8")
    (folder / "dwellers.csv").write_text(people, encoding="utf-8")
    async with database.write() as session:
        tables = await importing.read_register(session, folder, today=TODAY)
        problems = [f"{p.file}:{p.line} {p.reason}" for table in tables for p in table.problems]
        if not problems:
            vault = Vault.load("", "", folder)
            await importing.write_register(session, *tables, vault=vault)
        return problems


async def drawn(town: Town, *, area: str = "GH", who: str = "community", **more: str) -> list[tuple[str, str, str, int]]:
    """What the console draws for a new vote: (unit, name, part, cm²)."""
    desk = await Desk.of(town, who)
    _, _, where = await desk.post("/votes", **DRAFT | {"area": area} | more)
    status, said, _ = await desk.post(f"{where}/register")
    assert status == 303, said
    async with town.database.read() as session:
        rows = await session.execute(
            select(VoteUnit.code, VoteUnit.name, VoteUnit.part, VoteUnit.area)
            .join(Vote, Vote.id == VoteUnit.vote_id)
            .where(Vote.number == where.rpartition("/")[2])
            .order_by(VoteUnit.id)
        )
        return [tuple(row) for row in rows]


async def test_an_electorate_is_drawn_by_person_household_representative_and_dwelling(town: Town) -> None:
    assert await load(town.database, town.home) == []
    adults = [("P1", "王秀兰", "1号楼"), ("P3", "周强", "1号楼"), ("P4", "李建国", "1号楼"), ("P5", "孙芳", "2号楼")]
    assert await drawn(town, basis="person") == [(*one, 0) for one in adults]
    households = [("1-101", "王秀兰", "1号楼"), ("1-102", "李建国", "1号楼"), ("2-101", "孙芳", "2号楼")]
    assert await drawn(town, basis="household") == [(*one, 0) for one in households]
    named = [("P1", "王秀兰", "1号楼"), ("P5", "孙芳", "2号楼")]
    assert await drawn(town, basis="representative") == [(*one, 0) for one in named]
    owners = await drawn(town, basis="dwelling", rule="owners", public="1")
    assert owners == [("1-101", "王秀兰", "1号楼", 1_893_700), ("1-102", "李建国", "1号楼", 615_000)]
    city = await drawn(town, area="LL", who="admin", basis="representative")
    assert [unit for unit, *_ in city] == ["GH-P1", "GH-P5", "JP-P1"], "the same number in two communities"


async def test_a_drawn_list_is_frozen_with_the_vote_and_a_second_import_changes_it_no_more(town: Town) -> None:
    await load(town.database, town.home)
    desk = await Desk.of(town)
    _, _, where = await desk.post("/votes", **DRAFT | {"keyholders": "王秀兰", "keys_needed": "1"})
    assert (await desk.post(f"{where}/register"))[0] == 303
    assert "由登记抽取" in (await desk.get(where))[1]
    await desk.post(f"{where}/keys", holder="1")
    assert (await desk.post(f"{where}/announce"))[0] == 303
    assert (
        await load(town.database, town.home, HOMES.replace("GH,1-102", "GH,1-103"), PEOPLE.replace("GH,1-102", "GH,1-103"))
        == []
    )
    status, said, _ = await desk.post(f"{where}/register")
    assert (status, "不能再改" in said) == (409, True)
    async with town.database.read() as session:
        units = list(await session.scalars(select(VoteUnit.code).order_by(VoteUnit.id)))
        refused = list(await session.scalars(select(VoteLog.details).where(VoteLog.refused)))
    assert (units, refused) == (["1-101", "1-102", "2-101"], [{"code": "vote_frozen"}])


async def test_importing_again_replaces_the_communities_it_names_and_no_other_and_keeps_no_phone(town: Town) -> None:
    await load(town.database, town.home)
    homes = "\n".join(HOMES.splitlines()[:1]) + "\nGH,9-901,,9号楼,50,,新业主,\n"
    people = PEOPLE.splitlines()[0] + "\nGH,9-901,P9,新业主,1990-01-01,1,10000030009\n"
    assert await load(town.database, town.home, homes, people) == []
    async with town.database.read() as session:
        known = [(one.community_code, one.code) for one in await session.scalars(select(Dwelling).order_by(Dwelling.id))]
        phones = set(await session.scalars(select(Dweller.phone)))
    assert sorted(known) == [("GH", "9-901"), ("JP", "1-101")]
    assert {len(phone) for phone in phones} <= {0, 64}


async def test_wrong_rows_are_named_and_nothing_is_written(town: Town) -> None:
    homes = HOMES + "GH,1-101,,,1,,,\nXX,1,,,1,,,\nGH,3-1,JP1,,0,,,\nGH,3-2,,,-5,,,99\n"
    people = PEOPLE + "GH,9-9,P8,某人,1990-01-01,,\nGH,1-101,P9,某人,2030-01-01,1,\nGH,1-102,P4,某人,昨天,,\n"
    problems = await load(town.database, town.home, homes, people)
    reasons = {problem.partition(" ")[0] + " " + problem.partition(" ")[2] for problem in problems}
    assert reasons == {
        "dwellings.csv:6 与第2行重复。",
        "dwellings.csv:7 没有编码为XX的社区。",
        "dwellings.csv:8 面积要大于 0。",
        "dwellings.csv:8 这个网格不在这个社区里。",
        "dwellings.csv:9 面积要大于 0。",
        "dwellings.csv:9 不是电话号码。",
        "dwellers.csv:8 dwellings.csv 里没有这一户。",
        "dwellers.csv:9 出生日期在将来，请核对。",
        "dwellers.csv:9 一户只能有一位代表。",
        "dwellers.csv:10 应填日期，如1980-10-01。",
        "dwellers.csv:10 与第5行重复。",
    }
    async with town.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Dwelling)) == 0


async def test_an_area_that_is_not_registered_or_has_no_areas_draws_nothing(town: Town) -> None:
    desk = await Desk.of(town)
    _, _, where = await desk.post("/votes", **DRAFT)
    status, said, _ = await desk.post(f"{where}/register")
    assert (status, "登记里没有这个范围的住户" in said) == (409, True)
    await load(town.database, town.home, HOMES.replace("61.5", ""))
    _, _, where = await desk.post("/votes", **DRAFT | {"basis": "dwelling", "rule": "owners", "public": "1"})
    status, said, _ = await desk.post(f"{where}/register")
    assert (status, "登记里有 1 套房屋没有面积" in said) == (409, True)


async def test_the_log_of_a_staff_check_says_whether_the_phone_is_the_register_s(town: Town) -> None:
    await load(town.database, town.home)
    desk = await Desk.of(town)
    _, _, where = await desk.post("/votes", **DRAFT | {"keyholders": "王秀兰", "keys_needed": "1"})
    await desk.post(f"{where}/register")
    await desk.post(f"{where}/keys", holder="1")
    await desk.post(f"{where}/announce")
    conversation = await town.waits(resident="r1")
    resident, vault = (await town.says("在吗")).resident_id, Vault.load("", "", town.home)
    async with town.database.write() as session:
        await put(session, vault, Secret.PHONE, "10000030001", resident_id=resident, now=town.clock.now())
    for unit in ("1-101", "1-102"):
        status, said, _ = await desk.post(f"{where}/matches", unit=unit, conversation=str(conversation))
        assert status == 303, said
    assert "手机号与登记一致" in (await desk.get(where))[1]
    async with town.database.read() as session:
        rows = list(await session.scalars(select(VoteLog.details).where(VoteLog.what == "matched").order_by(VoteLog.id)))
    assert rows == [{"unit": "1-101", "phone": True}, {"unit": "1-102", "phone": None}]


@pytest.mark.parametrize(
    ("born", "on", "adult"),
    [
        (date(2008, 11, 24), date(2026, 11, 24), True),
        (date(2008, 11, 25), date(2026, 11, 24), False),
        (date(2008, 2, 29), date(2026, 2, 28), False),
        (date(2008, 2, 29), date(2026, 3, 1), True),
    ],
)
def test_one_is_adult_on_the_eighteenth_birthday(born: date, on: date, adult: bool) -> None:
    assert is_adult(born, on=on) is adult
