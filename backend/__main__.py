"""Run the backend process: the internal API on loopback and the console on its public port."""

import asyncio
import logging
import signal

import uvloop
from aiohttp import web

from backend.app import internal_app
from backend.console.app import console_app
from backend.db import Database
from backend.intake.routes import readers_of
from backend.legal.law import Law
from backend.settings import Settings


async def main() -> None:
    settings = Settings()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    database = Database(settings.url)
    law, readers = Law(settings.home), readers_of(settings)
    runners = []
    try:
        for app, host, port in (
            (internal_app(settings, database, law=law, readers=readers), "127.0.0.1", settings.backend_port),
            (console_app(settings, database, law=law, readers=readers), settings.staff_host, settings.staff_port),
        ):
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=5)
            await runner.setup()
            runners.append(runner)
            await web.TCPSite(runner, host, port).start()
        stop = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        await stop.wait()
    finally:
        for runner in runners:
            await runner.cleanup()
        await database.close()


if __name__ == "__main__":
    uvloop.run(main())
