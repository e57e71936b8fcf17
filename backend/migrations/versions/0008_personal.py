"""What residents asked about their data"""

import sqlalchemy as sa
from alembic import op

import backend.db

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "personal_request",
        sa.Column("resident_id", backend.db.BigId, nullable=False),
        sa.Column("conversation_id", backend.db.BigId, nullable=False),
        sa.Column("wish", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("kept", sa.JSON(), nullable=False),
        sa.Column("last_sequence", sa.Integer(), nullable=True),
        sa.Column("tracker_key", sa.String(length=64), nullable=False),
        sa.Column("asked_at", backend.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("done_at", backend.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personal_request")),
    )
    op.create_index(op.f("ix_personal_request_resident_id"), "personal_request", ["resident_id"], unique=False)
    op.create_index(op.f("ix_personal_request_state"), "personal_request", ["state"], unique=False)


def downgrade() -> None:
    op.drop_table("personal_request")
