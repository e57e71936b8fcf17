"""What the actions send about votes."""

from pydantic import BaseModel, ConfigDict, Field


class BallotBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    unit: int = Field(ge=1, lt=2**63)
    ballot: str = Field("", max_length=4000)


class CodeBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    code: str = Field(min_length=1, max_length=200)


class UnitBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    unit: int = Field(ge=1, lt=2**63)
