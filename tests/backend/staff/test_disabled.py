"""An account that another process has disabled is out within a second: pages, programs, streams and the messenger."""

import asyncio
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from backend.clock import SystemClock
from backend.conversations.models import Message, MessageKind
from backend.conversations.service import Inbound
from backend.db import Database
from backend.house import DESK
from backend.staff.conversations import Sealed
from backend.staff.models import Staff
from backend.staff_chat import service as staff_chat
from backend.staff_chat.models import StaffChat
from backend.web import VAULT
from tests.backend.staff.town import town_over

ELSEWHERE = """
import asyncio, sys, time
from backend import models
from backend.clock import SystemClock
from backend.db import Database
from backend.staff import service

async def main():
    database = Database(sys.argv[1])
    async with database.read() as session:
        await service.by_username(session, "community")
    print("ready", flush=True)
    sys.stdin.readline()
    async with database.write() as session:
        await service.disable(session, await service.by_username(session, "community"), now=SystemClock().now())
    print(time.time(), flush=True)
    await database.close()

asyncio.run(main())
"""


async def test_whoever_was_disabled_by_another_process_is_out_within_a_second(
    database: Database, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    async with town_over(database, SystemClock(), tmp_path) as town:
        token = await town.token("community")
        conversation_id = await town.waits()
        assert (await town.api("POST", f"/api/v1/conversations/{conversation_id}/claim", token=token))[0] == 200
        async with database.write() as session:
            staff = (await session.scalars(select(Staff).where(Staff.username == "community"))).one()
            values = {"conversation_id": conversation_id, "linked_at": SystemClock().now() - timedelta(minutes=1)}
            session.add(StaffChat(staff_id=staff.id, channel="telegram", address="4711", **values))
        other = await asyncio.create_subprocess_exec(
            sys.executable, "-c", ELSEWHERE, database.url, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert other.stdin
        assert other.stdout
        assert await other.stdout.readline() == b"ready\n"
        cookie = {"Cookie": f"linlitong_staff={token}"}
        ends: dict[str, float] = {}

        async def listens() -> None:
            async with town.client.get("/stream?desk", headers=cookie) as stream:
                async for line in stream.content:
                    if line.startswith(b"event: gone"):
                        ends["stream"] = time.time()

        async def asks(what: str, path: str, headers: dict[str, str]) -> None:
            while what not in ends:
                async with town.client.get(path, headers=headers, allow_redirects=False) as answer:
                    if answer.status != 200:
                        ends[what] = time.time()
                await asyncio.sleep(0.01)

        # A form that was begun before and is sent in full only after: what takes long gains nothing.
        reader, writer = await asyncio.open_connection("127.0.0.1", town.client.port)
        body = b"csrf=csrf-of-community&as=reply&text=%E8%BF%98%E5%9C%A8"
        head = f"POST /conversations/{conversation_id}/replies HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
        head += "Content-Type: application/x-www-form-urlencoded\r\n"
        writer.write(f"{head}{'Cookie: ' + cookie['Cookie']}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body[:10])
        watching = asyncio.gather(
            listens(),
            asks("page", "/conversations", cookie),
            asks("program", "/api/v1/sessions", {"Authorization": f"Bearer {token}"}),
        )
        await asyncio.sleep(0.3)
        other.stdin.write(b"\n")
        committed = float(await other.stdout.readline())
        await asyncio.wait_for(watching, 10)
        writer.write(body[10:])
        late = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        assert b"Location: /conversations/" not in late, late[:200]
        said = Inbound(channel="telegram", external_id="1", address="4711", kind=MessageKind.TEXT, text="我还在")
        async with database.write() as session:
            desk = await town.client.app[DESK](session)  # type: ignore[union-attr]
            taken = await staff_chat.take(session, said, desk=desk, sealed=Sealed(town.client.app[VAULT], []))  # type: ignore[union-attr]
        assert taken is None, "what is typed there is a resident's from now on"
        await other.wait()
        async with database.read() as session:
            texts = set(await session.scalars(select(Message.text).where(Message.conversation_id == conversation_id)))
        assert texts.isdisjoint({"还在", "我还在"})
        waited = {what: round(at - committed, 3) for what, at in ends.items()}
        record_property("seconds", str(waited))
        assert max(waited.values()) < 1.0, waited
