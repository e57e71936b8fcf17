"""The action server's settings, read from the environment."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every setting is an environment variable ``LINLITONG_<NAME>``; docs/operations.md lists them."""

    model_config = SettingsConfigDict(env_prefix="LINLITONG_")

    backend_url: str = "http://127.0.0.1:8091"
    actions_port: int = 5055
    service_token: str = ""
