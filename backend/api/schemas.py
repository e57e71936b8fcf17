"""What staff programs send to the HTTP API; what they get back stands in backend/staff/schemas.py."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from backend.events.models import EventState
from backend.events.views import STATE_NAMES
from backend.proposals.models import ProposalKind
from backend.staff.schemas import Handler, Shape, StaffCard

STATES_BY_NAME = {name: state for state, name in STATE_NAMES.items()}


def state_from_either(value: Any) -> Any:
    """A state by its English word or its Chinese name."""
    return STATES_BY_NAME.get(value, value)


State = Annotated[EventState, BeforeValidator(state_from_either)]
Photos = Annotated[list[str], Field(default_factory=list, max_length=9)]


class Credentials(Shape):
    username: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=200)


class Session(Shape):
    token: str
    expires_at: datetime
    staff: StaffCard


class Me(Shape):
    expires_at: datetime
    staff: StaffCard


class Query(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EventQuery(Query):
    """``q`` is a number or a part of the text; ``area`` an area's code; ``mine`` what waits for the asker's desk."""

    state: State | None = None
    item: str = Field("", max_length=32)
    area: str = Field("", max_length=32)
    late: bool = False
    mine: bool = False
    q: str = Field("", max_length=100)
    page: int = Field(1, ge=1, le=100_000)
    page_size: int = Field(20, ge=1, le=100)


class NewEvent(Shape):
    description: str = Field(min_length=1, max_length=10_000)
    area_code: str = Field(min_length=1, max_length=32)
    address: str = Field("", max_length=200)
    item_code: str | None = Field(None, max_length=32)
    photos: Photos


class Transition(Shape):
    """``revision`` is the one that was looked at; a newer one refuses the step. ``to`` may be the Chinese name."""

    to: State
    note: str = Field("", max_length=2000)
    handler: Handler | None = None
    photos: Photos
    revision: int | None = None


class ItemCorrection(Shape):
    """``revision`` as in a transition."""

    item_code: str = Field(min_length=1, max_length=32)
    note: str = Field("", max_length=2000)
    revision: int | None = None


class Meaning(Shape):
    """``intent`` is one of those that a resident can have, e.g. report_issue."""

    intent: str = Field(min_length=1, max_length=32)


class CallIn(Shape):
    department_code: str = Field(min_length=1, max_length=32)
    note: str = Field("", max_length=2000)


class Result(Shape):
    result: str = Field(min_length=1, max_length=2000)


class TranscriptQuery(Query):
    """``before`` is a sequence: the messages below it."""

    before: int | None = Field(None, ge=1)


class Reply(Shape):
    """``note``: an internal note that the resident never sees, words only. ``media``: keys of photos and files that were
    uploaded; with them ``text`` may be empty. What was sent under the same ``once`` is not said again.
    """

    text: str = Field("", max_length=4000)
    media: Photos
    note: bool = False
    once: str = Field("", max_length=64)


class ProposalBody(Shape):
    """An event needs ``matter`` and ``area_code`` (a grid; a community or street where that is not known); a subsidy its code
    and a vote its number as ``target``. ``also``: an event beside those that wait for the resident, not in their place.
    """

    kind: ProposalKind
    target: str = Field("", max_length=64)
    matter: str = Field("", max_length=4000)
    area_code: str = Field("", max_length=32)
    address: str = Field("", max_length=200)
    item_code: str | None = Field(None, max_length=32)
    photos: Photos
    also: bool = False


class AnswerBody(Shape):
    """``text`` may hold {居民} {编号} {期限} {值班台} {办公时间} {电话} {我}."""

    title: str = Field(min_length=1, max_length=60)
    text: str = Field(min_length=1, max_length=2000)


class Handover(Shape):
    """``to``: ``area:CODE`` for a desk, ``staff:ID`` for a colleague, as listed by the receivers."""

    to: str = Field(min_length=1, max_length=40)
    reason: str = Field(min_length=1, max_length=200)


class MediaQuery(Query):
    """``conversation``: the one the file was seen in; an event's photos need none."""

    conversation: int | None = None


class AreaQuery(Query):
    """``parent``: only the areas right below this one."""

    parent: str = Field("", max_length=32)
    page: int = Field(1, ge=1, le=100_000)
    page_size: int = Field(500, ge=1, le=1000)


class Photo(Shape):
    key: str
    mime: str
    width: int | None
    height: int | None


class ErrorDetail(BaseModel):
    """``sentence`` is for people, in Chinese; ``code`` is for programs."""

    code: str
    sentence: str
    details: dict[str, Any] = {}


class Error(Shape):
    error: ErrorDetail
