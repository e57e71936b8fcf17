"""What the actions send about subsidies."""

from pydantic import BaseModel, Field


class HeardBody(BaseModel):
    text: str = Field("", max_length=10_000)
    intent: str = Field("", max_length=64)
    choice: str = Field("", max_length=120)
    media: list[str] = Field(default_factory=list, max_length=20)
    message_id: int | None = None
    starting: bool = False
