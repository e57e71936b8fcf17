"""Versions of the catalogue, talks about what somebody may have, applications with their whole trail, and the money."""

import enum
from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, BigId, HasId, words


class SubsidyCatalogue(HasId, Base):
    """A catalogue as it was loaded. The newest is in force; an application lives under the one it began with."""

    __tablename__ = "subsidy_catalogue"

    version: Mapped[str] = mapped_column(String(16), unique=True)
    content: Mapped[dict[str, Any]]
    in_force_at: Mapped[datetime] = mapped_column(index=True)


class SubsidyTalk(HasId, Base):
    """What is known of one person (``about``: self, mother, …) in one conversation, and where the talk stands.

    The newest one of a conversation is the one that goes on. ``draft`` is the application being put together.
    """

    __tablename__ = "subsidy_talk"
    __table_args__ = (UniqueConstraint("conversation_id", "about"),)

    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"), index=True)
    about: Mapped[str] = mapped_column(String(16))
    catalogue_id: Mapped[int] = mapped_column(ForeignKey("subsidy_catalogue.id"))
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    skipped: Mapped[list[Any]] = mapped_column(default=list)
    kinds: Mapped[list[Any]] = mapped_column(default=list)
    stage: Mapped[str] = mapped_column(String(32))
    draft: Mapped[dict[str, Any]] = mapped_column(default=dict)
    updated_at: Mapped[datetime]


