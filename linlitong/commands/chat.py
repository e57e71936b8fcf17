"""linlitong chat"""

import asyncio
import os

import click

from linlitong import chat
from linlitong.home import Home


@click.command("chat")
@click.option(
    "--as", "name", metavar="NAME", default="me", show_default=True, help="Whose device this is; kept for the next time."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line for whatever the resident receives.")
@click.option(
    "--wait", metavar="SECONDS", type=click.FloatRange(min=0), default=0.0, help="Keep listening after the last line."
)
@click.option("--url", metavar="URL", default="", help="The resident page; the system of LINLITONG_HOME if not given.")
def command(name: str, as_json: bool, wait: float, url: str) -> None:
    """Talk to the bot in this terminal, through the same door as the web page.

    One message a line. [photo] PATH, [location LAT,LON] and [button PAYLOAD] send the others; in a terminal a number
    presses that button.
    """
    if not name.replace("-", "").replace("_", "").isalnum() or len(name) > 64:
        raise click.BadParameter("letters, digits, - and _, at most 64 of them.", param_hint="--as")
    home = Home.from_environment()
    talk = chat.Chat(
        url=(url or address(home)).rstrip("/"),
        keep=home.path / "chat" / f"{name}.json",
        screen=chat.Lines() if as_json else chat.Bubbles(),
        wait=wait,
    )
    try:
        asyncio.run(talk.run())
    except KeyboardInterrupt:
        click.echo()


def address(home: Home) -> str:
    """Where the resident page of this home is: what runs says so, else LINLITONG_RESIDENT_PORT, else 8080."""
    running = home.running() or {}
    found: str = running.get("urls", {}).get("resident", "")
    return found or f"http://127.0.0.1:{os.environ.get('LINLITONG_RESIDENT_PORT') or 8080}"
