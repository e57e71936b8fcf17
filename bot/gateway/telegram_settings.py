"""Telegram's settings, read from the environment; docs/telegram.md explains them."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class TelegramSettings(BaseSettings):
    """Every setting is an environment variable ``TELEGRAM_<NAME>``. Without a bot token there is no Telegram."""

    model_config = SettingsConfigDict(env_prefix="TELEGRAM_", hide_input_in_errors=True)

    bot_token: str = Field("", repr=False)
    api_base_url: str = "https://api.telegram.org"
    webhook_url: str = ""
    webhook_secret: str = Field("", repr=False, pattern=r"^[A-Za-z0-9_-]{0,256}$")
