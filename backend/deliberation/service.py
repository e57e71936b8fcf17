"""The life of a deliberation: announced, talked over, closed, summed up, published, and made into a vote or an event."""

import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue.models import HandlerKind
from backend.conversations.models import Conversation
from backend.db import lock, wake
from backend.deliberation.models import (
    Deliberation,
    DeliberationLog,
    DeliberationState,
    Outcome,
    OutcomeKind,
    Participant,
    Refusal,
    Stance,
    Statement,
    StatementState,
    Voice,
)
from backend.errors import BadInput, Conflict, Forbidden, NotFound
from backend.events import service as events
from backend.events.models import Event
from backend.events.service import Desk
from backend.grids.models import Area, Level
from backend.outbox import service as outbox
from backend.staff import notices
from backend.staff.scope import VOTE_ROLES, Scope
from backend.votes import service as votes
from backend.votes.booth import Booth
from backend.votes.models import Vote

TITLE, BACKGROUND, STATEMENT = 60, 2000, 300
SUMMARY, RESOLUTION, REASON = 4000, 2000, 500
STATEMENTS_EACH = 5
LONGEST = timedelta(days=90)
DESKS = {
    Level.COMMUNITY: HandlerKind.COMMUNITY,
    Level.STREET: HandlerKind.STREET,
    Level.DISTRICT: HandlerKind.DISTRICT,
}


@dataclass(frozen=True)
class Draft:
    """What a deliberation is made of; see Deliberation for the fields."""

    title: str
    background: str
    starts_at: datetime
    ends_at: datetime
    attachments: Sequence[str] = ()


@dataclass(frozen=True)
class Counts:
    """How many support a statement, and how many do not."""

    support: int = 0
    oppose: int = 0


@dataclass(frozen=True)
class Resolution:
    """A published resolution, for whoever lists what was decided. ``became``: (vote or event, its number)."""

    number: str
    title: str
    summary: str
    resolution: str
    area_code: str
    area_path: str
    published_at: datetime
    became: tuple[tuple[OutcomeKind, str], ...]


def _words(text: str, limit: int, what: str) -> str:
    """The text, trimmed. Raises BadInput for nothing, too much, or letters that are not seen."""
    text = text.strip()
    if not text:
        raise BadInput(f"请填写{what}。", fields=[what])
    if len(text) > limit:
        raise BadInput(f"{what}太长了，最多 {limit} 个字。", fields=[what])
    if any(unicodedata.category(letter).startswith("C") and letter not in "\r\n\t" for letter in text):
        raise BadInput(f"{what}里有看不见的字符，请重新填写。", fields=[what])
    return text


def _line(text: str, limit: int, what: str) -> str:
    text = _words(text, limit, what)
    if any(mark in text for mark in "<>{}[]`\\\r\n\t"):
        raise BadInput(f"{what}里不能有尖括号、花括号、方括号这类符号，也不能换行。", fields=[what])
    return text


def may_manage(scope: Scope, area_path: str) -> bool:
    return scope.role in VOTE_ROLES and scope.covers(area_path)


def log(
    session: AsyncSession, one: Deliberation, what: str, *, now: datetime, scope: Scope | None = None, **details: Any
) -> None:
    """Write down what was done; ``refused=True`` for what was asked and not done."""
    session.add(
        DeliberationLog(
            deliberation_id=one.id,
            what=what,
            refused=bool(details.pop("refused", False)),
            staff_id=scope.staff_id if scope else None,
            details=details,
            at=now,
        )
    )


