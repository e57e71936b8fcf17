"""导出我的数据 and 删除我的数据: over every table and file, the engine asked to forget, the kept things listed."""

import asyncio
import io
import json
import shutil
import zipfile
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import select, text

import backend.app
import backend.console.app  # noqa: F401 - every table
from backend.clock import FakeClock
from backend.conversations import service as conversations
from backend.conversations.models import Conversation, Message, MessageKind
from backend.db import Database
from backend.events import service as events
from backend.house import desk_factory
from backend.media import service as media
from backend.models import metadata
from backend.outbox.models import Delivery, DeliveryState
from backend.personal import clerk, service
from backend.personal.models import Wish
from backend.residents.models import Resident
from backend.settings import Settings
from backend.vault.models import Secret
from backend.vault.service import Vault, put
from tests.support.small_city import build, resident
from wording import Sentences

MARK = "我叫张伟民的路灯"
ROOTS = {"resident", "conversation", "message", "account"}


class Engine:
    """The engine's one call that matters here."""

    def __init__(self) -> None:
        self.forgotten: list[str] = []

    async def delete(self, request: web.Request) -> web.Response:
        self.forgotten.append(request.match_info["key"])
        return web.json_response({"deleted": True})


@pytest.fixture
async def engine():
    engine, app = Engine(), web.Application()
    app.router.add_delete("/conversations/{key}", engine.delete)
    async with TestServer(app) as server:
        yield engine, str(server.make_url("/"))


async def someone(database: Database, clock: FakeClock, sentences: Sentences, home: Path) -> tuple[Conversation, str]:
    """A resident with a message, a photo, a number, and an event."""
    async with database.write() as session:
        await build(session)
        conversation = await resident(session, "r1", now=clock.now())
        photo = await media.store(
            session,
            home / "media",
            b"jpeg",
            mime="image/jpeg",
            size=(1, 1),
            resident_id=conversation.resident_id,
            now=clock.now(),
        )
        inbound = conversations.Inbound("web", "m2", "r1", MessageKind.PHOTO, text=MARK, media=[photo.key])
        (await conversations.accept(session, inbound, now=clock.now())).message.turn_state = conversations.TurnState.DONE
        vault = Vault({"a": b"1" * 32}, b"2" * 32)
        await put(session, vault, Secret.PHONE, "13800000000", resident_id=conversation.resident_id, now=clock.now())
        desk = await desk_factory(Settings(), clock, sentences)(session)
        report = events.Report(description=MARK, area_code="g1", address="3号楼", item_code="streetlight")
        await events.file_event(session, report, desk=desk, conversation=conversation, message_id=None)
        return conversation, photo.key


async def deliver(database: Database) -> None:
    async with database.write() as session:
        for delivery in await session.scalars(select(Delivery)):
            delivery.state = DeliveryState.DELIVERED


async def everything(database: Database) -> str:
    async with database.read() as session:
        rows = [await session.execute(text(f'SELECT * FROM "{name}"')) for name in metadata.tables]
        return "\n".join(repr(tuple(row)) for result in rows for row in result)


def test_every_table_that_names_a_resident_has_its_place_in_the_plan():
    named = {
        table.name
        for table in metadata.tables.values()
        for column in table.columns
        if any(key.column.table.name in ROOTS for key in column.foreign_keys)
        or column.name in ("resident_id", "conversation_id")
    }
    assert sorted(named - service.PLAN.keys()) == []


