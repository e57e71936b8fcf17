"""What is sealed opens with its key only, is found by its hash, and is uncovered with a reason that stays."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import func, select, text

from backend.app import internal_app
from backend.clock import FakeClock
from backend.conversations.models import Message
from backend.db import Database
from backend.errors import BadInput
from backend.settings import Settings
from backend.vault import service
from backend.vault.models import Secret, VaultItem, VaultUncovering
from backend.vault.numbers import check_digit
from backend.vault.service import Vault, WrongKey
from tests.support.small_city import build

OLD, NEW, HASHING = "11" * 32, "22" * 32, "33" * 32
NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)


def vault(keys: str) -> Vault:
    return Vault.load(keys, HASHING, Path("nowhere"))


async def test_a_value_is_sealed_found_and_opened(database: Database):
    keys = vault(f"a:{OLD}")
    async with database.write() as session:
        item = await service.put(session, keys, Secret.PHONE, "13800000000", resident_id=None, now=NOW)
        again = await service.put(session, keys, Secret.PHONE, "13800000000", resident_id=None, now=NOW)
    assert keys.open(item) == "13800000000"
    assert item.lookup == again.lookup == keys.hash(Secret.PHONE, "13800000000")
    assert item.sealed != again.sealed
    assert b"138" not in item.sealed
    item.kind = Secret.BANK
    with pytest.raises(WrongKey):
        keys.open(item)


async def test_rotation_seals_everything_anew_and_then_the_old_key_is_not_needed(database: Database):
    before, both, after = vault(f"a:{OLD}"), vault(f"b:{NEW},a:{OLD}"), vault(f"b:{NEW}")
    async with database.write() as session:
        for n in range(3):
            await service.put(session, before, Secret.PHONE, f"1380000000{n}", resident_id=None, now=NOW)
    async with database.write() as session:
        assert [await service.rotate(session, both), await service.rotate(session, both)] == [3, 0]
    async with database.read() as session:
        items = list(await session.scalars(select(VaultItem).order_by(VaultItem.id)))
        assert [after.open(item) for item in items] == ["13800000000", "13800000001", "13800000002"]
        with pytest.raises(WrongKey):
            before.open(items[0])


async def test_uncovering_needs_a_reason_and_is_written_down(database: Database):
    keys = vault(f"a:{OLD}")
    async with database.write() as session:
        city = await build(session)
        item = await service.put(session, keys, Secret.PHONE, "13800000000", resident_id=None, now=NOW)
    staff = city.scopes["community1"].staff_id
    async with database.write() as session:
        with pytest.raises(BadInput):
            await service.uncover(session, keys, item.id, staff_id=staff, reason=" 看 ", now=NOW)
    async with database.write() as session:
        _, value = await service.uncover(session, keys, item.id, staff_id=staff, reason="核对银行退票", now=NOW)
        assert value == "13800000000"
    async with database.read() as session:
        seen = (await session.scalars(select(VaultUncovering))).all()
        assert [(one.item_id, one.staff_id, one.reason) for one in seen] == [(item.id, staff, "核对银行退票")]


def test_keys_are_made_once_and_only_the_owner_reads_them(tmp_path: Path):
    first, second = Vault.load("", "", tmp_path), Vault.load("", "", tmp_path)
    assert first == second
    assert (tmp_path / "vault.json").stat().st_mode & 0o777 == 0o600
    with pytest.raises(ValueError, match="64 hex digits"):
        Vault.load("a:1234", HASHING, tmp_path)


async def test_two_hundred_marked_numbers_never_reach_the_plain_columns_or_the_turn(
    database: Database, clock: FakeClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    app = internal_app(Settings(home=tmp_path, service_token="t"), database, clock)
    born = date(1944, 1, 1)
    identities = [f"321202{born.replace(year=1930 + n):%Y%m%d}{n:03d}" for n in range(67)]
    marked = [body + check_digit(body) for body in identities]
    marked += [f"1380000{n:04d}" for n in range(67)] + [f"62000000000000{n:02d}"[:16] for n in range(66)]
    async with TestClient(TestServer(app)) as client:
        client.session.headers["Authorization"] = "Bearer t"
        for n, number in enumerate(marked):
            sent = {"channel": "web", "external_id": f"m{n}", "address": f"r{n % 5}", "kind": "text"}
            answer = await client.post("/internal/v1/messages", json=sent | {"text": f"我的号码{number}办好了吗"})
            assert answer.status == 201
        claimed = await (await client.post("/internal/v1/turns/claim", json={"worker": "w", "limit": 5})).text()
    async with database.read() as session:
        texts = (await session.scalars(select(Message.text))).all()
        assert len(texts) == 200
        assert await session.scalar(select(func.count()).select_from(VaultItem)) >= 134
        everything = [claimed, caplog.text]
        for table in await session.run_sync(lambda s: s.connection().dialect.get_table_names(s.connection())):
            everything += [repr(tuple(row)) for row in await session.execute(text(f'SELECT * FROM "{table}"'))]
    whole = "\n".join(everything)
    assert "我的号码" in whole
    assert [number for number in marked if number in whole] == []