async def create(session: AsyncSession, draft: Draft, *, area_code: str, scope: Scope, now: datetime) -> Deliberation:
    """A new deliberation in state DRAFT. Raises BadInput, or Forbidden for an area outside ``scope``."""
    title, background = _line(draft.title, TITLE, "标题"), _words(draft.background, BACKGROUND, "背景")
    if draft.ends_at <= draft.starts_at:
        raise BadInput("结束时间要晚于开始时间。", fields=["ends_at"])
    if draft.ends_at <= now:
        raise BadInput("结束时间已经过去了，请重新填写。", fields=["ends_at"])
    if draft.ends_at - draft.starts_at > LONGEST:
        raise BadInput(f"一次议事最长 {LONGEST.days} 天。", fields=["ends_at"])
    area = await session.get(Area, area_code)
    if area is None or not may_manage(scope, area.path):
        raise Forbidden("您不能在这个区域发起议事。")
    one = Deliberation(
        number=await _free_number(session),
        state=DeliberationState.DRAFT,
        area_code=area.code,
        area_path=area.path,
        title=title,
        background=background,
        attachments=list(draft.attachments),
        starts_at=draft.starts_at,
        ends_at=draft.ends_at,
        created_by=scope.staff_id,
        created_at=now,
    )
    session.add(one)
    await session.flush()
    log(session, one, "created", now=now, scope=scope)
    return one


async def _free_number(session: AsyncSession) -> str:
    while True:
        number = f"YS-{secrets.randbelow(900_000) + 100_000}"
        if not await session.scalar(select(exists().where(Deliberation.number == number))):
            return number


async def by_number(session: AsyncSession, number: str, *, scope: Scope | None = None) -> Deliberation:
    """The deliberation. Raises NotFound, also when it lies outside ``scope``."""
    one = await session.scalar(select(Deliberation).where(Deliberation.number == number))
    if one is None or (scope is not None and not may_manage(scope, one.area_path)):
        raise NotFound("没有找到这次议事。", code="deliberation_unknown")
    return one


async def in_scope(session: AsyncSession, scope: Scope) -> list[tuple[Deliberation, int]]:
    """The deliberations that this staff member may run, newest first, each with how many statements wait for them."""
    if scope.role not in VOTE_ROLES or not scope.path:
        return []
    waiting = (
        select(func.count())
        .where(Statement.deliberation_id == Deliberation.id, Statement.state == StatementState.PENDING)
        .scalar_subquery()
    )
    rows = await session.execute(
        select(Deliberation, waiting)
        .where(Deliberation.area_path.startswith(scope.path, autoescape=True))
        .order_by(Deliberation.id.desc())
        .limit(200)
    )
    return [(one, count) for one, count in rows]


async def announce(session: AsyncSession, one: Deliberation, *, scope: Scope, now: datetime) -> None:
    """Open it; the people of the area are invited when it begins. Raises Conflict."""
    await lock(session, one)
    if one.state is not DeliberationState.DRAFT:
        raise Conflict("这次议事已经公布过了。", code="not_draft")
    if one.ends_at <= now:
        raise Conflict("结束时间已经过去了，请重新发起。", code="deliberation_over")
    one.state, one.announced_at = DeliberationState.OPEN, now
    log(session, one, "announced", now=now, scope=scope)
    wake(session, "deliberation")


def takes_part(one: Deliberation, *, now: datetime) -> bool:
    """Whether statements and stances are taken now."""
    return one.state is DeliberationState.OPEN and one.starts_at <= now < one.ends_at


def _check_open(one: Deliberation, *, now: datetime) -> None:
    if takes_part(one, now=now):
        return
    match one.state:
        case DeliberationState.CANCELLED:
            raise Conflict(f"“{one.title}”已经撤销了。", code="deliberation_cancelled")
        case DeliberationState.DRAFT:
            raise NotFound("没有找到这次议事。", code="deliberation_unknown")
    if one.state is DeliberationState.OPEN and now < one.starts_at:
        raise Conflict(f"“{one.title}”还没开始。", code="deliberation_not_begun")
    raise Conflict(f"“{one.title}”已经结束，不再收发言了。", code="deliberation_over")


async def _hold(session: AsyncSession, one: Deliberation) -> None:
    """Keep others from ending it while this transaction adds to it; many may hold it at once."""
    if session.get_bind().dialect.name != "sqlite":
        await session.refresh(one, with_for_update={"read": True})


async def participant(session: AsyncSession, one: Deliberation, resident_id: int) -> Participant | None:
    return await session.scalar(
        select(Participant).where(Participant.deliberation_id == one.id, Participant.resident_id == resident_id)
    )


