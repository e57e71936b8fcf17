"""linlitong chat"""

import asyncio
import json
import sys
from typing import Any

import click

from linlitong.home import Home


def as_json(message: dict[str, Any]) -> None:
    print(json.dumps(message, ensure_ascii=False), flush=True)


def as_text(message: dict[str, Any]) -> None:
    buttons = "".join(f"\n  {number}. {each['title']}" for number, each in enumerate(message["buttons"], 1))
    print(f"\n邻里通：{message['text'] or '［照片］'}{buttons}\n", flush=True)


@click.command("chat")
@click.option("--as", "name", default="me", help="Who is writing; each name is a device of its own.")
@click.option("--json", "json_lines", is_flag=True, help="Print one JSON object a line for whatever is received.")
@click.option("--wait", default=0.0, help="Seconds to keep listening after the last line.")
@click.option("--url", help="The resident page's address, when it is not the one running here.")
def command(name: str, json_lines: bool, wait: float, url: str | None) -> None:
    """Talk to the bot, one message a line.

    [photo] PATH, [location LAT,LON] and [button PAYLOAD] send the other kinds. In a terminal the number of a button
    presses it.
    """
    from linlitong import chat

    terminal = sys.stdin.isatty() and not json_lines
    if terminal:
        click.echo("您说，我听着（Ctrl-D 结束）。")
    show = as_json if json_lines else as_text
    try:
        asyncio.run(chat.talk(Home.from_environment(), name=name, url=url, wait=wait, show=show, terminal=terminal))
    except chat.CannotChat as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        click.echo()
