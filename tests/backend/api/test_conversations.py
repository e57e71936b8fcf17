"""The conversation desk through the staff API: one speaker at a time, and notes that stay inside."""

import asyncio

from sqlalchemy import select

from backend.conversations import service
from backend.conversations.models import Conversation, Message
from backend.media.models import Media
from tests.backend.staff.town import Town


async def act(town: Town, username: str, conversation_id: int, action: str, **body: object) -> tuple[int, dict]:
    path = f"/api/v1/conversations/{conversation_id}/{action}"
    return await town.api("POST", path, token=await town.token(username), json=body)


async def feed(town: Town, conversation_id: int) -> list[str]:
    """What the resident sees."""
    async with town.database.read() as session:
        return [m.text for m in await service.feed(session, conversation_id, after=0, limit=100)]


async def test_two_claim_at_once_and_one_of_them_sees_who_was_quicker(town: Town) -> None:
    conversation_id = await town.waits()
    answers = await asyncio.gather(
        act(town, "community", conversation_id, "claim"), act(town, "community-2", conversation_id, "claim")
    )
    assert sorted(status for status, _ in answers) == [200, 409]
    won = next(answer for status, answer in answers if status == 200)
    lost = next(answer for status, answer in answers if status == 409)
    assert lost["error"] == {
        "code": "already_taken",
        "sentence": f"{won['held_by']}已经在接待这位居民了。",
        "details": {"held_by": won["held_by"]},
    }
    assert (await feed(town, conversation_id))[1:] == [f"工作人员{won['held_by']}来了，下面由{won['held_by']}跟您说。"]


async def test_only_the_holder_replies_and_gives_back(town: Town) -> None:
    conversation_id = await town.waits()
    for username in ("community", "street"):
        assert (await act(town, username, conversation_id, "replies", text="您好"))[0] == 409
        assert (await act(town, username, conversation_id, "return"))[0] == 409
    assert (await act(town, "community", conversation_id, "claim"))[0] == 200
    status, answer = await act(town, "street", conversation_id, "replies", text="您好")
    assert (status, answer["error"]["code"]) == (409, "not_holder")
    assert (await act(town, "street", conversation_id, "return"))[0] == 409
    status, page = await act(town, "community", conversation_id, "replies", text="您好，我是吕俊杰")
    assert (status, page["messages"][-1]["name"], page["messages"][-1]["delivery"]) == (201, "吕俊杰", "queued")
    status, page = await act(town, "community", conversation_id, "return")
    assert (status, page["holder"], page["held_by"]) == (200, "bot", None)
    assert (await feed(town, conversation_id))[-2:] == [
        "您好，我是吕俊杰",
        "工作人员已经结束接待，现在还是邻里通陪着您，有事接着说。刚才的接待，您满意吗？",
    ]


async def test_a_note_is_for_staff_only(town: Town) -> None:
    conversation_id = await town.waits()
    assert (await act(town, "street", conversation_id, "replies", text="老住户，耳背", note=True))[0] == 201
    await act(town, "community", conversation_id, "claim")
    status, page = await act(town, "community", conversation_id, "replies", text="电话联系过", note=True)
    assert status == 201
    notes = [(m["name"], m["text"], m["delivery"]) for m in page["messages"] if m["kind"] == "note"]
    assert notes == [("葛庆生", "老住户，耳背", None), ("吕俊杰", "电话联系过", None)]
    assert not {"老住户，耳背", "电话联系过"} & set(await feed(town, conversation_id))


async def test_claiming_twice_is_claiming_once(town: Town) -> None:
    conversation_id = await town.waits()
    await act(town, "community", conversation_id, "claim")
    assert (await act(town, "community", conversation_id, "claim"))[0] == 200
    assert len(await feed(town, conversation_id)) == 2


async def test_who_talks_with_the_bot_cannot_be_claimed(town: Town) -> None:
    conversation_id = await town.waits()
    await act(town, "community", conversation_id, "claim")
    await act(town, "community", conversation_id, "return")
    status, answer = await act(town, "community", conversation_id, "claim")
    assert (status, answer["error"]["code"]) == (409, "not_waiting")


async def test_the_longest_wait_is_on_top_then_mine_then_others(town: Town) -> None:
    ids = []
    for n in range(5):
        ids.append(await town.waits(resident=f"r{n}"))
        town.clock.advance(minutes=1)
    await act(town, "community", ids[0], "claim")
    await act(town, "community-2", ids[1], "claim")
    _, listed = await town.api("GET", "/api/v1/conversations", token=await town.token("community"))
    assert [card["conversation_id"] for card in listed["conversations"]] == [*ids[2:], ids[0], ids[1]]
    assert [card["held_by"] for card in listed["conversations"]] == [None, None, None, "吕俊杰", "任红霞"]


