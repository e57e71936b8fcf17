"""Text messages through a strict gateway over real HTTP: once each, whatever it answers, and no number in the log."""

import logging
from collections.abc import AsyncIterator
from datetime import UTC, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from backend.clock import FakeClock
from backend.db import Database
from backend.errors import TooMany
from backend.house import desk_factory, quiet_of
from backend.settings import Settings
from backend.sms import sender, service
from backend.sms.gateway import Gateway
from backend.sms.models import Sms, SmsState
from backend.vault.models import Secret, VaultItem
from backend.vault.service import Vault, put
from tests.support.sms_gateway import TOKEN, SmsGateway, sms_gateway
from wording import Sentences

PHONE = "13800000004"
WORDS = "【邻里通】验证码482913"


class Town:
    """A record with a sender; ``queue`` puts a text message on its way."""

    def __init__(self, database: Database, clock: FakeClock, sentences: Sentences, home: Path, fake: SmsGateway) -> None:
        self.database, self.clock, self.fake = database, clock, fake
        self.vault, self.settings = Vault.load("", "", home), Settings(home=home)
        self.desk_of = desk_factory(self.settings, clock, sentences)
        self.gateway = Gateway(fake.url, TOKEN, seconds=0.2)

    async def queue(self, key: str = "k1", phone: str = PHONE, good_for: timedelta = timedelta(days=1)) -> None:
        async with self.database.write() as session:
            desk = await self.desk_of(session)
            item = await put(session, self.vault, Secret.PHONE, phone, resident_id=None, now=self.clock.now())
            await service.queue(session, self.vault, item, WORDS, key=key, good_for=good_for, desk=desk)

    async def send(self) -> int:
        return await sender.run_once(self.database, self.clock, self.vault, self.gateway, quiet_of(self.settings))

    async def row(self, key: str = "k1") -> Sms:
        async with self.database.read() as session:
            found = await service.by_key(session, key)
            assert found is not None
            return found


@pytest.fixture
async def town(database: Database, clock: FakeClock, sentences: Sentences, tmp_path: Path) -> AsyncIterator[Town]:
    async with sms_gateway() as fake:
        yield Town(database, clock, sentences, tmp_path, fake)
        assert fake.strangers == []


