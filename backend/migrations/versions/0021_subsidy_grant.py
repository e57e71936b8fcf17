"""Subsidies: what is paid period after period"""

from datetime import date
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

import backend.db
from backend.subsidies.cycles import ONCE, moved, period_of

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

RUNNING = sa.text("next_from IS NOT NULL")
LIVE = sa.text("state NOT IN ('failed','cancelled')")
CITY = ZoneInfo("Asia/Shanghai")  # a payment of the first of a month in the city is the month's, whatever the day in UTC
PAID = ("approved", "paying", "paid", "payment_failed")


def upgrade() -> None:
    table = "subsidy_grant"
    op.create_table(
        table,
        sa.Column("application_id", backend.db.BigId, nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("cycle", sa.String(length=16), nullable=False),
        sa.Column("begins", sa.Date(), nullable=False),
        sa.Column("next_from", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("arrears", sa.Boolean(), nullable=False),
        sa.Column("ended", sa.String(length=16), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("ended_by", backend.db.BigId, nullable=True),
        sa.Column("ended_at", backend.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["subsidy_application.id"], name=op.f(f"fk_{table}_application_id")),
        sa.ForeignKeyConstraint(["ended_by"], ["staff.id"], name=op.f(f"fk_{table}_ended_by")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("application_id", name=op.f(f"uq_{table}_application_id")),
    )
    op.create_index(
        "uq_subsidy_grant_running", table, ["person", "kind"], unique=True, sqlite_where=RUNNING, postgresql_where=RUNNING
    )
    op.create_index("ix_subsidy_grant_next", table, ["next_from"])
    with op.batch_alter_table("subsidy_payment") as batch:
        batch.add_column(sa.Column("period", sa.String(length=8), nullable=True))
        batch.add_column(sa.Column("period_from", sa.Date(), nullable=True))
    _fill()
    with op.batch_alter_table("subsidy_payment") as batch:
        batch.alter_column("period", existing_type=sa.String(length=8), nullable=False)
        batch.alter_column("period_from", existing_type=sa.Date(), nullable=False)
    op.create_index("ix_subsidy_payment_due", "subsidy_payment", ["state", "period"])
    op.create_index(
        "uq_subsidy_payment_period",
        "subsidy_payment",
        ["application_id", "period"],
        unique=True,
        sqlite_where=LIVE,
        postgresql_where=LIVE,
    )


def _fill() -> None:
    """Each application that was approved has had one payment, that of the period it was made in; the next ones follow."""
    connection = op.get_bind()
    catalogues = sa.table("subsidy_catalogue", sa.column("id"), sa.column("content", sa.JSON))
    cycles = {
        (row.id, kind["code"]): kind["cycle"]
        for row in connection.execute(sa.select(catalogues))
        for kind in row.content["kinds"]
    }
    applications = sa.table("subsidy_application", *map(sa.column, ("id", "person", "kind", "catalogue_id", "state")))
    payments = sa.table(
        "subsidy_payment",
        *map(sa.column, ("id", "application_id", "period")),
        sa.column("period_from", sa.Date),
        sa.column("created_at", backend.db.UtcDateTime(timezone=True)),
    )
    grant = sa.table(
        "subsidy_grant",
        *map(sa.column, ("application_id", "person", "kind", "cycle", "arrears", "ended", "note")),
        sa.column("begins", sa.Date),
        sa.column("next_from", sa.Date),
    )
    running: set[tuple[str, str]] = set()
    for row in connection.execute(
        sa.select(applications).where(applications.c.state.in_(PAID)).order_by(applications.c.id.desc())
    ).all():
        cycle = cycles[row.catalogue_id, row.kind]
        mine = connection.execute(sa.select(payments).where(payments.c.application_id == row.id).order_by(payments.c.id)).all()
        if not mine:
            continue
        period = period_of(cycle, mine[0].created_at.astimezone(CITY).date())
        connection.execute(
            sa.update(payments)
            .where(payments.c.application_id == row.id)
            .values(period=period.label, period_from=period.begins)
        )
        follows: date | None = None
        if cycle != ONCE and (row.person, row.kind) not in running:
            running.add((row.person, row.kind))
            follows = moved(cycle, period.begins, 1)
        connection.execute(
            sa.insert(grant).values(
                application_id=row.id,
                person=row.person,
                kind=row.kind,
                cycle=cycle,
                begins=period.begins,
                next_from=follows,
                arrears=True,
                ended="" if follows else "over",
                note="",
            )
        )


def downgrade() -> None:
    op.drop_index("uq_subsidy_payment_period", "subsidy_payment")
    op.drop_index("ix_subsidy_payment_due", "subsidy_payment")
    with op.batch_alter_table("subsidy_payment") as batch:
        batch.drop_column("period_from")
        batch.drop_column("period")
    op.drop_table("subsidy_grant")
