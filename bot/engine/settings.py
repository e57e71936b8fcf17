"""Settings of the engine process, read from the environment once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ENGINE_HOME = Path(__file__).parent
CONFIG_FILE = ENGINE_HOME / "config.yml"


class SettingsError(Exception):
    """A setting is missing or wrong."""


@dataclass(frozen=True)
class Settings:
    """Where the engine listens, where its model and tracker are, and whom it calls.

    action_timeout is in seconds, for one call of the action server.
    """

    home: Path
    port: int
    actions_url: str
    tracker_url: str
    service_token: str | None
    action_timeout: float = 5.0

    @property
    def models(self) -> Path:
        """The folder of trained models."""
        return self.home / "models"

    def newest_model(self) -> Path:
        """The model that was trained last. Raises SettingsError when there is none."""
        models = sorted(self.models.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime_ns)
        if not models:
            raise SettingsError(f"no model in {self.models}: run python -m bot.engine.training")
        return models[-1]


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Settings from LINLITONG_* variables. Raises SettingsError when a port is not a number."""
    home = Path(environment.get("LINLITONG_HOME") or "var").resolve()
    port = environment.get("LINLITONG_ENGINE_PORT") or "5005"
    if not port.isdecimal():
        raise SettingsError("LINLITONG_ENGINE_PORT must be a number")
    return Settings(
        home=home,
        port=int(port),
        actions_url=environment.get("LINLITONG_ACTIONS_URL") or "http://127.0.0.1:5055/webhook",
        tracker_url=environment.get("LINLITONG_TRACKER_URL") or f"sqlite:///{home}/engine/tracker.db",
        service_token=environment.get("LINLITONG_SERVICE_TOKEN") or None,
    )
