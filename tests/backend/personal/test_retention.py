"""What residents are told at their first message comes true: three years after their matter is over, it goes."""

from pathlib import Path

import pytest
from sqlalchemy import select, update

from backend.clock import FakeClock
from backend.conversations import service as conversations
from backend.conversations.models import Conversation, Message, MessageKind
from backend.db import Database
from backend.events.models import Event, EventPhoto, EventState, History
from backend.legal.areas import LawArea
from backend.legal.models import Consult, ConsultState
from backend.legal_aid.models import AidState, Group, LegalAid
from backend.media import service as media
from backend.media.models import Media, Upload
from backend.mediation.ladder import Matter, Route
from backend.mediation.models import Mediation, MediationParty, MediationState, Origin, Side
from backend.models import metadata
from backend.personal import clerk, retention
from backend.personal.models import PersonalRequest, Wish
from backend.residents.models import Resident
from backend.settings import Settings
from tests.backend.personal.test_personal import MARK, deliver, engine, everything, someone
from tests.support.small_city import resident
from wording import Sentences

__all__ = ["engine"]
NEW = "今年又坏了一盏"


@pytest.fixture
def settings(tmp_path: Path, engine) -> Settings:
    return Settings(home=tmp_path, engine_url=engine[1], service_token="t")


async def ended(database: Database, state: EventState = EventState.CLOSED) -> None:
    async with database.write() as session:
        await session.execute(update(Event).values(state=state))
    await deliver(database)


async def let_go(database: Database, clock: FakeClock, settings: Settings) -> None:
    while await retention.run_once(database, clock, settings):
        pass


async def test_a_matter_that_was_over_three_years_ago_goes_with_whoever_was_silent_since(
    database: Database, clock: FakeClock, sentences: Sentences, settings: Settings, engine
):
    conversation, photo = await someone(database, clock, sentences, settings.home)
    await ended(database)
    clock.advance(days=3 * 365)
    assert await retention.run_once(database, clock, settings) == 0
    assert MARK in await everything(database)
    clock.advance(days=2)
    await let_go(database, clock, settings)
    for _ in range(2):
        await clerk.run_once(database, clock, settings, sentences)
    left = await everything(database)
    for gone in (MARK, "张伟民", photo, "'r1'", "138****0000"):
        assert gone not in left, gone
    assert not media.path_of(settings.home / "media", photo).exists()
    assert engine[0].forgotten == [conversation.tracker_key]
    async with database.read() as session:
        assert (await session.scalars(select(Resident))).all() == []
        assert (await session.scalars(select(Event.description))).one() == "我叫某某的路灯"


async def test_whoever_goes_on_writing_keeps_what_is_new_and_loses_what_is_old(
    database: Database, clock: FakeClock, sentences: Sentences, settings: Settings, engine
):
    await someone(database, clock, sentences, settings.home)
    await ended(database)
    clock.advance(days=3 * 365 + 2)
    async with database.write() as session:
        inbound = conversations.Inbound("web", "m3", "r1", MessageKind.TEXT, text=NEW)
        await conversations.accept(session, inbound, now=clock.now())
    await let_go(database, clock, settings)
    left = await everything(database)
    assert MARK not in left
    assert NEW in left
    async with database.read() as session:
        assert await session.scalar(select(Conversation.id)) is not None
    assert await clerk.run_once(database, clock, settings, sentences) == 0


async def test_a_matter_that_goes_on_keeps_its_words_and_its_photo_however_old(
    database: Database, clock: FakeClock, sentences: Sentences, settings: Settings, engine
):
    _, photo = await someone(database, clock, sentences, settings.home)
    async with database.write() as session:
        event = (await session.scalars(select(Event))).one()
        event.message_id = await session.scalar(select(Message.id).where(Message.text == MARK))
        session.add(EventPhoto(event_id=event.id, media_key=photo))
    await ended(database, EventState.IN_PROGRESS)
    clock.advance(days=4 * 365)
    await let_go(database, clock, settings)
    async with database.read() as session:
        event = (await session.scalars(select(Event))).one()
        assert (event.description, event.reporter_id is None) == (MARK, False)
        assert (await session.scalars(select(Message))).all() == []
    assert media.path_of(settings.home / "media", photo).exists()


