"""Text messages"""

import sqlalchemy as sa
from alembic import op

import backend.db

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

When = backend.db.UtcDateTime
OPEN = sa.text("state IN ('queued','sending')")


def upgrade() -> None:
    op.create_table(
        "sms",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("phone_id", backend.db.BigId, nullable=False),
        sa.Column("lookup", sa.String(length=64), nullable=False),
        sa.Column("text_id", backend.db.BigId, nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", When(timezone=True), nullable=False),
        sa.Column("lease_until", When(timezone=True), nullable=True),
        sa.Column("good_until", When(timezone=True), nullable=False),
        sa.Column("external_id", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("created_at", When(timezone=True), nullable=False),
        sa.Column("done_at", When(timezone=True), nullable=True),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sms")),
        sa.UniqueConstraint("key", name=op.f("uq_sms_key")),
    )
    op.create_index("ix_sms_open", "sms", ["next_at"], sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_index("ix_sms_phone", "sms", ["lookup", "created_at"])


def downgrade() -> None:
    op.drop_table("sms")
