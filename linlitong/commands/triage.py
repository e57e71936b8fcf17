"""linlitong triage: learn from a city's own history who handles what."""

import json
import time
from pathlib import Path
from typing import Any

import click

SEED = 20201
_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("triage")
def command() -> None:
    """Train and evaluate the classification of matters."""


@command.command()
@click.option("--data", required=True, type=_file, help="CSV or CSV.gz: one matter a row.")
@click.option("--text", required=True, help="Columns with the words, comma-separated; a title first.")
@click.option("--label", required=True, help="Column with the category or department.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Where the model is written.")
@click.option("--seed", default=SEED, show_default=True, help="The same data and seed give the same model.")
@click.option("--split", "share", type=click.FloatRange(0, 1, min_open=True, max_open=True), help="Keep this share to test on.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def train(*, data: Path, text: str, label: str, out: Path, seed: int, share: float | None, as_json: bool) -> None:
    """Learn from the labelled matters in a file; with --split, keep some of them and say how well they are routed."""
    from backend.triage import evaluation, training

    columns = [name.strip() for name in text.split(",")]
    try:
        labelled = evaluation.read_csv(data, columns, label)
        kept, tested = evaluation.split(labelled, share, seed) if share else (labelled, None)
        started = time.monotonic()
        model = training.train(kept.texts, kept.labels, seed=seed, about={"text": columns, "label": label})
    except (evaluation.BadFile, training.CannotTrain) as error:
        raise click.ClickException(str(error)) from None
    seconds = time.monotonic() - started
    out.parent.mkdir(parents=True, exist_ok=True)
    model.save(out)
    about = {"trained_on": len(kept.texts), "labels": len(model.labels), "skipped": labelled.skipped, "train_seconds": seconds}
    measured = evaluation.evaluate(model, tested) if tested else {}
    if as_json:
        click.echo(json.dumps(about | measured, ensure_ascii=False))
        return
    click.echo(f"{len(kept.texts)} texts, {len(model.labels)} labels, {labelled.skipped} rows skipped; {seconds:.0f} s; {out}")
    if measured:
        _show(measured)


@command.command()
@click.option("--model", "path", required=True, type=_file, help="What `triage train` wrote.")
@click.option("--data", required=True, type=_file, help="CSV or CSV.gz that the model has not seen.")
@click.option("--text", help="Columns with the words; those of the training where not given.")
@click.option("--label", help="Column with the label; that of the training where not given.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def evaluate(*, path: Path, data: Path, text: str | None, label: str | None, as_json: bool) -> None:
    """Measure a model on labelled matters that it has not seen."""
    from backend.triage import evaluation
    from backend.triage.model import BadModel, Model

    try:
        model = Model.load(path)
        columns = [name.strip() for name in text.split(",")] if text else model.about.get("text")
        label = label or model.about.get("label")
        if not columns or not label:
            raise click.UsageError("The model does not say which columns it was trained on: give --text and --label.")
        labelled = evaluation.read_csv(data, columns, label)
    except (evaluation.BadFile, BadModel) as error:
        raise click.ClickException(str(error)) from None
    measured = {**evaluation.evaluate(model, labelled), "skipped": labelled.skipped}
    if as_json:
        click.echo(json.dumps(measured, ensure_ascii=False))
    else:
        _show(measured)


def _show(measured: dict[str, Any]) -> None:
    click.echo(
        f"{measured['texts']} texts: accuracy {measured['accuracy']:.4f}, macro-F1 {measured['macro_f1']:.4f}, "
        f"top 3 {measured['top3_accuracy']:.4f}, {measured['ms_p50']:.2f} ms a text (p50)"
    )
    for percent in (95, 97):
        reached = measured[f"precision_at_{percent}"]
        click.echo(
            f"automatic at {percent} %: {measured[f'auto_at_{percent}']:.1%} of the texts"
            + ("" if reached is None else f", of which {reached:.1%} were right")
        )
