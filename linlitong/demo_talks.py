"""What the demo city has said, talked over and voted before anybody comes: so that no page is empty at first.

It is played with a clock of its own, through the same services as everything else; the people in it are invented.
"""

import csv
import os
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.clock import FakeClock
from backend.conversations import service as conversations
from backend.conversations.models import Conversation, MessageKind, TurnState
from backend.db import Database
from backend.deliberation import service as deliberation
from backend.deliberation.models import Deliberation, Stance
from backend.house import desk_factory
from backend.opinions import handling
from backend.opinions import service as opinions
from backend.opinions.models import Opinion
from backend.settings import Settings
from backend.staff.models import Staff
from backend.staff.scope import Scope, scope_of
from backend.votes import clerk, opening
from backend.votes import service as votes
from backend.votes.booth import BoothFactory, booth_factory
from backend.votes.rules import Basis, Kind, RuleName
from linlitong.home import ROOT, Home
from wording import Sentences

PLACE, CLERK = "HL-FS-YD", "sq-hl-fs-yd"
KEYS = "demo-vote-keys.csv"
OPINIONS = (  # days ago, words, answer
    (
        11,
        "建议越都社区活动室晚上多开一个小时，下班的人也想进去看看书",
        "从下周起，活动室周一到周五延长到晚上九点关门，欢迎来。",
    ),
    (9, "希望越都社区东门放一个旧衣回收箱", "回收箱已经订了，月底前放在东门保安亭旁边，每周三收一次。"),
    (2, "越都社区能不能教老人用智能手机，最好周末上课", ""),
    (1, "建议越都社区的晾衣架加固一下，风一大就倒", ""),
)
STATEMENTS = (
    "多放几把有靠背的椅子，老人坐着不累。",
    "沙坑留着，孩子喜欢，就是要定期换沙。",
    "晚上十点以后别放音响，楼上睡不着。",
)
DECIDED: dict[str, Any] = dict(  # noqa: C408 - as the draft it becomes
    title="越都社区议事厅起名",
    question="新的居民议事厅，叫哪个名字好？",
    kind=Kind.ONE,
    rule=RuleName.CONSULTATION,
    basis=Basis.HOUSEHOLD,
    options=("越聊越亮", "都来坐坐", "邻里茶座"),
    keyholders=("钱玉兰", "孙大勇", "周敏"),
)
OPEN: dict[str, Any] = dict(  # noqa: C408 - as the draft it becomes
    title="越都社区12号楼外墙翻新",
    question="是否同意用社区微更新的钱，把12号楼外墙重新刷一遍？",
    kind=Kind.DECISION,
    rule=RuleName.RESIDENTS,
    basis=Basis.HOUSEHOLD,
    paper_desk="越都社区服务大厅",
    keyholders=("钱玉兰", "孙大勇", "周敏"),
)


async def play(home: Home, database: Database) -> None:
    """Twelve days in one community. The keyholders' phrases of the vote that is still open are left in the home."""
    async with database.read() as session:
        if await session.scalar(select(Opinion.id).limit(1)):
            return
    now = datetime.now(UTC)
    clock, settings, sentences = FakeClock(now), Settings(), Sentences.load(ROOT / "domain.yml")
    desk_of, booth_of = desk_factory(settings, clock, sentences), booth_factory(settings, clock, sentences)

    def go_to(days_ago: int) -> None:
        """A morning, but for today."""
        then = now - timedelta(days=days_ago)
        if days_ago:
            then = then.astimezone(settings.zone).replace(hour=10, minute=10)
        clock.advance(seconds=(then - clock.now()).total_seconds())

    async def say(days_ago: int, who: int, words: str, answer: str) -> None:
        go_to(days_ago)
        async with database.write() as session:
            desk, neighbour = await desk_of(session), await _neighbour(session, who, now=clock.now())
            one = await opinions.file(session, neighbour, words, area_code=PLACE, public=True, desk=desk)
            if answer:
                scope = await _scope(session, one.owner_code)
                await handling.answer(session, one, answer, scope=scope, desk=desk)
            else:
                await opinions.support(
                    session, one.number, conversation=await _neighbour(session, 9, now=clock.now()), desk=desk
                )

    for who, (days, words, answer) in enumerate(OPINIONS[:2]):
        await say(days, who, words, answer)
    go_to(8)
    number, phrases = await _announced(
        database, booth_of, DECIDED, days=5, ballots=("1", "3", "1", "2", "1", "3", "1", "abstain")
    )
    go_to(2)
    await clerk.end_due(database, booth_of)
    async with database.write() as session:
        vote = await votes.by_number(session, number)
        closed = await opening.read_box(session, vote, booth=booth_of())
        found = opening.open_and_count(closed, phrases, booth=booth_of())
        await opening.publish(session, vote, found, scope=await _scope(session, PLACE), booth=booth_of())
    async with database.write() as session:
        await _talk(session, await desk_of(session))
    for who, (days, words, answer) in enumerate(OPINIONS[2:], 2):
        await say(days, who, words, answer)
    go_to(0)
    number, phrases = await _announced(database, booth_of, OPEN, days=6, ballots=("yes", "yes", "no", "yes"))
    file = home.path / KEYS
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8", newline="") as out:
        rows = [(number, name, phrase) for name, phrase in zip(OPEN["keyholders"], phrases, strict=True)]
        csv.writer(out).writerows([("vote", "keyholder", "phrase"), *rows])


