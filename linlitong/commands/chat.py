"""linlitong chat"""

import asyncio
import hashlib
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
    if not name.strip() or len(name) > 100:
        raise click.UsageError("NAME is 1 to 100 characters.")
    home = Home.from_environment()
    talk = chat.Chat(
        url=(url or address(home)).rstrip("/"),
        keep=home.path / "chat" / f"{file_name(name)}.json",
        screen=chat.Lines() if as_json else chat.Bubbles(),
        wait=wait,
    )
    try:
        asyncio.run(talk.run())
    except KeyboardInterrupt:
        click.echo()


def file_name(name: str) -> str:
    """The name itself where it can be a file's, else a digest of it."""
    plain = name.replace("-", "").replace("_", "").isalnum() and len(name) <= 64
    return name if plain else hashlib.sha256(name.encode()).hexdigest()[:32]


def address(home: Home) -> str:
    """Where the resident page of this home is: what runs says so, else LINLITONG_RESIDENT_PORT, else 8080."""
    running = home.running() or {}
    found: str = running.get("urls", {}).get("resident", "")
    return found or f"http://127.0.0.1:{os.environ.get('LINLITONG_RESIDENT_PORT') or 8080}"
