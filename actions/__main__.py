"""Run the action server on loopback."""

import os
from pathlib import Path

from rasa_sdk.endpoint import run
from rasa_sdk.executor import ActionExecutor

from actions import (
    broadcasts,
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
from actions.settings import Settings
from actions.turn import House, HouseAction
from wording import Sentences

DOMAIN = Path(__file__).parent.parent / "domain.yml"
MODULES = (
    broadcasts,
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
            if isinstance(kind, type) and issubclass(kind, HouseAction) and kind.__module__ == module.__name__:
                found.register_action(kind(house))
    return found


def main() -> None:
    settings = Settings()
    os.environ["SANIC_HOST"] = "127.0.0.1"  # rasa_sdk listens on every interface otherwise
    house = House(Backend(settings.backend_url, settings.service_token), Sentences.load(DOMAIN))
    run(executor(house), port=settings.actions_port, cors_origins=[])


if __name__ == "__main__":
    main()
