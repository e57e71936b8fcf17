"""Staff receive residents from their own Telegram: linked by a code, in a role that every message names, out at once."""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from backend.clock import SystemClock
from backend.conversations import service as conversations
from backend.conversations.models import Author, Conversation, Message
from backend.desk import service as visits
from backend.desk.service import Patience
from backend.house import DeskFactory, desk_factory
from backend.media.models import Media
from backend.settings import Settings
from backend.staff import service as accounts
from backend.staff.models import Staff
from backend.staff_chat import linking
from backend.staff_chat.models import StaffPush
from tests.gateway.fake_bot_api import Fault
from tests.gateway.running import SAID
from tests.gateway.telegram_town import TelegramTown, telegram_town, until
from tests.support.small_city import SmallCity, build, resident
from wording import Sentences

CHAT = 4711
OTHER = 4712
LINKED = (
    "【工作台】绑定好了：community1员，海陵区城东街道宫涵社区。有居民等人工时这里会通知您。"
    "现在是工作身份，发“/resident”换成居民身份，发“/staff”换回来。"
)


class Desk:
    """The Telegram town with a small city; ``waits`` brings a web resident to the community's desk."""

    def __init__(self, telegram: TelegramTown, city: SmallCity, desk_of: DeskFactory) -> None:
        self.telegram, self.city, self.desk_of = telegram, city, desk_of
        self.database = telegram.town.database

    async def code(self, who: str = "community1") -> str:
        async with self.database.write() as session:
            return await linking.new_code(session, self.city.scopes[who], now=datetime.now(UTC))

    async def linked(self, chat: int = CHAT, who: str = "community1") -> None:
        before = len(self.telegram.arrived(chat))
        self.telegram.api.say(chat, f"/staff {await self.code(who)}")
        await self.telegram.answered(chat, before + 1)

    async def waits(self, name: str = "张三") -> int:
        now = datetime.now(UTC)
        async with self.database.write() as session:
            row = await resident(session, name, now=now)
            (await session.get_one(conversations.Resident, row.resident_id)).display_name = name
            await conversations.ask_for_person(session, row, now=now, area_code="c1")
            await visits.begin(session, row, desk=await self.desk_of(session), patience=Patience(grid=5, community=10))
            return row.id

    async def resident_says(self, name: str, text: str) -> None:
        async with self.database.write() as session:
            inbound = conversations.Inbound("web", text, name, conversations.MessageKind.TEXT, text=text)
            await conversations.accept(session, inbound, now=datetime.now(UTC))

    async def feed(self, conversation_id: int) -> list[str]:
        async with self.database.read() as session:
            return [m.text for m in await conversations.feed(session, conversation_id, after=1, limit=100)]

    async def row(self, conversation_id: int) -> Conversation:
        async with self.database.read() as session:
            return await session.get_one(Conversation, conversation_id)

    async def hears(self, chat: int, beginning: str, *, after: int = 0) -> dict[str, Any]:
        """The first message from the ``after``-th on in a chat that begins so, once it is there."""
        await until(lambda: any(m["text"].startswith(beginning) for m in self.telegram.arrived(chat)[after:]))
        return next(m for m in self.telegram.arrived(chat)[after:] if m["text"].startswith(beginning))


