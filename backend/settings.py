"""The backend's settings, read from the environment once, in the composition root."""

from datetime import time
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Settings(BaseSettings):
    """Every setting is an environment variable ``LINLITONG_<NAME>``; docs/operations.md lists them."""

    model_config = SettingsConfigDict(env_prefix="LINLITONG_", hide_input_in_errors=True)

    home: Path = Path("var")
    database_url: str = ""
    backend_port: int = 8091
    staff_host: str = "127.0.0.1"
    staff_port: int = 8090
    service_token: str = ""
    engine_url: str = "http://127.0.0.1:5005"
    timezone: str = "Asia/Shanghai"
    verify_hours: int = Field(72, ge=1)
    reopen_days: int = Field(7, ge=0)
    duplicate_days: int = Field(14, ge=0)
    consult_claim_hours: int = Field(12, ge=1)
    office_opens: time = time(8, 30)
    office_closes: time = Field(time(17, 30), validate_default=True)
    desk_minutes_grid: int = Field(5, ge=1)
    desk_minutes_community: int = Field(10, ge=1)
    quiet_from: time = time(22, 0)
    quiet_until: time = time(7, 0)
    session_hours: int = Field(12, ge=1)
    cookie_secure: bool = False
    vault_keys: str = ""
    vault_hashing_key: str = ""
    media_max_bytes: int = 20 * 1024 * 1024
    metrics_token: str = ""
    sms_url: str = ""
    sms_token: str = Field("", validate_default=True)

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("there is no time zone of this name; one is Asia/Shanghai") from None
        return name

    @field_validator("office_closes")
    @classmethod
    def _after_opening(cls, closes: time, others: ValidationInfo) -> time:
        if (opens := others.data.get("office_opens")) and closes <= opens:
            raise ValueError("the office closes after it has opened, and on the same day")
        return closes

    @field_validator("sms_url")
    @classmethod
    def _guarded(cls, address: str) -> str:
        """Numbers and codes travel there."""
        try:
            url = urlsplit(address)
            safe = url.scheme == "https" or (url.scheme == "http" and url.hostname in _LOOPBACK)
        except ValueError:
            raise ValueError("this is no address") from None
        if address and not (safe and url.hostname and url.username is None):
            raise ValueError("it needs https, or http on this machine, and no name in it")
        return address

    @field_validator("sms_token")
    @classmethod
    def _with_token(cls, token: str, others: ValidationInfo) -> str:
        if others.data.get("sms_url") and not token:
            raise ValueError("the SMS gateway needs a token")
        return token

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def url(self) -> str:
        """The SQLAlchemy URL: the one that was set, else SQLite under ``home``."""
        return self.database_url or f"sqlite+aiosqlite:///{self.home.resolve() / 'linlitong.db'}"
