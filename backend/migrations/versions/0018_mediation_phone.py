"""Where a side of a mediation can be called"""

import sqlalchemy as sa
from alembic import op

from backend.db import BigId

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TABLE = "mediation_phone"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("mediation_id", BigId, nullable=False),
        sa.Column("side", sa.String(length=32), nullable=False),
        sa.Column("item_id", BigId, nullable=False),
        sa.ForeignKeyConstraint(["mediation_id"], ["mediation.id"], name=op.f(f"fk_{TABLE}_mediation_id")),
        sa.ForeignKeyConstraint(["item_id"], ["vault_item.id"], name=op.f(f"fk_{TABLE}_item_id")),
        sa.PrimaryKeyConstraint("mediation_id", "side", name=op.f(f"pk_{TABLE}")),
    )
    op.create_index(op.f(f"ix_{TABLE}_item_id"), TABLE, ["item_id"])


def downgrade() -> None:
    op.drop_table(TABLE)
