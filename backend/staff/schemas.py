"""Events, conversations and notices as staff see them: what the pages show and the HTTP API answers."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from backend.catalogue.models import HandlerKind
from backend.conversations.models import Author, Holder, MessageKind
from backend.events.models import ActorKind, AssignmentState, EventState, HistoryKind
from backend.grids.models import Level
from backend.outbox.models import DeliveryState
from backend.proposals.models import ProposalKind, ProposalState
from backend.staff.models import Role


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class StaffCard(Shape):
    """``scope`` in words: 海陵区城东街道宫涵社区, or a department's name."""

    username: str
    name: str
    role: Role
    scope: str


class CodeAndName(Shape):
    code: str
    name: str


class Handler(Shape):
    """A desk: the code is an area's, or a department's."""

    kind: HandlerKind
    code: str = Field(min_length=1, max_length=32)


class HandlerName(Handler):
    name: str


class EventCard(Shape):
    """One line of the queue. ``light``: red is late, yellow has less than a quarter of its time left, none has no due time."""

    number: str
    title: str
    description: str
    state: EventState
    state_name: str
    item: CodeAndName | None
    area: CodeAndName
    address: str
    unplaced: bool
    handler: HandlerName | None
    automatic: bool
    level: HandlerKind
    due_at: datetime | None
    light: Literal["green", "yellow", "red", "none"]
    late: bool
    anonymous: bool
    reopened: int
    stars: int | None
    revision: int
    created_at: datetime
    updated_at: datetime


class HistoryEntry(Shape):
    """``name`` is the staff member's or the named reporter's; null for the system, neighbours and the anonymous."""

    kind: HistoryKind
    from_state: EventState | None
    to_state: EventState | None
    to_state_name: str | None
    actor: ActorKind
    name: str | None
    note: str
    photos: list[str]
    details: dict[str, Any]
    at: datetime


class AssignmentCard(Shape):
    handler: HandlerName
    lead: bool
    state: AssignmentState
    result: str
    handled_by: str | None
    due_at: datetime | None
    created_at: datetime
    done_at: datetime | None


class NextStep(Shape):
    """A state the asker may choose now; ``handler_required`` when the duty matrix names nobody."""

    to: EventState
    to_name: str
    note_required: bool
    handler_required: bool


class Reporter(Shape):
    """``name`` is null for the anonymous and for those whose channel tells none."""

    kind: ActorKind
    name: str | None


class Happened(Shape):
    """When it was, in the reporter's words, and as moments reckoned from when they reported. No end: a moment, or it lasts."""

    phrase: str
    start: datetime | None
    end: datetime | None


class EventPage(EventCard):
    reporter: Reporter
    happened: Happened | None
    supporters: int
    latitude: float | None
    longitude: float | None
    verify_by: datetime | None
    unknown_building: str = ""
    photos: list[str]
    history: list[HistoryEntry]
    assignments: list[AssignmentCard]
    next_steps: list[NextStep]
    may_correct: bool
    may_call_in: bool
    may_give_result: bool


class EventList(Shape):
    events: list[EventCard]
    page: int
    page_size: int
    total: int


class ConversationCard(Shape):
    """``resident`` is what the channel says they are called; never an address. ``reason``: why a person was asked for, e.g.
    request_human, self_harm, reopened_twice.
    """

    conversation_id: int
    reason: str
    holder: Holder
    held_by: str | None
    mine: bool
    resident: str | None
    channel: str
    desk: CodeAndName | None
    waiting_since: datetime | None
    last_at: datetime
    last_text: str


class MediaItem(Shape):
    key: str
    mime: str


class TranscriptMessage(Shape):
    """``kind`` note is for staff only. ``delivery`` is null for what the resident said and for notes; ``meant`` is the
    intent that staff gave a misunderstood message.
    """

    message_id: int
    sequence: int
    at: datetime
    author: Author
    name: str | None
    kind: MessageKind
    text: str
    buttons: list[str]
    media: list[MediaItem]
    location: dict[str, float] | None
    danger: bool
    edited: bool
    meant: str | None
    delivery: DeliveryState | None


class Offer(Shape):
    """A transfer that waits to be accepted; ``to`` is a colleague's name or a desk's."""

    by: str
    to: str
    reason: str
    may_accept: bool
    mine: bool


class ConversationPage(ConversationCard):
    offer: Offer | None
    messages: list[TranscriptMessage]
    earlier: bool
    may_claim: bool
    may_reply: bool


class ConversationList(Shape):
    conversations: list[ConversationCard]


class ReceiverList(Shape):
    """Codes are ``area:CODE`` or ``staff:ID``."""

    receivers: list[CodeAndName]


class AnswerCard(Shape):
    """A quick answer as it is kept, with its placeholders; ``area`` is the desk that keeps it."""

    answer_id: int
    area: CodeAndName
    title: str
    text: str


class AnswerList(Shape):
    answers: list[AnswerCard]


class FilledAnswer(Shape):
    """A quick answer for one resident. Where ``problem`` is not empty it says what could not be filled in, and that still
    stands in ``text``; so it cannot be sent.
    """

    answer_id: int
    title: str
    text: str
    problem: str


class FilledAnswerList(Shape):
    answers: list[FilledAnswer]


class DraftPart(Shape):
    """One matter as it was read out of a conversation; ``area_code`` is empty where no place was understood. ``status`` is the
    place's: grid, community or street.
    """

    matter: str
    area_code: str
    label: str
    status: str
    address: str
    item_code: str | None
    photos: list[str]


class DraftCard(DraftPart):
    """The first matter of a conversation, and the others that were read in it."""

    more: list[DraftPart]


class ProposalCard(Shape):
    """``target`` is the subsidy's code or the vote's number; ``number`` that of the event or application that came of it, or of
    the event that was joined instead; ``reason`` why filing failed.
    """

    proposal_id: int
    kind: ProposalKind
    state: ProposalState
    target: str
    number: str
    reason: str
    at: datetime
    answered_at: datetime | None


class ProposalList(Shape):
    proposals: list[ProposalCard]


class Notice(Shape):
    notice_id: int
    text: str
    at: datetime
    read: bool
    event_number: str | None
    conversation_id: int | None


class NoticeList(Shape):
    notices: list[Notice]
    unread: int


class ItemCard(Shape):
    code: str
    category: str
    name: str
    admitted: bool
    due_hours: int
    channel: str


class ItemList(Shape):
    items: list[ItemCard]


class DepartmentList(Shape):
    departments: list[CodeAndName]


class AreaCard(Shape):
    code: str
    name: str
    level: Level
    parent_code: str | None


class AreaList(Shape):
    areas: list[AreaCard]
