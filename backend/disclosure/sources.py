"""From where entries come: decided votes, answered opinions that are public, resolutions. Each is found in its own record."""

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.deliberation.models import Deliberation, DeliberationState
from backend.disclosure import service
from backend.disclosure.models import Disclosure, Kind
from backend.events.service import Desk
from backend.feedback.masking import masked
from backend.grids.models import Area
from backend.opinions.models import Opinion, OpinionState, OpinionTopic
from backend.opinions.pushes import desk_name, title_of
from backend.votes import cards
from backend.votes.booth import Booth
from backend.votes.models import Vote, VoteState


def decided_vote(_desk: Desk) -> ColumnElement[bool]:
    """Not listed yet; a city without topics lists nothing."""
    known = exists().where(Disclosure.kind == Kind.VOTE, Disclosure.number == Vote.number)
    return (Vote.state == VoteState.DECIDED) & ~known & exists(select(OpinionTopic.code))


async def list_vote(session: AsyncSession, vote: Vote, desk: Desk, *, booth: Booth) -> None:
    """The question and its result, in the words in which the voters were told it."""
    values = cards.result_values(vote, booth=booth)
    said = desk.sentences.say("utter_disclosure_vote", question=vote.question, **values)
    area = await session.get_one(Area, vote.area_code)
    title = f"{vote.title}：{values['outcome']}"
    await service.publish(session, Kind.VOTE, vote.number, title=title, text=said.text, area=area, at=desk.now)


def published_resolution(_desk: Desk) -> ColumnElement[bool]:
    """Not listed yet; a city without topics lists nothing."""
    known = exists().where(Disclosure.kind == Kind.RESOLUTION, Disclosure.number == Deliberation.number)
    return (Deliberation.state == DeliberationState.PUBLISHED) & ~known & exists(select(OpinionTopic.code))


async def list_resolution(session: AsyncSession, one: Deliberation, desk: Desk) -> None:
    """What was talked over and what follows from it, as it was published."""
    said = desk.sentences.say("utter_disclosure_resolution", summary=one.summary, resolution=one.resolution)
    area = await session.get_one(Area, one.area_code)
    await service.publish(session, Kind.RESOLUTION, one.number, title=one.title, text=said.text, area=area, at=desk.now)


def opinion_to_look_at(_desk: Desk) -> ColumnElement[bool]:
    return Opinion.listing_due.is_(True)


async def list_opinion(session: AsyncSession, opinion: Opinion, desk: Desk) -> None:
    """An answered opinion whose author agrees stands there with its answer, masked; any other does not."""
    opinion.listing_due = False
    if opinion.state is not OpinionState.ANSWERED or not opinion.public:
        await service.take_down(session, Kind.OPINION, opinion.number)
        return
    owner = await desk_name(session, opinion.owner, opinion.owner_code)
    said = desk.sentences.say("utter_disclosure_opinion", text=masked(opinion.text), owner=owner, answer=opinion.answer)
    await service.publish(
        session,
        Kind.OPINION,
        opinion.number,
        title=title_of(opinion),
        text=said.text,
        area=await session.get_one(Area, opinion.area_code),
        at=desk.now,
        topic_code=opinion.topic_code,
    )