async def test_it_is_sent_once_and_its_words_are_forgotten(town: Town, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    await town.queue()
    await town.queue()
    assert (await town.send(), await town.send()) == (1, 0)
    assert [(body.to, body.text) for body in town.fake.taken.values()] == [(f"+86{PHONE}", WORDS)]
    row = await town.row()
    assert (row.state, row.external_id, row.text_id, row.attempts) == (SmsState.SENT, "g-1", None, 1)
    async with town.database.read() as session:
        kinds = (await session.scalars(select(VaultItem.kind))).all()
    assert Secret.WORDS not in kinds
    assert "taken by the gateway" in caplog.text
    assert [secret for secret in (PHONE, "482913") if secret in caplog.text] == []


@pytest.mark.parametrize("date", [False, True])
async def test_a_gateway_that_asks_for_time_gets_it(town: Town, clock: FakeClock, date: bool):
    await town.queue()
    later = format_datetime((clock.now() + timedelta(seconds=90)).astimezone(UTC), usegmt=True) if date else "90"
    town.fake.answers = [(429, {"Retry-After": later}, {})]
    assert await town.send() == 1
    clock.advance(seconds=89)
    assert await town.send() == 0
    clock.advance(seconds=2)
    assert await town.send() == 1
    assert (await town.row()).state is SmsState.SENT


@pytest.mark.parametrize(
    "answer", [(500, {}, {}), (502, {}, {}), (302, {"Location": "/send"}, {}), (200, {}, {}), (401, {}, {}), "hang"]
)
async def test_what_failed_for_now_is_tried_again_with_growing_pauses(town: Town, clock: FakeClock, answer):
    await town.queue()
    town.fake.answers = [answer, answer]
    assert await town.send() == 1
    assert await town.send() == 0
    clock.advance(seconds=2)
    assert await town.send() == 1
    clock.advance(seconds=4)
    assert await town.send() == 0
    clock.advance(seconds=1)
    assert await town.send() == 1
    assert ((await town.row()).state, len(town.fake.taken)) == (SmsState.SENT, 1)


async def test_an_answer_that_got_lost_does_not_send_twice(town: Town, clock: FakeClock):
    await town.queue()
    town.fake.answers = ["lost"]
    await town.send()
    clock.advance(seconds=2)
    await town.send()
    assert (await town.row()).state is SmsState.SENT
    assert (town.fake.asked, len(town.fake.taken)) == (2, 1)


async def test_what_is_refused_is_not_tried_again(town: Town, clock: FakeClock):
    await town.queue()
    town.fake.answers = [(422, {}, {"error": "not_a_mobile", "detail": PHONE})]
    await town.send()
    clock.advance(days=1)
    assert await town.send() == 0
    row = await town.row()
    assert (row.state, row.reason) == (SmsState.FAILED, "not_a_mobile")


async def test_it_gives_up_in_the_end_and_says_why(town: Town, clock: FakeClock):
    await town.queue(good_for=timedelta(days=9))
    town.fake.answers = [(503, {}, {"error": "full"})] * 9
    for _ in range(12):
        await town.send()
        clock.advance(hours=1)
    row = await town.row()
    assert (row.state, row.reason, row.attempts, town.fake.asked) == (SmsState.FAILED, "full", 9, 9)


async def test_what_is_too_old_is_not_sent(town: Town, clock: FakeClock):
    await town.queue(good_for=timedelta(minutes=10))
    clock.advance(minutes=11)
    assert await town.send() == 1 - 1
    row = await town.row()
    assert (row.state, row.reason, town.fake.asked) == (SmsState.FAILED, "too_old", 0)


async def test_a_try_whose_process_died_is_taken_up_after_its_lease(town: Town, clock: FakeClock):
    await town.queue()
    async with town.database.write() as session:
        assert len(await service.claim(session, town.vault, now=clock.now())) == 1
    assert await town.send() == 0
    clock.advance(seconds=61)
    assert await town.send() == 1
    assert (await town.row()).state is SmsState.SENT


async def test_nobody_is_woken_at_night(town: Town, clock: FakeClock):
    clock.advance(hours=13)
    await town.queue()
    assert await town.send() == 0
    clock.advance(hours=8, minutes=1)
    assert await town.send() == 1


async def test_one_phone_gets_five_a_day(town: Town, clock: FakeClock):
    for number in range(5):
        await town.queue(f"k{number}")
    with pytest.raises(TooMany) as refused:
        await town.queue("k5")
    assert "明天再试" in refused.value.sentence
    await town.queue("other", phone="13800000005")
    clock.advance(days=1, seconds=1)
    await town.queue("k5")


@pytest.mark.parametrize(
    ("url", "token", "good"),
    [
        ("https://sms.example.org/send", "t", True),
        ("http://127.0.0.1:9/send", "t", True),
        ("http://sms.example.org/send", "t", False),
        ("http://localhost.example.org/send", "t", False),
        ("https://t:t@sms.example.org/send", "t", False),
        ("https://sms.example.org/send", "", False),
        ("ftp://127.0.0.1/", "t", False),
    ],
)
def test_the_gateway_is_reached_by_https_or_on_this_machine(url: str, token: str, good: bool):
    if good:
        assert Settings(sms_url=url, sms_token=token).sms_url == url
        return
    with pytest.raises(ValidationError) as refused:
        Settings(sms_url=url, sms_token=token)
    assert [error["loc"][0] for error in refused.value.errors()] == ["sms_url" if token else "sms_token"]
    assert url not in str(refused.value)