@asynccontextmanager
async def running(url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with telegram_town(url, tmp_path) as telegram:
        async with telegram.town.database.write() as session:
            city = await build(session)
        settings = Settings(home=tmp_path, quiet_from=time(0), quiet_until=time(0))
        yield Desk(telegram, city, desk_factory(settings, SystemClock(), Sentences.load(Path("domain.yml"))))


@pytest.fixture
async def desk(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with running(sqlite_url, tmp_path) as desk:
        yield desk


@pytest.fixture
async def either(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    """As ``desk``, on SQLite and on PostgreSQL."""
    async with running(database_url, tmp_path) as desk:
        yield desk


async def test_who_waits_is_told_claimed_answered_noted_and_given_back(desk: Desk) -> None:
    telegram = desk.telegram
    await desk.linked()
    assert telegram.arrived(CHAT)[0]["text"] == LINKED
    one = await desk.waits()
    told = await desk.hears(CHAT, "【工作台】有居民在等人工（张三，宫涵社区）")
    telegram.api.press(told, "接待")
    claimed = await desk.hears(CHAT, "【工作台】您在接待张三了。直接打字就发给居民；“#”开头的只记备注，居民看不到。")
    assert claimed["text"].endswith("前面说过：\n居民：你好\n系统：工作人员community1员来了，下面由community1员跟您说。")
    await desk.resident_says("张三", "路灯还是没修")
    await desk.hears(CHAT, "【工作台】张三：路灯还是没修")
    telegram.api.say(CHAT, "您好，我马上去看，我的电话 13800000000")
    await desk.hears(CHAT, "【工作台】已发给张三。")
    telegram.api.say(CHAT, "#老人耳背，要大声")
    await desk.hears(CHAT, "【工作台】记在张三的备注里了，居民看不到。")
    telegram.api.photo(CHAT, b"no photo", caption="现场的照片")
    await desk.hears(CHAT, "【工作台】这一条没有发出去。能转给居民的有文字、照片、PDF 和视频，每个 20 MB 以内。")
    telegram.api.say(CHAT, "您的{编号}在办")
    await desk.hears(CHAT, "【工作台】这位居民手头没有在办的事件，“{编号}”还没有填上，请改好再发。这一条没有发出去。")
    heard = await desk.feed(one)
    assert [text for text in heard if text.startswith(("您好，我", "老人", "您的"))] == [
        "您好，我马上去看，我的电话 138****0000"
    ]
    async with desk.database.read() as session:
        notes = await session.scalars(select(Message.text).where(Message.conversation_id == one, Message.kind == "note"))
        assert list(notes) == ["老人耳背，要大声"]
    telegram.api.press(claimed, "交还机器人")
    await desk.hears(CHAT, "【工作台】张三已经交还机器人。")
    assert (await desk.row(one)).holder.value == "bot"
    telegram.api.say(CHAT, "还有一句")
    await desk.hears(CHAT, "【工作台】您手上没有居民，这句话没有发给任何人。")
    assert "还有一句" not in await desk.feed(one)
    await until(lambda: not telegram.api.updates)
    assert await telegram.rows(CHAT) == [], "nothing of it is a resident's"


async def test_photos_and_files_reach_the_resident_without_what_cameras_write(desk: Desk, tmp_path: Path) -> None:
    telegram = desk.telegram
    await desk.linked()
    one = await desk.waits()
    telegram.api.press(await desk.hears(CHAT, "【工作台】有居民在等人工"), "接待")
    await desk.hears(CHAT, "【工作台】您在接待张三了")
    taken = Image.Exif()
    taken[0x010E] = "at the resident's door"
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (9, 90, 9)).save(out, "JPEG", exif=taken)
    telegram.api.photo(CHAT, out.getvalue(), caption="照这个样子修的")
    await desk.hears(CHAT, "【工作台】已发给张三。")
    before = len(telegram.arrived(CHAT))
    telegram.api.attach(CHAT, "document", b"%PDF-1.4 a form", mime_type="application/pdf", file_name="表.pdf")
    await desk.hears(CHAT, "【工作台】已发给张三。", after=before)
    before = len(telegram.arrived(CHAT))
    refused = "【工作台】这一条没有发出去。能转给居民的有"
    telegram.api.attach(CHAT, "document", b"MZ program", mime_type="application/x-msdownload", file_name="a.exe")
    telegram.api.attach(CHAT, "document", b"%PDF-1.4 /JavaScript (x)", mime_type="application/pdf", file_name="b.pdf")
    telegram.api.attach(CHAT, "voice", b"OggS", duration=3)
    await until(lambda: sum(m["text"].startswith(refused) for m in telegram.arrived(CHAT)[before:]) == 3)
    telegram.api.photo(CHAT, out.getvalue(), caption="#只给同事看的")
    await desk.hears(CHAT, "【工作台】备注里只能写文字。这一条没有发出去。")
    async with desk.database.read() as session:
        said = list(
            await session.scalars(select(Message).where(Message.conversation_id == one, Message.author == Author.STAFF))
        )
        files = {row.key: row for row in await session.scalars(select(Media))}
        row = await session.get_one(Conversation, one)
    assert [m.text for m in said] == ["照这个样子修的", ""]
    photo, paper = (files[m.payload["media"][0]] for m in said)
    assert (photo.mime, paper.mime) == ("image/jpeg", "application/pdf")
    assert {photo.resident_id, paper.resident_id} == {row.resident_id}, "they go with the resident's data"
    kept = tmp_path / "media" / photo.key[:2] / photo.key
    with Image.open(kept) as image:
        assert (image.size, dict(image.getexif())) == ((64, 48), {})


async def test_of_two_who_press_at_once_one_gets_it_and_the_other_sees_who(either: Desk) -> None:
    desk = either
    await desk.linked()
    await desk.linked(OTHER, "street1")
    one = await desk.waits()
    async with desk.database.write() as session:  # the street sees it too, and is told
        visits.notices.tell(
            session, desk.city.scopes["street1"].staff_id, "有居民在等人工", now=datetime.now(UTC), conversation_id=one
        )
    for chat in (CHAT, OTHER):
        told = await desk.hears(chat, "【工作台】有居民在等人工")
        desk.telegram.api.press(told, "接待")
    names = {CHAT: "community1员", OTHER: "street1员"}
    await until(lambda: all(len(desk.telegram.arrived(chat)) == 3 for chat in names))
    last = {chat: desk.telegram.arrived(chat)[-1]["text"] for chat in names}
    winner = next(chat for chat, text in last.items() if "您在接待张三了" in text)
    loser = next(chat for chat in names if chat != winner)
    assert last[loser] == f"【工作台】{names[winner]}已经在接待这位居民了。"


async def test_the_same_person_is_a_resident_too_and_every_message_says_which(desk: Desk) -> None:
    telegram = desk.telegram
    telegram.api.say(CHAT, "3号楼路灯坏了")
    await telegram.answered(CHAT, 2)
    assert telegram.arrived(CHAT)[0]["text"] == SAID.format("3号楼路灯坏了")
    await desk.linked()
    telegram.api.say(CHAT, "/resident")
    await desk.hears(CHAT, "【居民身份】现在您是以居民身份说话，跟别的居民一样。")
    telegram.api.say(CHAT, "修好了吗")
    await desk.hears(CHAT, "【居民身份】" + SAID.format("修好了吗"))
    telegram.api.say(CHAT, "/staff")
    await desk.hears(CHAT, "【工作台】community1员，现在是工作身份。您手上没有居民。")
    telegram.api.say(CHAT, "这句不是居民说的")
    await desk.hears(CHAT, "【工作台】您手上没有居民，这句话没有发给任何人。")
    await telegram.push(CHAT, "【已处置】修好了")
    await desk.hears(CHAT, "【居民身份】【已处置】修好了")
    assert [row.text for row in await telegram.rows(CHAT)] == ["3号楼路灯坏了", "修好了吗"]
    assert all(m["text"].startswith(("【居民身份】", "【工作台】")) for m in telegram.arrived(CHAT)[2:])


async def test_a_code_works_once_within_minutes_and_guessing_is_slowed_down(desk: Desk) -> None:
    telegram = desk.telegram
    code = await desk.code()
    for n in range(5):
        telegram.api.say(OTHER, f"/staff abcd-efg{n + 2}")
    telegram.api.say(OTHER, f"/staff {code}")
    await telegram.answered(OTHER, 6)
    texts = [m["text"] for m in telegram.arrived(OTHER)]
    assert texts[:5] == ["【工作台】绑定码不对，或者过了 10 分钟。请在工作台重新生成一个。"] * 5
    assert texts[5] == "【工作台】试错的次数太多了，请过 15 分钟再试。"
    telegram.api.say(CHAT, f"/staff {code.replace('-', ' ').lower()}")
    telegram.api.say(CHAT + 9, f"/staff {code}")
    assert (await desk.hears(CHAT, "【工作台】绑定好了"))["text"] == LINKED
    await desk.hears(CHAT + 9, "【工作台】绑定码不对")
    async with desk.database.write() as session:
        stale = await linking.new_code(session, desk.city.scopes["street1"], now=datetime.now(UTC) - linking.VALID)
    telegram.api.say(CHAT + 8, f"/staff {stale}")
    await desk.hears(CHAT + 8, "【工作台】绑定码不对")
    telegram.api.say(CHAT + 7, "/staff")
    await desk.hears(CHAT + 7, "【工作台】这里还没有绑定工作账号。")
    assert await telegram.rows(OTHER) == [], "a code is never kept as something a resident said"
    await desk.linked(CHAT + 6)
    await desk.hears(CHAT, "【工作台】您的工作账号换到另一个 Telegram 上了，这里不再接待。")


async def test_a_disabled_account_is_out_at_once(desk: Desk) -> None:
    telegram = desk.telegram
    await desk.linked()
    one = await desk.waits()
    telegram.api.press(await desk.hears(CHAT, "【工作台】有居民在等人工"), "接待")
    await desk.hears(CHAT, "【工作台】您在接待张三了")
    async with desk.database.write() as session:
        staff = (await session.scalars(select(Staff).where(Staff.username == "community1"))).one()
        staff.disabled_at = datetime.now(UTC)  # as it is right when another process has done it
    before = len(telegram.arrived(CHAT))
    await desk.resident_says("张三", "您还在吗")
    telegram.api.say(CHAT, "我还在")
    await desk.hears(CHAT, "【居民身份】您的工作账号已经停用，这里只是您自己的聊天了。", after=before)
    assert "我还在" not in await desk.feed(one)
    telegram.api.say(CHAT, "路灯坏了")
    await desk.hears(CHAT, SAID.format("路灯坏了"), after=before)
    assert not any("您还在吗" in m["text"] for m in telegram.arrived(CHAT))
    async with desk.database.write() as session:
        staff = (await session.scalars(select(Staff).where(Staff.username == "street1"))).one()
    await desk.linked(OTHER, "street1")
    async with desk.database.write() as session:
        await accounts.disable(session, await session.get_one(Staff, staff.id), now=datetime.now(UTC))
    telegram.api.say(OTHER, "我是谁")
    await desk.hears(OTHER, SAID.format("我是谁"))


async def test_trouble_and_repeats_say_nothing_twice_and_lose_nothing(either: Desk) -> None:
    desk = either
    telegram = desk.telegram
    await desk.linked()
    one = await desk.waits()
    telegram.api.press(await desk.hears(CHAT, "【工作台】有居民在等人工"), "接待")
    await desk.hears(CHAT, "【工作台】您在接待张三了")
    telegram.api.faults["sendMessage"] = [Fault(502), Fault(429, retry_after=1)]
    message = telegram.api.message(CHAT, text="只说一遍")
    telegram.api.give(message=message)
    telegram.api.give(message=message)
    await desk.resident_says("张三", "听到了")
    await desk.hears(CHAT, "【工作台】张三：听到了")
    await desk.hears(CHAT, "【工作台】已发给张三。")
    assert (await desk.feed(one)).count("只说一遍") == 1
    async with desk.database.read() as session:
        said = await session.scalars(select(Message).where(Message.author == Author.STAFF))
        assert [m.text for m in said] == ["只说一遍"]
        pushes = list(await session.scalars(select(StaffPush).order_by(StaffPush.id)))
    assert {(p.state.value, p.text) for p in pushes} <= {("delivered", ""), ("sending", pushes[-1].text)}