async def _neighbour(session: AsyncSession, place: int, *, now: datetime) -> Conversation:
    """Someone who has written once, and was answered."""
    hello = conversations.Inbound("web", "0", f"demo-{place}", MessageKind.TEXT, "你好", display_name=f"居民{place}")
    accepted = await conversations.accept(session, hello, now=now)
    accepted.message.turn_state = TurnState.DONE
    return accepted.conversation


async def _scope(session: AsyncSession, desk: str) -> Scope:
    """Somebody of the desk, or of the department."""
    of = or_(Staff.area_code == desk, Staff.department_code == desk)
    return await scope_of(session, (await session.scalars(select(Staff).where(of).order_by(Staff.id).limit(1))).one())


async def _announced(
    database: Database, booth_of: BoothFactory, draft: dict[str, Any], *, days: int, ballots: tuple[str, ...]
) -> tuple[str, list[str]]:
    """A vote of twelve households that begins now, some of whom have handed in a paper ballot: (number, phrases)."""
    booth = booth_of()
    facts = draft | {"starts_at": booth.now, "ends_at": booth.now + timedelta(days=days)}
    units = [
        {"code": f"12-{floor}0{door}", "name": "", "part": "12号楼", "area": 0, "phone": ""}
        for floor in range(1, 7)
        for door in (1, 2)
    ]
    async with database.write() as session:
        scope = await _scope(session, PLACE)
        vote = await votes.create(session, votes.Draft(**facts), area_code=PLACE, scope=scope, booth=booth)
        await votes.set_electorate(session, vote, units, scope=scope, booth=booth)
        holders = await votes.keyholders(session, vote)
        phrases = [(await votes.hand_key(session, vote, holder.id, scope=scope, booth=booth))[1] for holder in holders]
        await votes.announce(session, vote, scope=scope, booth=booth)
    async with database.write() as session:
        vote = await votes.by_number(session, vote.number)
        for unit, choice in zip(units, ballots, strict=False):
            await votes.enter_paper(session, vote, code=unit["code"], choice=(choice,), scope=scope, booth=booth)
        return vote.number, phrases


async def _talk(session: AsyncSession, desk: deliberation.Desk) -> Deliberation:
    """A deliberation that has begun: three statements, one of which waits for staff."""
    scope = await _scope(session, PLACE)
    draft = deliberation.Draft(
        title="越都社区口袋公园怎么改",
        background="12号楼前的空地要改成口袋公园，预算八万元。放什么、不放什么，先听大家的。",
        starts_at=desk.now,
        ends_at=desk.now + timedelta(days=14),
    )
    one = await deliberation.create(session, draft, area_code=PLACE, scope=scope, now=desk.now)
    await deliberation.announce(session, one, scope=scope, now=desk.now)
    neighbours = [await _neighbour(session, place, now=desk.now) for place in range(6)]
    for neighbour in neighbours:
        await deliberation.join(session, one, neighbour, now=desk.now)
    for place, words in enumerate(STATEMENTS):
        said = await deliberation.speak(session, one, neighbours[place], words, desk=desk)
        if place == len(STATEMENTS) - 1:
            break
        await deliberation.moderate(session, one, said.id, refusal=None, scope=scope, desk=desk)
        for judge in neighbours[3:]:
            stance = Stance.OPPOSE if judge is neighbours[5] and place else Stance.SUPPORT
            await deliberation.judge(session, said.id, resident_id=judge.resident_id, stance=stance, now=desk.now)
    return one