async def join(session: AsyncSession, one: Deliberation, conversation: Conversation, *, now: datetime) -> None:
    """The resident says that they live there: they may take part, and staff see that it was only said."""
    _check_open(one, now=now)
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    await session.execute(
        dialect.insert(Participant)
        .values(
            deliberation_id=one.id,
            resident_id=conversation.resident_id,
            conversation_id=conversation.id,
            declared=True,
            told=DeliberationState.OPEN.value,
            at=now,
        )
        .on_conflict_do_nothing()
    )


async def _need_participant(session: AsyncSession, one: Deliberation, resident_id: int) -> None:
    if await participant(session, one, resident_id) is None:
        raise Conflict("这次议事请本地居民参加。", code="not_asked")


async def speak(session: AsyncSession, one: Deliberation, conversation: Conversation, text: str, *, desk: Desk) -> Statement:
    """Take a statement; it is public when staff have read it. Raises BadInput, Conflict (also when it is said too often)."""
    await _hold(session, one)
    _check_open(one, now=desk.now)
    await _need_participant(session, one, conversation.resident_id)
    text = _words(text, STATEMENT, "发言")
    await lock(session, conversation)  # two statements of one resident at once are counted one after the other
    mine = await of_resident(session, one, conversation.resident_id)
    if any(other.text == text for other in mine):
        raise Conflict("这句话您已经说过了。", code="said_already")
    if len(mine) >= STATEMENTS_EACH:
        raise Conflict(f"每人最多发言 {STATEMENTS_EACH} 次，可以先撤回一条。", code="too_many_statements")
    first = not await session.scalar(
        select(exists().where(Statement.deliberation_id == one.id, Statement.state == StatementState.PENDING))
    )
    said = Statement(
        deliberation_id=one.id,
        resident_id=conversation.resident_id,
        conversation_id=conversation.id,
        text=text,
        state=StatementState.PENDING,
        at=desk.now,
    )
    session.add(said)
    await session.flush()
    if first:
        await tell_desk(session, one, f"议事“{one.title}”有新发言等审核", now=desk.now)
    wake(session, "console")
    return said


async def tell_desk(session: AsyncSession, one: Deliberation, text: str, *, now: datetime) -> None:
    """A line for whoever runs it: the desk of its area, and who made it."""
    area = await session.get_one(Area, one.area_code)
    kind = DESKS.get(area.level)
    people = set(await notices.at_desk(session, kind, area.code)) if kind else set()
    for staff_id in sorted(people | ({one.created_by} if one.created_by else set())):
        notices.tell(session, staff_id, text, now=now)


async def of_resident(session: AsyncSession, one: Deliberation, resident_id: int) -> list[Statement]:
    """What the resident has said there and not withdrawn, in order."""
    rows = await session.scalars(
        select(Statement)
        .where(
            Statement.deliberation_id == one.id,
            Statement.resident_id == resident_id,
            Statement.state != StatementState.WITHDRAWN,
        )
        .order_by(Statement.id)
    )
    return list(rows)


async def statement(session: AsyncSession, statement_id: int) -> tuple[Deliberation, Statement]:
    """Raises NotFound."""
    found = (
        await session.execute(
            select(Deliberation, Statement)
            .join(Statement, Statement.deliberation_id == Deliberation.id)
            .where(Statement.id == statement_id)
        )
    ).first()
    if found is None:
        raise NotFound("没有找到这条发言。", code="statement_unknown")
    return found[0], found[1]


async def withdraw(session: AsyncSession, statement_id: int, *, resident_id: int, now: datetime) -> Statement:
    """Its author takes it back; it is shown no more, and what others said to it counts no more. Raises NotFound, Conflict."""
    one, said = await statement(session, statement_id)
    if said.resident_id != resident_id:
        raise NotFound("没有找到这条发言。", code="statement_unknown")
    await lock(session, said)
    if said.state is StatementState.WITHDRAWN:
        return said
    if one.state not in (DeliberationState.OPEN, DeliberationState.CLOSED):
        raise Conflict("结果已经公布，发言不能再撤回了。", code="deliberation_over")
    said.state = StatementState.WITHDRAWN
    log(session, one, "withdrawn", now=now, statement=said.id)
    wake(session, "console")
    return said


