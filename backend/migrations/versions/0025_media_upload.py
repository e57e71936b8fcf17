"""Files that came in nobody's name"""

import sqlalchemy as sa
from alembic import op

import backend.db

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    table = "media_upload"
    op.create_table(
        table,
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("stored_at", backend.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("key", name=op.f(f"uq_{table}_key")),
    )
    op.create_index(op.f(f"ix_{table}_stored_at"), table, ["stored_at"])


def downgrade() -> None:
    op.drop_table("media_upload")
