"""Subsidies: consent by chat or code, objections, the yearly re-check"""

import sqlalchemy as sa
from alembic import op

import backend.db

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

When = backend.db.UtcDateTime


def foreign(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    table = "subsidy_consent"
    op.create_table(
        table,
        sa.Column("application_id", backend.db.BigId, nullable=False),
        sa.Column("conversation_id", backend.db.BigId, nullable=True),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("until", When(timezone=True), nullable=False),
        sa.Column("answer", sa.String(length=16), nullable=False),
        sa.Column("how", sa.String(length=16), nullable=False),
        sa.Column("answered_at", When(timezone=True), nullable=True),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        foreign(table, "application_id", "subsidy_application.id"),
        foreign(table, "conversation_id", "conversation.id"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("application_id", name=op.f(f"uq_{table}_application_id")),
    )
    for column in ("conversation_id", "until"):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    table = "subsidy_objection"
    op.create_table(
        table,
        sa.Column("application_id", backend.db.BigId, nullable=False),
        sa.Column("conversation_id", backend.db.BigId, nullable=True),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("at", When(timezone=True), nullable=False),
        sa.Column("answer", sa.String(length=16), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("staff_id", backend.db.BigId, nullable=True),
        sa.Column("answered_at", When(timezone=True), nullable=True),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        foreign(table, "application_id", "subsidy_application.id"),
        foreign(table, "conversation_id", "conversation.id"),
        foreign(table, "staff_id", "staff.id"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("application_id", "conversation_id", name=op.f(f"uq_{table}_application_id_conversation_id")),
    )
    for column in ("application_id", "conversation_id"):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    table = "subsidy_campaign"
    op.create_table(
        table,
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("photo", sa.Boolean(), nullable=False),
        sa.Column("area_code", sa.String(length=32), nullable=False),
        sa.Column("answer_by", sa.Date(), nullable=False),
        sa.Column("staff_id", backend.db.BigId, nullable=False),
        sa.Column("created_at", When(timezone=True), nullable=False),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        foreign(table, "area_code", "area.code"),
        foreign(table, "staff_id", "staff.id"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f(f"ix_{table}_kind"), table, ["kind"])
    table = "subsidy_check"
    op.create_table(
        table,
        sa.Column("campaign_id", backend.db.BigId, nullable=False),
        sa.Column("application_id", backend.db.BigId, nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("answer", sa.String(length=16), nullable=False),
        sa.Column("media", sa.JSON(), nullable=False),
        sa.Column("told_at", When(timezone=True), nullable=True),
        sa.Column("reminded", sa.Integer(), nullable=True),
        sa.Column("answered_at", When(timezone=True), nullable=True),
        sa.Column("visit_note", sa.String(length=500), nullable=False),
        sa.Column("visited_by", backend.db.BigId, nullable=True),
        sa.Column("visited_at", When(timezone=True), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("decided_by", backend.db.BigId, nullable=True),
        sa.Column("decided_at", When(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        foreign(table, "campaign_id", "subsidy_campaign.id"),
        foreign(table, "application_id", "subsidy_application.id"),
        foreign(table, "visited_by", "staff.id"),
        foreign(table, "decided_by", "staff.id"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("campaign_id", "application_id", name=op.f(f"uq_{table}_campaign_id_application_id")),
    )
    op.create_index("ix_subsidy_check_state", table, ["campaign_id", "state", "id"])
    op.create_index("ix_subsidy_check_told", table, ["state", "told_at"])
    op.create_index(op.f("ix_subsidy_check_application_id"), table, ["application_id"])


def downgrade() -> None:
    for table in ("subsidy_check", "subsidy_campaign", "subsidy_objection", "subsidy_consent"):
        op.drop_table(table)
