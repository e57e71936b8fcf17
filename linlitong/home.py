"""LINLITONG_HOME: the one folder that is written to, and what the supervisor keeps in it."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


class AlreadyRunning(Exception):
    """Another process holds this home; ``str()`` is a sentence that says which."""


@dataclass(frozen=True)
class Home:
    path: Path

    @classmethod
    def from_environment(cls) -> "Home":
        """The folder LINLITONG_HOME names, else var/ in the project. Absolute; made when it is not there."""
        named = os.environ.get("LINLITONG_HOME")
        path = Path(named).absolute() if named else ROOT / "var"
        path.mkdir(parents=True, exist_ok=True)
        return cls(path)

    @property
    def database_url(self) -> str:
        """LINLITONG_DATABASE_URL, else SQLite in this folder."""
        return os.environ.get("LINLITONG_DATABASE_URL") or f"sqlite+aiosqlite:///{self.path / 'linlitong.db'}"

    @property
    def logs(self) -> Path:
        folder = self.path / "log"
        folder.mkdir(exist_ok=True)
        return folder

    def service_token(self) -> str:
        """LINLITONG_SERVICE_TOKEN, else the one made for this installation on its first start."""
        if given := os.environ.get("LINLITONG_SERVICE_TOKEN"):
            return given
        file = self.path / "secrets.json"
        if not file.exists():
            write_atomically(file, {"service_token": secrets.token_urlsafe(32)}, mode=0o600)
        token: str = json.loads(file.read_text())["service_token"]
        return token

    def running(self) -> dict[str, Any] | None:
        """What run.json says of the running system: {pid, started_at, urls, programs: {name: {pid, port, restarts}}};
        None when nothing runs here."""
        try:
            with (self.path / "run.lock").open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return None
        except BlockingIOError:
            try:
                found: dict[str, Any] = json.loads((self.path / "run.json").read_text())
            except FileNotFoundError:  # it has only just started
                return {"urls": {}, "programs": {}}
            else:
                return found
        return None

    def write_run_file(self, content: dict[str, Any]) -> None:
        write_atomically(self.path / "run.json", content)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keeps this home for one supervisor; raises AlreadyRunning when another has it. Freed when the process ends,
        however it ends."""
        with (self.path / "run.lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise AlreadyRunning(
                    f"Linlitong is already running on {self.path} as process {file.read().strip() or 'unknown'}; "
                    "stop it first, or choose another folder with LINLITONG_HOME."
                ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            (self.path / "run.json").unlink(missing_ok=True)
            try:
                yield
            finally:
                (self.path / "run.json").unlink(missing_ok=True)


def write_atomically(path: Path, content: dict[str, Any], *, mode: int = 0o644) -> None:
    """Writes JSON so that a reader sees the old file or the new one, never half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        json.dump(content, file, ensure_ascii=False, indent=1)
    temporary.replace(path)