class ApplicationState(enum.StrEnum):
    """Where an application stands; application.py holds the table of what may follow what."""

    CONSENT = "consent"
    REVIEW = "review"
    MORE = "more"
    PUBLISHED = "published"
    APPROVED = "approved"
    PAYING = "paying"
    PAID = "paid"
    PAYMENT_FAILED = "payment_failed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class SubsidyApplication(HasId, Base):
    """One person's application for one kind and period. Numbers of people are in the vault, here are only hashes and masks.

    ``stopped``: its payments were ended by staff, so that the same may be applied for anew in the same year.
    ``level`` counts the reviewing levels from 0; ``due_at`` is when this level is late, ``late_at`` when it became so.
    """

    __tablename__ = "subsidy_application"
    __table_args__ = (
        Index(
            "uq_subsidy_application_once",
            "person",
            "kind",
            "period",
            unique=True,
            sqlite_where=text("state NOT IN ('refused','withdrawn') AND NOT stopped"),
            postgresql_where=text("state NOT IN ('refused','withdrawn') AND NOT stopped"),
        ),
        Index("ix_subsidy_application_desk", "desk", "desk_code", "state", "id"),
        Index("ix_subsidy_application_due", "state", "due_at"),
        Index("ix_subsidy_application_named", "name_masked", "id"),
    )

    number: Mapped[str] = mapped_column(String(16), unique=True)
    kind: Mapped[str] = mapped_column(String(32))
    period: Mapped[str] = mapped_column(String(8))
    person: Mapped[str] = mapped_column(String(64), index=True)
    identity_id: Mapped[int] = mapped_column(ForeignKey("vault_item.id"))
    name_id: Mapped[int] = mapped_column(ForeignKey("vault_item.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("vault_item.id"))
    phone_id: Mapped[int | None] = mapped_column(ForeignKey("vault_item.id"))
    name_masked: Mapped[str] = mapped_column(String(32))
    catalogue_id: Mapped[int] = mapped_column(ForeignKey("subsidy_catalogue.id"))
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversation.id"), index=True)
    about: Mapped[str] = mapped_column(String(16))
    facts: Mapped[dict[str, Any]]
    amount_fen: Mapped[int]
    area_code: Mapped[str] = mapped_column(ForeignKey("area.code"))
    state: Mapped[ApplicationState] = mapped_column(words(ApplicationState))
    stopped: Mapped[bool] = mapped_column(default=False)
    level: Mapped[int] = mapped_column(default=0)
    desk: Mapped[str] = mapped_column(String(16))
    desk_code: Mapped[str] = mapped_column(String(32))
    due_at: Mapped[datetime | None]
    late_at: Mapped[datetime | None]
    consent: Mapped[str] = mapped_column(String(16), default="own")
    consent_code: Mapped[str] = mapped_column(String(64), default="")
    consent_tries: Mapped[int] = mapped_column(default=0)
    published_until: Mapped[date | None]
    revision: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]


class SubsidyDocument(HasId, Base):
    """A paper of an application: a photo, or a gap that is to be cured by ``cure_by``. ``reminded`` is the last mark of
    7, 3 and 1 days that was told."""

    __tablename__ = "subsidy_document"
    __table_args__ = (UniqueConstraint("application_id", "code"), Index("ix_subsidy_document_gap", "cure_by", "reminded"))

    application_id: Mapped[int] = mapped_column(ForeignKey("subsidy_application.id"), index=True)
    code: Mapped[str] = mapped_column(String(32))
    media: Mapped[list[Any]] = mapped_column(default=list)
    cure_by: Mapped[date | None]
    reminded: Mapped[int | None]


class SubsidyStep(HasId, Base):
    """One step of an application, by whom and why. Never changed."""

    __tablename__ = "subsidy_step"

    application_id: Mapped[int] = mapped_column(ForeignKey("subsidy_application.id"), index=True)
    what: Mapped[str] = mapped_column(String(32))
    level: Mapped[int]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    reason: Mapped[str] = mapped_column(String(32), default="")
    note: Mapped[str] = mapped_column(String(500), default="")
    at: Mapped[datetime]


class PaymentState(enum.StrEnum):
    DUE = "due"
    EXPORTED = "exported"
    PAID = "paid"
    FAILED = "failed"
    CANCELLED = "cancelled"


class SubsidyGrant(HasId, Base):
    """What an approved application is paid in each period. ``next_from`` is the first day of the next period that no payment
    stands for yet, None when there is none; nobody has two such grants of one kind. ``ends_on``: no period that begins after
    it is paid. ``ended``: "", over, or why staff stopped it.
    """

    __tablename__ = "subsidy_grant"
    __table_args__ = (
        Index(
            "uq_subsidy_grant_running",
            "person",
            "kind",
            unique=True,
            sqlite_where=text("next_from IS NOT NULL"),
            postgresql_where=text("next_from IS NOT NULL"),
        ),
        Index("ix_subsidy_grant_next", "next_from"),
    )

    application_id: Mapped[int] = mapped_column(ForeignKey("subsidy_application.id"), unique=True)
    person: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(32))
    cycle: Mapped[str] = mapped_column(String(16))
    begins: Mapped[date]
    next_from: Mapped[date | None]
    ends_on: Mapped[date | None]
    arrears: Mapped[bool]
    ended: Mapped[str] = mapped_column(String(16), default="")
    note: Mapped[str] = mapped_column(String(500), default="")
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    ended_at: Mapped[datetime | None]