async def test_the_transcript_shows_everything_but_the_address(town: Town) -> None:
    key = await town.photo("admin")
    conversation_id = await town.waits("看这张照片", media=[key])
    _, page = await town.api("GET", f"/api/v1/conversations/{conversation_id}", token=await town.token("community"))
    message = page["messages"][0]
    assert (message["author"], message["kind"], message["text"]) == ("resident", "photo", "看这张照片")
    assert message["media"] == [{"key": key, "mime": "image/jpeg"}]
    assert (page["resident"], page["channel"], page["desk"]) == ("王小明", "web", {"code": "GH", "name": "宫涵社区"})
    assert "address-of" not in str(page)


async def test_a_long_transcript_comes_in_parts(town: Town) -> None:
    conversation_id = await town.waits()
    async with town.database.write() as session:
        row = await session.get_one(Conversation, conversation_id)
        for n in range(205):
            await service.reply(session, row, staff_id=1, text=f"第{n}条", note=True, now=town.clock.now())
    token = await town.token("community")
    _, page = await town.api("GET", f"/api/v1/conversations/{conversation_id}", token=token)
    assert (len(page["messages"]), page["earlier"]) == (200, True)
    before = page["messages"][0]["sequence"]
    _, older = await town.api("GET", f"/api/v1/conversations/{conversation_id}?before={before}", token=token)
    assert [m["sequence"] for m in older["messages"]] == list(range(1, before))
    assert older["earlier"] is False


async def test_an_empty_or_endless_reply_is_refused(town: Town) -> None:
    conversation_id = await town.waits()
    await act(town, "community", conversation_id, "claim")
    for text in ("", "长" * 4001):
        assert (await act(town, "community", conversation_id, "replies", text=text))[0] == 422
    async with town.database.read() as session:
        said = list(await session.scalars(select(Message).where(Message.author == "staff")))
    assert said == []


async def test_what_is_no_number_is_not_found(town: Town) -> None:
    for given in ("x", "-1", "9" * 30, "٣"):
        assert (await town.api("GET", f"/api/v1/conversations/{given}", token=await town.token("admin")))[0] == 404


async def test_photos_and_files_go_along_with_a_reply_and_are_the_resident_s_from_then_on(town: Town) -> None:
    conversation_id = await town.waits()
    token = await town.token("community")
    base = f"/api/v1/conversations/{conversation_id}"
    assert (await town.api("POST", f"{base}/claim", token=token))[0] == 200
    key = await town.photo("community")
    status, paper = await town.api("POST", "/api/v1/files", token=token, data=b"%PDF-1.4 a form")
    assert (status, paper["mime"]) == (201, "application/pdf")
    bad, refused = await town.api("POST", "/api/v1/files", token=token, data=b"MZ program")
    assert (bad, refused["error"]["sentence"]) == (422, "这种文件我打不开，照片、视频或 PDF 可以。")
    body = {"media": [key, paper["key"]], "once": "k"}
    for _ in range(2):  # the same again is said once
        status, page = await town.api("POST", f"{base}/replies", token=token, json=body)
        assert status == 201, page
    said = [m for m in page["messages"] if m["author"] == "staff"]
    assert [[one["mime"] for one in m["media"]] for m in said] == [["image/jpeg", "application/pdf"]]
    async with town.database.read() as session:
        row = await session.get_one(Conversation, conversation_id)
        owners = set(await session.scalars(select(Media.resident_id)))
    assert owners == {row.resident_id}
    for wrong, sentence in (
        ({"text": "看", "media": ["unknown"]}, "有照片或文件没有上传成功，请重新上传。"),
        ({"text": "看", "media": [key], "note": True}, "备注里只能写文字。"),
        ({"text": "  "}, "请先写内容。"),
    ):
        status, answer = await town.api("POST", f"{base}/replies", token=token, json=wrong)
        assert (status, answer["error"]["sentence"]) == (422, sentence)
    other = await town.waits(resident="r2")
    await town.api("POST", f"/api/v1/conversations/{other}/claim", token=token)
    status, _ = await town.api("POST", f"/api/v1/conversations/{other}/replies", token=token, json={"media": [key]})
    assert status == 422, "one resident's file is not sent to another"
