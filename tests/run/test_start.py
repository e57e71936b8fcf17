"""What can go wrong before anything runs is said in one sentence."""

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner

from linlitong import cli, system
from linlitong.home import ROOT, Home
from linlitong.ports import free_port


def linlitong(home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LINLITONG_HOME": str(home), "PYTHONPATH": str(ROOT), **settings}
    command = [sys.executable, "-m", "linlitong", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=60)


@pytest.fixture
def bootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """scripts/bootstrap.py over a project in ``tmp_path`` with this project's locks and installer."""
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "scripts" / "bootstrap.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tools = tmp_path / ".tools"
    if not (ROOT / ".tools" / "uv").exists():
        pytest.skip("scripts/bootstrap has not installed uv here")
    tools.mkdir()
    (tools / "uv").symlink_to(ROOT / ".tools" / "uv")
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    for name, value in {"ROOT": tmp_path, "TOOLS": tools, "LOG": tools / "log", "UV": tools / "uv" / "bin" / "uv"}.items():
        monkeypatch.setattr(module, name, value)
    return module


def stopped(bootstrap: ModuleType, capsys: pytest.CaptureFixture[str]) -> str:
    """The one sentence on standard error of a bootstrap that cannot go on."""
    assert bootstrap.main(["run"]) == 1
    error = capsys.readouterr().err
    assert (error.startswith("linlitong: "), error.count("\n"), "Traceback" in error) == (True, 1, False)
    return error


@pytest.mark.parametrize("page", ["resident", "staff"])
def test_a_taken_port_is_named_with_the_setting_that_moves_it(tmp_path: Path, page: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = linlitong(tmp_path, "run", **{f"LINLITONG_{page.upper()}_PORT": str(port)})
    assert ended.returncode == 1
    assert ended.stderr == (f"Error: port {port} on 127.0.0.1 is taken; choose another with LINLITONG_{page.upper()}_PORT.\n")


def test_a_port_that_is_no_number_is_named(tmp_path: Path) -> None:
    ended = linlitong(tmp_path, "run", LINLITONG_STAFF_PORT="eighty")
    assert (ended.returncode, ended.stderr) == (
        1,
        "Error: LINLITONG_STAFF_PORT is 'eighty', which is not a port number from 1 to 65535.\n",
    )


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("LINLITONG_OFFICE_OPENS", "abc", "input should be in a valid time format, input is too short"),
        ("LINLITONG_OFFICE_OPENS", "18:00", None),
        ("LINLITONG_TIMEZONE", "Mars/Base", "there is no time zone of this name; one is Asia/Shanghai"),
        ("LINLITONG_MESSAGES_PER_MINUTE", "0", "input should be greater than or equal to 1"),
        ("TELEGRAM_WEBHOOK_SECRET", "a b", "string should match pattern '^[A-Za-z0-9_-]{0,256}$'"),
    ],
)
def test_a_setting_without_sense_is_named_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str | None
) -> None:
    monkeypatch.setenv(name, value)
    told = f"{name} cannot be used: {reason}."
    if reason is None:
        told = "LINLITONG_OFFICE_CLOSES cannot be used: the office closes after it has opened, and on the same day."
    with pytest.raises(system.CannotStart) as refused:
        system.check_settings()
    assert str(refused.value) == told


def test_a_part_that_runs_elsewhere_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(system.CannotStart, match="backend does not run here, so LINLITONG_BACKEND_URL must say where"):
        system.environment_for(Home(tmp_path), ["gateway"], system.Addresses(dict.fromkeys(system.PARTS, 1), "h", "r:1", "s:2"))


def test_an_unknown_part_is_refused(tmp_path: Path) -> None:
    ended = linlitong(tmp_path, "run", "--only", "backend,gatewy")
    assert ended.returncode == 2
    assert "gatewy: the parts are backend, actions, engine, gateway." in ended.stderr


def test_internal_ports_are_free_and_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    for page in ("RESIDENT", "STAFF"):
        monkeypatch.setenv(f"LINLITONG_{page}_PORT", str(free_port()))
    addresses = system.choose_addresses(list(system.PARTS))
    assert len(set(addresses.ports.values())) == 4


@pytest.mark.parametrize(("host", "asked"), [("127.0.0.2", "127.0.0.2"), ("0.0.0.0", "127.0.0.1")])
def test_the_gateway_is_asked_where_it_listens(monkeypatch: pytest.MonkeyPatch, host: str, asked: str) -> None:
    monkeypatch.setenv("LINLITONG_RESIDENT_HOST", host)
    monkeypatch.setenv("LINLITONG_RESIDENT_PORT", str(free_port()))
    assert system.choose_addresses(["gateway"]).gateway_host == asked


