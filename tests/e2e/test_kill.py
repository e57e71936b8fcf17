"""kill -9 of any process at any moment, under load, by a seeded schedule: nothing lost, nothing doubled, in order."""

import asyncio
import os
import random
import signal
from copy import deepcopy
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.ledger import Ledger, problems
from tests.support.system import System, running

KILLS = 50
SEED = 20201
RESIDENTS = {
    "路灯坏了": "宫涵社区3号楼",
    "垃圾没人收": "界牌社区4号楼",
    "电梯坏了": "国泰民安社区2号楼",
    "井盖不见了": "富江新苑8号楼",
    "半夜装修太吵": "月安社区5号楼",
    "野狗乱跑": "宫涵社区9号楼",
}
PROGRAMS = ("backend", "gateway", "actions", "backend", "gateway", "engine")


class Resident:
    """Reports the same matter again and again, patiently: what is not acknowledged is sent again."""

    def __init__(self, session: aiohttp.ClientSession, system: System, name: str, line: str) -> None:
        self.session, self.url, self.name, self.line = session, system.resident, name, line
        self.ledger = Ledger()
        self.headers: dict[str, str] = {}

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        while True:
            try:
                async with self.session.request(method, self.url + path, json=body, headers=self.headers) as answer:
                    if answer.status < 300:
                        return await answer.json()
                    assert answer.status in (429, 500, 502, 503), (answer.status, await answer.text())
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(0.3)

    async def say(self, client_id: str, body: dict[str, Any]) -> list[dict[str, Any]]:
        """Send until it is acknowledged; return what was said after it once its turn has ended."""
        sent = await self.call("POST", "/api/messages", body | {"client_id": client_id})
        self.ledger.acknowledged[client_id] = sent["message_id"]
        while True:
            new = (await self.call("GET", f"/api/messages?after={sent['sequence'] - 1}&limit=50"))["messages"]
            if new and new[0]["turn"] == "done":
                return [message for message in new if message["author"] != "resident"]
            await asyncio.sleep(0.2)

    async def live(self, until: asyncio.Event) -> None:
        self.headers["Authorization"] = f"Bearer {(await self.call('POST', '/api/session?bearer=1'))['token']}"
        turn = 0
        while not until.is_set():
            turn += 1
            answers = await self.say(f"kill-{self.name}-{turn:06d}-a", {"kind": "text", "text": self.line})
            buttons = [button["payload"] for answer in answers for button in answer["buttons"]]
            if "/report_separately" in buttons:  # it is noticed that this was reported before
                press = {"kind": "button", "payload": "/report_separately", "title": "另报一件"}
                answers = await self.say(f"kill-{self.name}-{turn:06d}-s", press)
                buttons = [button["payload"] for answer in answers for button in answer["buttons"]]
            assert "/confirm_report" in buttons, answers
            await self.say(f"kill-{self.name}-{turn:06d}-b", {"kind": "button", "payload": "/confirm_report", "title": "确认"})
            self.ledger.confirmed += 1

    async def settled(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The whole feed and the events, once nothing more comes."""
        seen, still = -1, 0
        while still < 5:
            last = (await self.call("GET", "/api/messages?last=1"))["last_sequence"]
            seen, still = last, still + 1 if last == seen else 0
            await asyncio.sleep(1)
        feed: list[dict[str, Any]] = []
        while page := (await self.call("GET", f"/api/messages?after={feed[-1]['sequence'] if feed else 0}"))["messages"]:
            feed += page
        return feed, (await self.call("GET", "/api/events"))["events"]


async def kill_at_random(system: System, until: asyncio.Event) -> list[str]:
    """KILLS deaths by the seeded schedule; each is given a moment, and sometimes none, to come back."""
    chance = random.Random(SEED)
    killed = []
    while len(killed) < KILLS:
        await asyncio.sleep(chance.choice((0.2, 0.7, 1.5, 3.0)))
        program = chance.choice(PROGRAMS)
        try:
            os.kill(system.pid(program), signal.SIGKILL)
        except (ProcessLookupError, KeyError, FileNotFoundError):
            continue
        killed.append(program)
    until.set()
    return killed


@pytest.mark.slow
@pytest.mark.timeout(1500)
async def test_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path) -> None:
    with running(tmp_path) as system:
        until = asyncio.Event()
        timeout = aiohttp.ClientTimeout(total=15)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            residents = [
                Resident(session, system, f"r{number}", f"{place}{matter}")
                for number, (matter, place) in enumerate(RESIDENTS.items())
            ]
            lives = [asyncio.create_task(resident.live(until)) for resident in residents]
            killed = await kill_at_random(system, until)
            await asyncio.wait_for(asyncio.gather(*lives), 240)
            assert len(killed) == KILLS
            assert set(killed) == set(PROGRAMS)
            found = {}
            for resident in residents:
                feed, events = await resident.settled()
                assert resident.ledger.confirmed > 0
                found[resident.name] = problems(resident.ledger, feed, events)
            assert found == {resident.name: [] for resident in residents}
            _the_checker_catches(residents[0].ledger, *await residents[0].settled())


def _the_checker_catches(ledger: Ledger, feed: list[dict[str, Any]], events: list[dict[str, Any]]) -> None:
    """Plant a loss, a double, a second event, a missing and a swapped push: each is found."""
    assert problems(ledger, feed, events) == []
    answered = next(m for m in feed if m["author"] == "resident")
    pushes = [at for at, m in enumerate(feed) if m["text"].startswith(("【已受理】", "【已派遣】"))]
    swapped = deepcopy(feed)
    swapped[pushes[0]], swapped[pushes[1]] = swapped[pushes[1]], swapped[pushes[0]]
    planted = [
        ([m for m in feed if m is not answered], events),
        ([*feed, answered], events),
        (feed, [*events, events[0] | {"number": "0000-0000"}]),
        (feed, events[1:]),
        ([m for at, m in enumerate(feed) if at != pushes[0]], events),
        (swapped, events),
    ]
    for wrong_feed, wrong_events in planted:
        assert problems(ledger, wrong_feed, wrong_events) != []
