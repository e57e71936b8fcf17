"""A gateway that is killed while residents write: every message is in the record once, in order."""

import asyncio
import os
import random
import signal
import sys
from pathlib import Path

import pytest

from tests.gateway.running import TOKEN, Town
from tests.gateway.telegram_town import TelegramTown, telegram_town, until

CHATS = range(1, 5)
KILLS = 3
SEED = 20261124


async def start(telegram: TelegramTown, town: Town, home: Path) -> asyncio.subprocess.Process:
    """A gateway process with the bot, on a port of its own."""
    environment = {
        **os.environ,
        "LINLITONG_HOME": str(home),
        "LINLITONG_BACKEND_URL": town.backend.url,
        "LINLITONG_ENGINE_URL": town.engine_server.url,
        "LINLITONG_SERVICE_TOKEN": TOKEN,
        "LINLITONG_GATEWAY_WORKER": "gateway-killed",
        "LINLITONG_RESIDENT_PORT": "0",
        "TELEGRAM_BOT_TOKEN": telegram.settings.bot_token,
        "TELEGRAM_API_BASE_URL": telegram.settings.api_base_url,
    }
    polls = telegram.api.calls.count("getUpdates")
    with (home / "gateway.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot.gateway", env=environment, stderr=log)
    await until(lambda: telegram.api.calls.count("getUpdates") > polls, 30)
    return process


@pytest.mark.slow
async def test_killed_again_and_again_nothing_is_lost_or_doubled(sqlite_url: str, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    said: dict[int, list[str]] = {chat: [] for chat in CHATS}
    async with telegram_town(sqlite_url, tmp_path, start=False) as telegram:

        async def write() -> None:
            """Residents write while their messages are fetched, stored and confirmed."""
            for number in range(25):
                chat = chance.choice(CHATS)
                said[chat].append(f"第{number}句")
                telegram.api.say(chat, f"第{number}句，第{len(said[chat])}条")
                await asyncio.sleep(chance.uniform(0, 0.03))

        for _ in range(KILLS):
            process = await start(telegram, telegram.town, tmp_path)
            writing = asyncio.create_task(write())
            await asyncio.sleep(chance.uniform(0.05, 0.5))
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()
            await writing
        left = len(telegram.api.updates)
        process = await start(telegram, telegram.town, tmp_path)
        try:
            for chat in CHATS:
                rows = await telegram.stored(chat, len(said[chat]))
                assert [row.text.partition("，")[0] for row in rows] == said[chat]
        finally:
            process.terminate()
            assert await process.wait() == 0
        assert left > 0, "no kill came in time"
        assert b"Traceback" not in (tmp_path / "gateway.log").read_bytes()