async def test_deleted_is_deleted_everywhere_and_what_is_kept_is_said(
    database: Database, clock: FakeClock, sentences: Sentences, tmp_path: Path, engine
):
    forgetful, url = engine
    settings = Settings(home=tmp_path, engine_url=url, service_token="t")
    conversation, photo = await someone(database, clock, sentences, tmp_path)
    assert MARK in await everything(database)
    async with database.write() as session:
        row = await session.get_one(Conversation, conversation.id)
        assert await service.ask(session, row, Wish.ERASE, now=clock.now())
        assert not await service.ask(session, row, Wish.ERASE, now=clock.now())
    assert await clerk.run_once(database, clock, settings, sentences) == 1
    async with database.read() as session:
        (said,) = (await session.scalars(select(Message.text))).all()
    assert "按规定留存的：上报的事 1 件（已去掉您的信息）" in said
    assert not media.path_of(tmp_path / "media", photo).exists()
    assert await clerk.run_once(database, clock, settings, sentences) == 0
    await deliver(database)
    assert await clerk.run_once(database, clock, settings, sentences) == 1
    assert forgetful.forgotten == [conversation.tracker_key]
    left = await everything(database)
    for gone in (MARK, "张伟民", conversation.tracker_key, photo, "'r1'"):
        assert gone not in left, gone
    async with database.read() as session:
        assert (await session.scalars(select(Resident))).all() == []


async def test_the_job_begins_when_the_turn_is_answered_and_ends_by_itself(
    database: Database, clock: FakeClock, sentences: Sentences, tmp_path: Path, engine
):
    forgetful, url = engine
    conversation, _ = await someone(database, clock, sentences, tmp_path)
    async with database.write() as session:
        asked = (await session.scalars(select(Message).where(Message.text == MARK))).one()
        asked.turn_state = conversations.TurnState.RUNNING
        await service.ask(session, await session.get_one(Conversation, conversation.id), Wish.ERASE, now=clock.now())
    settings = Settings(home=tmp_path, engine_url=url, service_token="t")
    job = asyncio.create_task(clerk.keep_up(database, clock, settings, sentences))
    await asyncio.sleep(0.5)
    assert MARK in await everything(database)
    async with database.write() as session:
        (await session.get_one(Message, asked.id)).turn_state = conversations.TurnState.DONE
    for _ in range(100):  # it looks again within seconds; the clerk's own round comes after 20
        if MARK not in await everything(database):
            break
        await asyncio.sleep(0.1)
    await deliver(database)
    async with asyncio.timeout(10):
        await job
    assert MARK not in await everything(database)
    assert forgetful.forgotten == [conversation.tracker_key]


async def test_while_the_engine_is_away_the_account_waits(
    database: Database, clock: FakeClock, sentences: Sentences, tmp_path: Path
):
    settings = Settings(home=tmp_path, engine_url="http://127.0.0.1:9", service_token="t")
    conversation, _ = await someone(database, clock, sentences, tmp_path)
    async with database.write() as session:
        await service.ask(session, await session.get_one(Conversation, conversation.id), Wish.ERASE, now=clock.now())
    assert await clerk.run_once(database, clock, settings, sentences) == 1
    await deliver(database)
    assert await clerk.run_once(database, clock, settings, sentences) == 0


async def test_the_export_holds_words_and_files_and_no_full_number(
    database: Database, clock: FakeClock, sentences: Sentences, tmp_path: Path
):
    conversation, photo = await someone(database, clock, sentences, tmp_path)
    async with database.write() as session:
        await service.ask(session, await session.get_one(Conversation, conversation.id), Wish.EXPORT, now=clock.now())
    assert await clerk.run_once(database, clock, Settings(home=tmp_path), sentences) == 1
    async with database.read() as session:
        (key,) = (await session.scalars(select(Message).order_by(Message.id.desc()).limit(1))).one().payload["media"]
    with zipfile.ZipFile(io.BytesIO(media.path_of(tmp_path / "media", key).read_bytes())) as archive:
        data = json.loads(archive.read("data.json"))
        assert archive.read(f"media/{photo}") == b"jpeg"
    assert MARK in [message["text"] for message in data["message"]]
    assert [item["masked"] for item in data["vault_item"]] == ["138****0000"]
    assert "13800000000" not in json.dumps(data)
    shutil.rmtree(tmp_path / "media")
