"""What the actions and the resident's page send about subsidies."""

from pydantic import BaseModel, Field


class HeardBody(BaseModel):
    text: str = Field("", max_length=10_000)
    intent: str = Field("", max_length=64)
    choice: str = Field("", max_length=120)
    media: list[str] = Field(default_factory=list, max_length=20)
    message_id: int | None = None
    starting: bool = False


class AccountBody(BaseModel):
    """Whose page it is."""

    channel: str = Field(min_length=1, max_length=16)
    address: str = Field(min_length=1, max_length=128)


class PageBody(AccountBody):
    """``once`` is the form's own key; ``start`` begins anew."""

    once: str = Field(min_length=8, max_length=64)
    text: str = Field("", max_length=2_000)
    choice: str = Field("", max_length=120)
    media: list[str] = Field(default_factory=list, max_length=20)
    start: bool = False


class ObjectionBody(AccountBody):
    text: str = Field("", max_length=2_000)
