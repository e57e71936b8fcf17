"""Messages that were misunderstood"""

import sqlalchemy as sa
from alembic import op

import backend.db

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "misunderstood",
        sa.Column("message_id", backend.db.BigId, nullable=False),
        sa.Column("intent", sa.String(length=32), nullable=False),
        sa.Column("staff_id", backend.db.BigId, nullable=False),
        sa.Column("at", backend.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_misunderstood_message_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_misunderstood_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_misunderstood")),
        sa.UniqueConstraint("message_id", name=op.f("uq_misunderstood_message_id")),
    )


def downgrade() -> None:
    op.drop_table("misunderstood")
