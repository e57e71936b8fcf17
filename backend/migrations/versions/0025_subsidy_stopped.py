"""Subsidies: who was stopped may apply again in the same year"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

INDEX, TABLE, COLUMNS = "uq_subsidy_application_once", "subsidy_application", ["person", "kind", "period"]
CLOSED = "state NOT IN ('refused','withdrawn')"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("stopped", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(
        "UPDATE subsidy_application SET stopped = true WHERE id IN "
        "(SELECT application_id FROM subsidy_grant WHERE ended NOT IN ('','over') AND cycle <> 'once')"
    )
    op.execute(
        "UPDATE subsidy_check SET state = 'ended' WHERE state IN ('asked','flagged','suspended') AND application_id IN "
        "(SELECT application_id FROM subsidy_grant WHERE ended NOT IN ('','over'))"
    )
    _index(f"{CLOSED} AND NOT stopped")


def downgrade() -> None:
    _index(CLOSED)
    op.drop_column(TABLE, "stopped")


def _index(where: str) -> None:
    op.drop_index(INDEX, TABLE)
    op.create_index(INDEX, TABLE, COLUMNS, unique=True, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