class SubsidyPayment(HasId, Base):
    """One payment of an application for one period. A period has one that has not failed and was not cancelled.

    ``batch`` names the exported file; ``result_line`` is where the bank's answer stood.
    """

    __tablename__ = "subsidy_payment"
    __table_args__ = (
        Index("ix_subsidy_payment_batch", "batch", "id"),
        Index("ix_subsidy_payment_due", "state", "period"),
        Index(
            "uq_subsidy_payment_period",
            "application_id",
            "period",
            unique=True,
            sqlite_where=text("state NOT IN ('failed','cancelled')"),
            postgresql_where=text("state NOT IN ('failed','cancelled')"),
        ),
    )

    application_id: Mapped[int] = mapped_column(ForeignKey("subsidy_application.id"), index=True)
    reference: Mapped[str] = mapped_column(String(24), unique=True)
    period: Mapped[str] = mapped_column(String(8))
    period_from: Mapped[date]
    amount_fen: Mapped[int]
    account_id: Mapped[int] = mapped_column(BigId)
    state: Mapped[PaymentState] = mapped_column(words(PaymentState), index=True)
    batch: Mapped[str | None] = mapped_column(String(24))
    result_line: Mapped[int | None]
    reason: Mapped[str] = mapped_column(String(100), default="")
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class SubsidyConsent(HasId, Base):
    """The person in whose name somebody applies is asked in their own chat. ``code`` is the keyed hash of what they were
    sent; ``answer`` is "" while open, then agreed, declined or expired; ``how`` is chat or code.
    """

    __tablename__ = "subsidy_consent"

    application_id: Mapped[int] = mapped_column(ForeignKey("subsidy_application.id"), unique=True)
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversation.id"), index=True)
    code: Mapped[str] = mapped_column(String(64))
    tries: Mapped[int] = mapped_column(default=0)
    until: Mapped[datetime] = mapped_column(index=True)
    answer: Mapped[str] = mapped_column(String(16), default="")
    how: Mapped[str] = mapped_column(String(16), default="")
    answered_at: Mapped[datetime | None]


class SubsidyObjection(HasId, Base):
    """What a resident says against a published application; one of each resident. ``answer``: "", taken or dismissed."""

    __tablename__ = "subsidy_objection"
    __table_args__ = (UniqueConstraint("application_id", "conversation_id"),)

    application_id: Mapped[int] = mapped_column(ForeignKey("subsidy_application.id"), index=True)
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversation.id"), index=True)
    text: Mapped[str] = mapped_column(String(500))
    at: Mapped[datetime]
    answer: Mapped[str] = mapped_column(String(16), default="")
    note: Mapped[str] = mapped_column(String(500), default="")
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    answered_at: Mapped[datetime | None]


class CheckWhat(enum.StrEnum):
    """What a campaign asks: that somebody lives, or what they earn."""

    LIVING = "living"
    INCOME = "income"


class SubsidyCampaign(HasId, Base):
    """A yearly re-check of the living grants of one kind in one area. Nobody is suspended before ``answer_by`` is over."""

    __tablename__ = "subsidy_campaign"

    kind: Mapped[str] = mapped_column(String(32), index=True)
    what: Mapped[CheckWhat] = mapped_column(words(CheckWhat))
    photo: Mapped[bool]
    area_code: Mapped[str] = mapped_column(ForeignKey("area.code"))
    answer_by: Mapped[date]
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime]


class CheckState(enum.StrEnum):
    """ASKED; ANSWERED: all as before; FLAGGED: something changed, a person looks; SUSPENDED and RESUMED by a person;
    ENDED: the grant was stopped before there was a result."""

    ASKED = "asked"
    ANSWERED = "answered"
    FLAGGED = "flagged"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    ENDED = "ended"


class SubsidyCheck(HasId, Base):
    """One grant in a campaign. ``answer`` is same, changed or gone, by the resident or found at a visit."""

    __tablename__ = "subsidy_check"
    __table_args__ = (
        UniqueConstraint("campaign_id", "application_id"),
        Index("ix_subsidy_check_state", "campaign_id", "state", "id"),
        Index("ix_subsidy_check_told", "state", "told_at"),
    )

    campaign_id: Mapped[int] = mapped_column(ForeignKey("subsidy_campaign.id"))
    application_id: Mapped[int] = mapped_column(ForeignKey("subsidy_application.id"), index=True)
    state: Mapped[CheckState] = mapped_column(words(CheckState))
    answer: Mapped[str] = mapped_column(String(16), default="")
    media: Mapped[list[Any]] = mapped_column(default=list)
    told_at: Mapped[datetime | None]
    reminded: Mapped[int | None]
    answered_at: Mapped[datetime | None]
    visit_note: Mapped[str] = mapped_column(String(500), default="")
    visited_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    visited_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(500), default="")
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(default=0)
