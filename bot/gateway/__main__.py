"""Run the gateway process: the resident page on its public port, and the loops behind it."""

import asyncio
import logging
import signal
import sys

import uvloop
from aiohttp import web

from bot.gateway.app import LOOPS, gateway_app
from bot.gateway.pages.assets import AssetMissing
from bot.gateway.settings import Settings
from bot.gateway.telegram_settings import TelegramSettings
from bot.gateway.worker import without_words


async def main() -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings, telegram = Settings(), TelegramSettings()
    try:
        app = with_telegram(settings, telegram) if telegram.bot_token else gateway_app(settings)
    except AssetMissing as missing:
        print(missing, file=sys.stderr)
        return 2
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5)
    await runner.setup()
    try:
        loops = app[LOOPS]
        loops.add_done_callback(lambda _: stop.set())
        await web.TCPSite(runner, settings.resident_host, settings.resident_port).start()
        await stop.wait()
        if loops.done() and (defect := loops.exception()):
            logging.getLogger(__name__).error("the loops ended by a defect", exc_info=without_words(defect))
            return 1
    finally:
        await runner.cleanup()
    return 0


def with_telegram(settings: Settings, telegram: TelegramSettings) -> web.Application:
    from bot.gateway import telegram_setup  # the library is slow to import, and few who try this out have a bot

    app = gateway_app(settings, telegram_setup.telegram(telegram))
    app.add_routes(telegram_setup.routes(telegram))
    return app


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
