"""Which notices wake staff, who wants all of them, and which visits waited too long"""

import sqlalchemy as sa
from alembic import op

import backend.db

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("staff_notice", sa.Column("wakes", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("staff_chat", sa.Column("nights", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("desk_visit", sa.Column("overdue_at", backend.db.UtcDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("desk_visit", "overdue_at")
    op.drop_column("staff_chat", "nights")
    op.drop_column("staff_notice", "wakes")
