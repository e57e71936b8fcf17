"""linlitong db, on both databases."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from backend.db import Database
from backend.votes.booth import placing_secret
from linlitong import cli
from linlitong.home import Home


def db(*arguments: str) -> Result:
    return CliRunner().invoke(cli.main, ["db", *arguments])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("LINLITONG_HOME", str(tmp_path))
    return Home.from_environment()


@pytest.fixture
def url(home: Home, database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LINLITONG_DATABASE_URL", database_url)
    return database_url


async def put(url: str, words: str) -> None:
    database = Database(url)
    async with database.write() as session:
        await session.execute(text("CREATE TABLE IF NOT EXISTS scratch (words TEXT)"))
        await session.execute(text("INSERT INTO scratch VALUES (:words)"), {"words": words})
    await database.close()


async def words(url: str) -> list[str]:
    database = Database(url)
    async with database.read() as session:
        found = list(await session.scalars(text("SELECT words FROM scratch ORDER BY words")))
    await database.close()
    return found


async def test_a_restored_backup_is_the_record_as_it_was(home: Home, url: str, tmp_path: Path) -> None:
    archive = str(tmp_path / "backup.tar.gz")
    (home.path / "media").mkdir()
    (home.path / "media" / "photo").write_bytes(b"jpeg")
    with closing(sqlite3.connect(home.path / "tracker.db")) as tracker, tracker:
        tracker.execute("CREATE TABLE events (id INTEGER)")
    token, placing = home.service_token(), placing_secret(home.path)
    await put(url, "before")

    assert db("backup", archive).exit_code == 0
    await put(url, "after")
    (home.path / "media" / "photo").unlink()
    (home.path / "tracker.db").unlink()
    (home.path / "secrets.json").unlink()
    (home.path / "votes.secret").unlink()
    restored = db("restore", archive, "--yes")

    assert (restored.exit_code, restored.output) == (0, "restored\n")
    assert await words(url) == ["before"]
    assert (home.path / "media" / "photo").read_bytes() == b"jpeg"
    assert (home.path / "tracker.db").exists()
    assert (home.service_token(), (home.path / "secrets.json").stat().st_mode & 0o777) == (token, 0o600)
    assert placing_secret(home.path) == placing
    assert Path(archive).stat().st_mode & 0o777 == 0o600
    assert list(home.path.glob(".*")) == []


async def test_half_a_backup_changes_nothing(home: Home, url: str, tmp_path: Path) -> None:
    archive = tmp_path / "backup.tar.gz"
    await put(url, "before")
    assert db("backup", str(archive)).exit_code == 0
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    restored = db("restore", str(archive), "--yes")
    assert restored.exit_code == 1
    assert "is not a whole backup" in restored.output
    assert await words(url) == ["before"]


async def test_nothing_is_restored_under_a_running_system(home: Home, url: str, tmp_path: Path) -> None:
    archive = str(tmp_path / "backup.tar.gz")
    assert db("backup", archive).exit_code == 0
    with home.hold():
        restored = db("restore", archive, "--yes")
    assert (restored.exit_code, "already running" in restored.output) == (1, True)


def test_what_is_no_record_is_not_backed_up(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LINLITONG_DATABASE_URL", raising=False)
    archive = tmp_path / "backup.tar.gz"
    (home.path / "linlitong.db").touch()
    empty = db("backup", str(archive))
    assert (empty.exit_code, "There is no record at" in empty.output) == (1, True)
    (home.path / "linlitong.db").write_bytes(b"x")
    nowhere = db("backup", str(tmp_path / "no" / "backup.tar.gz"))
    assert (nowhere.exit_code, "There is no folder" in nowhere.output) == (1, True)
    monkeypatch.setenv("LINLITONG_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path.parent / 'elsewhere.db'}")
    (tmp_path.parent / "elsewhere.db").write_bytes(b"x")
    assert "lies outside" in db("backup", str(archive)).output
    assert not archive.exists()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("garbage", "is no database's address"),
        ("postgresql+asyncpg://a:b@127.0.0.1:1/x", "does not answer"),
        ("sqlite+aiosqlite:///{home}/new.db", "db upgrade"),
    ],
)
def test_a_database_that_cannot_be_used_is_one_sentence(
    home: Home, monkeypatch: pytest.MonkeyPatch, url: str, sentence: str
) -> None:
    monkeypatch.setenv("LINLITONG_DATABASE_URL", url.format(home=home.path))
    told = CliRunner().invoke(cli.main, ["staff", "reset", "li.wen"])
    assert (told.exit_code, sentence in told.output, told.output.count("\n")) == (1, True, 1)


def test_upgrading_twice_changes_nothing(home: Home, empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINLITONG_DATABASE_URL", empty_database_url)
    assert [db("upgrade").exit_code for _ in range(2)] == [0, 0]
