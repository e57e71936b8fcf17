"""A resident who talks about subsidies with the real backend over HTTP, as the actions do."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from backend.app import internal_app
from backend.clock import FakeClock
from backend.conversations import service as conversations
from backend.db import Database
from backend.house import desk_factory
from backend.settings import Settings
from backend.subsidies import service
from backend.subsidies.applications import Form, submit
from backend.subsidies.catalogue import read
from backend.subsidies.models import SubsidyApplication
from backend.vault.models import Secret
from backend.vault.numbers import check_digit, luhn
from backend.vault.service import Vault, put
from linlitong.home import ROOT
from tests.support.small_city import SmallCity, build
from wording import Sentences


def identity(born: str = "19440101", order: str = "001") -> str:
    """An invented identity number: the place 321202 with a day of birth and an order."""
    body = f"321202{born}{order}"
    return body + check_digit(body)


def card(number: int = 0) -> str:
    """An invented card number that passes the Luhn check."""
    stem = f"6200{number:014d}"
    return next(f"{stem}{digit}" for digit in range(10) if luhn(f"{stem}{digit}"))


class Talker:
    """One resident. ``say`` sends a message the way the gateway does and asks the backend the way the actions do."""

    def __init__(self, client: TestClient, address: str) -> None:
        self.client, self.address, self.count, self.active = client, address, 0, False
        self.key = ""

    async def say(self, text: str = "", *, intent: str = "apply_subsidy", choice: str = "", media: list[str] | None = None):
        """(taken, what was said, the question that is asked then)."""
        self.count += 1
        sent = {"channel": "web", "external_id": f"{self.count}", "address": self.address, "kind": "text", "text": text or "。"}
        answer = await (await self.client.post("/internal/v1/messages", json=sent)).json()
        claimed = await (await self.client.post("/internal/v1/turns/claim", json={"worker": "w", "limit": 50})).json()
        turn = next(turn for turn in claimed["turns"] if turn["message_id"] == answer["message_id"])
        self.key = turn["tracker_key"]
        if not choice and turn["text"].startswith('/subsidy_choice{"subsidy_choice":"'):
            choice = turn["text"].split('"')[3]
        body = {
            "text": "" if choice else turn["metadata"]["text"],
            "intent": intent,
            "choice": choice,
            "media": media or [],
            "message_id": turn["message_id"],
            "starting": not self.active,
        }
        response = await self.client.post(
            f"/internal/v1/subsidies/talk?conversation={self.key}",
            json=body,
            headers={"Idempotency-Key": f"{self.key}:{self.count}"},
        )
        heard = await response.json()
        assert response.status == 200, heard
        self.active = not heard["over"] if heard["taken"] else self.active
        question = await self.question() if self.active else {"text": "", "buttons": []}
        replies = [{"text": r["text"], "buttons": r["buttons"]} for r in heard["replies"]]
        finish = {"worker": "w", "replies": [*replies, question] if question["text"] else replies or [{"text": "。"}]}
        await self.client.post(f"/internal/v1/turns/{turn['message_id']}/finish", json=finish)
        return heard["taken"], "\n".join(r["text"] for r in heard["replies"]), question

    async def question(self) -> dict[str, Any]:
        return await (await self.client.get(f"/internal/v1/subsidies/question?conversation={self.key}")).json()


async def founded(database: Database, clock: FakeClock) -> SmallCity:
    catalogue, problems = read(ROOT / "demo" / "subsidies")
    assert catalogue is not None, problems
    async with database.write() as session:
        await service.put_in_force(session, catalogue, now=clock.now())
        return await build(session)


@pytest.fixture
async def city(database: Database, clock: FakeClock) -> SmallCity:
    """The small city with the demo city's subsidies."""
    return await founded(database, clock)


@pytest.fixture
async def client(database: Database, clock: FakeClock, tmp_path: Path) -> AsyncIterator[TestClient]:
    """The backend, started before its city has items: nothing is to be learned about them."""
    app = internal_app(Settings(home=tmp_path, service_token="t"), database, clock)
    async with TestClient(TestServer(app)) as client:
        client.session.headers["Authorization"] = "Bearer t"
        await founded(database, clock)
        yield client


@pytest.fixture
def resident(client: TestClient) -> Talker:
    return Talker(client, "r1")


async def filed(database: Database, clock: FakeClock, sentences: Sentences, home: Path, key: str) -> SubsidyApplication:
    """An application for her mother by the resident whose tracker is ``key``, written straight into the record."""
    vault = Vault.load("", "", home)
    async with database.write() as session:
        conversation = await conversations.by_tracker_key(session, key)
        catalogue_id, _ = await service.in_force(session)
        items = [
            await put(session, vault, kind, value, resident_id=conversation.resident_id, now=clock.now())
            for kind, value in ((Secret.NAME, "王小美"), (Secret.IDENTITY, identity()), (Secret.BANK, card()))
        ]
        facts = {"age": 82, "local_hukou": True}
        papers = {"id_card": ["k1"], "consent": ["k2"]}
        form = Form("elderly_allowance", "mother", facts, catalogue_id, *items, None, "c1", papers)
        desk = await desk_factory(Settings(), clock, sentences)(session)
        return await submit(session, conversation, form, desk=desk)


async def apply_for_elderly(talker: Talker, *, number: str, account: str) -> str:
    """Talk until the application is filed; returns the last words."""
    await talker.say("我妈今年82，本市户口，高龄津贴怎么领")
    said = ""
    for words in (
        {"choice": "apply=elderly_allowance"},
        {"text": "对"},
        {"text": "王小美", "intent": "nlu_fallback"},
        {"text": number, "intent": "nlu_fallback"},
        {"text": "13800000000", "intent": "nlu_fallback"},
        {"text": account, "intent": "nlu_fallback"},
        {"text": "宫涵社区", "intent": "report_issue"},
        {"media": ["k1"], "intent": "share_photo"},
        {"text": "晚点补", "intent": "deny"},
        {"media": ["k2"], "intent": "share_photo"},
        {"text": "同意"},
        {"text": "提交"},
    ):
        taken, said, _ = await talker.say(**words)
        assert taken, words
    return said
