"""linlitong bench"""

import json
from collections.abc import Iterator
from typing import Any

import click

from linlitong.home import Home
from linlitong.system import check_environments


@click.group("bench")
def command() -> None:
    """Time turns, votes, and the desk of subsidies."""


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--residents", default="1,8,32", show_default=True, help="How many talk at once, one number after the other.")
@click.option("--turns", type=click.IntRange(min=1), default=320, show_default=True, help="Turns for each of these numbers.")
@click.option(
    "--messages", type=click.IntRange(min=20), default=1000, show_default=True, help="Length of the long conversation."
)
@click.option("--stock/--no-stock", default=True, help="Measure Rasa's defaults beside it.")
@click.option(
    "--stock-epochs",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How long DIET and TED learn; the time of a message and the memory do not depend on it.",
)
@click.option(
    "--stock-messages",
    type=click.IntRange(min=0),
    default=200,
    show_default=True,
    help="Length of the stock assistant's long conversation, 0 for none.",
)
def turns(
    residents: str, turns: int, messages: int, stock_epochs: int, stock_messages: int, *, as_json: bool, stock: bool
) -> None:
    """Start a private system in a temporary home, let residents talk, and say what a turn costs.

    With the stock assistant it takes half an hour and more the first time: DIET learns for minutes an epoch.
    """
    from benchmarks.systems import BenchFailed
    from benchmarks.turns import Sizes, run

    try:
        levels = tuple(int(number) for number in residents.split(","))
    except ValueError:
        raise click.BadParameter("numbers with commas between them, like 1,8,32.", param_hint="--residents") from None
    if min(levels) < 1:
        raise click.BadParameter("at least one resident.", param_hint="--residents")
    check_environments(["backend", "engine"])
    sizes = Sizes(levels, turns, messages, stock, stock_epochs, stock_messages)
    try:
        report = run(Home.from_environment(), sizes)
    except BenchFailed as failure:
        raise click.ClickException(str(failure)) from None
    click.echo(json.dumps(report, ensure_ascii=False) if as_json else "\n".join(table(report)))


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--eligible", type=click.IntRange(min=1), default=691_000, show_default=True, help="Units in the electorate.")
@click.option("--voters", type=click.IntRange(min=1), default=100_000, show_default=True, help="Those who vote by chat.")
@click.option("--minutes", type=click.FloatRange(min=0), default=10.0, show_default=True, help="In how many minutes they do.")
@click.option(
    "--trials", type=click.IntRange(min=0), default=1000, show_default=True, help="Trials of 100 ballots of one unit at once."
)
@click.option("--database", default="", help="An empty PostgreSQL database's URL; without it a SQLite file.")
def votes(eligible: int, voters: int, minutes: float, trials: int, database: str, *, as_json: bool) -> None:
    """Let a city vote: ballots over HTTP at a steady pace, then close, open and count the box."""
    from benchmarks.votes import Size, lines, run

    if voters > eligible:
        raise click.BadParameter("no more than --eligible.", param_hint="--voters")
    report = run(Size(eligible, voters, minutes * 60, trials), database_url=database)
    click.echo(json.dumps(report) if as_json else "\n".join(lines(report)))


@command.command()
@click.option("--database", required=True, help="A PostgreSQL server as an SQLAlchemy URL; its account may create databases.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--residents", type=click.IntRange(min=1000), default=700_000, show_default=True)
@click.option("--applications", type=click.IntRange(min=1000), default=160_000, show_default=True)
@click.option("--tries", type=click.IntRange(min=20), default=300, show_default=True, help="How often each path is taken.")
def subsidies(database: str, residents: int, applications: int, tries: int, *, as_json: bool) -> None:
    """Fill two databases with applications, and time the reviewing desk in both: the whole, and one hundredth of it."""
    import asyncio

    from benchmarks.subsidies import Sizes, run

    if applications > residents:
        raise click.BadParameter("not more applications than residents.", param_hint="--applications")
    report = asyncio.run(run(database, Sizes(residents, applications, tries)))
    if as_json:
        click.echo(json.dumps(report))
        return
    whole, hundredth = report["whole"], report["hundredth"]
    click.echo(f"{whole['applications']} applications, {whole['residents']} residents, filled in {whole['fill_seconds']} s")
    for name, path in whole["paths"].items():
        small = hundredth["paths"][name]
        click.echo(
            f"{name:<24} p50 {path['ms_p50']:>8} ms  p99 {path['ms_p99']:>8} ms  a hundredth: p50 {small['ms_p50']:>8} ms, "
            f"p99 {small['ms_p99']:>8} ms  ratio of p50 {report['p50_ratio'][name]}, of p99 {report['p99_ratio'][name]}"
        )
    click.echo(f"sequential scans of big tables: {', '.join(whole['seq_scans']) or 'none'}")


def table(report: dict[str, Any]) -> Iterator[str]:
    """The report in lines for people, ours and the stock assistant's side by side."""
    machine, ours, stock = report["machine"], report["ours"], report["stock"]
    yield (
        f"{machine['at']}, {machine['cores']} cores of {machine['processor']}, Python {machine['python']}; "
        f"{machine['minutes']} min, meanwhile others used {machine['others_cores']} cores"
    )
    if stock:
        yield f"stock: Rasa's defaults with DIET and TED, {stock['epochs']} epochs of training"
    columns = [ours, stock] if stock else [ours]

    def row(title: str, *values: Any) -> str:
        return f"{title:<44}" + "".join(f"{value if value is not None else '-':>12}" for value in values)

    yield row("", *["ours", "stock"][: len(columns)])
    yield row("parse, ms p50", *(one["parse"]["ms_p50"] for one in columns))
    yield row("parse, ms p95", *(one["parse"]["ms_p95"] for one in columns))
    for levels in zip(*(one["at_once"] for one in columns), strict=True):
        title = f"{levels[0]['residents']} at once"
        yield row(f"{title}: whole turn, ms p50", *(level["ms_p50"] for level in levels))
        yield row(f"{title}: whole turn, ms p95", *(level["ms_p95"] for level in levels))
        yield row(f"{title}: turns a second", *(level["turns_per_second"] for level in levels))
        yield row(f"{title}: turns a second and core", *(level["turns_per_second_per_core"] for level in levels))
    programs = list(dict.fromkeys(name for one in columns for name in one["memory_mb"]))
    for name in programs:
        busiest = [one["at_once"][-1]["core_ms_per_turn"] for one in columns]
        yield row(f"processor time of a turn, ms: {name}", *(level.get(name) for level in busiest))
    long = [one["one_conversation"] or {} for one in columns]
    for key, title in {
        "messages": "a long conversation: messages",
        "first_ms": "its first message, ms",
        "tenth_ms": "its tenth message, ms",
        "last_ms": "its last message, ms",
        "last_to_tenth": "last to tenth",
    }.items():
        yield row(title, *(one.get(key) for one in long))
    for name in programs:
        yield row(f"memory, MB: {name}", *(one["memory_mb"].get(name) for one in columns))
    if ratios := report["ratios"]:
        for level in ratios["at_once"]:
            yield f"{level['residents']} at once: {level['turns_per_second']} times the stock assistant's turns a second, "
            yield f"    {level['turns_per_second_per_core']} times for the same processor time (target 5)"
        yield f"{ratios['memory']} of its memory (target 0.5); {ratios['understood_alike']} messages understood alike"
