"""Legal consults, volunteers, legal aid, and pushes of legal advice"""

import sqlalchemy as sa
from alembic import op

import backend.db

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "broadcast",
        sa.Column(
            "topic",
            sa.String(length=32),
            nullable=False,
        ),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("due_at", backend.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.String(length=32),
            nullable=False,
        ),
        sa.Column("staff_id", backend.db.BigId, nullable=False),
        sa.Column("created_at", backend.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("sent_at", backend.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_broadcast_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcast")),
    )
    op.create_index(op.f("ix_broadcast_due_at"), "broadcast", ["due_at"])
    op.create_index(op.f("ix_broadcast_state"), "broadcast", ["state"])

    op.create_table(
        "volunteer",
        sa.Column("staff_id", backend.db.BigId, nullable=False),
        sa.Column("licence", sa.String(length=32), nullable=False),
        sa.Column("areas", sa.JSON(), nullable=False),
        sa.Column("hours", sa.String(length=100), nullable=False),
        sa.Column("languages", sa.String(length=100), nullable=False),
        sa.Column(
            "state",
            sa.String(length=32),
            nullable=False,
        ),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("decided_by", backend.db.BigId, nullable=True),
        sa.Column("decided_at", backend.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("updated_at", backend.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["decided_by"], ["staff.id"], name=op.f("fk_volunteer_decided_by")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_volunteer_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volunteer")),
        sa.UniqueConstraint("staff_id", name=op.f("uq_volunteer_staff_id")),
    )
    op.create_index(op.f("ix_volunteer_state"), "volunteer", ["state"])

    op.create_table(
        "consult",
        sa.Column("number", sa.String(length=9), nullable=False),
        sa.Column("resident_id", backend.db.BigId, nullable=False),
        sa.Column("conversation_id", backend.db.BigId, nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column(
            "area",
            sa.String(length=32),
            nullable=False,
        ),
        sa.Column(
            "second_area",
            sa.String(length=32),
            nullable=True,
        ),
        sa.Column("urgent", sa.String(length=32), nullable=True),
        sa.Column(
            "state",
            sa.String(length=32),
            nullable=False,
        ),
        sa.Column("volunteer_id", backend.db.BigId, nullable=True),
        sa.Column("claim_until", backend.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column(
            "contact",
            sa.String(length=32),
            nullable=False,
        ),
        sa.Column("phone_id", backend.db.BigId, nullable=True),
        sa.Column("media", sa.JSON(), nullable=False),
        sa.Column("answered_at", backend.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("stars", sa.Integer(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", backend.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", backend.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name=op.f("fk_consult_conversation_id")),
        sa.ForeignKeyConstraint(["phone_id"], ["vault_item.id"], name=op.f("fk_consult_phone_id")),
        sa.ForeignKeyConstraint(["resident_id"], ["resident.id"], name=op.f("fk_consult_resident_id")),
        sa.ForeignKeyConstraint(["volunteer_id"], ["staff.id"], name=op.f("fk_consult_volunteer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consult")),
        sa.UniqueConstraint("number", name=op.f("uq_consult_number")),
    )
    op.create_index(
        "ix_consult_claim_until",
        "consult",
        ["claim_until"],
        sqlite_where=sa.text("state = 'claimed'"),
        postgresql_where=sa.text("state = 'claimed'"),
    )
    op.create_index(op.f("ix_consult_resident_id"), "consult", ["resident_id"])
    op.create_index(op.f("ix_consult_state"), "consult", ["state"])
    op.create_index(op.f("ix_consult_volunteer_id"), "consult", ["volunteer_id"])

    op.create_table(
        "subscription",
        sa.Column("resident_id", backend.db.BigId, nullable=False),
        sa.Column("conversation_id", backend.db.BigId, nullable=False),
        sa.Column(
            "topic",
            sa.String(length=32),
            nullable=False,
        ),
        sa.Column("at", backend.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("stopped_at", backend.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name=op.f("fk_subscription_conversation_id")),
        sa.ForeignKeyConstraint(["resident_id"], ["resident.id"], name=op.f("fk_subscription_resident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription")),
        sa.UniqueConstraint("resident_id", "topic", name=op.f("uq_subscription_resident_id_topic")),
    )
    op.create_index(op.f("ix_subscription_topic"), "subscription", ["topic"])

    op.create_table(
        "broadcast_copy",
        sa.Column("broadcast_id", backend.db.BigId, nullable=False),
        sa.Column("resident_id", backend.db.BigId, nullable=False),
        sa.Column("message_id", backend.db.BigId, nullable=False),
        sa.Column("read_at", backend.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["broadcast_id"], ["broadcast.id"], name=op.f("fk_broadcast_copy_broadcast_id")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_broadcast_copy_message_id")),
        sa.ForeignKeyConstraint(["resident_id"], ["resident.id"], name=op.f("fk_broadcast_copy_resident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcast_copy")),
        sa.UniqueConstraint("broadcast_id", "resident_id", name=op.f("uq_broadcast_copy_broadcast_id_resident_id")),
    )
    op.create_index(op.f("ix_broadcast_copy_resident_id"), "broadcast_copy", ["resident_id"])

    op.create_table(
        "consult_history",
        sa.Column("consult_id", backend.db.BigId, nullable=True),
        sa.Column("volunteer_id", backend.db.BigId, nullable=True),
        sa.Column("step", sa.String(length=32), nullable=False),
        sa.Column("staff_id", backend.db.BigId, nullable=True),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("at", backend.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["consult_id"], ["consult.id"], name=op.f("fk_consult_history_consult_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_consult_history_staff_id")),
        sa.ForeignKeyConstraint(["volunteer_id"], ["staff.id"], name=op.f("fk_consult_history_volunteer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consult_history")),
    )
    op.create_index(op.f("ix_consult_history_consult_id"), "consult_history", ["consult_id"])
    op.create_index(op.f("ix_consult_history_volunteer_id"), "consult_history", ["volunteer_id"])

    op.create_table(
        "consult_refusal",
        sa.Column("consult_id", backend.db.BigId, nullable=False),
        sa.Column("staff_id", backend.db.BigId, nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("at", backend.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["consult_id"], ["consult.id"], name=op.f("fk_consult_refusal_consult_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_consult_refusal_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consult_refusal")),
        sa.UniqueConstraint("consult_id", "staff_id", name=op.f("uq_consult_refusal_consult_id_staff_id")),
    )
    op.create_index(op.f("ix_consult_refusal_staff_id"), "consult_refusal", ["staff_id"])

    op.create_table(
        "consult_word",
        sa.Column("consult_id", backend.db.BigId, nullable=False),
        sa.Column("said_by", sa.String(length=32), nullable=False),
        sa.Column("staff_id", backend.db.BigId, nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("unknown", sa.JSON(), nullable=False),
        sa.Column("media", sa.JSON(), nullable=False),
        sa.Column("at", backend.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["consult_id"], ["consult.id"], name=op.f("fk_consult_word_consult_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_consult_word_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consult_word")),
    )
    op.create_index(op.f("ix_consult_word_consult_id"), "consult_word", ["consult_id"])

    op.create_table(
        "legal_aid",
        sa.Column("consult_id", backend.db.BigId, nullable=False),
        sa.Column(
            "applicant_group",
            sa.String(length=32),
            nullable=False,
        ),
        sa.Column("declaration", sa.Text(), nullable=False),
        sa.Column("declared_at", backend.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("missing", sa.JSON(), nullable=False),
        sa.Column("cure_by", backend.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("reminded_at", backend.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("decide_by", backend.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("late_told_at", backend.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column(
            "state",
            sa.String(length=32),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by", backend.db.BigId, nullable=True),
        sa.Column("decided_at", backend.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["consult_id"], ["consult.id"], name=op.f("fk_legal_aid_consult_id")),
        sa.ForeignKeyConstraint(["decided_by"], ["staff.id"], name=op.f("fk_legal_aid_decided_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_aid")),
        sa.UniqueConstraint("consult_id", name=op.f("uq_legal_aid_consult_id")),
    )
    op.create_index(op.f("ix_legal_aid_state"), "legal_aid", ["state"])


def downgrade() -> None:
    op.drop_table("legal_aid")
    op.drop_table("consult_word")
    op.drop_table("consult_refusal")
    op.drop_table("consult_history")
    op.drop_table("broadcast_copy")
    op.drop_table("subscription")
    op.drop_table("consult")
    op.drop_table("volunteer")
    op.drop_table("broadcast")
