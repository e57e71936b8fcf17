"""A backend that is killed while ballots come in: what was acknowledged is in the box, once, and the last one counts."""

import asyncio
import os
import random
import signal
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from backend.votes import box, service
from linlitong.ports import free_port
from tests.backend.votes.hall import Hall
from tests.support.system import ROOT

VOTERS, ROUNDS, KILLS, TOKEN = 6, 3, 1, "token-of-the-test"


class Backend:
    """The internal API over the test's database, in a process of its own."""

    def __init__(self, hall: Hall) -> None:
        self.hall, self.url = hall, ""
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        if not self.url:
            self.port = free_port()
            self.url = f"http://127.0.0.1:{self.port}"
        environment = {
            **os.environ,
            "LINLITONG_HOME": str(self.hall.home),
            "LINLITONG_DATABASE_URL": self.hall.database.url,
            "LINLITONG_SERVICE_TOKEN": TOKEN,
        }
        with (self.hall.home / "backend.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.backend.votes.serving", str(self.port)), env=environment, stderr=log, cwd=ROOT
            )
        async with aiohttp.ClientSession() as session:
            for _ in range(600):
                with suppress(aiohttp.ClientError):
                    async with session.get(f"{self.url}/health") as answer:
                        if answer.status == 200:
                            return
                assert self.process.returncode is None, (self.hall.home / "backend.log").read_text()
                await asyncio.sleep(0.1)
        raise AssertionError((self.hall.home / "backend.log").read_text())

    async def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_kill_9_while_ballots_come_in_loses_none_and_doubles_none(hall: Hall) -> None:
    now = datetime.now(UTC)
    hall.clock.advance(seconds=(now - hall.clock.now()).total_seconds())
    number = await hall.vote(VOTERS, starts_at=now - timedelta(hours=1), ends_at=now + timedelta(hours=5))
    vote = await hall.get(number)
    assert vote.public_key
    envelope = box.new_envelope(vote.public_key)
    backend, acknowledged = Backend(hall), dict[int, str]()
    await backend.start()
    dice = random.Random(9)

    async def votes(place: int) -> None:
        person = await hall.matched(number, f"3-{place}")
        unit_id = (await hall.unit(number, f"3-{place}")).id
        slot = hall.booth.places.slot(number, unit_id)
        for turn in range(ROUNDS):
            choice = dice.choice(("yes", "no", "abstain"))
            body = box.seal(envelope, (choice,), service.width_of(vote), vote=number, slot=slot)
            said = {"unit": unit_id, "ballot": service.pack(envelope, body)}
            address = f"{backend.url}/internal/v1/votes/{number}/ballots?conversation={person.tracker_key}"
            headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": f"{place}-{turn}"}
            while True:  # as a turn that failed is taken up again
                with suppress(aiohttp.ClientError, TimeoutError):
                    async with aiohttp.request("POST", address, json=said, headers=headers) as answer:
                        assert answer.status == 200, await answer.text()
                        break
                await asyncio.sleep(0.1)
            acknowledged[place] = choice
            await asyncio.sleep(dice.random() * 0.3)

    async def kills() -> None:
        for _ in range(KILLS):
            await asyncio.sleep(0.1 + dice.random() * 0.2)
            await backend.kill()
            await backend.start()

    try:
        await asyncio.gather(kills(), *(votes(place) for place in range(1, VOTERS + 1)))
    finally:
        await backend.kill()
    assert len(acknowledged) == VOTERS
    await hall.ends(number)
    result = (await hall.opens(number)).result
    wanted = [sum(choice == option for choice in acknowledged.values()) for option in ("yes", "no", "abstain")]
    assert [result["counts"][option]["number"] for option in ("yes", "no", "abstain")] == wanted
    assert (result["turnout"]["number"], result["invalid"]) == (VOTERS, 0)
