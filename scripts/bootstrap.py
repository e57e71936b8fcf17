"""Installs what Linlitong runs on, from hashed locks, and only what has changed since the last time.

``run``  .venv (app), .venv-engine (Rasa), node_modules (what the pages load)
``test`` the same with the test tools, and where this machine lacks them, Chromium and PostgreSQL
``lock`` writes requirements/*.txt anew from requirements/*.in

Standard library only: it runs before anything is installed. Everything that goes wrong ends in one sentence on
standard error and exit code 1; the whole output of each step stands in .tools/bootstrap.log.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
LOG = TOOLS / "bootstrap.log"
UV = TOOLS / "uv" / "bin" / "uv"
APP_PYTHONS = ((3, 11), (3, 12), (3, 13))
ENGINE_PYTHONS = ((3, 11),)
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LOCKS = {"app": ["--universal"], "dev": ["--universal"], "uv": ["--universal"], "node": ["--universal"],
         "postgres": ["--universal"], "engine": ["--override", "requirements/engine-overrides.txt"]}  # fmt: skip


class Stop(Exception):
    """Cannot go on; the message is the one sentence that is printed."""


def main(arguments: Sequence[str]) -> int:
    task = arguments[0] if arguments else "run"
    TOOLS.mkdir(exist_ok=True)
    LOG.write_text("")
    try:
        if task == "lock":
            write_locks()
        elif task in {"run", "test"}:
            install(for_tests=task == "test")
        else:
            raise Stop(f"scripts/bootstrap knows run, test and lock, not {task!r}.")
    except Stop as stop:
        print(f"linlitong: {stop}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("linlitong: stopped before everything was installed; run it again to go on.", file=sys.stderr)
        return 130
    return 0


def install(*, for_tests: bool) -> None:
    app_python = find_python(APP_PYTHONS, "Linlitong needs Python 3.11, 3.12 or 3.13")
    engine_python = python_for_engine()
    app = ROOT / ".venv"
    with_tests = for_tests or (app / "bin" / "pytest").exists()
    environment("Python packages of the app", app, app_python, ["app", "dev"] if with_tests else ["app"])
    environment("Python packages of the dialogue engine", ROOT / ".venv-engine", engine_python, ["engine"])
    importable(app)
    importable(ROOT / ".venv-engine")
    launcher(app)
    pages()
    if for_tests:
        chromium()
        postgresql()


# Interpreters


def find_python(versions: Sequence[tuple[int, int]], need: str) -> Path:
    """The first interpreter of one of ``versions``: LINLITONG_PYTHON, the PATH, then where pyenv and uv keep theirs."""
    names = [f"{major}.{minor}" for major, minor in versions]
    home = Path.home()
    candidates = [os.environ.get("LINLITONG_PYTHON", ""), *(f"python{name}" for name in names), "python3", "python"]
    for name in names:
        candidates += map(str, sorted(home.glob(f".pyenv/versions/{name}.*/bin/python")))
        for folder in (home / ".local/share/uv/python", TOOLS / "python"):
            candidates += map(str, sorted(folder.glob(f"cpython-{name}.*/bin/python{name}")))
    for candidate in filter(None, candidates):
        found = interpreter(candidate)
        if found and found[1] in versions:
            return found[0]
    raise Stop(
        f"{need} and none was found; install it (on Debian: apt-get install python3.11-venv) "
        "or name one with LINLITONG_PYTHON=/path/to/python3.11."
    )


def python_for_engine() -> Path:
    """Python 3.11: this machine's, or where it has none, one that uv fetches into .tools/python."""
    need = "the dialogue engine needs Python 3.11 exactly (TensorFlow 2.12 has no packages for later ones)"
    try:
        return find_python(ENGINE_PYTHONS, need)
    except Stop:
        fetch = [UV, "python", "install", "--no-bin", "--install-dir", TOOLS / "python", "3.11"]
        attempt("Python 3.11", lambda: (uv(), step("Python 3.11, which this machine lacks", fetch)))
        return find_python(ENGINE_PYTHONS, need)


