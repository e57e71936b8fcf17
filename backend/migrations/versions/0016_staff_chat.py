"""Staff in a messenger"""

import sqlalchemy as sa
from alembic import op

import backend.db

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

When = backend.db.UtcDateTime


def foreign(table: str, column: str, target: str, *, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete)


def own_id(table: str) -> tuple[sa.Column[int], sa.PrimaryKeyConstraint]:
    return (
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def upgrade() -> None:
    table = "staff_chat"
    op.create_table(
        table,
        sa.Column("staff_id", backend.db.BigId, nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("address", sa.String(length=128), nullable=False),
        sa.Column("working", sa.Boolean(), nullable=False),
        sa.Column("conversation_id", backend.db.BigId, nullable=True),
        sa.Column("linked_at", When(timezone=True), nullable=False),
        foreign(table, "staff_id", "staff.id"),
        foreign(table, "conversation_id", "conversation.id", ondelete="SET NULL"),
        sa.UniqueConstraint("staff_id", name=op.f(f"uq_{table}_staff_id")),
        sa.UniqueConstraint("channel", "address", name=op.f(f"uq_{table}_channel_address")),
        *own_id(table),
    )
    table = "staff_talk"
    op.create_table(
        table,
        sa.Column("chat_id", backend.db.BigId, nullable=False),
        sa.Column("conversation_id", backend.db.BigId, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        foreign(table, "chat_id", "staff_chat.id", ondelete="CASCADE"),
        foreign(table, "conversation_id", "conversation.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("chat_id", "conversation_id", name=op.f(f"pk_{table}")),
    )
    table = "staff_link_code"
    op.create_table(
        table,
        sa.Column("staff_id", backend.db.BigId, nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", When(timezone=True), nullable=False),
        foreign(table, "staff_id", "staff.id"),
        sa.PrimaryKeyConstraint("staff_id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("code_hash", name=op.f(f"uq_{table}_code_hash")),
    )
    table = "staff_link_try"
    op.create_table(
        table,
        sa.Column("address", sa.String(length=128), nullable=False),
        sa.Column("at", When(timezone=True), nullable=False),
        *own_id(table),
    )
    for column in ("address", "at"):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    table = "staff_heard"
    op.create_table(
        table,
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("address", sa.String(length=128), nullable=False),
        sa.Column("external_id", sa.String(length=128), nullable=False),
        sa.Column("at", When(timezone=True), nullable=False),
        sa.UniqueConstraint("channel", "address", "external_id", name=op.f(f"uq_{table}_channel_address_external_id")),
        *own_id(table),
    )
    op.create_index(op.f(f"ix_{table}_at"), table, ["at"])
    table = "staff_push"
    op.create_table(
        table,
        sa.Column("staff_id", backend.db.BigId, nullable=True),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("address", sa.String(length=128), nullable=False),
        sa.Column("notice_id", backend.db.BigId, nullable=True),
        sa.Column("conversation_id", backend.db.BigId, nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("buttons", sa.JSON(), nullable=False),
        sa.Column("media", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=64), nullable=True),
        sa.Column("lease_until", When(timezone=True), nullable=True),
        sa.Column("next_at", When(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("created_at", When(timezone=True), nullable=False),
        foreign(table, "staff_id", "staff.id"),
        foreign(table, "conversation_id", "conversation.id", ondelete="CASCADE"),
        sa.UniqueConstraint("staff_id", "notice_id", name=op.f(f"uq_{table}_staff_id_notice_id")),
        *own_id(table),
    )
    for column in ("conversation_id", "created_at"):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    still_open = sa.text("state IN ('queued','sending')")
    op.create_index("ix_staff_push_open", table, ["address", "id"], sqlite_where=still_open, postgresql_where=still_open)


def downgrade() -> None:
    for table in ("staff_push", "staff_heard", "staff_link_try", "staff_link_code", "staff_talk", "staff_chat"):
        op.drop_table(table)
