"""A person takes over in the running system: one speaker, in order, and nothing lost when the console's process is killed."""

import os
import signal
import threading
import time
from pathlib import Path

from tests.support.system import System, running, texts

REPLIES = 12


def send(system: System, who: str, path: str, body: dict[str, object]) -> tuple[int, dict]:
    """A call that is made again until the staff API answers it, as a person would press the button again."""
    deadline = time.monotonic() + 90
    while True:
        try:
            return system.api(who, "POST", path, body)
        except OSError:
            assert time.monotonic() < deadline, "the staff API did not come back"
            time.sleep(0.2)


def test_two_staff_a_resident_and_a_killed_console(tmp_path: Path) -> None:
    with running(tmp_path) as system:
        asked = system.chat("wang", "城东街道宫涵社区3号楼路灯坏了", "转人工", wait=1)
        assert any("值班台" in text for text in texts(asked))
        community, street = (
            next(row["username"] for row in system.accounts() if row["role"] == role and scope in row["scope"])
            for role, scope in (("community", "宫涵社区"), ("street", "城东街道"))
        )
        _, desk = system.api(community, "GET", "/api/v1/conversations")
        (waiting,) = [card["conversation_id"] for card in desk["conversations"] if card["holder"] == "waiting"]
        path = f"/api/v1/conversations/{waiting}"
        system.api(street, "GET", "/api/v1/conversations")  # both are signed in before the race

        claims: list[tuple[str, int]] = []
        race = [
            threading.Thread(target=lambda who=who: claims.append((who, system.api(who, "POST", f"{path}/claim", {})[0])))
            for who in (community, street)
        ]
        for thread in race:
            thread.start()
        for thread in race:
            thread.join()
        assert sorted(status for _, status in claims) == [200, 409]
        winner = next(who for who, status in claims if status == 200)
        loser = next(who for who, status in claims if status == 409)
        assert system.api(loser, "POST", f"{path}/replies", {"text": "两个声音"})[0] == 409

        killed = threading.Timer(0.15, lambda: os.kill(system.pid("backend"), signal.SIGKILL))
        killed.start()
        for n in range(REPLIES):
            status, _ = send(system, winner, f"{path}/replies", {"text": f"第{n}句", "once": f"key-{n}"})
            assert status == 201
        killed.join()
        assert send(system, winner, f"{path}/replies", {"text": "他家老人耳背", "note": True})[0] == 201

        while not system.ready():
            time.sleep(0.2)
        heard = texts(system.chat("wang", "路灯还是没修", wait=3))
        assert [text for text in heard if text.startswith("第")] == [f"第{n}句" for n in range(REPLIES)]
        assert sum("来了，下面由" in text for text in heard) == 1
        assert not any(word in text for text in heard for word in ("两个声音", "耳背", "在哪儿呢"))

        danger = texts(system.chat("wang", "家里着火了，楼道全是烟", wait=4))
        assert [text[:6] for text in danger] == ["【安全提醒】"]

        assert send(system, winner, f"{path}/return", {})[0] == 200
        after = texts(system.chat("wang", wait=4))
        assert "刚才的接待，您满意吗？" in after[0]
        assert any("刚才没办完的" in text for text in after)
