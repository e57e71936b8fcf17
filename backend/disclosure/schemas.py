"""What the actions send about 公开."""

from pydantic import BaseModel, Field


class Wish(BaseModel):
    """``topic`` is a code or "" for all; ``area`` a code, or a level above the resident's community."""

    topic: str = Field("", max_length=32)
    area: str = Field("", max_length=32)
