"""Numbers in the notes of events"""

import sqlalchemy as sa
from alembic import op

import backend.db

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    table = "event_withheld"
    op.create_table(
        table,
        sa.Column("event_id", backend.db.BigId, nullable=False),
        sa.Column("item_id", backend.db.BigId, nullable=False),
        sa.Column("staff_id", backend.db.BigId, nullable=False),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f(f"fk_{table}_event_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f(f"fk_{table}_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("item_id", name=op.f(f"uq_{table}_item_id")),
    )
    op.create_index(op.f(f"ix_{table}_event_id"), table, ["event_id"])


def downgrade() -> None:
    op.drop_table("event_withheld")
