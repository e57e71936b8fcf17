"""The gateway's settings, read from the environment once, in the composition root."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every setting is an environment variable ``LINLITONG_<NAME>``; docs/operations.md lists them."""

    model_config = SettingsConfigDict(env_prefix="LINLITONG_")

    home: Path = Path("var")
    backend_url: str = "http://127.0.0.1:8091"
    engine_url: str = "http://127.0.0.1:5005"
    service_token: str = ""
    resident_host: str = "127.0.0.1"
    resident_port: int = 8080
    gateway_worker: str = Field("gateway-1", min_length=1, max_length=64)
    gateway_turns: int = Field(8, ge=1)
    gateway_deliveries: int = Field(32, ge=1)
    messages_per_minute: int = Field(60, ge=1)
    media_max_bytes: int = 20 * 1024 * 1024
    cookie_secure: bool = False
