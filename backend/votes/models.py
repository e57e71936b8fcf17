"""A vote, who may take part in it, the sealed ballots, and what was in them once the box is open.

A ballot's row has neither a number nor a time nor the unit it came from: it lies in a slot that only the secret outside the
database can find (box.Places). Who took part is written when the box is closed, for all at once.
"""

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, BigId, HasId, words
from backend.votes.rules import Basis, Kind, RuleName


class VoteState(enum.StrEnum):
    """DRAFT until it is announced; OPEN (frozen) until its end; ENDED until the keyholders open the box; then DECIDED.
    CANCELLED, with a reason, at any moment before that."""

    DRAFT = "draft"
    OPEN = "open"
    ENDED = "ended"
    DECIDED = "decided"
    CANCELLED = "cancelled"


class Vote(HasId, Base):
    """``public`` votes show each ballot with its unit after the end, and say so before it; weighted ones always do.

    ``options`` are {id, title} in order. ``assessment`` is the conclusion of the risk assessment (一评) of a listed matter.
    ``wraps`` hold the private key for the keyholders; ``secret_check`` tells whether the secret at hand is the right one.
    """

    __tablename__ = "vote"

    number: Mapped[str] = mapped_column(String(12), unique=True)
    state: Mapped[VoteState] = mapped_column(words(VoteState), default=VoteState.DRAFT, index=True)
    area_code: Mapped[str] = mapped_column(ForeignKey("area.code"))
    area_path: Mapped[str] = mapped_column(String(200), index=True)
    title: Mapped[str] = mapped_column(String(60))
    question: Mapped[str] = mapped_column(Text)
    kind: Mapped[Kind] = mapped_column(words(Kind))
    options: Mapped[list[Any]]
    most: Mapped[int] = mapped_column(default=1)
    seats: Mapped[int] = mapped_column(default=1)
    basis: Mapped[Basis] = mapped_column(words(Basis))
    rule: Mapped[RuleName] = mapped_column(words(RuleName))
    public: Mapped[bool]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime] = mapped_column(index=True)
    extension_days: Mapped[int] = mapped_column(default=0)
    extended: Mapped[bool] = mapped_column(default=False)
    paper_desk: Mapped[str] = mapped_column(String(200), default="")
    attachments: Mapped[list[Any]] = mapped_column(default=list)
    listed_matter: Mapped[bool] = mapped_column(default=False)
    assessment: Mapped[str] = mapped_column(Text, default="")
    keys_needed: Mapped[int] = mapped_column(default=2)
    public_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    wraps: Mapped[list[Any]] = mapped_column(default=list)
    secret_check: Mapped[str] = mapped_column(String(64), default="")
    electorate_number: Mapped[int] = mapped_column(default=0)
    electorate_area: Mapped[int] = mapped_column(BigId, default=0)
    fingerprint: Mapped[str] = mapped_column(String(64), default="")
    closed_box: Mapped[str] = mapped_column(String(64), default="")
    seal: Mapped[str] = mapped_column(String(64), default="")
    result: Mapped[dict[str, Any]] = mapped_column(default=dict)
    reason: Mapped[str] = mapped_column(String(500), default="")
    telling: Mapped[str] = mapped_column(String(16), default="")
    created_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime]
    announced_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]


class VoteUnit(HasId, Base):
    """One who has one ballot: a person, a household, a representative, or an owner with the area of what they own."""

    __tablename__ = "vote_unit"
    __table_args__ = (
        UniqueConstraint("vote_id", "code"),
        Index(None, "vote_id", "told", "id"),
        Index("ix_vote_unit_vote_id_phone", "vote_id", "phone"),
    )

    vote_id: Mapped[int] = mapped_column(ForeignKey("vote.id"))
    code: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(64), default="")
    part: Mapped[str] = mapped_column(String(64), default="")
    area: Mapped[int] = mapped_column(BigId, default=0)
    phone: Mapped[str] = mapped_column(String(32), default="")
    told: Mapped[str] = mapped_column(String(16), default="")


class VoteKeyholder(HasId, Base):
    """Someone without whom the box stays closed. Their phrase was shown once; what is kept of it is a public key."""

    __tablename__ = "vote_keyholder"

    vote_id: Mapped[int] = mapped_column(ForeignKey("vote.id"), index=True)
    name: Mapped[str] = mapped_column(String(32))
    public_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    handed_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))