def interpreter(name: str) -> tuple[Path, tuple[int, int]] | None:
    """The real path and version of an interpreter outside any virtual environment, None when it does not run."""
    probe = "import sys; print(sys._base_executable, *sys.version_info[:2])"
    try:
        answer = subprocess.run([name, "-c", probe], check=False, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if answer.returncode:
        return None
    path, major, minor = answer.stdout.strip().rsplit(" ", 2)
    return Path(path), (int(major), int(minor))


def version(python: Path) -> tuple[int, int] | None:
    return found[1] if (found := interpreter(str(python))) else None


# Python packages


def environment(title: str, venv: Path, python: Path, locks: Sequence[str]) -> None:
    """Brings ``venv`` to exactly what the locks say; does nothing when it is."""
    files = [f"requirements/{lock}.txt" for lock in locks]
    same_python = version(venv / "bin" / "python") == version(python)
    if same_python and up_to_date(venv / "linlitong.lock", files):
        return
    uv()
    if not same_python:
        step(f"{title}: a new environment", [UV, "venv", "--quiet", "--clear", "--no-project", "--python", python, venv])
    step(title, [UV, "pip", "sync", "--require-hashes", "--python", venv / "bin" / "python", *files], locks=files)
    remember(venv / "linlitong.lock", files)


def uv() -> None:
    """uv itself, from its own hashed lock, by the pip that comes with Python."""
    files = ["requirements/uv.txt"]
    if up_to_date(TOOLS / "uv" / "linlitong.lock", files) and UV.exists():
        return
    step("the installer (uv)", [sys.executable, "-m", "venv", "--clear", TOOLS / "uv"],
         hint="this Python lacks its venv module (on Debian: apt-get install python3-venv)")  # fmt: skip
    pip = [TOOLS / "uv" / "bin" / "python", "-m", "pip", "install", "--disable-pip-version-check"]
    step("the installer (uv)", [*pip, "--require-hashes", "--no-deps", "-r", *files], locks=files)
    remember(TOOLS / "uv" / "linlitong.lock", files)


def importable(venv: Path) -> None:
    """The project's packages can be imported from any folder."""
    (packages,) = (venv / "lib").glob("python3.*/site-packages")
    write(packages / "linlitong.pth", f"{ROOT}\n")


def launcher(venv: Path) -> None:
    """.venv/bin/linlitong"""
    script = venv / "bin" / "linlitong"
    # Through sh and not a #! line to Python, whose length the kernel limits and which cannot hold spaces.
    write(script, f"#!/bin/sh\nexec '{venv / 'bin' / 'python'}' -m linlitong \"$@\"\n")
    script.chmod(0o755)


def write_locks() -> None:
    uv()
    for name, options in LOCKS.items():
        source, target = f"requirements/{name}.in", f"requirements/{name}.txt"
        compile_ = [UV, "pip", "compile", "--quiet", "--python-version", "3.11", "--generate-hashes"]
        step(target, [*compile_, "--custom-compile-command", "make lock", *options, source, "-o", target])
    step("package-lock.json", [*npm(), "install", "--package-lock-only"])


# What the pages load


def pages() -> None:
    """node_modules from package-lock.json, by the machine's npm or the one that a locked Python package carries."""
    mark = ROOT / "node_modules" / ".linlitong.lock"
    if up_to_date(mark, ["package-lock.json"]):
        return
    step("style sheets and scripts of the pages", [*npm(), "ci"], locks=["package-lock.json"])
    remember(mark, ["package-lock.json"])


def npm() -> list[str | Path]:
    """The command for npm."""
    if (name := shutil.which("npm")) and runs([name, "--version"]):
        return [name]
    python = find_python(APP_PYTHONS, "Linlitong needs Python 3.11, 3.12 or 3.13")
    environment("Node.js, which this machine lacks", TOOLS / "node", python, ["node"])
    os.environ["PATH"] = f"{TOOLS / 'node' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return [TOOLS / "node" / "bin" / "npm"]


# What only the tests need; where it cannot be had, the tests say at the end what was not run


def chromium() -> None:
    if any(map(shutil.which, CHROMIUM)):
        return
    apt("Chromium, for the browser tests", "chromium")


def postgresql() -> None:
    installed = any(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or shutil.which("initdb")
    if os.environ.get("LINLITONG_TEST_DATABASE_URL") or installed or apt("PostgreSQL, for the tests", "postgresql"):
        return
    python = find_python(APP_PYTHONS, "Linlitong needs Python 3.11, 3.12 or 3.13")
    attempt("PostgreSQL", lambda: environment("PostgreSQL, for the tests", TOOLS / "postgres", python, ["postgres"]))


def apt(title: str, package: str) -> bool:
    """True when the Debian package was installed; False, and said so, when this machine or account cannot."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print(f"  {title}: not on this machine, and only root on Debian can install it here", flush=True)
        return False
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"

    def install_package() -> None:
        step(f"{title}: package list", ["apt-get", "update", "-q"])
        step(title, ["apt-get", "install", "-q", "-y", "--no-install-recommends", package])

    return attempt(title, install_package)


def attempt(title: str, action: object) -> bool:
    try:
        action()  # type: ignore[operator]
    except Stop as stop:
        print(f"  {title}: could not be installed: {stop}", flush=True)
        return False
    return True


# Steps


def step(title: str, command: Sequence[str | Path], *, locks: Sequence[str] = (), hint: str = "") -> None:
    """Runs a command, shows that it is going on, and raises Stop with one sentence when it fails."""
    for lock in locks:
        if not (ROOT / lock).is_file():
            raise Stop(f"{lock} is missing; bring it back with git checkout {lock}, or write it anew with make lock.")
    print(f"  {title} ...", flush=True)
    began = time.monotonic()
    with LOG.open("ab") as log:
        start = log.tell()
        log.write(f"\n$ {' '.join(map(str, command))}\n".encode())
        log.flush()
        process = subprocess.Popen(list(map(str, command)), cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            code = wait(process, began)
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise
    took = time.monotonic() - began
    if code:
        with LOG.open("rb") as log:
            log.seek(start)
            said = log.read().decode(errors="replace")
        raise Stop(sentence(title, said, code, locks, hint))
    if took > 2:
        print(f"  {title}: done in {took:.0f} s", flush=True)


def wait(process: subprocess.Popen[bytes], began: float) -> int:
    """The exit code; a mark of life every 2 s on a terminal, every 10 s elsewhere."""
    terminal = sys.stdout.isatty()
    while True:
        try:
            code = process.wait(timeout=2 if terminal else 10)
        except subprocess.TimeoutExpired:
            print(f"    {time.monotonic() - began:.0f} s", end="\r" if terminal else "\n", flush=True)
        else:
            return code


def sentence(title: str, said: str, code: int, locks: Sequence[str], hint: str) -> str:
    """What a newcomer should read about a step that failed, from what the tool said."""
    where = f"see {LOG.relative_to(ROOT)}"
    if hint and ("ensurepip" in said or "No module named venv" in said):
        return f"{hint}."
    reasons = re.findall(r"^\s*(?:error:|cause:|npm error|E:)[ \t]*(?!code )(\S.+)$", said, re.MULTILINE | re.IGNORECASE)
    reason = ", ".join(dict.fromkeys(line.rstrip(" .") for line in reasons[:2]))[:200] or f"exit code {code}"
    broken = re.search(r"hash|integrity|couldn't parse|EJSONPARSE|EUSAGE|in sync|invalid requirement", said, re.IGNORECASE)
    offline = re.search(
        r"dns error|failed to lookup|connection refused|timed out|network is unreachable|ENOTFOUND", said, re.IGNORECASE
    )
    if offline:
        return f"{title}: the package registry cannot be reached; check the network and run this again ({where})."
    if broken and locks:
        return (
            f"the lock {' or '.join(locks)} is broken ({reason}); bring it back with git checkout, or run make lock ({where})."
        )
    return f"{title}: failed ({reason}); {where}."


def up_to_date(mark: Path, files: Sequence[str]) -> bool:
    return mark.is_file() and mark.read_text() == fingerprint(files)


def remember(mark: Path, files: Sequence[str]) -> None:
    write(mark, fingerprint(files))


def fingerprint(files: Sequence[str]) -> str:
    """The files' SHA-256 sums as JSON; a missing file has none, and so never matches."""
    return json.dumps({f: hashlib.sha256((ROOT / f).read_bytes()).hexdigest() for f in files if (ROOT / f).is_file()})


def write(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text() != text:
        path.write_text(text)


def runs(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, check=False, capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
