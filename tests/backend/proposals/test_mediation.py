"""A dispute out of a held conversation: given to mediation with one button, agreed to in the chat while the person stays."""

from sqlalchemy import select

from backend.catalogue.models import Item
from backend.conversations.models import Conversation, Holder
from backend.mediation.ladder import Kind
from backend.mediation.models import Mediation, MediationState, Mediator
from tests.backend.proposals.conftest import Hall


async def mediations(hall: Hall) -> list[Mediation]:
    async with hall.town.database.read() as session:
        return list(await session.scalars(select(Mediation)))


async def page_of(hall: Hall, conversation_id: int, by: str = "community") -> str:
    cookie = {"Cookie": f"linlitong_staff={await hall.town.token(by)}"}
    async with hall.town.client.get(f"/conversations/{conversation_id}", headers=cookie) as answer:
        return await answer.text()


async def gives(hall: Hall, conversation_id: int, event: str, by: str = "community") -> int:
    cookie = {"Cookie": f"linlitong_staff={await hall.town.token(by)}"}
    form = {"csrf": f"csrf-of-{by}", "event": event}
    path = f"/conversations/{conversation_id}/mediation"
    async with hall.town.client.post(path, data=form, headers=cookie, allow_redirects=False) as answer:
        return answer.status


async def test_a_dispute_is_given_to_mediation_and_agreed_to_while_the_person_stays(hall: Hall) -> None:
    async with hall.town.database.write() as session:
        session.add(Item(code="property", category="物业与房屋", name="物业服务", admitted=True, due_hours=24))
        session.add(Mediator(code="folk", name="钱桂兰", title="百姓说事员", kind=Kind.PEOPLE, area_code="GH"))
    lamp = await hall.town.reported(item="garbage", text="楼下垃圾没人清")
    event = await hall.town.reported(item="property", text="物业乱收停车费不公开账目")
    conversation_id = await hall.held("物业的事到底谁管")
    shown = await page_of(hall, conversation_id)
    assert [f'name="event" value="{number}"' in shown for number in (event, lamp)] == [True, False]
    assert await gives(hall, conversation_id, lamp) == 422
    assert await gives(hall, conversation_id, event, by="far-community") == 404
    assert await gives(hall, conversation_id, event) == 303
    assert "您愿意吗" in (await hall.hears())[-1]
    shown = await page_of(hall, conversation_id)
    assert ("转调解" in shown, "等居民同意" in shown) == (False, True)

    before = len(await hall.hears())
    await hall.says("这个调解要多久啊")  # for the person, and no answer to the question
    assert (len(await hall.hears()), [m.state for m in await mediations(hall)]) == (before, [MediationState.PROPOSED])
    await hall.presses("愿意调解")
    (mediation,) = await mediations(hall)
    assert (mediation.state, mediation.source_number) == (MediationState.OPEN, event)
    assert f"受理了，调解编号 {mediation.number}" in (await hall.hears())[-1]
    await hall.says("钱桂兰")
    assert "请钱桂兰（百姓说事员）来调解" in (await hall.hears())[-1]
    async with hall.town.database.read() as session:
        assert (await session.get_one(Conversation, conversation_id)).holder is Holder.STAFF
    await hall.staff("POST", f"{conversation_id}/replies", text="我帮您盯着")
    count = len(await hall.hears())
    await hall.says("好的")  # to the person who spoke last
    assert (len(await hall.hears()), [m.state for m in await mediations(hall)]) == (count, [MediationState.OPEN])