class VoteEnvelope(Base):
    """The key of a few ballots, sealed to the vote's public key."""

    __tablename__ = "vote_envelope"
    __table_args__ = ({"sqlite_with_rowid": False},)

    vote_id: Mapped[int] = mapped_column(ForeignKey("vote.id"), primary_key=True)
    id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class VoteBallot(Base):
    """One sealed ballot in its slot; the primary key is what keeps a unit to one ballot."""

    __tablename__ = "vote_ballot"
    __table_args__ = ({"sqlite_with_rowid": False},)

    vote_id: Mapped[int] = mapped_column(ForeignKey("vote.id"), primary_key=True)
    slot: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    envelope: Mapped[bytes] = mapped_column(LargeBinary)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    paper: Mapped[bool] = mapped_column(default=False)


class VoteAttendance(Base):
    """Who took part, written when the box is closed: a byte, 1 or 0, for each unit in the order of their ids.

    ``strangers`` are the slots, in hexadecimal digits, in which something lay that is no unit's; ``mark`` binds them and the
    box's fingerprint to the secret outside the database.
    """

    __tablename__ = "vote_attendance"

    vote_id: Mapped[int] = mapped_column(ForeignKey("vote.id"), primary_key=True)
    units: Mapped[bytes] = mapped_column(LargeBinary)
    strangers: Mapped[bytes] = mapped_column(LargeBinary)
    mark: Mapped[str] = mapped_column(String(64))


class VotePublished(Base):
    """A page of the published ballots, in the order of their receipts: what opening.page_of made of some thousand.

    The unit and its area stand there only where the vote was public.
    """

    __tablename__ = "vote_published"

    vote_id: Mapped[int] = mapped_column(ForeignKey("vote.id"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ballots: Mapped[str] = mapped_column(Text)


class MatchedBy(enum.StrEnum):
    CODE = "code"
    STAFF = "staff"
    PROXY = "proxy"
    PHONE = "phone"


class VoteMatch(HasId, Base):
    """A resident who may vote for a unit; PROXY only with the unit's consent, and for one vote."""

    __tablename__ = "vote_match"
    __table_args__ = (
        Index(
            "uq_vote_match_holder",
            "area_code",
            "basis",
            "unit_code",
            unique=True,
            sqlite_where=text("ended_at IS NULL AND vote_id IS NULL"),
            postgresql_where=text("ended_at IS NULL AND vote_id IS NULL"),
        ),
        Index(
            "uq_vote_match_proxy",
            "vote_id",
            "unit_code",
            unique=True,
            sqlite_where=text("ended_at IS NULL AND vote_id IS NOT NULL"),
            postgresql_where=text("ended_at IS NULL AND vote_id IS NOT NULL"),
        ),
    )

    area_code: Mapped[str] = mapped_column(ForeignKey("area.code"))
    basis: Mapped[Basis] = mapped_column(words(Basis))
    unit_code: Mapped[str] = mapped_column(String(64))
    vote_id: Mapped[int | None] = mapped_column(ForeignKey("vote.id"))
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), index=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"))
    how: Mapped[MatchedBy] = mapped_column(words(MatchedBy))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class VoteCode(Base):
    """A code that matches whoever sends it first to a unit; known by its keyed hash. ``proxy``: given by the unit's voter."""

    __tablename__ = "vote_code"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    vote_id: Mapped[int] = mapped_column(ForeignKey("vote.id"))
    unit_id: Mapped[int] = mapped_column(BigId, ForeignKey("vote_unit.id"), index=True)
    proxy: Mapped[bool] = mapped_column(default=False)
    used_at: Mapped[datetime | None]


class VoteGuess(HasId, Base):
    """A code that was wrong, for throttling."""

    __tablename__ = "vote_guess"

    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"), index=True)
    at: Mapped[datetime] = mapped_column(index=True)


class VoteLog(HasId, Base):
    """Append-only: what was done to a vote, and what was refused."""

    __tablename__ = "vote_log"

    vote_id: Mapped[int] = mapped_column(ForeignKey("vote.id"), index=True)
    what: Mapped[str] = mapped_column(String(32))
    refused: Mapped[bool] = mapped_column(default=False)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    at: Mapped[datetime]
