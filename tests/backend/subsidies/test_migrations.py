"""A city that paid subsidies once (0020) comes up to payments by period, and nothing that was paid falls due again."""

from datetime import UTC, date, datetime
from enum import Enum
from typing import Any

from alembic import command
from sqlalchemy import JSON, Column, MetaData, Table, select

from backend import migrations
from backend.clock import FakeClock
from backend.db import Database, UtcDateTime
from backend.house import desk_factory
from backend.models import metadata
from backend.settings import Settings
from backend.subsidies import clerk, grants
from backend.subsidies.catalogue import read
from backend.subsidies.models import PaymentState, SubsidyApplication, SubsidyGrant, SubsidyPayment
from linlitong.home import ROOT
from tests.support.postgres import outside
from wording import Sentences

NEWER_KEYS = ("pays_from", "periods", "arrears")  # of a kind; a catalogue of 0020 has none of them
OCTOBER = datetime(2026, 10, 20, 2, tzinfo=UTC)
LAST_OF_OCTOBER = datetime(2026, 10, 31, 17, tzinfo=UTC)  # 1 November in the city
# (number, person, kind, state, [(state of a payment, when it was made)])
OLD: list[tuple[str, str, str, str, list[tuple[str, datetime]]]] = [
    ("B2222-2222", "p1", "elderly_allowance", "paid", [("failed", OCTOBER), ("paid", OCTOBER)]),
    ("B2222-2223", "p2", "elderly_allowance", "approved", [("due", LAST_OF_OCTOBER)]),
    ("B2222-2224", "p3", "elderly_allowance", "payment_failed", [("failed", OCTOBER)]),
    ("B2222-2225", "p4", "temporary_relief", "paying", [("exported", OCTOBER)]),
    ("B2222-2226", "p5", "elderly_allowance", "review", []),
]


def _value(column: Column[Any]) -> Any:
    """Something for a column that the test does not look at."""
    if isinstance(column.type, UtcDateTime):
        return OCTOBER
    if isinstance(column.type, JSON):
        return {}
    kind = column.type.python_type
    return next(iter(kind)) if issubclass(kind, Enum) else kind()


async def _fill(database: Database) -> None:
    catalogue, problems = read(ROOT / "demo" / "subsidies")
    assert catalogue is not None, problems
    kinds = [{key: value for key, value in kind.items() if key not in NEWER_KEYS} for kind in catalogue.content["kinds"]]
    async with database.engine.begin() as connection:
        known = MetaData()
        await connection.run_sync(known.reflect)

        async def add(table: str, **values: object) -> Any:
            """The old columns with the types that the program gives them, the rest with something."""
            then = [c for c in metadata.tables[table].columns if c.name in known.tables[table].c]
            old = Table(table, MetaData(), *(Column(c.name, c.type, primary_key=c.primary_key) for c in then))
            rest = {c.name: _value(c) for c in then if not c.nullable and not c.primary_key and c.name not in values}
            done = await connection.execute(old.insert().values(**rest | values))
            return done.inserted_primary_key[0]

        await add("area", code="c1", level="community", name="宫涵社区", path="c1/")
        version = await add("subsidy_catalogue", version="v1", content=catalogue.content | {"kinds": kinds})
        item = await add("vault_item", kind="bank", masked="6222****1234")
        mine = {"identity_id": item, "name_id": item, "account_id": item, "catalogue_id": version, "area_code": "c1"}
        for number, person, kind, state, made in OLD:
            shown = {"number": number, "person": person, "kind": kind, "state": state}
            one = await add("subsidy_application", **shown, **mine, period="2026", amount_fen=8000)
            for again, (paid, when) in enumerate(made):
                told = {"reference": f"{number}-{again}", "state": paid, "created_at": when}
                await add("subsidy_payment", application_id=one, account_id=item, **told)


async def test_payments_of_before_are_payments_of_their_period_and_the_next_ones_follow(
    empty_database_url: str, sentences: Sentences
) -> None:
    outside(lambda: command.upgrade(migrations.config_for(empty_database_url), "0020"))
    database = Database(empty_database_url)
    await _fill(database)
    outside(lambda: migrations.upgrade(empty_database_url))
    desk_of = desk_factory(Settings(), FakeClock(datetime(2026, 11, 24, 2, tzinfo=UTC)), sentences)

    async def found() -> dict[str, list[tuple[str, str]]]:
        async with database.read() as session:
            rows = (await session.scalars(select(SubsidyApplication).order_by(SubsidyApplication.number))).all()
            paid = {row.person: await grants.payments_of(session, row) for row in rows}
        return {person: sorted((p.period, p.state.value) for p in mine) for person, mine in paid.items()}

    assert await found() == {
        "p1": [("2026-10", "failed"), ("2026-10", "paid")],
        "p2": [("2026-11", "due")],
        "p3": [("2026-10", "failed")],
        "p4": [("once", "exported")],
        "p5": [],
    }
    async with database.read() as session:
        rows = await session.scalars(select(SubsidyGrant).order_by(SubsidyGrant.person))
        assert [(g.person, g.next_from, g.ended) for g in rows] == [
            ("p1", date(2026, 11, 1), ""),
            ("p2", date(2026, 12, 1), ""),
            ("p3", date(2026, 11, 1), ""),
            ("p4", None, "over"),
        ]
        assert not (await session.scalars(select(SubsidyApplication.stopped).distinct())).one()
    while await clerk.run_once(database, desk_of):
        pass
    later = await found()
    assert [later["p1"][2], later["p2"], later["p3"][1:]] == [("2026-11", "due"), [("2026-11", "due")], [("2026-11", "due")]]
    async with database.read() as session:
        row = (await session.scalars(select(SubsidyApplication).where(SubsidyApplication.person == "p3"))).one()
        failed = grants.unpaid(await grants.of(session, row), await grants.payments_of(session, row))
        assert [(p.period, p.state) for p in failed] == [("2026-10", PaymentState.FAILED)]
        assert await session.scalar(select(SubsidyPayment.id).where(SubsidyPayment.period_from.is_(None))) is None
    await database.close()
    outside(lambda: command.downgrade(migrations.config_for(empty_database_url), "0020"))
