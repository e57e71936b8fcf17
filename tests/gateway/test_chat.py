"""``linlitong chat``: a resident in a terminal, through the page's own door."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from bot.gateway.app import LOOPS
from tests.gateway.running import SAID, Device, Town
from tests.gateway.test_page import photo

PRIVACY = "说明一下：您发来的内容只用来办事，办结后保存三年。想删除，跟我说“删除我的数据”就行。"
BUTTONS = [{"title": "确认", "payload": "/confirm_report"}, {"title": "取消", "payload": "/cancel"}]


class Terminal:
    """The command with a pipe to its input and its output."""

    def __init__(self, home: Path, url: str) -> None:
        self.home, self.url = home, url

    async def start(self, *options: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "linlitong", "chat", "--url", self.url, *options),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "LINLITONG_HOME": str(self.home)},
        )

    async def run(self, typed: str, *options: str) -> tuple[int, str, str]:
        process = await self.start(*options)
        out, err = await asyncio.wait_for(process.communicate(typed.encode()), 60)
        return process.returncode or 0, out.decode(), err.decode()

    async def json(self, typed: str, *options: str) -> list[dict[str, Any]]:
        status, out, err = await self.run(typed, "--json", *options)
        assert (status, err) == (0, "")
        return [json.loads(line) for line in out.splitlines()]

    def device(self, http: Any, name: str) -> Device:
        return Device(http, self.url, json.loads((self.home / "chat" / f"{name}.json").read_text())["token"])


async def test_each_line_is_answered_before_the_next_is_sent(running: Town, tmp_path: Path) -> None:
    running.engine.buttons["路灯坏了"] = BUTTONS
    running.engine.seconds = 0.2
    heard = await Terminal(tmp_path, running.url).json("路灯坏了\n[button /confirm_report]\n好的\n", "--as", "wang")
    assert [message["text"] for message in heard] == [
        f"{SAID.format('路灯坏了')}\n\n{PRIVACY}",
        SAID.format("/confirm_report"),
        SAID.format("好的"),
    ]
    assert {"at", "kind", "text", "buttons", "message_id"} <= heard[0].keys()
    assert heard[0]["buttons"] == BUTTONS
    assert (tmp_path / "chat" / "wang.json").stat().st_mode & 0o777 == 0o600


async def test_photos_and_places_go_the_same_way(running: Town, tmp_path: Path) -> None:
    (tmp_path / "lamp.jpg").write_bytes(photo())
    typed = f"[photo] {tmp_path}/lamp.jpg\n[location 32.49,119.93]\n"
    heard = await Terminal(tmp_path, running.url).json(typed)
    assert [message["text"] for message in heard if message["text"] != PRIVACY] == [
        SAID.format("/share_photo"),
        SAID.format("/share_location"),
    ]
    assert running.engine.turns[1]["metadata"]["location"] == {"latitude": 32.49, "longitude": 119.93}


async def test_what_the_page_refuses_is_told_and_the_next_line_goes_on(running: Town, tmp_path: Path) -> None:
    (tmp_path / "fake.jpg").write_text("不是照片")
    typed = f"\n[photo] {tmp_path}/fake.jpg\n[photo] {tmp_path}/none.jpg\n[location here]\n[button confirm]\n你好\n"
    heard = await Terminal(tmp_path, running.url).json(typed)
    assert [message["author"] for message in heard] == ["page"] * 5 + ["bot"] * 2
    assert heard[0]["text"] == "您还没有写字。打几个字，或者发张照片都行。"
    assert heard[5]["text"] == SAID.format("你好")


async def test_pushes_are_heard_while_waiting_and_at_the_next_start(running: Town, tmp_path: Path, http: Any) -> None:
    terminal = Terminal(tmp_path, running.url)
    process = await terminal.start("--json", "--wait", "2")
    process.stdin.write("路灯坏了\n".encode())
    process.stdin.write_eof()
    for _ in range(2):
        await process.stdout.readline()
    address = terminal.device(http, "me").address
    await asyncio.sleep(0.5)
    began = time.monotonic()
    await running.push(address, "【已派遣】1234-5678")
    pushed = json.loads(await asyncio.wait_for(process.stdout.readline(), 2))
    assert (pushed["text"], pushed["author"]) == ("【已派遣】1234-5678", "system")
    assert time.monotonic() - began < 15
    assert await process.wait() == 0
    await running.push(address, "【处置中】1234-5678")
    assert [message["text"] for message in await terminal.json("")] == ["【处置中】1234-5678"]
    assert await terminal.json("") == []


async def test_a_gateway_that_starts_again_meanwhile_costs_nothing(running: Town, tmp_path: Path) -> None:
    process = await Terminal(tmp_path, running.url).start("--json", "--wait", "1")
    process.stdin.write("第一句\n".encode())
    await process.stdout.readline()
    await asyncio.sleep(0.6)
    await running.gateway.stop()
    process.stdin.write("第二句\n".encode())
    process.stdin.write_eof()
    await asyncio.sleep(1)
    await running.gateway.start()
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    texts = [json.loads(line)["text"] for line in out.decode().splitlines()]
    assert texts in ([PRIVACY, SAID.format("第二句")], [PRIVACY])  # the second when a lease had to run out first
    assert not running.gateway.runner.app[LOOPS].done()


async def test_for_people_it_shows_numbered_buttons_and_a_number_presses_one(running: Town, tmp_path: Path) -> None:
    running.engine.buttons["路灯坏了"] = BUTTONS
    status, out, _ = await Terminal(tmp_path, running.url).run("路灯坏了\n1\n")
    assert status == 0
    assert "  [1] 确认  [2] 取消" in out
    assert SAID.format("/confirm_report") in out


async def test_when_nothing_runs_it_says_so_in_one_sentence(tmp_path: Path) -> None:
    status, out, err = await Terminal(tmp_path, "http://127.0.0.1:9").run("你好\n", "--json")
    assert (status, out) == (1, "")
    assert err == "Error: Linlitong does not answer at http://127.0.0.1:9; start it with make run.\n"
