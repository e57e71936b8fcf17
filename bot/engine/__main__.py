"""The engine process: python -m bot.engine."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import warnings

import uvloop

from bot.engine import lean, settings


def main() -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    quiet_rasa()
    lean.leave_out_tensorflow()
    try:
        uvloop.run(serve(settings.from_environment(os.environ)))
    except settings.SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def quiet_rasa() -> None:
    """Rasa logs and warns with the words of residents; only its errors without them pass."""
    import structlog

    warnings.simplefilter("ignore")
    logging.getLogger("rasa").setLevel(logging.ERROR)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


async def serve(configuration: settings.Settings) -> None:
    """Load the newest model and answer on the loopback interface until a signal comes."""
    # Imported here, because Rasa must not be imported before TensorFlow has been left out.
    from aiohttp import web

    from bot.engine.action_server import ActionServer
    from bot.engine.server import create_app
    from bot.engine.tracker_store import BoundedTrackerStore
    from bot.engine.turns import Engine, TurnProcessor

    processor = TurnProcessor(configuration.newest_model())
    # The first text of all makes jieba read its dictionary; no resident shall wait for that.
    await processor.parse("你好")
    store = BoundedTrackerStore(configuration.tracker_url, processor.domain)
    action_server = ActionServer(
        configuration.actions_url,
        configuration.action_timeout,
        processor.domain,
        digest=processor.model_metadata.model_id,
    )
    processor.connect(store, action_server)
    runner = web.AppRunner(create_app(Engine(processor, store), configuration.service_token))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", configuration.port).start()
    logging.getLogger(__name__).info("ready with %s", processor.model_filename)
    stopped = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stopped.set)
    await stopped.wait()
    await runner.cleanup()
    await action_server.close()
    await store.close()


if __name__ == "__main__":
    sys.exit(main())
