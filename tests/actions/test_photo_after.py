"""A photo right after a report, and a report that waits while something else is done: the actions before the real backend."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher
from sqlalchemy import select

from actions import backend_client
from actions.backend_client import Backend
from actions.report import AskPlace, SubmitReport, ValidateReportForm
from actions.status import StartSupplement, ValidateSupplementForm
from actions.turn import House, HouseAction
from backend.app import DOMAIN, internal_app
from backend.clock import FakeClock
from backend.db import Database
from backend.events import service
from backend.events.models import Event, History, HistoryKind
from backend.house import desk_factory
from backend.settings import Settings
from tests.support.small_city import build, resident
from wording import Sentences


@dataclass
class Talk:
    """One resident's conversation as the actions see it."""

    house: House
    key: str
    slots: dict[str, Any] = field(default_factory=dict)
    loop: str | None = None
    count: int = 0

    async def do(
        self, *kinds: type[HouseAction], intent: str, text: str = "", media: tuple[str, ...] = ()
    ) -> list[dict[str, Any]]:
        """What is said when the actions answer one message, one after the other."""
        self.count += 1
        said = CollectingDispatcher()
        entities = [{"entity": "number", "value": self.slots.get("pressed")}] if self.slots.get("pressed") else []
        message = {
            "intent": {"name": intent, "confidence": 1.0},
            "entities": entities,
            "text": text,
            "metadata": {"message_id": f"m{self.count}", "text": text, "media": list(media), "kind": "photo"},
        }
        for kind in kinds:
            loop = {"name": self.loop} if self.loop else {}
            tracker = Tracker(self.key, dict(self.slots), message, [], False, None, loop, None)
            for event in await kind(self.house).run(said, tracker, {}):
                if event["event"] == "slot":
                    self.slots[event["name"]] = event["value"]
        return said.messages


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def talk(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Talk]:
    monkeypatch.setattr(backend_client, "CALL_SECONDS", 60)  # a busy machine fails no turn here
    clock, settings = FakeClock(datetime(2026, 11, 24, 2, 0, tzinfo=UTC)), Settings(home=tmp_path, service_token="t")
    sentences = Sentences.load(DOMAIN)
    async with TestServer(internal_app(settings, database, clock)) as server:
        async with database.write() as session:
            await build(session)
            conversation = await resident(session, "photographer", now=clock.now())
            await service.file_event(
                session,
                service.Report(description="3号楼路灯不亮", area_code="g1", address="3号楼", item_code="streetlight"),
                desk=await desk_factory(settings, clock, sentences)(session),
                conversation=conversation,
            )
            key = conversation.tracker_key
        house = House(Backend(str(server.make_url("")), "t"), sentences)
        yield Talk(house, key)
        await house.backend.close()


async def test_a_photo_right_after_a_report_is_offered_to_it(talk: Talk, database: Database) -> None:
    async with database.read() as session:
        number = (await session.scalars(select(Event.number))).one()

    (offer,) = await talk.do(ValidateReportForm, SubmitReport, intent="share_photo", text="再补一张照片")
    assert [button["title"] for button in offer["buttons"]] == [f"补充到 {number}", "报新的事"]
    assert talk.slots["requested_slot"] is None

    talk.slots["pressed"] = number
    await talk.do(StartSupplement, ValidateSupplementForm, intent="supplement")
    assert (talk.slots["supplement_content"], talk.slots["draft"]) == ("taken", None)
    async with database.read() as session:
        added = (await session.scalars(select(History).where(History.kind == HistoryKind.SUPPLEMENT))).one()
    assert added.note == "再补一张照片"

    del talk.slots["pressed"]  # and for another matter the photos of both messages begin a report
    await talk.do(ValidateReportForm, SubmitReport, intent="share_photo", media=("a",))
    (again,) = await talk.do(ValidateReportForm, SubmitReport, intent="share_photo", media=("b",))
    assert "报新的事" in [button["title"] for button in again["buttons"]]
    await talk.do(ValidateReportForm, intent="resume_report")
    assert (talk.slots["draft"]["photos"], talk.slots["requested_slot"]) == (["a", "b"], "matter")


async def test_a_report_that_waits_asks_twice_after_questions_and_never_after_a_step_elsewhere() -> None:
    talk = Talk(House(Backend("http://127.0.0.1:1", "t"), Sentences.load(DOMAIN)), "k")  # nothing is asked of the backend
    talk.loop = "report_form"
    talk.slots |= {"draft": {"matter": "路灯坏了", "seen": "m0"}, "requested_slot": "place"}
    asked = [
        len(await talk.do(AskPlace, intent=intent)) for intent in ("verify", "rate", "ask_guide", "urge", "greet", "ask_guide")
    ]
    assert asked == [0, 0, 1, 0, 1, 0]
    talk.slots["draft"]["seen"] = f"m{talk.count + 1}"  # the resident came back to it
    assert len(await talk.do(AskPlace, intent="report_issue")) == 1
