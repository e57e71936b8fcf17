"""Applying in the chat: only what is not known is asked, numbers go to the vault, one application for each period."""

import asyncio

import pytest
from sqlalchemy import func, select

from backend.clock import FakeClock
from backend.db import Database
from backend.events.service import Desk
from backend.house import desk_factory
from backend.settings import Settings
from backend.subsidies import applications, service
from backend.subsidies.applications import Duplicate, Form
from backend.subsidies.models import ApplicationState, SubsidyApplication, SubsidyDocument
from backend.vault.models import Secret
from backend.vault.service import Vault, put
from tests.backend.subsidies.conftest import Talker, apply_for_elderly, card, identity
from tests.support.small_city import SmallCity
from wording import Sentences


async def test_from_the_question_to_the_number_on_behalf_of_a_mother(resident: Talker, database: Database):
    said = await apply_for_elderly(resident, number=identity(), account=card())
    assert "提交好了，高龄津贴，编号 B" in said
    async with database.read() as session:
        (application,) = await session.scalars(select(SubsidyApplication))
        documents = {d.code: (d.media, d.cure_by) for d in await session.scalars(select(SubsidyDocument))}
    assert (application.state, application.desk, application.desk_code) == (ApplicationState.REVIEW, "community", "c1")
    assert (application.name_masked, application.about, application.consent) == ("王**", "mother", "paper")
    assert application.amount_fen == 8000
    assert documents["id_card"] == (["k1"], None)
    assert str(documents["hukou_page"][1]) == "2026-12-09"
    assert documents["consent"] == (["k2"], None)


async def test_the_same_again_is_refused_with_the_first_number(resident: Talker, database: Database):
    first = await apply_for_elderly(resident, number=identity(), account=card())
    number = first.split("编号 ")[1][:10]
    again = Talker(resident.client, "r2")
    assert f"今年已经申请过了，编号 {number}" in await apply_for_elderly(again, number=identity(), account=card())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (identity()[:17], "身份证号应该是 18 位"),
        ("99" + identity()[2:], "没有这个地区号"),
        (identity("19441301"), "第 7 到 14 位应该是出生年月日"),
        (identity()[:17] + ("1" if identity()[17] != "1" else "2"), "最后一位跟前面的数对不上"),
        ("12345678", "身份证号是 18 位"),
    ],
)
async def test_a_wrong_identity_number_is_said_and_asked_again(resident: Talker, wrong: str, said: str):
    await resident.say("我82，本市户口，高龄津贴怎么领")
    await resident.say(choice="apply=elderly_allowance")
    await resident.say("对")
    await resident.say("王小美", intent="nlu_fallback")
    _, heard, question = await resident.say(wrong, intent="nlu_fallback")
    assert said in heard
    assert question["text"].startswith("您的身份证号是多少")


async def test_the_age_in_the_identity_number_counts(resident: Talker):
    await resident.say("我82，本市户口，高龄津贴怎么领")
    await resident.say(choice="apply=elderly_allowance")
    await resident.say("对")
    await resident.say("王小美", intent="nlu_fallback")
    _, heard, question = await resident.say(identity("19600101"), intent="nlu_fallback")
    assert "按身份证算，您今年是 66 岁" in heard
    assert "须年满 80 周岁" in heard
    assert "您想怎么办" in question["text"]


@pytest.fixture
async def desk(database: Database, clock: FakeClock, sentences: Sentences) -> Desk:
    async with database.read() as session:
        return await desk_factory(Settings(), clock, sentences)(session)


async def test_a_hundred_tries_at_once_make_one_application(database: Database, city: SmallCity, desk: Desk):
    vault = Vault({"a": b"1" * 32}, b"2" * 32)

    async def attempt() -> str:
        async with database.write() as session:
            catalogue_id, _ = await service.in_force(session)
            items = [
                await put(session, vault, kind, value, resident_id=None, now=desk.now)
                for kind, value in ((Secret.NAME, "王小美"), (Secret.IDENTITY, identity()), (Secret.BANK, card()))
            ]
            facts = {"age": 82, "local_hukou": True}
            form = Form("elderly_allowance", "self", facts, catalogue_id, *items, None, "c1", {})
            return (await applications.submit(session, None, form, desk=desk)).number

    done = await asyncio.gather(*(attempt() for _ in range(100)), return_exceptions=True)
    numbers = [one for one in done if isinstance(one, str)]
    refused = [one for one in done if isinstance(one, Duplicate)]
    assert (len(numbers), len(refused)) == (1, 99)
    assert {one.details["number"] for one in refused} == set(numbers)
    async with database.read() as session:
        assert await session.scalar(select(func.count()).select_from(SubsidyApplication)) == 1