async def moderate(
    session: AsyncSession,
    one: Deliberation,
    statement_id: int,
    *,
    refusal: Refusal | None,
    scope: Scope,
    desk: Desk,
) -> Statement:
    """Make a statement public, or refuse it for a reason of the list; its author is told. Raises NotFound, Conflict."""
    _, said = await statement(session, statement_id)
    if said.deliberation_id != one.id:
        raise NotFound("没有找到这条发言。", code="statement_unknown")
    await lock(session, said)
    if said.state is not StatementState.PENDING:
        raise Conflict("这条发言已经处理过，或者被居民撤回了。", code="not_pending")
    said.state = StatementState.REFUSED if refusal else StatementState.PUBLIC
    said.refusal, said.moderated_by, said.moderated_at = refusal, scope.staff_id, desk.now
    log(session, one, "refused" if refusal else "public", now=desk.now, scope=scope, statement=said.id)
    say = desk.sentences.say
    if refusal:
        reason = say(f"utter_name_statement_{refusal.value}").text
        sentence = say("utter_statement_refused", title=one.title, number=one.number, text=said.text[:40], reason=reason)
    else:
        sentence = say("utter_statement_public", title=one.title, number=one.number, text=said.text[:40])
    conversation = await session.get_one(Conversation, said.conversation_id)
    await outbox.say(session, conversation, now=desk.now, text=sentence.text, buttons=sentence.buttons)
    return said


async def judge(session: AsyncSession, statement_id: int, *, resident_id: int, stance: Stance, now: datetime) -> Statement:
    """The resident's stance on a public statement; one each, the last counts. Raises NotFound, Conflict."""
    one, said = await statement(session, statement_id)
    await _hold(session, one)
    _check_open(one, now=now)
    await _need_participant(session, one, resident_id)
    if said.state is not StatementState.PUBLIC:
        raise NotFound("这条发言已经撤回了。", code="statement_unknown")
    if said.resident_id == resident_id:
        raise Conflict("这是您自己的发言，不用表态。", code="own_statement")
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    put = dialect.insert(Voice).values(statement_id=said.id, resident_id=resident_id, stance=stance, at=now)
    await session.execute(
        put.on_conflict_do_update(
            index_elements=["statement_id", "resident_id"], set_={"stance": put.excluded.stance, "at": put.excluded.at}
        )
    )
    return said


async def next_to_judge(session: AsyncSession, one: Deliberation, resident_id: int, *, after: int = 0) -> Statement | None:
    """The next public statement, above ``after``, of somebody else on which the resident has not said anything yet."""
    judged = exists().where(Voice.statement_id == Statement.id, Voice.resident_id == resident_id)
    return await session.scalar(
        select(Statement)
        .where(
            Statement.deliberation_id == one.id,
            Statement.state == StatementState.PUBLIC,
            Statement.resident_id != resident_id,
            Statement.id > after,
            ~judged,
        )
        .order_by(Statement.id)
        .limit(1)
    )


async def public_count(session: AsyncSession, one: Deliberation) -> int:
    return await _count(session, one, StatementState.PUBLIC)


async def _count(session: AsyncSession, one: Deliberation, *states: StatementState) -> int:
    where = (Statement.deliberation_id == one.id, Statement.state.in_(states))
    return await session.scalar(select(func.count()).select_from(Statement).where(*where)) or 0


async def counts(session: AsyncSession, ids: Sequence[int]) -> dict[int, Counts]:
    """Support and opposition of statements, by id."""
    rows = await session.execute(
        select(Voice.statement_id, Voice.stance, func.count())
        .where(Voice.statement_id.in_(ids))
        .group_by(Voice.statement_id, Voice.stance)
    )
    found: dict[int, dict[str, int]] = {}
    for statement_id, stance, count in rows:
        found.setdefault(statement_id, {})[stance.value] = count
    return {statement_id: Counts(**found.get(statement_id, {})) for statement_id in ids}


@dataclass(frozen=True)
class Said:
    """A statement as staff see it; ``declared``: its author only said that they live there."""

    statement: Statement
    counts: Counts
    declared: bool


