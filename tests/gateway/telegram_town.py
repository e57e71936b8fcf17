"""A gateway with a Telegram bot beside the town's own, Telegram's servers, and a look into the record."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from sqlalchemy import select

from backend.conversations import service as conversations
from backend.conversations.models import Author, Conversation, Message
from backend.outbox import service as outbox
from backend.outbox.models import Delivery
from backend.residents.models import Account
from bot.gateway import telegram_setup
from bot.gateway.app import gateway_app
from bot.gateway.settings import Settings
from bot.gateway.telegram_pace import Pace
from bot.gateway.telegram_settings import TelegramSettings
from tests.gateway.fake_bot_api import TOKEN as BOT_TOKEN
from tests.gateway.fake_bot_api import FakeBotApi
from tests.gateway.running import TOKEN, Server, Town, town


@dataclass
class TelegramTown:
    town: Town
    api: FakeBotApi
    api_server: Server
    gateway: Server
    settings: TelegramSettings

    async def rows(self, chat: int, author: Author = Author.RESIDENT) -> list[Message]:
        """What is recorded of a chat, in order."""
        async with self.town.database.read() as session:
            return list(
                await session.scalars(
                    select(Message)
                    .join(Conversation, Conversation.id == Message.conversation_id)
                    .join(Account, Account.id == Conversation.account_id)
                    .where(Account.channel == "telegram", Account.address == str(chat), Message.author == author)
                    .order_by(Message.sequence)
                )
            )

    async def stored(self, chat: int, count: int) -> list[Message]:
        """The resident's messages of a chat, once there are ``count`` and everything before was confirmed to Telegram."""
        await until(lambda: not self.api.updates)
        rows = await self.rows(chat)
        assert len(rows) == count
        return rows

    async def answered(self, chat: int, count: int) -> list[dict[str, Any]]:
        """What arrived in a chat, once there are ``count`` messages."""
        await until(lambda: len(self.arrived(chat)) >= count)
        assert len(self.arrived(chat)) == count
        return self.arrived(chat)

    def arrived(self, chat: int) -> list[dict[str, Any]]:
        return [message for message in self.api.sent if message["chat"]["id"] == chat]

    async def push(self, chat: int, text: str, **options: Any) -> None:
        """Tell a resident something, as a backend service does it."""
        async with self.town.database.write() as session:
            conversation = await conversations.find(session, channel="telegram", address=str(chat))
            assert conversation is not None
            await outbox.say(session, conversation, now=datetime.now(UTC), text=text, **options)

    async def deliveries(self, state: str, count: int) -> list[Delivery]:
        """All deliveries, once ``count`` are in ``state``."""
        async with asyncio.timeout(10):
            while True:
                async with self.town.database.read() as session:
                    rows = list(await session.scalars(select(Delivery).order_by(Delivery.id)))
                if [row.state.value for row in rows].count(state) == count:
                    return rows
                await asyncio.sleep(0.05)


async def until(done: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not done():  # noqa: ASYNC110 - nobody rings when it happens
            await asyncio.sleep(0.02)


@asynccontextmanager
async def telegram_town(
    database_url: str, home: Path, *, pace: Pace | None = None, start: bool = True, **settings: str
) -> AsyncIterator[TelegramTown]:
    """Everything runs; the bot's gateway is not started where ``start`` is False. No pace by default."""
    api = FakeBotApi()
    api_server = Server(api.app)
    await api_server.start()
    telegram = TelegramSettings(bot_token=BOT_TOKEN, api_base_url=api_server.url, **settings)
    async with town(database_url, home) as everything:
        gateway_settings = Settings(
            backend_url=everything.backend.url,
            engine_url=everything.engine_server.url,
            service_token=TOKEN,
            home=home,
            gateway_worker="gateway-telegram",
        )

        def build() -> web.Application:
            speed = pace or Pace(per_second=1000, chat_pause=0.0)
            app = gateway_app(gateway_settings, telegram_setup.telegram(telegram, speed))
            app.add_routes(telegram_setup.routes(telegram))
            return app

        gateway = Server(build)
        if start:
            await gateway.start()
        try:
            yield TelegramTown(everything, api, api_server, gateway, telegram)
        finally:
            await gateway.stop()
            await api_server.stop()
    assert api.refusals == [], "Telegram was given what it refuses"
