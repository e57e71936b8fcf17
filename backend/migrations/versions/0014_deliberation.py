"""Deliberations, and the register of dwellings"""

import sqlalchemy as sa
from alembic import op

import backend.db

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

When = backend.db.UtcDateTime


def upgrade() -> None:
    op.create_table(
        "dwelling",
        sa.Column("community_code", sa.String(length=32), nullable=False),
        sa.Column("area_code", sa.String(length=32), nullable=False),
        sa.Column("area_path", sa.String(length=200), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("part", sa.String(length=64), nullable=False),
        sa.Column("area", backend.db.BigId, nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("owner_name", sa.String(length=64), nullable=False),
        sa.Column("owner_phone", sa.String(length=64), nullable=False),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["area_code"], ["area.code"], name=op.f("fk_dwelling_area_code")),
        sa.ForeignKeyConstraint(["community_code"], ["area.code"], name=op.f("fk_dwelling_community_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dwelling")),
        sa.UniqueConstraint("community_code", "code", name=op.f("uq_dwelling_community_code_code")),
    )
    op.create_index(op.f("ix_dwelling_area_code"), "dwelling", ["area_code"], unique=False)
    op.create_index(op.f("ix_dwelling_area_path"), "dwelling", ["area_path"], unique=False)
    op.create_index(op.f("ix_dwelling_owner_phone"), "dwelling", ["owner_phone"], unique=False)
    op.create_table(
        "deliberation",
        sa.Column("number", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("area_code", sa.String(length=32), nullable=False),
        sa.Column("area_path", sa.String(length=200), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("background", sa.Text(), nullable=False),
        sa.Column("attachments", sa.JSON(), nullable=False),
        sa.Column("starts_at", When(timezone=True), nullable=False),
        sa.Column("ends_at", When(timezone=True), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("resolution", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("telling", sa.String(length=200), nullable=False),
        sa.Column("created_by", backend.db.BigId, nullable=True),
        sa.Column("created_at", When(timezone=True), nullable=False),
        sa.Column("announced_at", When(timezone=True), nullable=True),
        sa.Column("invited_at", When(timezone=True), nullable=True),
        sa.Column("ended_at", When(timezone=True), nullable=True),
        sa.Column("published_at", When(timezone=True), nullable=True),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["area_code"], ["area.code"], name=op.f("fk_deliberation_area_code")),
        sa.ForeignKeyConstraint(["created_by"], ["staff.id"], name=op.f("fk_deliberation_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliberation")),
        sa.UniqueConstraint("number", name=op.f("uq_deliberation_number")),
    )
    op.create_index(op.f("ix_deliberation_area_path"), "deliberation", ["area_path"], unique=False)
    op.create_index(op.f("ix_deliberation_ends_at"), "deliberation", ["ends_at"], unique=False)
    op.create_index(op.f("ix_deliberation_published_at"), "deliberation", ["published_at"], unique=False)
    op.create_index(op.f("ix_deliberation_state"), "deliberation", ["state"], unique=False)
    op.create_index(op.f("ix_deliberation_telling"), "deliberation", ["telling"], unique=False)
    op.create_table(
        "dweller",
        sa.Column("community_code", sa.String(length=32), nullable=False),
        sa.Column("dwelling_id", backend.db.BigId, nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("born", sa.Date(), nullable=False),
        sa.Column("representative", sa.Boolean(), nullable=False),
        sa.Column("phone", sa.String(length=64), nullable=False),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["community_code"], ["area.code"], name=op.f("fk_dweller_community_code")),
        sa.ForeignKeyConstraint(["dwelling_id"], ["dwelling.id"], name=op.f("fk_dweller_dwelling_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dweller")),
        sa.UniqueConstraint("community_code", "code", name=op.f("uq_dweller_community_code_code")),
    )
    op.create_index(op.f("ix_dweller_dwelling_id"), "dweller", ["dwelling_id"], unique=False)
    op.create_index(op.f("ix_dweller_phone"), "dweller", ["phone"], unique=False)
    op.create_table(
        "deliberation_log",
        sa.Column("deliberation_id", backend.db.BigId, nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("refused", sa.Boolean(), nullable=False),
        sa.Column("staff_id", backend.db.BigId, nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("at", When(timezone=True), nullable=False),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["deliberation_id"], ["deliberation.id"], name=op.f("fk_deliberation_log_deliberation_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_deliberation_log_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliberation_log")),
    )
    op.create_index(op.f("ix_deliberation_log_deliberation_id"), "deliberation_log", ["deliberation_id"], unique=False)
    op.create_table(
        "deliberation_outcome",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=12), nullable=False),
        sa.Column("deliberation_id", backend.db.BigId, nullable=False),
        sa.Column("staff_id", backend.db.BigId, nullable=True),
        sa.Column("at", When(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["deliberation_id"], ["deliberation.id"], name=op.f("fk_deliberation_outcome_deliberation_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_deliberation_outcome_staff_id")),
        sa.PrimaryKeyConstraint("kind", "number", name=op.f("pk_deliberation_outcome")),
    )
    op.create_index(op.f("ix_deliberation_outcome_deliberation_id"), "deliberation_outcome", ["deliberation_id"], unique=False)
    op.create_table(
        "deliberation_participant",
        sa.Column("deliberation_id", backend.db.BigId, nullable=False),
        sa.Column("resident_id", backend.db.BigId, nullable=False),
        sa.Column("conversation_id", backend.db.BigId, nullable=False),
        sa.Column("declared", sa.Boolean(), nullable=False),
        sa.Column("told", sa.String(length=16), nullable=False),
        sa.Column("at", When(timezone=True), nullable=False),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_deliberation_participant_conversation_id")
        ),
        sa.ForeignKeyConstraint(
            ["deliberation_id"], ["deliberation.id"], name=op.f("fk_deliberation_participant_deliberation_id")
        ),
        sa.ForeignKeyConstraint(["resident_id"], ["resident.id"], name=op.f("fk_deliberation_participant_resident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliberation_participant")),
        sa.UniqueConstraint(
            "deliberation_id", "resident_id", name=op.f("uq_deliberation_participant_deliberation_id_resident_id")
        ),
    )
    op.create_index(
        op.f("ix_deliberation_participant_conversation_id"), "deliberation_participant", ["conversation_id"], unique=False
    )
    op.create_index(
        op.f("ix_deliberation_participant_deliberation_id_told_id"),
        "deliberation_participant",
        ["deliberation_id", "told", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_deliberation_participant_resident_id"), "deliberation_participant", ["resident_id"], unique=False)
    op.create_table(
        "deliberation_statement",
        sa.Column("deliberation_id", backend.db.BigId, nullable=False),
        sa.Column("resident_id", backend.db.BigId, nullable=False),
        sa.Column("conversation_id", backend.db.BigId, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("refusal", sa.String(length=32), nullable=True),
        sa.Column("moderated_by", backend.db.BigId, nullable=True),
        sa.Column("moderated_at", When(timezone=True), nullable=True),
        sa.Column("reminded_at", When(timezone=True), nullable=True),
        sa.Column("at", When(timezone=True), nullable=False),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_deliberation_statement_conversation_id")
        ),
        sa.ForeignKeyConstraint(
            ["deliberation_id"], ["deliberation.id"], name=op.f("fk_deliberation_statement_deliberation_id")
        ),
        sa.ForeignKeyConstraint(["moderated_by"], ["staff.id"], name=op.f("fk_deliberation_statement_moderated_by")),
        sa.ForeignKeyConstraint(["resident_id"], ["resident.id"], name=op.f("fk_deliberation_statement_resident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliberation_statement")),
    )
    op.create_index(op.f("ix_deliberation_statement_at"), "deliberation_statement", ["at"], unique=False)
    op.create_index(
        op.f("ix_deliberation_statement_conversation_id"), "deliberation_statement", ["conversation_id"], unique=False
    )
    op.create_index(
        op.f("ix_deliberation_statement_deliberation_id_state"),
        "deliberation_statement",
        ["deliberation_id", "state"],
        unique=False,
    )
    op.create_index(op.f("ix_deliberation_statement_resident_id"), "deliberation_statement", ["resident_id"], unique=False)
    op.create_table(
        "deliberation_voice",
        sa.Column("statement_id", backend.db.BigId, nullable=False),
        sa.Column("resident_id", backend.db.BigId, nullable=False),
        sa.Column("stance", sa.String(length=32), nullable=False),
        sa.Column("at", When(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["resident_id"], ["resident.id"], name=op.f("fk_deliberation_voice_resident_id")),
        sa.ForeignKeyConstraint(
            ["statement_id"], ["deliberation_statement.id"], name=op.f("fk_deliberation_voice_statement_id")
        ),
        sa.PrimaryKeyConstraint("statement_id", "resident_id", name=op.f("pk_deliberation_voice")),
    )
    op.create_index(op.f("ix_deliberation_voice_resident_id"), "deliberation_voice", ["resident_id"], unique=False)


def downgrade() -> None:
    for table in (
        "deliberation_voice",
        "deliberation_statement",
        "deliberation_participant",
        "deliberation_outcome",
        "deliberation_log",
        "dweller",
        "deliberation",
        "dwelling",
    ):
        op.drop_table(table)
