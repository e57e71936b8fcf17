"""What the room needs to know of the house: when, where, how it is said, and the secret that places ballots."""

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from backend.clock import Clock
from backend.settings import Settings
from backend.votes.box import Places
from wording import Sentences

SECRET_FILE = "votes.secret"  # noqa: S105  a file's name


@dataclass(frozen=True)
class Booth:
    now: datetime
    zone: ZoneInfo
    sentences: Sentences
    places: Places


BoothFactory = Callable[[], Booth]


def placing_secret(home: Path) -> bytes:
    """The installation's secret that places ballots, made on first use; it is in no database.

    Backends that share a PostgreSQL must have the same file: a vote opened with one refuses ballots under another.
    """
    path = home / SECRET_FILE
    try:
        return bytes.fromhex(path.read_text())
    except FileNotFoundError:
        home.mkdir(parents=True, exist_ok=True)
        made = path.with_name(f".{SECRET_FILE}.{secrets.token_hex(4)}")
        made.touch(mode=0o600)
        made.write_text(secrets.token_hex(32))
        try:
            os.link(made, path)  # whoever comes first; never over a secret that is there
        except FileExistsError:
            pass
        finally:
            made.unlink()
        return bytes.fromhex(path.read_text())


def booth_factory(settings: Settings, clock: Clock, sentences: Sentences) -> BoothFactory:
    """A function that makes the Booth of this moment; the secret is read when it is first needed."""
    held: list[Places] = []

    def build() -> Booth:
        if not held:
            held.append(Places(placing_secret(settings.home)))
        return Booth(clock.now(), settings.zone, sentences, held[0])

    return build
