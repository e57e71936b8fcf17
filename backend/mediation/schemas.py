"""What actions and staff send about mediations, and what staff see."""

from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from backend.mediation.ladder import Kind, Matter
from backend.mediation.models import Answer, MediationState, Origin, Side, SittingState

NUMBER = r"^(?:\d{4}-\d{4})?$"


class Words(BaseModel):
    """``number``: the event or consult that it came from; its words stand for ``text`` where that is empty."""

    text: str = Field("", max_length=10_000)
    number: str = Field("", pattern=NUMBER)


class FileMediation(Words):
    """Without a ``kind`` it is given by rule."""

    area_code: str = Field(min_length=1, max_length=32)
    kind: Kind | None = None


class ChosenMediator(BaseModel):
    """0: the desk names one."""

    mediator: int = Field(ge=0, lt=2**53)


class Code(BaseModel):
    """Without ``agree`` it is only looked at."""

    code: str = Field(min_length=1, max_length=20)
    agree: bool | None = None


class Coming(BaseModel):
    coming: bool


# What staff see and send: the pages and the HTTP API


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MediatorCard(Shape):
    mediator_id: int
    name: str
    title: str
    area: str


class RoomCard(Shape):
    code: str
    name: str
    address: str


class PartyCard(Shape):
    """``in_chat``: told in their own chat; ``phone``: masked, where staff wrote one down; ``given_at``: when they had the
    agreement.
    """

    side: Side
    name: str
    phone: str
    in_chat: bool
    answer: Answer
    given_at: datetime | None


class SittingCard(Shape):
    rung: str
    room: str
    starts_at: datetime
    ends_at: datetime
    state: SittingState
    mediator: str
    place: str
    minutes: str


class StepCard(Shape):
    """One thing that was done; ``who`` is a staff member's name, "" for a party (``side``) and for time."""

    step: str
    rung: str
    at: datetime
    who: str
    side: Side | None
    note: str


class MediationCard(Shape):
    """``rung`` is the present one, ``ladder`` all of them with the present one in 【】."""

    number: str
    matter: Matter
    matter_name: str
    kind: Kind | None
    rung: str
    ladder: str
    state: MediationState
    state_name: str
    origin: Origin
    origin_name: str
    source_number: str
    area: str
    text: str
    mediator: str
    sitting_at: datetime | None
    due_at: datetime | None
    late: bool
    created_at: datetime
    mine: bool


class MediationPage(MediationCard):
    """With what may be done: ``mediators`` and ``rooms`` to choose from where this rung is the asker's (``mine``)."""

    parties: list[PartyCard]
    mediator_id: int | None
    mediators: list[MediatorCard]
    rooms: list[RoomCard]
    sittings: list[SittingCard]
    may_agree: bool
    agreement: str
    history: list[StepCard]


class MediationList(Shape):
    """``figures``: how many there are in each state, and how many were agreed on each rung (``agreed_0`` the lowest)."""

    mediations: list[MediationCard]
    figures: dict[str, int]


class NewMediation(Shape):
    """From an ``event`` of a resident, who is asked first; or from the counter or another house, with words and names."""

    event: str = Field("", pattern=NUMBER)
    text: str = Field("", max_length=2000)
    area_code: str = Field("", max_length=32)
    matter: Matter | None = None
    kind: Kind | None = None
    origin: Origin = Origin.COUNTER
    applicant: str = Field("", max_length=64)
    respondent: str = Field("", max_length=64)


class OtherParty(Shape):
    """Without a ``phone`` the one that is kept stays."""

    name: str = Field(min_length=1, max_length=64)
    agreed: bool
    phone: str = Field("", max_length=32)


class NewPhone(Shape):
    side: Side
    phone: str = Field(min_length=1, max_length=32)


class PhoneLook(Shape):
    """Why it has to be seen in full."""

    side: Side
    reason: str = Field(min_length=1, max_length=200)


class PhoneInFull(Shape):
    phone: str


class NewMediator(Shape):
    mediator: int = Field(ge=0, lt=2**53)


class NewSitting(Shape):
    """``starts_at`` with its offset, on the hour or half past; ``minutes`` 30, 60, 90, 120 or 180."""

    room: str = Field(min_length=1, max_length=32)
    starts_at: AwareDatetime
    minutes: int


class MovedSitting(NewSitting):
    """Both sides read the ``reason``."""

    reason: str = Field(min_length=1, max_length=200)


class Reason(Shape):
    reason: str = Field(min_length=1, max_length=1000)


class Minutes(Shape):
    minutes: str = Field(min_length=1, max_length=4000)


class Agreement(Shape):
    text: str = Field(min_length=1, max_length=2000)


class Paper(Shape):
    """The side that has the agreement on paper now."""

    side: Side
