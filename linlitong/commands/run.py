"""linlitong run"""

import click

from linlitong import system
from linlitong.home import Home


def _parts(_ctx: click.Context, _param: click.Parameter, value: str) -> list[str]:
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if unknown := [part for part in parts if part not in system.PARTS]:
        raise click.BadParameter(f"{', '.join(unknown)}: the parts are {', '.join(system.PARTS)}.")
    return parts


@click.command("run")
@click.option("--only", metavar="PART,...", default="", callback=_parts, help="Run only these parts on this machine.")
def command(only: list[str]) -> None:
    """Train the model and migrate the database where needed, start every part, and keep them running.

    Ctrl-C stops all. For bigger installations --only runs some parts here; LINLITONG_BACKEND_URL, _ENGINE_URL and
    _ACTIONS_URL say where the others are, and LINLITONG_SERVICE_TOKEN is the same on every machine.
    """
    system.run(Home.from_environment(), only)
