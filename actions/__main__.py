"""Run the action server on loopback."""

import asyncio
import logging
import signal
from pathlib import Path

import uvloop
from aiohttp import web
from rasa_sdk.executor import ActionExecutor

from actions import (
    broadcasts,
    correction,
    deliberation,
    disclosure,
    emergency,
    guide,
    handoff,
    legal,
    legal_aid,
    mediation,
    opinions,
    personal,
    report,
    status,
    subsidies,
    unsure,
    votes,
)
from actions.backend_client import Backend
from actions.server import action_app
from actions.settings import Settings
from actions.turn import House, HouseAction
from wording import Sentences

DOMAIN = Path(__file__).parent.parent / "domain.yml"
MODULES = (
    broadcasts,
    correction,
    disclosure,
    deliberation,
    emergency,
    guide,
    handoff,
    legal,
    legal_aid,
    opinions,
    mediation,
    personal,
    report,
    status,
    subsidies,
    unsure,
    votes,
)


def executor(house: House) -> ActionExecutor:
    """An executor that knows every HouseAction of our modules."""
    found = ActionExecutor()
    for module in MODULES:
        for kind in vars(module).values():
            if (
                isinstance(kind, type)
                and issubclass(kind, HouseAction)
                and kind.__module__ == module.__name__
                and kind.action_name
            ):
                found.register_action(kind(house))
    return found


async def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = Settings()
    house = House(Backend(settings.backend_url, settings.service_token), Sentences.load(DOMAIN))
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    runner = web.AppRunner(action_app(executor(house)), access_log=None, shutdown_timeout=5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", settings.actions_port).start()
        await stop.wait()
    finally:
        await runner.cleanup()
        await house.backend.close()


if __name__ == "__main__":
    uvloop.run(main())
