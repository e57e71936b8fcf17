"""Mediation: mediators, rooms, disputes, parties, sittings and their bookings"""

import sqlalchemy as sa
from alembic import op

import backend.db

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

When = backend.db.UtcDateTime
BigId = backend.db.BigId


def foreign(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    table = "mediator"
    op.create_table(
        table,
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("title", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("matter", sa.String(length=32), nullable=True),
        sa.Column("area_code", sa.String(length=32), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        foreign(table, "area_code", "area.code"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("code", name=op.f(f"uq_{table}_code")),
    )
    op.create_index(op.f("ix_mediator_area_code"), table, ["area_code"])
    table = "mediation_room"
    op.create_table(
        table,
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=120), nullable=False),
        sa.Column("area_code", sa.String(length=32), nullable=False),
        foreign(table, "area_code", "area.code"),
        sa.PrimaryKeyConstraint("code", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f("ix_mediation_room_area_code"), table, ["area_code"])
    table = "mediation"
    op.create_table(
        table,
        sa.Column("number", sa.String(length=9), nullable=False),
        sa.Column("origin", sa.String(length=32), nullable=False),
        sa.Column("source_number", sa.String(length=9), nullable=False),
        sa.Column("matter", sa.String(length=32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("area_code", sa.String(length=32), nullable=False),
        sa.Column("area_path", sa.String(length=200), nullable=False),
        sa.Column("route", sa.String(length=32), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("department_code", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("mediator_id", BigId, nullable=True),
        sa.Column("agreement", sa.Text(), nullable=False),
        sa.Column("due_at", When(timezone=True), nullable=True),
        sa.Column("late_told_at", When(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", When(timezone=True), nullable=False),
        sa.Column("ended_at", When(timezone=True), nullable=True),
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        foreign(table, "area_code", "area.code"),
        foreign(table, "department_code", "department.code"),
        foreign(table, "mediator_id", "mediator.id"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("number", name=op.f(f"uq_{table}_number")),
    )
    op.create_index(op.f("ix_mediation_area_path_state"), table, ["area_path", "state"])
    op.create_index(op.f("ix_mediation_department_code"), table, ["department_code"])
    op.create_index(op.f("ix_mediation_due_at"), table, ["due_at"])
    op.create_index(op.f("ix_mediation_mediator_id"), table, ["mediator_id"])
    op.create_index(op.f("ix_mediation_source_number"), table, ["source_number"])
    op.create_index(op.f("ix_mediation_state"), table, ["state"])
    table = "mediation_party"
    op.create_table(
        table,
        sa.Column("mediation_id", BigId, nullable=False),
        sa.Column("side", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("resident_id", BigId, nullable=True),
        sa.Column("conversation_id", BigId, nullable=True),
        sa.Column("answer", sa.String(length=32), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=True),
        sa.Column("code_until", When(timezone=True), nullable=True),
        sa.Column("given_at", When(timezone=True), nullable=True),
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        foreign(table, "mediation_id", "mediation.id"),
        foreign(table, "resident_id", "resident.id"),
        foreign(table, "conversation_id", "conversation.id"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("mediation_id", "side", name=op.f(f"uq_{table}_mediation_id_side")),
        sa.UniqueConstraint("code_hash", name=op.f(f"uq_{table}_code_hash")),
    )
    op.create_index(op.f("ix_mediation_party_resident_id"), table, ["resident_id"])
    table = "mediation_sitting"
    op.create_table(
        table,
        sa.Column("mediation_id", BigId, nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("mediator_id", BigId, nullable=False),
        sa.Column("room_code", sa.String(length=32), nullable=False),
        sa.Column("starts_at", When(timezone=True), nullable=False),
        sa.Column("ends_at", When(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("day_told_at", When(timezone=True), nullable=True),
        sa.Column("hours_told_at", When(timezone=True), nullable=True),
        sa.Column("unwritten_told_at", When(timezone=True), nullable=True),
        sa.Column("minutes", sa.Text(), nullable=False),
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        foreign(table, "mediation_id", "mediation.id"),
        foreign(table, "mediator_id", "mediator.id"),
        foreign(table, "room_code", "mediation_room.code"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f("ix_mediation_sitting_mediation_id"), table, ["mediation_id"])
    op.create_index(op.f("ix_mediation_sitting_state"), table, ["state"])
    table = "mediation_booking"
    op.create_table(
        table,
        sa.Column("resource", sa.String(length=48), nullable=False),
        sa.Column("slot", When(timezone=True), nullable=False),
        sa.Column("sitting_id", BigId, nullable=False),
        foreign(table, "sitting_id", "mediation_sitting.id"),
        sa.PrimaryKeyConstraint("resource", "slot", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f("ix_mediation_booking_sitting_id"), table, ["sitting_id"])
    table = "mediation_history"
    op.create_table(
        table,
        sa.Column("mediation_id", BigId, nullable=False),
        sa.Column("step", sa.String(length=32), nullable=False),
        sa.Column("rung", sa.Integer(), nullable=False),
        sa.Column("staff_id", BigId, nullable=True),
        sa.Column("side", sa.String(length=32), nullable=True),
        sa.Column("note", sa.String(length=1000), nullable=False),
        sa.Column("at", When(timezone=True), nullable=False),
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        foreign(table, "mediation_id", "mediation.id"),
        foreign(table, "staff_id", "staff.id"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f("ix_mediation_history_mediation_id"), table, ["mediation_id"])


def downgrade() -> None:
    for table in (
        "mediation_history",
        "mediation_booking",
        "mediation_sitting",
        "mediation_party",
        "mediation",
        "mediation_room",
        "mediator",
    ):
        op.drop_table(table)
