"""What is typed instead of a button."""

import csv
from pathlib import Path

import pytest

from backend.catalogue.service import Advice, Guides
from backend.clock import FakeClock
from backend.conversations import service
from backend.conversations.models import MessageKind
from backend.conversations.typed import button_counted
from backend.db import Database
from wording import Sentences

Buttons = list[dict[str, str]]


def question(*titles: str) -> Buttons:
    return [{"title": title, "payload": f"/{number}"} for number, title in enumerate(titles, 1)]


SUMMARY = question("确认", "修改", "取消", "匿名上报")
STARS = question("5星 很好", "4星", "3星", "2星", "1星 很差")
FIGURE = [{"title": "不清楚", "payload": '/subsidy_choice{"subsidy_choice":"skip=age"}'}, *question("先看看结果")]
HOUSES = question("宫涵小区3号楼", "宫涵小区5号楼")


@pytest.mark.parametrize(
    ("typed", "asked", "pressed"),
    [
        *((typed, SUMMARY, "/1") for typed in ("1", "1。", "一", "第一个", "1号", "选1", "我选一", "第1项", "１")),
        ("2", SUMMARY, "/2"),
        ("第三个吧", SUMMARY, "/3"),
        ("5", SUMMARY, None),
        ("0", SUMMARY, None),
        ("一", STARS, "/5"),
        ("4", STARS, "/2"),
        ("5", HOUSES, "/2"),
        ("3号", HOUSES, "/1"),
        ("第二个", HOUSES, "/2"),
        ("一", question("附议", "不是一回事，另报"), "/1"),
        ("一", question("二网格", "第一网格"), "/2"),
        ("2楼", SUMMARY, None),
        ("一共三个", SUMMARY, None),
        ("1", question("先不找人工了"), None),
        ("2", FIGURE, None),
    ],
)
def test_a_bare_number_counts_the_buttons(typed: str, asked: Buttons, pressed: str | None) -> None:
    button = button_counted(typed, asked)
    assert (button["payload"] if button else None) == pressed


ABOUT_THE_CHAT = {
    "larger_type": ("字太小了看不见", "打字大一点", "字太小", "能不能把字调大一点", "你们发的字太小了"),
    "cannot_type": ("我不识字 打不来", "我不会打字", "俺不认得字", "老人家不会用手机", "我没念过书"),
    "visit": ("能不能上门", "能上门不", "还能不能上门来望望", "能派人上门吗", "你们能不能上门看看"),
}


def demo_guides() -> Guides:
    with Path("demo/guides.csv").open(encoding="utf-8") as file:
        return Guides([Advice(*(row[name] for name in Advice._fields)) for row in csv.DictReader(file)])


async def pressed_by(database: Database, clock: FakeClock, sentences: Sentences, number: int, text: str) -> str | None:
    """The payload that is pressed by a first message."""
    async with database.write() as session:
        inbound = service.Inbound(
            channel="web", address=f"r{number}", external_id="1", kind=MessageKind.TEXT, text=text, display_name="居民"
        )
        await service.accept(session, inbound, now=clock.now())
        (turn,) = await service.claim_turns(session, worker="g", limit=1, sentences=sentences, now=clock.now())
        return turn.pressed


async def test_words_about_the_chat_itself_ask_the_guide_and_words_about_a_matter_do_not(
    database: Database, clock: FakeClock, sentences: Sentences
) -> None:
    guides = demo_guides()
    number = 0
    for key, said in ABOUT_THE_CHAT.items():
        for text in said:
            number += 1
            assert await pressed_by(database, clock, sentences, number, text) == "/ask_guide", text
            found = guides.find(text)
            assert found is not None, text
            assert found.key == key, text
    for text in (
        "公告栏上的字太小了看不清",
        "老有人上门来推销",
        "有人到我家里来",
        "什么时候上门修",
        "垃圾没人上门收",
        "路灯坏了看不见",
    ):
        number += 1
        assert await pressed_by(database, clock, sentences, number, text) is None, text


async def test_only_the_question_that_was_just_asked_is_answered_by_a_number(
    database: Database, clock: FakeClock, sentences: Sentences
) -> None:
    yes_no = [{"title": "确认", "payload": "/confirm_report"}, {"title": "修改", "payload": "/edit_report"}]

    async def said(number: int, text: str, *replies: dict[str, object]) -> str:
        async with database.write() as session:
            inbound = service.Inbound(
                channel="web", address="a", external_id=f"{number}", kind=MessageKind.TEXT, text=text, display_name="居民"
            )
            message = (await service.accept(session, inbound, now=clock.now())).message
            (turn,) = await service.claim_turns(session, worker="g", limit=1, sentences=sentences, now=clock.now())
            await service.finish_turn(
                session, await service.ending(session, message.id), replies=list(replies), sentences=sentences, now=clock.now()
            )
            return turn.as_dict()["text"]

    summary = {"text": "请您核对", "buttons": yes_no}
    assert await said(1, "路灯坏了", summary) == "路灯坏了"
    assert await said(2, "2", {"text": "要改哪里？", "buttons": []}) == "/edit_report"
    assert await said(3, "1", summary, {"text": "已有邻居反映", "buttons": yes_no}) == "1"  # a building, not a button
    assert await said(4, "1", summary) == "1"  # which of the two?
    assert await said(5, "一") == "/confirm_report"