async def test_a_mediation_and_legal_aid_that_go_on_are_left_alone_and_go_with_their_resident_once_they_are_over(
    database: Database, clock: FakeClock, sentences: Sentences, settings: Settings
):
    first, _ = await someone(database, clock, sentences, settings.home)
    async with database.write() as session:
        other = await resident(session, "r2", now=clock.now())
        consult = Consult(
            number="20260001",
            conversation_id=first.id,
            resident_id=first.resident_id,
            question="拖欠工资",
            area=LawArea.LABOUR,
            state=ConsultState.ENDED,
            created_at=clock.now(),
        )
        mediation = Mediation(
            number="20260002",
            origin=Origin.CHAT,
            matter=Matter.NEIGHBOURS,
            text="楼上漏水",
            area_code="g1",
            area_path="/g1/",
            route=Route.PEOPLE,
            state=MediationState.OPEN,
            created_at=clock.now(),
        )
        session.add_all([consult, mediation])
        await session.flush()
        aid = LegalAid(
            consult_id=consult.id,
            group=Group.WAGES,
            declaration="承诺",
            declared_at=clock.now(),
            missing=[],
            decide_by=clock.now(),
            state=AidState.APPLIED,
        )
        party = MediationParty(mediation_id=mediation.id, side=Side.APPLICANT, resident_id=other.resident_id)
        session.add_all([aid, party])
    await ended(database)
    clock.advance(days=4 * 365)
    await let_go(database, clock, settings)
    expired = select(PersonalRequest.resident_id).where(PersonalRequest.wish == Wish.EXPIRE)
    async with database.write() as session:
        assert (await session.scalars(expired)).all() == []
        await session.execute(update(LegalAid).values(state=AidState.REFUSED))
        await session.execute(update(Mediation).values(state=MediationState.AGREED))
    await let_go(database, clock, settings)
    async with database.read() as session:
        assert set(await session.scalars(expired)) == {first.resident_id, other.resident_id}


def test_everything_that_refers_to_a_message_is_seen_to_before_it_goes():
    refers = {
        table.name
        for table in metadata.tables.values()
        for column in table.columns
        if any(key.column.table.name == "message" for key in column.foreign_keys)
    }
    assert refers == {"event", "misunderstood", "delivery", "broadcast_copy"}


async def test_a_file_in_nobodys_name_that_nothing_names_goes_after_a_day(
    database: Database, clock: FakeClock, sentences: Sentences, settings: Settings
):
    _, photo = await someone(database, clock, sentences, settings.home)
    kept = {}
    async with database.write() as session:
        for use in ("refused note", "message", "event", "step", "resident"):
            file = await media.store(
                session,
                settings.home / "media",
                use.encode(),
                mime="image/jpeg",
                size=(1, 1),
                resident_id=None,
                now=clock.now(),
            )
            kept[use] = file.key
    async with database.write() as session:
        conversation, event = (await session.scalars(select(Conversation))).one(), (await session.scalars(select(Event))).one()
        inbound = conversations.Inbound("web", "m9", "r1", MessageKind.PHOTO, media=[kept["message"]])
        await conversations.accept(session, inbound, now=clock.now())
        session.add(EventPhoto(event_id=event.id, media_key=kept["event"]))
        step = (await session.scalars(select(History))).first()
        assert step is not None
        step.photos = [kept["step"]]
        given = update(Media).where(Media.key == kept["resident"])
        await session.execute(given.values(resident_id=conversation.resident_id))
    clock.advance(hours=23)
    assert await retention.run_once(database, clock, settings) == 0
    clock.advance(hours=1)
    await let_go(database, clock, settings)
    spare = kept.pop("refused note")
    assert not media.path_of(settings.home / "media", spare).exists()
    async with database.read() as session:
        assert await session.scalar(select(Upload.id)) is None
        assert set(await session.scalars(select(Media.key))) == {photo, *kept.values()}
    assert all(media.path_of(settings.home / "media", key).exists() for key in kept.values())
