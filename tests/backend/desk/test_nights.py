"""At night a messenger tells staff of danger and of what they wait for; the rest waits for the morning."""

from sqlalchemy import select

from backend.conversations.models import Conversation, Message
from backend.desk import service as visits
from backend.desk.service import Patience
from backend.house import DESK
from backend.staff import conversations as talks
from backend.staff import notices
from backend.staff.models import Staff
from backend.staff.scope import scope_of
from backend.staff_chat import clerk
from backend.staff_chat.models import StaffChat, StaffPush, StaffTalk
from tests.backend.staff.town import Town


class Night:
    """Two clerks of a community with their messengers; ``told`` is what is new on its way to one of them."""

    def __init__(self, town: Town) -> None:
        self.town, self.seen = town, 0

    async def link(self, username: str) -> None:
        async with self.town.database.write() as session:
            staff = (await session.scalars(select(Staff).where(Staff.username == username))).one()
            values = {"staff_id": staff.id, "channel": "telegram", "address": username, "linked_at": self.town.clock.now()}
            session.add(StaffChat(**values))

    async def told(self, username: str = "community") -> list[str]:
        await clerk.run_once(self.town.database, self.town.client.app[DESK])  # type: ignore[union-attr]
        async with self.town.database.read() as session:
            query = select(StaffPush).where(StaffPush.address == username, StaffPush.id > self.seen, StaffPush.text != "")
            rows = list(await session.scalars(query.order_by(StaffPush.id)))
        self.seen = max([self.seen, *(row.id for row in rows)])
        return [row.text for row in rows]

    async def waits(self, name: str, reason: str = "") -> int:
        one = await self.town.waits(resident=name, name=name)
        async with self.town.database.write() as session:
            desk = await self.town.client.app[DESK](session)  # type: ignore[union-attr]
            row = await session.get_one(Conversation, one)
            await visits.begin(session, row, desk=desk, patience=Patience(grid=5, community=10), reason=reason)
        return one

    async def claims(self, conversation_id: int, text: str = "") -> None:
        """The clerk takes it in the messenger, and may say something."""
        async with self.town.database.write() as session:
            desk = await self.town.client.app[DESK](session)  # type: ignore[union-attr]
            chat = (await session.scalars(select(StaffChat).where(StaffChat.address == "community"))).one()
            scope = await scope_of(session, await session.get_one(Staff, chat.staff_id))
            row = await session.get_one(Conversation, conversation_id)
            await talks.claim(session, scope, row, sentences=desk.sentences, now=desk.now)
            session.add(StaffTalk(chat_id=chat.id, conversation_id=row.id, sequence=row.last_sequence))
            if text:
                await talks.reply(session, scope, row, text=text, note=False, now=desk.now)


async def test_only_danger_and_what_is_waited_for_comes_at_night_and_the_rest_in_the_morning(town: Town) -> None:
    night = Night(town)
    await night.link("community")
    town.clock.advance(hours=11, minutes=59)  # 21:59
    await night.waits("钱进")
    assert await night.told() == ["【工作台】有居民在等人工（钱进，宫涵社区）"]
    town.clock.advance(minutes=1)
    waits, leaves = await night.waits("孙立"), await night.waits("李四")
    assert await night.told() == []
    await night.waits("周五", reason="self_harm")
    assert await night.told() == ["【工作台】【紧急】居民的话里有轻生的意思，请马上接待（周五，宫涵社区）"]
    async with town.database.write() as session:
        staff = (await session.scalars(select(Staff).where(Staff.username == "community"))).one()
        notices.tell(session, staff.id, "任红霞已经接手您转交的对话", now=town.clock.now(), conversation_id=waits, wakes=True)
    assert await night.told() == ["【工作台】任红霞已经接手您转交的对话（孙立，宫涵社区）"]
    async with town.database.write() as session:
        row = await session.get_one(Conversation, leaves)
        await visits.conversations.no_person(session, row, now=town.clock.now())
    town.clock.advance(hours=8, minutes=59)  # 6:59
    assert await night.told() == []
    town.clock.advance(minutes=1)
    assert await night.told() == ["【工作台】有居民在等人工（孙立，宫涵社区，昨天22:00）"], "who has left is not told of"
    assert await night.told() == []


async def test_who_asks_for_it_is_told_everything_and_a_resident_s_words_come_while_they_talk(town: Town) -> None:
    night = Night(town)
    await night.link("community")
    town.clock.advance(hours=11)  # 21:00
    one = await night.waits("赵六")
    await night.told()
    await night.claims(one, "您好，请说")
    town.clock.advance(hours=1, minutes=30)  # 22:30: nobody has spoken for an hour and a half
    await town.says("还有件事", resident="赵六", name="赵六")
    assert await night.told() == []
    conversation = await town.says("我不想活了", resident="赵六", name="赵六")
    async with town.database.write() as session:
        last = (
            await session.scalars(
                select(Message).where(Message.conversation_id == conversation.id).order_by(Message.id.desc()).limit(1)
            )
        ).one()
        last.payload = last.payload | {"danger": True}
    assert (await night.told())[-1] == "【工作台】赵六：我不想活了"
    town.client.session.cookie_jar.update_cookies({"linlitong_staff": await town.token("community")})
    async with town.client.get("/telegram") as answer:
        assert "22:00 到第二天 7:00，只通知急事和您在等的回话，别的早上再说。" in await answer.text()
    async with town.client.post("/telegram/nights", data={"csrf": "csrf-of-community", "nights": "yes"}) as answer:
        assert "有事都通知您。" in await answer.text()
    await night.waits("郑七")
    assert await night.told() == ["【工作台】有居民在等人工（郑七，宫涵社区）"]
