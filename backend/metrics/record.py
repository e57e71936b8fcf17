"""What the record says about itself at this moment: what is open, what is late, and for how long somebody has waited."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from backend.conversations.models import Author, Conversation, Holder, Message, is_open
from backend.events.models import Event, EventState
from backend.events.transitions import FINAL
from backend.legal.models import Consult, ConsultState
from backend.mediation.models import Mediation, MediationState
from backend.opinions.models import Opinion, OpinionState
from backend.outbox.models import Delivery, DeliveryState
from backend.subsidies.models import ApplicationState, SubsidyApplication
from backend.votes.models import Vote, VoteState

ANSWERS_OF = timedelta(minutes=15)


def _but(states: type[enum.StrEnum], *over: enum.StrEnum) -> list[enum.StrEnum]:
    return [state for state in states if state not in over]


@dataclass(frozen=True)
class Waits:
    """Something that waits: how many, and since when the first of them."""

    name: str
    what: str
    since: Any
    where: ColumnElement[bool]


@dataclass(frozen=True)
class Stands:
    """Something that goes through states, and those in which it still goes on; ``due`` is when it is late, if it ever is."""

    name: str
    what: str
    column: Any
    states: Sequence[enum.StrEnum]
    due: Any = None


QUEUE = (DeliveryState.QUEUED, DeliveryState.SENDING)
WAITS = (
    Waits("messages", "Messages of residents that have not been answered", Message.created_at, is_open(Message)),
    Waits("residents", "Residents who wait for a person", Conversation.waiting_since, Conversation.holder == Holder.WAITING),
    Waits("deliveries", "Messages to residents that are not yet sent", Delivery.next_at, Delivery.state.in_(QUEUE)),
)
STANDS = (
    Stands("deliveries", "Messages to residents", Delivery.state, _but(DeliveryState, DeliveryState.DELIVERED)),
    Stands("events", "Reported matters", Event.state, _but(EventState, *FINAL), Event.due_at),
    Stands("consults", "Legal questions", Consult.state, _but(ConsultState, ConsultState.ENDED)),
    Stands("mediations", "Mediations", Mediation.state, (MediationState.PROPOSED, MediationState.OPEN)),
    Stands("opinions", "Suggestions", Opinion.state, (OpinionState.WAITING,), Opinion.due_at),
    Stands("votes", "Votes that are open or not counted", Vote.state, (VoteState.OPEN, VoteState.ENDED)),
    Stands(
        "applications",
        "Applications for subsidies",
        SubsidyApplication.state,
        _but(ApplicationState, ApplicationState.PAID, ApplicationState.REFUSED, ApplicationState.WITHDRAWN),
        SubsidyApplication.due_at,
    ),
)


async def read_record(session: AsyncSession, now: datetime) -> list[Metric]:
    """Every gauge, as of ``now``. States that nothing is in are told as 0, so that an alarm can be set on each."""
    read = [metric for waits in WAITS for metric in await _waiting(session, waits, now)]
    read += [await _states(session, stands) for stands in STANDS]
    return [*read, await _late(session, now), await _answered(session, now)]


async def _waiting(session: AsyncSession, waits: Waits, now: datetime) -> list[Metric]:
    count, first = (await session.execute(select(func.count(), func.min(waits.since)).where(waits.where))).one()
    seconds = max((now - first).total_seconds(), 0) if first else 0
    name = f"linlitong_waiting_{waits.name}"
    return [
        GaugeMetricFamily(name, waits.what, value=count),
        GaugeMetricFamily(f"{name}_seconds", f"{waits.what}: age of the oldest", value=seconds),
    ]


async def _states(session: AsyncSession, stands: Stands) -> Metric:
    column = stands.column
    counting = select(column, func.count()).where(column.in_(stands.states)).group_by(column)
    counted = dict((await session.execute(counting)).tuples().all())
    metric = GaugeMetricFamily(f"linlitong_{stands.name}", f"{stands.what} that go on, by state", labels=["state"])
    for state in stands.states:
        metric.add_metric([state.value], counted.get(state, 0))
    return metric


async def _late(session: AsyncSession, now: datetime) -> Metric:
    metric = GaugeMetricFamily("linlitong_late", "What goes on and is past its due time", labels=["what"])
    for stands in STANDS:
        if stands.due is not None:
            late = select(func.count()).where(stands.column.in_(stands.states), stands.due < now)
            metric.add_metric([stands.name], await session.scalar(late) or 0)
    return metric


async def _answered(session: AsyncSession, now: datetime) -> Metric:
    """From a resident's message to the first reply to it, of the messages of the last ANSWERS_OF; without messages, nothing."""
    reply = aliased(Message)
    times = (
        await session.execute(
            select(Message.created_at, func.min(reply.created_at))
            .join(reply, reply.in_reply_to == Message.id)
            .where(Message.created_at >= now - ANSWERS_OF, Message.author == Author.RESIDENT, reply.author == Author.BOT)
            .group_by(Message.id, Message.created_at)
        )
    ).all()
    seconds = sorted((replied - asked).total_seconds() for asked, replied in times)
    metric = GaugeMetricFamily("linlitong_answer_seconds", "Message to answer, last 15 minutes", labels=["quantile"])
    for quantile in (0.5, 0.95) if seconds else ():
        metric.add_metric([str(quantile)], seconds[int(len(seconds) * quantile)])
    return metric
