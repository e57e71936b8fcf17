"""What the actions and the page send about 公开."""

from pydantic import BaseModel, Field

SEARCH_LIMIT, MOST_PAGES = 200, 500


class Search(BaseModel):
    """``q`` are words, ``area`` and ``topic`` codes; ``page`` counts from 1."""

    q: str = Field("", max_length=SEARCH_LIMIT)
    area: str = Field("", max_length=64)
    topic: str = Field("", max_length=64)
    page: int = Field(1, ge=1, le=MOST_PAGES)


class Wish(BaseModel):
    """``topic`` is a code or "" for all; ``area`` a code, or a level above the resident's community."""

    topic: str = Field("", max_length=32)
    area: str = Field("", max_length=32)
