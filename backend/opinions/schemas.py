"""What the actions send about opinions."""

from pydantic import BaseModel, Field

from backend.intake.schemas import Pin


class ReadOpinion(BaseModel):
    """``area_code`` is the place that was settled on before, if any."""

    text: str = Field("", max_length=10_000)
    location: Pin | None = None
    area_code: str | None = Field(None, max_length=32)


class FileOpinion(BaseModel):
    text: str = Field(min_length=1, max_length=10_000)
    area_code: str = Field(min_length=1, max_length=32)
    address: str = Field("", max_length=400)
    public: bool = False
    media: list[str] = Field(default_factory=list, max_length=20)


class Stars(BaseModel):
    stars: int


class Publicity(BaseModel):
    public: bool
