"""Proposals out of a conversation"""

import sqlalchemy as sa
from alembic import op

import backend.db

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

When = backend.db.UtcDateTime


def upgrade() -> None:
    table = "proposal"
    op.create_table(
        table,
        sa.Column("conversation_id", backend.db.BigId, nullable=False),
        sa.Column("staff_id", backend.db.BigId, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("created_at", When(timezone=True), nullable=False),
        sa.Column("answered_at", When(timezone=True), nullable=True),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f(f"fk_{table}_conversation_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f(f"fk_{table}_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f(f"ix_{table}_conversation_id"), table, ["conversation_id"])


def downgrade() -> None:
    op.drop_table("proposal")
