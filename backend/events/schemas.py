"""What the actions send about events."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class ReportBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    description: str = Field(min_length=1, max_length=10_000)
    area_code: str = Field(min_length=1, max_length=32)
    address: str = Field("", max_length=400)
    item_code: str | None = None
    place: dict[str, Any] = Field(default_factory=dict)
    photos: list[str] = Field(default_factory=list, max_length=20)
    anonymous: bool = False
    urgent: bool = False
    unplaced: bool = False
    latitude: float | None = Field(None, ge=-90, le=90)
    longitude: float | None = Field(None, ge=-180, le=180)
    message_id: int | None = None


class Supplement(BaseModel):
    text: str = Field("", max_length=10_000)
    photos: list[str] = Field(default_factory=list, max_length=20)


class Verdict(BaseModel):
    solved: bool
    note: str = Field("", max_length=4000)


class Stars(BaseModel):
    stars: int


class RefusalBody(BaseModel):
    item_code: str = Field(max_length=32)
