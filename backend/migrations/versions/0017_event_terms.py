"""What events are found by"""

import sqlalchemy as sa
from alembic import op

import backend.db
from backend.events.search import event_terms

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

AT_ONCE = 500


def upgrade() -> None:
    table = op.create_table(
        "event_term",
        sa.Column("term", sa.String(length=32).with_variant(sa.String(length=32, collation="C"), "postgresql"), nullable=False),
        sa.Column("event_id", backend.db.BigId, nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("fk_event_term_event_id")),
        sa.PrimaryKeyConstraint("term", "event_id", name=op.f("pk_event_term")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_event_term_event_id"), "event_term", ["event_id"], unique=False)
    events, connection, last = sa.table("event", *map(sa.column, ("id", "description", "address", "number"))), op.get_bind(), 0
    while rows := connection.execute(sa.select(events).where(events.c.id > last).order_by(events.c.id).limit(AT_ONCE)).all():
        last = rows[-1].id
        terms = [
            {"term": term, "event_id": row.id} for row in rows for term in event_terms(row.description, row.address, row.number)
        ]
        connection.execute(sa.insert(table), terms)


def downgrade() -> None:
    op.drop_table("event_term")
