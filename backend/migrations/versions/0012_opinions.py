"""Opinions and what is disclosed"""

import sqlalchemy as sa
from alembic import op

import backend.db

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

BigId = backend.db.BigId
When = backend.db.UtcDateTime


def upgrade() -> None:
    op.create_table(
        "opinion_topic",
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("keywords", sa.String(length=600), nullable=False),
        sa.Column("handler", sa.String(length=32), nullable=False),
        sa.Column("department_code", sa.String(length=32), nullable=False),
        sa.Column("due_days", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["department_code"], ["department.code"], name=op.f("fk_opinion_topic_department_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_opinion_topic")),
        sa.UniqueConstraint("name", name=op.f("uq_opinion_topic_name")),
    )
    op.create_table(
        "disclosure",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("topic_code", sa.String(length=32), nullable=False),
        sa.Column("area_code", sa.String(length=32), nullable=False),
        sa.Column("area_path", sa.String(length=200), nullable=False),
        sa.Column("published_at", When(timezone=True), nullable=False),
        sa.Column("telling", sa.Boolean(), nullable=False),
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["area_code"], ["area.code"], name=op.f("fk_disclosure_area_code")),
        sa.ForeignKeyConstraint(["topic_code"], ["opinion_topic.code"], name=op.f("fk_disclosure_topic_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure")),
        sa.UniqueConstraint("kind", "number", name=op.f("uq_disclosure_kind_number")),
    )
    op.create_index(op.f("ix_disclosure_area_path"), "disclosure", ["area_path"])
    op.create_index(
        "ix_disclosure_telling", "disclosure", ["id"], sqlite_where=sa.text("telling"), postgresql_where=sa.text("telling")
    )
    op.create_index(op.f("ix_disclosure_topic_code"), "disclosure", ["topic_code"])
    op.create_table(
        "disclosure_copy",
        sa.Column("disclosure_id", BigId, nullable=False),
        sa.Column("resident_id", BigId, nullable=False),
        sa.Column("at", When(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["disclosure_id"], ["disclosure.id"], name=op.f("fk_disclosure_copy_disclosure_id")),
        sa.ForeignKeyConstraint(["resident_id"], ["resident.id"], name=op.f("fk_disclosure_copy_resident_id")),
        sa.PrimaryKeyConstraint("disclosure_id", "resident_id", name=op.f("pk_disclosure_copy")),
    )
    op.create_index(op.f("ix_disclosure_copy_resident_id"), "disclosure_copy", ["resident_id"])
    op.create_table(
        "disclosure_subscription",
        sa.Column("resident_id", BigId, nullable=False),
        sa.Column("conversation_id", BigId, nullable=False),
        sa.Column("topic_code", sa.String(length=32), nullable=False),
        sa.Column("area_code", sa.String(length=32), nullable=False),
        sa.Column("area_path", sa.String(length=200), nullable=False),
        sa.Column("at", When(timezone=True), nullable=False),
        sa.Column("stopped_at", When(timezone=True), nullable=True),
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["area_code"], ["area.code"], name=op.f("fk_disclosure_subscription_area_code")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_disclosure_subscription_conversation_id")
        ),
        sa.ForeignKeyConstraint(["resident_id"], ["resident.id"], name=op.f("fk_disclosure_subscription_resident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure_subscription")),
        sa.UniqueConstraint(
            "resident_id", "topic_code", "area_code", name=op.f("uq_disclosure_subscription_resident_id_topic_code_area_code")
        ),
    )
    op.create_index(
        "ix_disclosure_subscription_area_path",
        "disclosure_subscription",
        ["area_path"],
        sqlite_where=sa.text("stopped_at IS NULL"),
        postgresql_where=sa.text("stopped_at IS NULL"),
    )
    op.create_table(
        "disclosure_term",
        sa.Column("term", sa.String(length=32), nullable=False),
        sa.Column("disclosure_id", BigId, nullable=False),
        sa.ForeignKeyConstraint(["disclosure_id"], ["disclosure.id"], name=op.f("fk_disclosure_term_disclosure_id")),
        sa.PrimaryKeyConstraint("term", "disclosure_id", name=op.f("pk_disclosure_term")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_disclosure_term_disclosure_id"), "disclosure_term", ["disclosure_id"])
    op.create_table(
        "opinion",
        sa.Column("number", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("resident_id", BigId, nullable=True),
        sa.Column("conversation_id", BigId, nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("media", sa.JSON(), nullable=False),
        sa.Column("topic_code", sa.String(length=32), nullable=False),
        sa.Column("area_code", sa.String(length=32), nullable=False),
        sa.Column("area_path", sa.String(length=200), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("listing_due", sa.Boolean(), nullable=False),
        sa.Column("owner", sa.String(length=32), nullable=False),
        sa.Column("owner_code", sa.String(length=32), nullable=False),
        sa.Column("level", sa.String(length=32), nullable=False),
        sa.Column("due_at", When(timezone=True), nullable=False),
        sa.Column("escalate_at", When(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_by", BigId, nullable=True),
        sa.Column("answered_at", When(timezone=True), nullable=True),
        sa.Column("became", sa.String(length=32), nullable=True),
        sa.Column("became_number", sa.String(length=16), nullable=False),
        sa.Column("stars", sa.Integer(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", When(timezone=True), nullable=False),
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["answered_by"], ["staff.id"], name=op.f("fk_opinion_answered_by")),
        sa.ForeignKeyConstraint(["area_code"], ["area.code"], name=op.f("fk_opinion_area_code")),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name=op.f("fk_opinion_conversation_id")),
        sa.ForeignKeyConstraint(["resident_id"], ["resident.id"], name=op.f("fk_opinion_resident_id")),
        sa.ForeignKeyConstraint(["topic_code"], ["opinion_topic.code"], name=op.f("fk_opinion_topic_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opinion")),
        sa.UniqueConstraint("number", name=op.f("uq_opinion_number")),
    )
    op.create_index(op.f("ix_opinion_area_path_state"), "opinion", ["area_path", "state"])
    op.create_index(op.f("ix_opinion_escalate_at"), "opinion", ["escalate_at"])
    op.create_index(
        "ix_opinion_listing_due",
        "opinion",
        ["id"],
        sqlite_where=sa.text("listing_due"),
        postgresql_where=sa.text("listing_due"),
    )
    op.create_index(op.f("ix_opinion_owner_owner_code_state"), "opinion", ["owner", "owner_code", "state"])
    op.create_index(op.f("ix_opinion_resident_id"), "opinion", ["resident_id"])
    op.create_table(
        "opinion_history",
        sa.Column("opinion_id", BigId, nullable=False),
        sa.Column("step", sa.String(length=32), nullable=False),
        sa.Column("staff_id", BigId, nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", When(timezone=True), nullable=False),
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["opinion_id"], ["opinion.id"], name=op.f("fk_opinion_history_opinion_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_opinion_history_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opinion_history")),
    )
    op.create_index(op.f("ix_opinion_history_opinion_id"), "opinion_history", ["opinion_id"])
    op.create_index(op.f("ix_opinion_history_staff_id"), "opinion_history", ["staff_id"])
    op.create_table(
        "opinion_supporter",
        sa.Column("opinion_id", BigId, nullable=False),
        sa.Column("resident_id", BigId, nullable=False),
        sa.Column("conversation_id", BigId, nullable=False),
        sa.Column("at", When(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name=op.f("fk_opinion_supporter_conversation_id")),
        sa.ForeignKeyConstraint(["opinion_id"], ["opinion.id"], name=op.f("fk_opinion_supporter_opinion_id")),
        sa.ForeignKeyConstraint(["resident_id"], ["resident.id"], name=op.f("fk_opinion_supporter_resident_id")),
        sa.PrimaryKeyConstraint("opinion_id", "resident_id", name=op.f("pk_opinion_supporter")),
    )


def downgrade() -> None:
    for table in ("opinion_supporter", "opinion_history", "opinion", "disclosure_term", "disclosure_subscription"):
        op.drop_table(table)
    for table in ("disclosure_copy", "disclosure", "opinion_topic"):
        op.drop_table(table)