async def statements(session: AsyncSession, one: Deliberation) -> list[Said]:
    """Every statement that was not withdrawn, in order."""
    rows = (
        await session.execute(
            select(Statement, Participant.declared)
            .outerjoin(
                Participant,
                (Participant.deliberation_id == Statement.deliberation_id) & (Participant.resident_id == Statement.resident_id),
            )
            .where(Statement.deliberation_id == one.id, Statement.state != StatementState.WITHDRAWN)
            .order_by(Statement.id)
        )
    ).all()
    found = await counts(session, [said.id for said, _ in rows])
    return [Said(said, found[said.id], bool(declared)) for said, declared in rows]


@dataclass(frozen=True)
class Attendance:
    """How many residents were asked, have spoken (with what is public), and have said what they think of a statement."""

    asked: int
    spoke: int
    judged: int


async def attendance(session: AsyncSession, one: Deliberation) -> Attendance:
    asked = select(func.count()).select_from(Participant).where(Participant.deliberation_id == one.id)
    public = (Statement.deliberation_id == one.id, Statement.state == StatementState.PUBLIC)
    spoke = select(func.count(Statement.resident_id.distinct())).where(*public)
    judged = select(func.count(Voice.resident_id.distinct())).join(Statement, Statement.id == Voice.statement_id).where(*public)
    return Attendance(*[await session.scalar(query) or 0 for query in (asked, spoke, judged)])


async def end(session: AsyncSession, one: Deliberation, *, desk: Desk) -> None:
    """Its time is over: CLOSED for the summary, or EMPTY when nobody has said anything that stands."""
    await lock(session, one)
    if one.state is not DeliberationState.OPEN or desk.now < one.ends_at:
        return
    said = await _count(session, one, StatementState.PENDING, StatementState.PUBLIC)
    one.state = DeliberationState.CLOSED if said else DeliberationState.EMPTY
    one.ended_at = desk.now
    if one.state is DeliberationState.EMPTY:
        tell_all(session, one)
    text = "已经结束，请写小结和决议" if said else "结束了，没有人发言"
    await tell_desk(session, one, f"议事“{one.title}”{text}", now=desk.now)
    log(session, one, "ended", now=desk.now, statements=said)


async def publish(
    session: AsyncSession, one: Deliberation, *, summary: str, resolution: str, scope: Scope, now: datetime
) -> None:
    """Publish what was said and what follows from it; everyone who was asked is told. Raises BadInput, Conflict."""
    await lock(session, one)
    if one.state is not DeliberationState.CLOSED:
        raise Conflict("议事结束以后、公布以前才能写小结和决议。", code="not_closed")
    if await _count(session, one, StatementState.PENDING):
        raise Conflict("还有发言没有审核，请先审完。", code="statements_pending")
    one.summary, one.resolution = _words(summary, SUMMARY, "小结"), _words(resolution, RESOLUTION, "决议")
    one.state, one.published_at = DeliberationState.PUBLISHED, now
    tell_all(session, one)
    log(session, one, "published", now=now, scope=scope)


async def cancel(session: AsyncSession, one: Deliberation, *, reason: str, scope: Scope, now: datetime) -> None:
    """Stop it, with a reason that everyone who was asked reads. Raises BadInput, Conflict."""
    await lock(session, one)
    if one.state not in (DeliberationState.DRAFT, DeliberationState.OPEN, DeliberationState.CLOSED):
        raise Conflict("这次议事已经结束，不能撤销。", code="deliberation_over")
    one.reason = _words(reason, REASON, "撤销的理由")
    announced = one.state is not DeliberationState.DRAFT
    one.state, one.ended_at = DeliberationState.CANCELLED, now
    if announced:
        tell_all(session, one)
    log(session, one, "cancelled", now=now, scope=scope, reason=one.reason)


def tell_all(session: AsyncSession, one: Deliberation, what: str = "") -> None:
    """Let the clerk tell everyone who was asked what has become of it, or ``what``, after what is being told already.

    An invitation that is still going out makes room.
    """
    before = [news for news in one.telling.split() if news != DeliberationState.OPEN]
    one.telling = " ".join([*before, what or one.state.value])
    wake(session, "deliberation")


