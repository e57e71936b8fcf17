"""What the actions send about deliberations."""

from pydantic import BaseModel, ConfigDict, Field

from backend.deliberation.models import Stance


class SpeechBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=10_000)


class StanceBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    stance: Stance
