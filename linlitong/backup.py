"""Backups: one .tar.gz with the databases, the media, and the files that belong to this installation."""

import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click
from sqlalchemy import URL, make_url

from linlitong.home import Home

KEPT = ("media", "secrets.json", "vault.json", "votes.secret", "demo-staff.csv", "demo-vote-keys.csv")
FORM = 1


def write(home: Home, archive: str) -> int:
    """Writes the archive (mode 600) and returns its size in bytes.

    The databases are copied first, each as of one moment: a photo is on disk before its row is committed, so every row
    in the copy has its photo. Raises click.ClickException where there is no record, or no place for the archive.
    """
    url = make_url(home.database_url)
    target = Path(archive).absolute()
    if url.drivername.startswith("sqlite"):
        record = Path(url.database or "").absolute()
        if not record.is_file() or not record.stat().st_size:
            raise click.ClickException(f"There is no record at {record}; LINLITONG_HOME says where it is.")
        if not record.is_relative_to(home.path):
            raise click.ClickException(f"The record {record} lies outside {home.path}, which is all that a backup holds.")
    if not target.parent.is_dir():
        raise click.ClickException(f"There is no folder {target.parent}.")
    with tempfile.TemporaryDirectory(dir=home.path, prefix=".backup-") as folder:
        copy = Path(folder)
        for database in sorted(home.path.rglob("*.db")):
            if not database.is_relative_to(copy):
                _copy_sqlite(database, copy / database.relative_to(home.path))
        if not url.drivername.startswith("sqlite"):
            _postgres("pg_dump", url, "--format=custom", f"--file={copy / 'postgresql.dump'}")
        manifest = {
            "form": FORM,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "database": url.get_backend_name(),
        }
        (copy / "manifest.json").write_text(json.dumps(manifest))
        part = target.with_name(f".{target.name}.part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w:gz") as tar:
                tar.add(copy / "manifest.json", "manifest.json")
                for item in sorted(copy.iterdir()):
                    if item.name != "manifest.json":
                        tar.add(item, item.name)
                for name in KEPT:
                    if (home.path / name).exists():
                        tar.add(home.path / name, name)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    return target.stat().st_size


def read(home: Home, archive: str) -> None:
    """Replaces the record by the archive's. Raises click.ClickException, with nothing changed, when it is no whole backup
    or comes from the other kind of database."""
    url = make_url(home.database_url)
    with tempfile.TemporaryDirectory(dir=home.path, prefix=".restore-") as folder:
        copy = Path(folder)
        try:
            with tarfile.open(archive) as tar:
                tar.extractall(copy, filter="data")
            manifest = json.loads((copy / "manifest.json").read_text())
        except (tarfile.TarError, EOFError, OSError, ValueError) as error:
            raise click.ClickException(f"{archive} is not a whole backup: {error}.") from None
        if manifest["form"] != FORM or manifest["database"] != url.get_backend_name():
            raise click.ClickException(
                f"{archive} holds a {manifest['database']} database; this system uses {url.get_backend_name()}."
            )
        (copy / "manifest.json").unlink()
        if (dump := copy / "postgresql.dump").exists():
            _postgres(
                "pg_restore",
                url,
                "--clean",
                "--if-exists",
                "--no-owner",
                "--single-transaction",
                f"--dbname={url.database}",
                str(dump),
            )
            dump.unlink()
        for database in home.path.rglob("*.db"):
            if not database.is_relative_to(copy):
                for suffix in ("", "-wal", "-shm"):
                    database.with_name(database.name + suffix).unlink(missing_ok=True)
        for item in [path for path in sorted(copy.rglob("*")) if path.is_file()]:
            place = home.path / item.relative_to(copy)
            place.parent.mkdir(parents=True, exist_ok=True)
            item.replace(place)


def _copy_sqlite(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(source)) as from_, closing(sqlite3.connect(target)) as to:
        from_.backup(to)


def _postgres(tool: str, url: URL, *arguments: str) -> None:
    """Runs pg_dump or pg_restore; the password goes through the environment, where other accounts cannot read it."""
    program = shutil.which(tool) or next(iter(sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{tool}"), reverse=True)), None)
    if program is None:
        raise click.ClickException(f"{tool} was not found; install PostgreSQL's client programs.")
    host = url.host or url.query.get("host") or "localhost"
    environment = {
        **os.environ,
        "PGHOST": str(host),
        "PGPORT": str(url.port or 5432),
        "PGUSER": url.username or "",
        "PGPASSWORD": str(url.password or ""),
        "PGDATABASE": url.database or "",
    }
    done = subprocess.run([program, *arguments], check=False, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise click.ClickException(f"{tool} failed: {done.stderr.strip().splitlines()[-1]}")
