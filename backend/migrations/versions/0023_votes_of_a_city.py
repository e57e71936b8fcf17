"""Who took part, and what was published, in a few rows for each vote"""

import json

import sqlalchemy as sa
from alembic import op

import backend.db

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

PAGE = 5_000


def upgrade() -> None:
    attendance = op.create_table(
        "vote_attendance",
        sa.Column("vote_id", backend.db.BigId, nullable=False),
        sa.Column("units", sa.LargeBinary(), nullable=False),
        sa.Column("strangers", sa.LargeBinary(), nullable=False),
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["vote_id"], ["vote.id"], name=op.f("fk_vote_attendance_vote_id")),
        sa.PrimaryKeyConstraint("vote_id", name=op.f("pk_vote_attendance")),
    )
    published = op.create_table(
        "vote_published",
        sa.Column("vote_id", backend.db.BigId, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("ballots", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["vote_id"], ["vote.id"], name=op.f("fk_vote_published_vote_id")),
        sa.PrimaryKeyConstraint("vote_id", "place", name=op.f("pk_vote_published")),
    )
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":  # receipts are random: packing them takes a second a city and saves little
        op.execute("ALTER TABLE vote_published ALTER COLUMN ballots SET STORAGE EXTERNAL")
    votes = sa.table("vote", sa.column("id"), sa.column("state"))
    units = sa.table("vote_unit", sa.column("id"), sa.column("vote_id"), sa.column("took_part", sa.Boolean()))
    opened = sa.table("vote_opened_ballot", *map(sa.column, ("vote_id", "receipt", "choice", "unit", "area")))
    # The mark cannot be made without the secret: without one, who opens the box looks for strangers again.
    for vote_id, state in connection.execute(sa.select(votes.c.id, votes.c.state)).all():
        if state not in ("ended", "decided"):
            continue
        took = connection.scalars(sa.select(units.c.took_part).where(units.c.vote_id == vote_id).order_by(units.c.id)).all()
        connection.execute(sa.insert(attendance).values(vote_id=vote_id, units=bytes(map(bool, took)), strangers=b"", mark=""))
        rows = connection.execute(
            sa.select(opened.c.receipt, opened.c.choice, opened.c.unit, opened.c.area)
            .where(opened.c.vote_id == vote_id)
            .order_by(opened.c.receipt)
        ).all()
        ballots = [
            {"choice": choice.split(","), "receipt": receipt} | ({} if unit is None else {"area": area, "unit": unit})
            for receipt, choice, unit, area in rows
        ]
        for place, start in enumerate(range(0, len(ballots), PAGE)):
            page = json.dumps(ballots[start : start + PAGE], sort_keys=True, ensure_ascii=False, separators=(",", ":"))[1:-1]
            connection.execute(sa.insert(published).values(vote_id=vote_id, place=place, ballots=page))
    op.create_index("ix_vote_unit_vote_id_phone", "vote_unit", ["vote_id", "phone"], unique=False)
    op.drop_table("vote_opened_ballot")
    op.drop_column("vote_unit", "took_part")


def downgrade() -> None:
    op.drop_index("ix_vote_unit_vote_id_phone", table_name="vote_unit")
    op.add_column("vote_unit", sa.Column("took_part", sa.Boolean(), nullable=True))
    op.create_table(
        "vote_opened_ballot",
        sa.Column("vote_id", backend.db.BigId, nullable=False),
        sa.Column("receipt", sa.String(length=16), nullable=False),
        sa.Column("choice", sa.String(length=200), nullable=False),
        sa.Column("unit", sa.String(length=64), nullable=True),
        sa.Column("area", backend.db.BigId, nullable=False),
        sa.ForeignKeyConstraint(["vote_id"], ["vote.id"], name=op.f("fk_vote_opened_ballot_vote_id")),
        sa.PrimaryKeyConstraint("vote_id", "receipt", name=op.f("pk_vote_opened_ballot")),
        sqlite_with_rowid=False,
    )
    op.drop_table("vote_published")
    op.drop_table("vote_attendance")
