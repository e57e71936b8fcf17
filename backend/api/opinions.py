"""Opinions in the staff HTTP API."""

from collections.abc import Awaitable, Callable
from typing import Literal

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from backend.api.operations import Call, operation
from backend.api.schemas import Query
from backend.events.service import Desk
from backend.house import DESK
from backend.opinions import handling, pages
from backend.opinions.models import Opinion
from backend.opinions.pages import OpinionList, OpinionPage
from backend.staff.schemas import Handler, Shape
from backend.web import CLOCK, DATABASE


class OpinionQuery(Query):
    """``tab``: what waits for your desk, all that wait, what is late, what is over."""

    tab: Literal["mine", "all", "late", "over"] = "all"
    page: int = Field(1, ge=1, le=100_000)
    page_size: int = Field(20, ge=1, le=100)


class OpinionAnswer(Shape):
    text: str = Field(min_length=1, max_length=4000)


class OpinionSubject(Shape):
    topic_code: str = Field(min_length=1, max_length=32)


class OpinionReason(Shape):
    reason: str = Field(min_length=1, max_length=400)


class HandOn(Shape):
    to: Handler
    reason: str = Field(min_length=1, max_length=400)


class OpinionEvent(Shape):
    """``text`` is the answer; without one the author is told the event's number."""

    item_code: str | None = Field(None, max_length=32)
    text: str = Field("", max_length=4000)


class OpinionDeliberation(Shape):
    """``text`` is the answer, ``title`` the deliberation's; each has a default."""

    title: str = Field("", max_length=60)
    days: int = Field(14, ge=1, le=90)
    text: str = Field("", max_length=4000)


@operation("GET", "/api/v1/opinions", query=OpinionQuery, answer=OpinionList)
async def list_opinions(call: Call) -> OpinionList:
    """The opinions in your scope: what waits by its due time, what is over newest first."""
    now, query = call.request.app[CLOCK].now(), call.query
    async with call.request.app[DATABASE].read() as session:
        found, total = await handling.matching(
            session, call.signed.scope, tab=query.tab, now=now, page=query.page, page_size=query.page_size
        )
        cards = await pages.cards(session, found, now)
    return OpinionList(opinions=cards, total=total, page=query.page, page_size=query.page_size)


@operation("GET", "/api/v1/opinions/{number}", answer=OpinionPage)
async def read_opinion(call: Call) -> OpinionPage:
    """One opinion with its answer, its history and what you may do."""
    async with call.request.app[DATABASE].read() as session:
        opinion = await handling.by_number(session, call.signed.scope, call.request.match_info["number"])
        return await pages.page(session, call.signed.scope, opinion, call.request.app[CLOCK].now())


async def _on_opinion(call: Call, act: Callable[[AsyncSession, Opinion, Desk], Awaitable[object]]) -> OpinionPage:
    async with call.request.app[DATABASE].write() as session:
        desk = await call.request.app[DESK](session)
        opinion = await handling.by_number(session, call.signed.scope, call.request.match_info["number"], locked=True)
        await act(session, opinion, desk)
        await session.flush()
        return await pages.page(session, call.signed.scope, opinion, desk.now)


@operation("POST", "/api/v1/opinions/{number}/answer", body=OpinionAnswer, answer=OpinionPage)
async def answer_opinion(call: Call) -> OpinionPage:
    """Answer it; its author and who seconds it are told."""

    async def act(session: AsyncSession, opinion: Opinion, desk: Desk) -> None:
        await handling.answer(session, opinion, call.body.text, scope=call.signed.scope, desk=desk)

    return await _on_opinion(call, act)


@operation("POST", "/api/v1/opinions/{number}/correction", body=OpinionAnswer, answer=OpinionPage)
async def correct_opinion_answer(call: Call) -> OpinionPage:
    """Correct the answer; whoever was told the first is told this, and the history keeps the first."""

    async def act(session: AsyncSession, opinion: Opinion, desk: Desk) -> None:
        await handling.correct(session, opinion, call.body.text, scope=call.signed.scope, desk=desk)

    return await _on_opinion(call, act)


@operation("POST", "/api/v1/opinions/{number}/topic", body=OpinionSubject, answer=OpinionPage)
async def change_opinion_topic(call: Call) -> OpinionPage:
    """Say that it is about something else; owner and due time stay."""

    async def act(session: AsyncSession, opinion: Opinion, desk: Desk) -> None:
        await handling.set_topic(session, opinion, call.body.topic_code, scope=call.signed.scope, desk=desk)

    return await _on_opinion(call, act)


@operation("POST", "/api/v1/opinions/{number}/private", body=OpinionReason, answer=OpinionPage)
async def keep_opinion_private(call: Call) -> OpinionPage:
    """Take it out of the public eye, with a reason."""

    async def act(session: AsyncSession, opinion: Opinion, desk: Desk) -> None:
        await handling.keep_private(session, opinion, reason=call.body.reason, scope=call.signed.scope, desk=desk)

    return await _on_opinion(call, act)


@operation("POST", "/api/v1/opinions/{number}/owner", body=HandOn, answer=OpinionPage)
async def hand_opinion_on(call: Call) -> OpinionPage:
    """Hand it on to another desk, with a reason; it stays due when it was."""

    async def act(session: AsyncSession, opinion: Opinion, desk: Desk) -> None:
        to = (call.body.to.kind, call.body.to.code)
        await handling.hand_on(session, opinion, to, reason=call.body.reason, scope=call.signed.scope, desk=desk)

    return await _on_opinion(call, act)


@operation("POST", "/api/v1/opinions/{number}/event", body=OpinionEvent, answer=OpinionPage)
async def turn_opinion_into_event(call: Call) -> OpinionPage:
    """Turn it into an event, which is its answer."""

    async def act(session: AsyncSession, opinion: Opinion, desk: Desk) -> None:
        body = call.body
        await handling.become_event(session, opinion, body.text, item_code=body.item_code, scope=call.signed.scope, desk=desk)

    return await _on_opinion(call, act)


@operation("POST", "/api/v1/opinions/{number}/deliberation", body=OpinionDeliberation, answer=OpinionPage)
async def turn_opinion_into_deliberation(call: Call) -> OpinionPage:
    """Make a deliberation draft of it, which is its answer."""

    async def act(session: AsyncSession, opinion: Opinion, desk: Desk) -> None:
        body = call.body
        await handling.become_deliberation(
            session, opinion, body.text, title=body.title, days=body.days, scope=call.signed.scope, desk=desk
        )

    return await _on_opinion(call, act)
