"""Quick answers of desks"""

import sqlalchemy as sa
from alembic import op

import backend.db

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    table = "desk_answer"
    op.create_table(
        table,
        sa.Column("area_code", sa.String(length=32), nullable=False),
        sa.Column("title", sa.String(length=24), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("staff_id", backend.db.BigId, nullable=True),
        sa.Column("updated_at", backend.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["area_code"], ["area.code"], name=op.f(f"fk_{table}_area_code")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f(f"fk_{table}_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("area_code", "title", name=op.f(f"uq_{table}_area_code_title")),
    )


def downgrade() -> None:
    op.drop_table("desk_answer")
