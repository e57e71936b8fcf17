"""What opinions are about: the city's list, and which of it a text belongs to."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue.models import Department, HandlerKind
from backend.csvrows import Changes, Column, Table, Values, code, number, one_of, sync, text
from backend.hanzi import plain
from backend.opinions.models import OpinionTopic

OTHER, OTHER_NAME, DUE_DAYS = "other", "其他建议", 5
COLUMNS = (
    Column("code", code),
    Column("name", text(32)),
    Column("keywords", text(600), required=False),
    Column("handler", one_of(HandlerKind)),
    Column("department_code", code),
    Column("due_days", number(1, 60, int)),
)


def check_topics(table: Table, *, departments: set[str]) -> None:
    """Every topic has a department, and one of them takes what fits no other."""
    table.unique("code")
    table.unique("name")
    table.check("department_code", departments, "没有编码为{}的部门。")
    if table.rows and OTHER not in {row.values["code"] for row in table.rows}:
        table.wrong(1, "code", f"要有一行编码为{OTHER}的主题，归不进别的主题的意见由它接。")


async def write_topics(session: AsyncSession, rows: list[Values]) -> Changes:
    """Add and change topics; none is removed, as opinions name them."""
    return await sync(session, OpinionTopic, rows, key=("code",), replace=False)


async def ensure_one(session: AsyncSession) -> None:
    """A city that names no topics has one, for everything: the community answers, and for the whole city its first department.

    Nothing is done where there are topics, or no department yet.
    """
    if await session.scalar(select(OpinionTopic.code).limit(1)):
        return
    if first := await session.scalar(select(Department.code).order_by(Department.code).limit(1)):
        session.add(
            OpinionTopic(code=OTHER, name=OTHER_NAME, handler=HandlerKind.COMMUNITY, department_code=first, due_days=DUE_DAYS)
        )


async def topics(session: AsyncSession) -> list[OpinionTopic]:
    """Every topic by code, the one for everything else last."""
    return list(await session.scalars(select(OpinionTopic).order_by(OpinionTopic.code == OTHER, OpinionTopic.code)))


def topic_of(known: list[OpinionTopic], words: str) -> OpinionTopic | None:
    """The topic most of whose keywords stand in the text, a longer one counting more, and of equals the one named last: what
    is wished for follows the place. Else the one for everything else.

    None where the city has no topics.
    """
    said = plain(words).lower()
    weights: dict[str, tuple[int, int]] = {}
    for topic in known:
        there = [word for word in topic.keywords.lower().split() if word in said]
        weights[topic.code] = sum(map(len, there)), max(map(said.rfind, there), default=0)
    best = max(known, key=lambda topic: weights[topic.code], default=None)
    if best is None or weights[best.code][0]:
        return best
    return next((topic for topic in known if topic.code == OTHER), None)
