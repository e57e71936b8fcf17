"""``database_url``: each test that takes it runs twice, on SQLite and on PostgreSQL, each time on a fresh database with
the whole schema. The migrations run once for each kind; a test gets a copy."""

import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support import postgres as server

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _migrate(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[server.Postgres]:
    """A PostgreSQL server; the test is not run where there is none."""
    with ExitStack() as stack:
        try:
            running = stack.enter_context(server.server())
        except server.NoPostgres as error:
            pytest.skip(str(error))
        yield running


@pytest.fixture(scope="session")
def postgres_template(postgres: server.Postgres) -> Iterator[str]:
    """The name of a migrated database to copy."""
    name = f"linlitong_template_{os.getpid()}"
    _migrate(postgres.create(name))
    yield name
    postgres.drop(name)


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "linlitong.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
def postgres_url(postgres: server.Postgres, postgres_template: str) -> Iterator[str]:
    name = f"linlitong_test_{os.getpid()}_{next(_numbers)}"
    yield postgres.create(name, template=postgres_template)
    postgres.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The SQLAlchemy URL of a fresh, migrated database, on each kind in turn."""
    url: str = request.getfixturevalue({"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param])
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The same without any table, for tests of the migrations themselves."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}"
        return
    running: server.Postgres = request.getfixturevalue("postgres")
    name = f"linlitong_test_{os.getpid()}_{next(_numbers)}"
    yield running.create(name)
    running.drop(name)


def _migrate(url: str) -> None:
    from backend import migrations

    server.outside(lambda: migrations.upgrade(url))
