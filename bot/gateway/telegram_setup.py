"""Telegram in the gateway: the channel for what goes out, polling or a webhook for what comes in."""

import asyncio
import logging
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web
from telegram.error import InvalidToken, RetryAfter, TelegramError

from bot.gateway.app import CHANNELS, Context
from bot.gateway.channels.telegram import Telegram
from bot.gateway.pages.api import BACKEND, TURNS
from bot.gateway.pauses import Pauses
from bot.gateway.telegram_bot import TelegramBot, reason_of, seconds_of
from bot.gateway.telegram_files import Files
from bot.gateway.telegram_intake import Intake
from bot.gateway.telegram_pace import Pace
from bot.gateway.telegram_polling import Polling
from bot.gateway.telegram_settings import TelegramSettings
from bot.gateway.telegram_webhook import INTAKE, SECRET, announce, path_of, receive, secret_of
from bot.gateway.worker import without_words

logger = logging.getLogger(__name__)

COMMANDS = [("start", "开始"), ("help", "看看能办什么")]


def routes(settings: TelegramSettings) -> list[web.RouteDef]:
    """What the gateway serves for Telegram: the webhook, if there is one."""
    return [web.post(path_of(settings), receive)] if settings.webhook_url else []


def telegram(settings: TelegramSettings, pace: Pace | None = None) -> Context:
    """A cleanup context that puts Telegram into the gateway. Whatever happens to it, the rest goes on."""

    async def context(app: web.Application) -> AsyncIterator[None]:
        bot = TelegramBot(settings.bot_token, settings.api_base_url)
        backend, speed = app[BACKEND], pace or Pace()
        async with aiohttp.ClientSession(trust_env=True, cookie_jar=aiohttp.DummyCookieJar()) as http:
            app[CHANNELS][Telegram.name] = Telegram(bot, backend.media, speed)
            app[INTAKE] = intake = Intake(bot, backend, app[TURNS], Files(bot, http), speed)
            app[SECRET] = secret_of(settings)
            task = asyncio.create_task(_receive(bot, intake, settings))
            yield
            task.cancel()
            await asyncio.wait({task})
        await bot.shutdown()

    return context


async def _receive(bot: TelegramBot, intake: Intake, settings: TelegramSettings) -> None:
    pauses = Pauses(longest=30.0)
    while True:
        try:
            await bot.initialize()
            await bot.set_my_commands(COMMANDS)
            if settings.webhook_url:
                await announce(bot, settings)
                logger.info("Telegram calls the webhook of @%s", bot.username)
                return
            await bot.delete_webhook()
            logger.info("fetching the updates of @%s", bot.username)
            await Polling(bot, intake).run()
        except InvalidToken:
            logger.error("Telegram refuses TELEGRAM_BOT_TOKEN: Telegram is off until it is right; the web page goes on")
            return
        except RetryAfter as wait:
            await asyncio.sleep(seconds_of(wait))
        except TelegramError as failure:
            logger.warning("Telegram cannot be reached yet: %s", reason_of(failure))
            await pauses.wait()
        except Exception as defect:
            logger.error("receiving from Telegram: a defect", exc_info=without_words(defect))
            await pauses.wait()