def test_the_service_token_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    token = Home(tmp_path).service_token()
    assert (len(token) >= 40, Home(tmp_path).service_token()) == (True, token)
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_without_any_python_the_shell_says_what_to_install(tmp_path: Path) -> None:
    for tool in ("sh", "dirname"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or tool)
    script = [str(tmp_path / "sh"), str(ROOT / "scripts" / "bootstrap"), "run"]
    ended = subprocess.run(script, check=False, capture_output=True, text=True, env={"PATH": str(tmp_path)})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("linlitong: no Python 3.11 or newer was found; install Python 3.11")


def test_a_python_that_is_too_new_for_the_engine_is_said(
    bootstrap: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "interpreter", lambda _name: (Path("/opt/python3.13"), (3, 13)))

    def offline(title: str, *_args: object, **_options: object) -> None:
        raise bootstrap.Stop(f"{title}: the network cannot be reached.")

    monkeypatch.setattr(bootstrap, "step", offline)
    assert "the dialogue engine needs Python 3.11 exactly" in stopped(bootstrap, capsys)


def test_a_python_that_the_engine_needs_is_fetched_where_there_is_none(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = tmp_path / ".tools" / "python" / "cpython-3.11.9-linux" / "bin" / "python3.11"

    def fetch(_title: str, command: list[str | Path], **_options: object) -> None:
        assert command[1:3] == ["python", "install"]
        fetched.parent.mkdir(parents=True)
        fetched.touch()

    monkeypatch.setattr(bootstrap, "uv", lambda: None)
    monkeypatch.setattr(bootstrap, "step", fetch)
    only_old = {str(fetched): (fetched, (3, 11))}
    monkeypatch.setattr(bootstrap, "interpreter", lambda name: only_old.get(name) if fetched.exists() else None)
    assert bootstrap.python_for_engine() == fetched


def test_a_lock_that_cannot_be_read_is_named(bootstrap: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = tmp_path / "requirements" / "app.txt"
    lock.write_text(lock.read_text().replace("==", "=", 1))
    assert "the lock requirements/app.txt is broken" in stopped(bootstrap, capsys)


def test_a_lock_without_hashes_is_refused(bootstrap: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "requirements" / "app.txt").write_text("click==8.1.7\n")
    assert "the lock requirements/app.txt is broken" in stopped(bootstrap, capsys)


def test_a_lock_that_is_missing_is_named(bootstrap: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "requirements" / "app.txt").unlink()
    assert "requirements/app.txt is missing" in stopped(bootstrap, capsys)


def test_what_has_not_changed_is_not_installed_again(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    monkeypatch.setattr(bootstrap, "step", lambda title, *_args, **_options: steps.append(title))
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(sys.executable)
    for _ in range(2):
        bootstrap.environment("the app", venv, Path(sys.executable), ["app"])
    lock = tmp_path / "requirements" / "app.txt"
    lock.write_text(lock.read_text() + "# changed\n")
    bootstrap.environment("the app", venv, Path(sys.executable), ["app"])
    assert steps == ["the app", "the app"]


def test_help_lists_the_commands_without_loading_them() -> None:
    before = set(sys.modules)
    answer = CliRunner().invoke(cli.main, ["--help"])
    assert answer.exit_code == 0
    listed = [name for name in cli.COMMANDS if f"\n  {name} " in answer.output]
    assert {"run", "db"} <= set(listed)
    assert not {f"linlitong.commands.{name}" for name in listed} & (set(sys.modules) - before)


@pytest.mark.parametrize("file", sorted((ROOT / "linlitong" / "commands").glob("[!_]*.py")), ids=lambda file: file.stem)
def test_every_command_is_listed_and_explains_itself(file: Path) -> None:
    name = file.stem.rstrip("_")
    answer = CliRunner().invoke(cli.main, [name, "--help"])
    assert (name in cli.COMMANDS, answer.exit_code, answer.output.startswith("Usage:")) == (True, 0, True), answer.output


def test_a_database_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    url = "sqlite+aiosqlite:////nowhere/linlitong.db"
    ended = linlitong(tmp_path, "run", "--only", "backend", LINLITONG_DATABASE_URL=url, LINLITONG_STAFF_PORT=str(free_port()))
    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: migrating the database failed (exit code 1): ")
    assert ended.stderr.count("\n") == 1