async def make_vote(session: AsyncSession, one: Deliberation, draft: votes.Draft, *, scope: Scope, booth: Booth) -> Vote:
    """A vote draft over the resolution. Raises as votes.create does, and Conflict before the publication."""
    await _check_published(session, one)
    vote = await votes.create(session, draft, area_code=one.area_code, scope=scope, booth=booth)
    votes.log(session, vote, "from_deliberation", now=booth.now, scope=scope, number=one.number)
    _became(session, one, OutcomeKind.VOTE, vote.number, scope=scope, now=booth.now)
    return vote


async def make_event(session: AsyncSession, one: Deliberation, *, item_code: str | None, scope: Scope, desk: Desk) -> Event:
    """An event that carries the resolution out. Raises Conflict before the publication and for a second one."""
    await _check_published(session, one)
    if any(kind is OutcomeKind.EVENT for kind, _ in await became(session, one)):
        raise Conflict("这项决议已经转成事件了。", code="event_there")
    area = await session.get_one(Area, one.area_code)
    report = events.Report(
        description=f"居民议事“{one.title}”（{one.number}）的决议：{one.resolution}",
        area_code=one.area_code,
        address=area.name,
        item_code=item_code or None,
        unplaced=area.level is not Level.GRID,
    )
    event = await events.file_event(session, report, desk=desk, reporter_staff_id=scope.staff_id)
    _became(session, one, OutcomeKind.EVENT, event.number, scope=scope, now=desk.now)
    return event


async def _check_published(session: AsyncSession, one: Deliberation) -> None:
    await lock(session, one)
    if one.state is not DeliberationState.PUBLISHED:
        raise Conflict("决议公布以后才能转成投票或事件。", code="not_published")


def _became(session: AsyncSession, one: Deliberation, kind: OutcomeKind, number: str, *, scope: Scope, now: datetime) -> None:
    session.add(Outcome(kind=kind, number=number, deliberation_id=one.id, staff_id=scope.staff_id, at=now))
    tell_all(session, one, f"{kind.value}:{number}")
    log(session, one, f"became_{kind.value}", now=now, scope=scope, number=number)


async def became(session: AsyncSession, one: Deliberation) -> list[tuple[OutcomeKind, str]]:
    """What the resolution was made into, the first first."""
    rows = await session.execute(
        select(Outcome.kind, Outcome.number).where(Outcome.deliberation_id == one.id).order_by(Outcome.at, Outcome.number)
    )
    return [(kind, number) for kind, number in rows]


async def origin_of(session: AsyncSession, kind: OutcomeKind, number: str) -> Deliberation | None:
    """The deliberation that a vote or an event came from."""
    return await session.scalar(
        select(Deliberation)
        .join(Outcome, Outcome.deliberation_id == Deliberation.id)
        .where(Outcome.kind == kind, Outcome.number == number)
    )


async def resolutions(
    session: AsyncSession, *, area_path: str = "", after: datetime | None = None, limit: int = 200
) -> list[Resolution]:
    """Published resolutions, the newest first; of the areas at or below ``area_path``, published after ``after``."""
    query = select(Deliberation).where(Deliberation.state == DeliberationState.PUBLISHED)
    if area_path:
        query = query.where(Deliberation.area_path.startswith(area_path, autoescape=True))
    if after is not None:
        query = query.where(Deliberation.published_at > after)
    rows = (await session.scalars(query.order_by(Deliberation.published_at.desc()).limit(limit))).all()
    links = await session.execute(
        select(Outcome.deliberation_id, Outcome.kind, Outcome.number)
        .where(Outcome.deliberation_id.in_([one.id for one in rows]))
        .order_by(Outcome.at)
    )
    found: dict[int, list[tuple[OutcomeKind, str]]] = {}
    for deliberation_id, kind, number in links:
        found.setdefault(deliberation_id, []).append((kind, number))
    return [
        Resolution(
            number=one.number,
            title=one.title,
            summary=one.summary,
            resolution=one.resolution,
            area_code=one.area_code,
            area_path=one.area_path,
            published_at=one.published_at or one.created_at,
            became=tuple(found.get(one.id, ())),
        )
        for one in rows
    ]
