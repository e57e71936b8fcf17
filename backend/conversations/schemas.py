"""What the gateway sends about messages and turns."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from backend.conversations.models import MessageKind


class Location(BaseModel):
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)


class InboundMessage(BaseModel):
    model_config = ConfigDict(extra="forbid")

    channel: str = Field(min_length=1, max_length=16)
    external_id: str = Field(min_length=1, max_length=128)
    address: str = Field(min_length=1, max_length=128)
    kind: MessageKind
    text: str = Field("", max_length=100_000)
    title: str = Field("", max_length=1000)
    display_name: str = Field("", max_length=1000)
    media: list[str] = Field(default_factory=list, max_length=20)
    location: Location | None = None
    edited: bool = False
    refused: bool = False
    contact: str = Field("", max_length=32)  # the phone of the sender's own account, where the channel vouches for it
    sent_at: str | None = None
    worker: str = Field("", max_length=64)  # who takes up its turn at once, if it may be


class Blocking(BaseModel):
    """A resident blocked the channel's bot, or did so no longer."""

    channel: str = Field(min_length=1, max_length=16)
    address: str = Field(min_length=1, max_length=128)
    blocked: bool


class Claim(BaseModel):
    worker: str = Field(min_length=1, max_length=64)
    limit: int = Field(16, ge=1, le=200)
    wait_seconds: float = Field(0, ge=0, le=30)


class Finish(BaseModel):
    worker: str
    replies: list[dict[str, Any]] = Field(default_factory=list, max_length=50)
    watched: bool = False
    danger: bool = False
    at_once: list[str] = Field(default_factory=list, max_length=10)  # channels that read the record themselves


class Fail(BaseModel):
    worker: str
    code: str = Field("", max_length=64)


class Release(BaseModel):
    worker: str = Field(min_length=1, max_length=64)


class Handoff(BaseModel):
    reason: str = Field("", max_length=200)
    community: str | None = None
    grid: str | None = Field(None, max_length=32)
    in_form: bool = False
