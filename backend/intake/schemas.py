"""What the actions ask to be read."""

from typing import Any

from pydantic import BaseModel, Field


class Pin(BaseModel):
    latitude: float
    longitude: float


class ReadBody(BaseModel):
    """``parts`` are the address parts read before, ``pin`` a pin that came before; ``choice`` the parts of a place that was
    offered and chosen."""

    text: str = Field("", max_length=10_000)
    location: Pin | None = None
    pin: Pin | None = None
    parts: dict[str, Any] = Field(default_factory=dict)
    choice: dict[str, Any] = Field(default_factory=dict)


class GuideBody(BaseModel):
    text: str = Field("", max_length=10_000)
    parts: dict[str, Any] = Field(default_factory=dict)
    item_code: str | None = None
