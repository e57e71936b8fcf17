"""Opinions as the console and the staff API show them."""

from datetime import datetime

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue.models import HandlerKind
from backend.events.pushes import desk_name
from backend.grids.models import Area
from backend.opinions import handling, service
from backend.opinions.models import Became, Opinion, OpinionState, OpinionTopic
from backend.opinions.views import STATE_NAMES
from backend.staff.schemas import CodeAndName, HandlerName, Shape
from backend.staff.scope import Scope

YELLOW_PART = 0.25


class OpinionCard(Shape):
    number: str
    text: str
    state: OpinionState
    state_name: str
    topic: CodeAndName
    area: CodeAndName
    address: str
    owner: HandlerName
    level: HandlerKind
    due_at: datetime
    light: str = Field(description="green, yellow, red, or none when it is over")
    late: bool
    public: bool
    supporters: int
    stars: int | None
    created_at: datetime


class OpinionStep(Shape):
    step: str
    by: str = Field(description="The staff member's name; empty for residents and for time")
    note: str
    at: datetime


class OpinionPage(OpinionCard):
    media: list[str]
    answer: str
    answered_at: datetime | None
    became: Became | None
    became_number: str
    history: list[OpinionStep]
    receivers: list[HandlerName] = Field(description="To whom you may hand it on")
    may_answer: bool
    may_correct: bool = Field(description="You may put another answer in the place of the one given")
    reopened: bool = Field(description="Its author gave an answer few stars; it was given one level higher")
    revision: int


class OpinionList(Shape):
    opinions: list[OpinionCard]
    total: int
    page: int
    page_size: int


def light_of(opinion: Opinion, now: datetime) -> str:
    """red: late; yellow: the last quarter of its time; green; none when it is over."""
    if opinion.state is not OpinionState.WAITING:
        return "none"
    if opinion.due_at < now:
        return "red"
    whole = opinion.due_at - opinion.created_at
    return "yellow" if opinion.due_at - now < whole * YELLOW_PART else "green"


async def cards(session: AsyncSession, opinions: list[Opinion], now: datetime) -> list[OpinionCard]:
    """The cards of several opinions."""
    counts = await service.supporters(session, [opinion.id for opinion in opinions])
    codes = {opinion.area_code for opinion in opinions}
    areas = dict((await session.execute(select(Area.code, Area.name).where(Area.code.in_(codes)))).all())
    topics = dict((await session.execute(select(OpinionTopic.code, OpinionTopic.name))).all())
    owners = {(opinion.owner, opinion.owner_code) for opinion in opinions}
    names = {owner: await desk_name(session, *owner) for owner in owners}
    return [
        OpinionCard(
            number=one.number,
            text=one.text,
            state=one.state,
            state_name=STATE_NAMES[one.state],
            topic=CodeAndName(code=one.topic_code, name=topics[one.topic_code]),
            area=CodeAndName(code=one.area_code, name=areas[one.area_code]),
            address=one.address,
            owner=HandlerName(kind=one.owner, code=one.owner_code, name=names[one.owner, one.owner_code]),
            level=one.level,
            due_at=one.due_at,
            light=light_of(one, now),
            late=light_of(one, now) == "red",
            public=one.public,
            supporters=counts.get(one.id, 0),
            stars=one.stars,
            created_at=one.created_at,
        )
        for one in opinions
    ]


async def page(session: AsyncSession, scope: Scope, opinion: Opinion, now: datetime) -> OpinionPage:
    """One opinion whole, with what this person may do."""
    card = (await cards(session, [opinion], now))[0]
    may = handling.may_answer(scope, opinion)
    return OpinionPage(
        **card.model_dump(),
        media=opinion.media,
        answer=opinion.answer,
        answered_at=opinion.answered_at,
        became=opinion.became,
        became_number=opinion.became_number,
        history=[
            OpinionStep(step=row.step, by=name, note=row.note, at=row.at)
            for row, name in await handling.history_of(session, opinion)
        ],
        receivers=[
            HandlerName(kind=kind, code=code, name=name) for kind, code, name in await handling.receivers(session, opinion)
        ]
        if may
        else [],
        may_answer=may,
        may_correct=handling.may_correct(scope, opinion),
        reopened=opinion.reopened,
        revision=opinion.revision,
    )
