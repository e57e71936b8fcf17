"""The desk: visits, transfers, hours"""

import sqlalchemy as sa
from alembic import op

import backend.db

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

When = backend.db.UtcDateTime


def foreign(table: str, column: str, target: str, *, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete)


def upgrade() -> None:
    table = "desk_visit"
    op.create_table(
        table,
        sa.Column("conversation_id", backend.db.BigId, nullable=True),
        sa.Column("event_id", backend.db.BigId, nullable=True),
        sa.Column("area_code", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("in_form", sa.Boolean(), nullable=False),
        sa.Column("open_at_ask", sa.Boolean(), nullable=False),
        sa.Column("asked_at", When(timezone=True), nullable=False),
        sa.Column("climb_at", When(timezone=True), nullable=True),
        sa.Column("climbs", sa.Integer(), nullable=False),
        sa.Column("told_ahead", sa.Integer(), nullable=False),
        sa.Column("told_at", When(timezone=True), nullable=False),
        sa.Column("staff_id", backend.db.BigId, nullable=True),
        sa.Column("claimed_at", When(timezone=True), nullable=True),
        sa.Column("answered_at", When(timezone=True), nullable=True),
        sa.Column("ended_at", When(timezone=True), nullable=True),
        sa.Column("stars", sa.Integer(), nullable=True),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        foreign(table, "conversation_id", "conversation.id", ondelete="SET NULL"),
        foreign(table, "event_id", "event.id"),
        foreign(table, "area_code", "area.code"),
        foreign(table, "staff_id", "staff.id"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    for column in ("conversation_id", "event_id", "area_code", "asked_at", "climb_at"):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    still_open = sa.text("ended_at IS NULL")
    op.create_index(
        "uq_desk_visit_open", table, ["conversation_id"], unique=True, sqlite_where=still_open, postgresql_where=still_open
    )
    table = "desk_transfer"
    op.create_table(
        table,
        sa.Column("visit_id", backend.db.BigId, nullable=False),
        sa.Column("conversation_id", backend.db.BigId, nullable=False),
        sa.Column("from_staff_id", backend.db.BigId, nullable=False),
        sa.Column("to_staff_id", backend.db.BigId, nullable=True),
        sa.Column("to_area_code", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("offered_at", When(timezone=True), nullable=False),
        sa.Column("ended_at", When(timezone=True), nullable=True),
        sa.Column("accepted_by", backend.db.BigId, nullable=True),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        foreign(table, "visit_id", "desk_visit.id"),
        foreign(table, "conversation_id", "conversation.id", ondelete="CASCADE"),
        foreign(table, "from_staff_id", "staff.id"),
        foreign(table, "to_staff_id", "staff.id"),
        foreign(table, "to_area_code", "area.code"),
        foreign(table, "accepted_by", "staff.id"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    for column in ("visit_id", "conversation_id", "to_staff_id", "to_area_code"):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    op.create_table(
        "desk_hours",
        sa.Column("area_code", sa.String(length=32), nullable=False),
        sa.Column("opens", sa.Time(), nullable=False),
        sa.Column("closes", sa.Time(), nullable=False),
        sa.Column("weekends", sa.Boolean(), nullable=False),
        foreign("desk_hours", "area_code", "area.code"),
        sa.PrimaryKeyConstraint("area_code", name=op.f("pk_desk_hours")),
    )
    op.create_table(
        "desk_day",
        sa.Column("area_code", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("working", sa.Boolean(), nullable=False),
        foreign("desk_day", "area_code", "area.code"),
        sa.PrimaryKeyConstraint("area_code", "day", name=op.f("pk_desk_day")),
    )


def downgrade() -> None:
    for table in ("desk_day", "desk_hours", "desk_transfer", "desk_visit"):
        op.drop_table(table)
