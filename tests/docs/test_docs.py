"""The documents and the program say the same: what is there is written down, and what is written down is there."""

import ast
import importlib
import re
import subprocess
from collections.abc import Iterator
from datetime import time
from pathlib import Path
from typing import Any

import click
import pytest
from aiohttp import web
from pydantic_settings import BaseSettings

from backend.app import internal_app
from backend.console.app import console_app
from backend.db import Database
from backend.events.models import EventState
from backend.events.views import STATE_NAMES
from backend.settings import Settings as BackendSettings
from bot.gateway.app import gateway_app
from bot.gateway.settings import Settings as GatewaySettings
from linlitong.cli import main
from linlitong.home import ROOT

CODE = ("actions", "backend", "bot", "linlitong", "scripts", "tests/support", "wording", "Makefile")
SETTING = re.compile(r"\b(?:LINLITONG|TELEGRAM)_[A-Z][A-Z_]*[A-Z]\b")
ROUTE = re.compile(r"`(GET|POST|PUT|PATCH|DELETE) (/[^\s`?]*)[^`]*`")
BLOCK = re.compile(r"^```[^\n]*\n(.*?)^```|^((?: {4}[^\n]*\n|\n)*(?: {4}[^\n]*\n))", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
OPERATIONS = ROOT / "docs" / "operations.md"
HTTP_API = ROOT / "docs" / "http-api.md"


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


def sources() -> list[Path]:
    """The files of the program that git knows, or would take in."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *CODE],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    return [ROOT / name for name in listed if (ROOT / name).is_file() and Path(name).suffix in {".py", "", ".sh"}]


# Settings


def settings_classes() -> Iterator[type[BaseSettings]]:
    for path in sources():
        if path.suffix == ".py" and "(BaseSettings)" in (text := path.read_text()):
            module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
            for node in ast.parse(text).body:
                if isinstance(node, ast.ClassDef) and "BaseSettings" in map(ast.unparse, node.bases):
                    yield getattr(module, node.name)


def declared_settings() -> dict[str, Any]:
    """Every setting of a settings class with its default."""
    return {
        f"{cls.model_config['env_prefix']}{name}".upper(): field.default
        for cls in settings_classes()
        for name, field in cls.model_fields.items()
    }


def named_settings() -> set[str]:
    return {name for path in sources() for name in SETTING.findall(path.read_text())}


def documented_settings() -> dict[str, str]:
    """The rows of the tables in docs/operations.md that begin with a setting: its name, the row."""
    rows = re.findall(r"^\| `((?:LINLITONG|TELEGRAM)_[A-Z_]+)` \|(.*)$", OPERATIONS.read_text(), re.MULTILINE)
    return dict(rows)


def shown(default: Any) -> str:
    """A default as the tables write it."""
    match default:
        case bool():
            return f"`{str(default).lower()}`"
        case time():
            return f"`{default:%H:%M}`"
        case "":
            return ""
    return f"`{default}`"


def test_every_setting_stands_in_the_operations_manual_and_no_other_does() -> None:
    assert sorted(documented_settings()) == sorted(named_settings() | declared_settings().keys())


def test_the_defaults_in_the_operations_manual_are_those_of_the_code() -> None:
    declared, documented = declared_settings(), documented_settings()
    assert len(declared) > 20
    wrong = {name: default for name, default in declared.items() if shown(default) not in documented[name].split("|")[0]}
    assert wrong == {}


# Commands


def commands(command: click.Command, name: str, context: click.Context) -> Iterator[str]:
    if not isinstance(command, click.Group):
        yield name
        return
    for sub in command.list_commands(context):
        found = command.get_command(context, sub)
        assert found
        yield from commands(found, f"{name} {sub}", context)


def code_in(page: Path) -> list[str]:
    """The lines of code in a page: of its blocks, and of its spans."""
    text = page.read_text()
    blocks = [fenced or indented for fenced, indented in BLOCK.findall(text)]
    return [line.strip() for code in blocks + SPAN.findall(BLOCK.sub("", text)) for line in code.splitlines()]


def unknown_command(words: list[str]) -> str | None:
    """The first word that names no command, None when all do."""
    context, command = click.Context(main), main
    for word in words:
        if not isinstance(command, click.Group):
            return None
        command = command.get_command(context, word)  # type: ignore[assignment]
        if command is None:
            return word
    return None


def test_every_command_stands_in_the_documents() -> None:
    all_code = "\n".join(line for page in PAGES for line in code_in(page))
    there = list(commands(main, "linlitong", click.Context(main)))
    assert len(there) > 8
    assert [name for name in there if not re.search(rf"{name}(?![\w-])", all_code)] == []


@pytest.mark.parametrize("page", PAGES, ids=short)
def test_a_page_names_only_commands_and_make_targets_that_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    wrong = []
    for line in code_in(page):
        for words in re.findall(r"(?:^|[;&|/$] ?|=\S* )linlitong((?: [a-z-]+)+)", line):
            if unknown := unknown_command(words.split()):
                wrong.append(f"linlitong{words}: {unknown}")
        wrong += [f"make {name}" for name in re.findall(r"(?:^|[;&|$] ?|=\S* )make ([a-z-]+)", line) if name not in targets]
    assert wrong == []


# Addresses


def routes_of(app: web.Application) -> set[tuple[str, str]]:
    """Methods and paths; the pattern of a part of a path is left out, and so is HEAD."""
    return {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }


def engine_routes() -> set[tuple[str, str]]:
    """Read, not imported: the engine lives in an environment of its own."""
    text = (ROOT / "bot" / "engine" / "server.py").read_text()
    return {(method.upper(), path) for method, path in re.findall(r'@routes\.(\w+)\("([^"]+)"\)', text)}


@pytest.fixture
def served(tmp_path: Path) -> dict[str, set[tuple[str, str]]]:
    """What each address serves to programs."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'none.db'}")
    staff = routes_of(console_app(BackendSettings(home=tmp_path), database))
    return {
        "staff": {(method, path) for method, path in staff if path.startswith("/api/")},
        "internal": routes_of(internal_app(BackendSettings(home=tmp_path), database)),
        "page": routes_of(gateway_app(GatewaySettings(home=tmp_path))),
        "engine": engine_routes(),
    }


def test_every_address_stands_in_the_http_manual_and_no_other_does(served: dict[str, set[tuple[str, str]]]) -> None:
    assert {name: len(routes) > 3 for name, routes in served.items()} == dict.fromkeys(served, True)
    documented = set(ROUTE.findall(HTTP_API.read_text()))
    assert sorted(documented) == sorted(set().union(*served.values()))


@pytest.mark.parametrize("page", [HTTP_API, ROOT / "docs" / "glossary.md"], ids=short)
def test_every_state_of_an_event_stands_there_with_its_chinese_name(page: Path) -> None:
    rows = [line for line in page.read_text().splitlines() if line.startswith("|")]
    missing = [
        state.value
        for state in EventState
        if not any(re.search(rf"\b{state.value}\b", row) and STATE_NAMES[state] in row for row in rows)
    ]
    assert missing == []


# Links


def anchors(page: Path) -> set[str]:
    """The anchors that the headings of a page get where it is shown."""
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("\n", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=short)
def test_no_relative_link_is_dead(page: Path) -> None:
    text = SPAN.sub("", BLOCK.sub("\n", page.read_text()))
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    dead = []
    for link in links:
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []
