"""Votes"""

import sqlalchemy as sa
from alembic import op

import backend.db

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "vote",
        sa.Column("number", sa.String(length=12), nullable=False),
        sa.Column(
            "state",
            sa.Enum("draft", "open", "ended", "decided", "cancelled", name="votestate", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("area_code", sa.String(length=32), nullable=False),
        sa.Column("area_path", sa.String(length=200), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column(
            "kind", sa.Enum("decision", "one", "several", "approval", name="kind", native_enum=False, length=32), nullable=False
        ),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column(
            "basis",
            sa.Enum("person", "household", "representative", "dwelling", name="basis", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column(
            "rule",
            sa.Enum(
                "residents",
                "villagers",
                "owners",
                "owners_special",
                "consultation",
                name="rulename",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("starts_at", backend.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ends_at", backend.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("extension_days", sa.Integer(), nullable=False),
        sa.Column("extended", sa.Boolean(), nullable=False),
        sa.Column("paper_desk", sa.String(length=200), nullable=False),
        sa.Column("attachments", sa.JSON(), nullable=False),
        sa.Column("listed_matter", sa.Boolean(), nullable=False),
        sa.Column("assessment", sa.Text(), nullable=False),
        sa.Column("keys_needed", sa.Integer(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=True),
        sa.Column("wraps", sa.JSON(), nullable=False),
        sa.Column("secret_check", sa.String(length=64), nullable=False),
        sa.Column("electorate_number", sa.Integer(), nullable=False),
        sa.Column("electorate_area", backend.db.BigId, nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("closed_box", sa.String(length=64), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("telling", sa.String(length=16), nullable=False),
        sa.Column("created_by", backend.db.BigId, nullable=True),
        sa.Column("created_at", backend.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("announced_at", backend.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_at", backend.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("decided_at", backend.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["area_code"], ["area.code"], name=op.f("fk_vote_area_code")),
        sa.ForeignKeyConstraint(["created_by"], ["staff.id"], name=op.f("fk_vote_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vote")),
        sa.UniqueConstraint("number", name=op.f("uq_vote_number")),
    )
    with op.batch_alter_table("vote", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_vote_area_path"), ["area_path"], unique=False)
        batch_op.create_index(batch_op.f("ix_vote_ends_at"), ["ends_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_vote_state"), ["state"], unique=False)

    op.create_table(
        "vote_ballot",
        sa.Column("vote_id", backend.db.BigId, nullable=False),
        sa.Column("slot", sa.LargeBinary(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("paper", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["vote_id"], ["vote.id"], name=op.f("fk_vote_ballot_vote_id")),
        sa.PrimaryKeyConstraint("vote_id", "slot", name=op.f("pk_vote_ballot")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "vote_envelope",
        sa.Column("vote_id", backend.db.BigId, nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["vote_id"], ["vote.id"], name=op.f("fk_vote_envelope_vote_id")),
        sa.PrimaryKeyConstraint("vote_id", "id", name=op.f("pk_vote_envelope")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "vote_guess",
        sa.Column("conversation_id", backend.db.BigId, nullable=False),
        sa.Column("at", backend.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name=op.f("fk_vote_guess_conversation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vote_guess")),
    )
    with op.batch_alter_table("vote_guess", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_vote_guess_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_vote_guess_conversation_id"), ["conversation_id"], unique=False)

    op.create_table(
        "vote_keyholder",
        sa.Column("vote_id", backend.db.BigId, nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=True),
        sa.Column("handed_by", backend.db.BigId, nullable=True),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["handed_by"], ["staff.id"], name=op.f("fk_vote_keyholder_handed_by")),
        sa.ForeignKeyConstraint(["vote_id"], ["vote.id"], name=op.f("fk_vote_keyholder_vote_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vote_keyholder")),
    )
    with op.batch_alter_table("vote_keyholder", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_vote_keyholder_vote_id"), ["vote_id"], unique=False)

    op.create_table(
        "vote_log",
        sa.Column("vote_id", backend.db.BigId, nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("refused", sa.Boolean(), nullable=False),
        sa.Column("staff_id", backend.db.BigId, nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("at", backend.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_vote_log_staff_id")),
        sa.ForeignKeyConstraint(["vote_id"], ["vote.id"], name=op.f("fk_vote_log_vote_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vote_log")),
    )
    with op.batch_alter_table("vote_log", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_vote_log_vote_id"), ["vote_id"], unique=False)

    op.create_table(
        "vote_match",
        sa.Column("area_code", sa.String(length=32), nullable=False),
        sa.Column(
            "basis",
            sa.Enum("person", "household", "representative", "dwelling", name="basis", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("unit_code", sa.String(length=64), nullable=False),
        sa.Column("vote_id", backend.db.BigId, nullable=True),
        sa.Column("resident_id", backend.db.BigId, nullable=False),
        sa.Column("conversation_id", backend.db.BigId, nullable=False),
        sa.Column("how", sa.Enum("code", "staff", "proxy", name="matchedby", native_enum=False, length=32), nullable=False),
        sa.Column("staff_id", backend.db.BigId, nullable=True),
        sa.Column("at", backend.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", backend.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["area_code"], ["area.code"], name=op.f("fk_vote_match_area_code")),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name=op.f("fk_vote_match_conversation_id")),
        sa.ForeignKeyConstraint(["resident_id"], ["resident.id"], name=op.f("fk_vote_match_resident_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_vote_match_staff_id")),
        sa.ForeignKeyConstraint(["vote_id"], ["vote.id"], name=op.f("fk_vote_match_vote_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vote_match")),
    )
    with op.batch_alter_table("vote_match", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_vote_match_resident_id"), ["resident_id"], unique=False)
        batch_op.create_index(
            "uq_vote_match_holder",
            ["area_code", "basis", "unit_code"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL AND vote_id IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL AND vote_id IS NULL"),
        )
        batch_op.create_index(
            "uq_vote_match_proxy",
            ["vote_id", "unit_code"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL AND vote_id IS NOT NULL"),
            postgresql_where=sa.text("ended_at IS NULL AND vote_id IS NOT NULL"),
        )

    op.create_table(
        "vote_opened_ballot",
        sa.Column("vote_id", backend.db.BigId, nullable=False),
        sa.Column("receipt", sa.String(length=16), nullable=False),
        sa.Column("choice", sa.String(length=200), nullable=False),
        sa.Column("unit", sa.String(length=64), nullable=True),
        sa.Column("area", backend.db.BigId, nullable=False),
        sa.ForeignKeyConstraint(["vote_id"], ["vote.id"], name=op.f("fk_vote_opened_ballot_vote_id")),
        sa.PrimaryKeyConstraint("vote_id", "receipt", name=op.f("pk_vote_opened_ballot")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "vote_unit",
        sa.Column("vote_id", backend.db.BigId, nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("part", sa.String(length=64), nullable=False),
        sa.Column("area", backend.db.BigId, nullable=False),
        sa.Column("phone", sa.String(length=32), nullable=False),
        sa.Column("took_part", sa.Boolean(), nullable=True),
        sa.Column("told", sa.String(length=16), nullable=False),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["vote_id"], ["vote.id"], name=op.f("fk_vote_unit_vote_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vote_unit")),
        sa.UniqueConstraint("vote_id", "code", name=op.f("uq_vote_unit_vote_id_code")),
    )
    with op.batch_alter_table("vote_unit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_vote_unit_vote_id_told_id"), ["vote_id", "told", "id"], unique=False)

    op.create_table(
        "vote_code",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("vote_id", backend.db.BigId, nullable=False),
        sa.Column("unit_id", backend.db.BigId, nullable=False),
        sa.Column("proxy", sa.Boolean(), nullable=False),
        sa.Column("used_at", backend.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["unit_id"], ["vote_unit.id"], name=op.f("fk_vote_code_unit_id")),
        sa.ForeignKeyConstraint(["vote_id"], ["vote.id"], name=op.f("fk_vote_code_vote_id")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_vote_code")),
    )
    with op.batch_alter_table("vote_code", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_vote_code_unit_id"), ["unit_id"], unique=False)


def downgrade() -> None:
    op.drop_table("vote_code")
    op.drop_table("vote_unit")
    op.drop_table("vote_opened_ballot")
    op.drop_table("vote_match")
    op.drop_table("vote_log")
    op.drop_table("vote_keyholder")
    op.drop_table("vote_guess")
    op.drop_table("vote_envelope")
    op.drop_table("vote_ballot")
    op.drop_table("vote")
