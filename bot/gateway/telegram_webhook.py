"""Being called by Telegram: an update is answered 200 only when it is stored; anything else makes Telegram try again."""

import hashlib
import hmac
import logging

from aiohttp import web

from bot.gateway.backend_client import BackendDown
from bot.gateway.telegram_bot import UPDATES, TelegramBot
from bot.gateway.telegram_intake import Intake
from bot.gateway.telegram_settings import TelegramSettings

logger = logging.getLogger(__name__)

HEADER = "X-Telegram-Bot-Api-Secret-Token"
INTAKE = web.AppKey("intake", Intake)
SECRET = web.AppKey("webhook_secret", str)


def path_of(settings: TelegramSettings) -> str:
    """The path that Telegram calls; nobody guesses it without the token."""
    return f"/telegram/{_derived(settings, 'path')}"


def secret_of(settings: TelegramSettings) -> str:
    """TELEGRAM_WEBHOOK_SECRET, or one made of the token."""
    return settings.webhook_secret or _derived(settings, "secret")


def _derived(settings: TelegramSettings, use: str) -> str:
    return hmac.new(settings.bot_token.encode(), f"linlitong webhook {use}".encode(), hashlib.sha256).hexdigest()[:48]


async def announce(bot: TelegramBot, settings: TelegramSettings) -> None:
    """Tell Telegram where to call. One call at a time keeps each resident's messages in order."""
    url = settings.webhook_url.rstrip("/") + path_of(settings)
    await bot.set_webhook(url, max_connections=1, allowed_updates=UPDATES, secret_token=secret_of(settings))


async def receive(request: web.Request) -> web.Response:
    given = request.headers.get(HEADER, "")
    if not hmac.compare_digest(given.encode(), request.app[SECRET].encode()):
        raise web.HTTPForbidden
    try:
        update = await request.json()
    except ValueError:
        raise web.HTTPBadRequest from None
    if not isinstance(update, dict) or not isinstance(update.get("update_id"), int):
        raise web.HTTPBadRequest
    try:
        await request.app[INTAKE].take(update)
    except BackendDown as down:
        logger.warning("update %s is not stored: %s", update["update_id"], down)
        return web.Response(status=503)
    return web.Response()
