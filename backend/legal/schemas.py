"""What the actions send about consults."""

from pydantic import BaseModel, Field


class Question(BaseModel):
    text: str = Field(max_length=10_000)


class FileConsult(BaseModel):
    question: str = Field(max_length=10_000)
    media: list[str] = Field(default_factory=list, max_length=20)


class FollowUp(BaseModel):
    text: str = Field("", max_length=10_000)
    media: list[str] = Field(default_factory=list, max_length=20)


class Stars(BaseModel):
    stars: int = Field(ge=1, le=5)


class ContactAnswer(BaseModel):
    """``agree`` with the phone that the message ``message_id`` brought, which the vault keeps."""

    agree: bool
    message_id: int | None = None
