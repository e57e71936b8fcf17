"""The legal desk and legal aid under /api/v1: what the console's pages do, for programs."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from backend.api.operations import Call, operation
from backend.api.schemas import Query
from backend.errors import Forbidden
from backend.events.service import Desk
from backend.house import DESK
from backend.legal import service
from backend.legal.areas import AREA_NAMES, LawArea, Urgency
from backend.legal.law import NEAREST
from backend.legal.models import Consult, ConsultState, Contact, Said
from backend.legal.routes import LAW
from backend.legal.veil import veiled
from backend.legal.views import STATE_NAMES
from backend.legal_aid import service as aid_service
from backend.legal_aid.models import AidState, Group, LegalAid, Paper
from backend.staff.schemas import Shape
from backend.staff.scope import LAW_ROLES
from backend.web import DATABASE, SETTINGS

ConsultWork = Callable[[AsyncSession, Consult, Desk], Awaitable[None]]
AidWork = Callable[[AsyncSession, LegalAid, Consult, Desk], Awaitable[None]]
PATH = "/api/v1/consults/{number}"
AID_PATH = "/api/v1/legal-aid/{number}"


class ConsultCard(Shape):
    """One line of the queue. Names, numbers and house numbers are taken out of ``question`` until the resident agrees."""

    number: str
    question: str
    area: LawArea
    area_name: str
    second_area: LawArea | None
    urgent: Urgency | None
    state: ConsultState
    state_name: str
    mine: bool
    claim_until: datetime | None
    stars: int | None
    created_at: datetime


class ConsultWordCard(Shape):
    """``unknown`` names the articles that are not in the library."""

    said_by: Said
    text: str
    unknown: list[str]
    at: datetime


class ConsultStep(Shape):
    """One thing that was done; ``who`` is "" for the resident and for time."""

    step: str
    who: str
    note: str
    at: datetime


class NearArticle(Shape):
    article: str
    text: str


class ConsultPage(ConsultCard):
    """``articles``: the ten nearest."""

    contact: Contact
    words: list[ConsultWordCard]
    articles: list[NearArticle]
    history: list[ConsultStep]


class ConsultList(Shape):
    consults: list[ConsultCard]


class ConsultQuery(Query):
    """``over``: those that have ended instead of those that are open."""

    over: bool = False


class ConsultAnswer(Shape):
    """``sure`` names the articles that are not in the library and are meant all the same."""

    text: str = Field(min_length=1, max_length=4000)
    sure: list[str] = Field(default_factory=list, max_length=50)


class GiveBack(Shape):
    note: str = Field("", max_length=200)


class Refusal(Shape):
    reason: str = Field(min_length=1, max_length=200)


class AidCard(Shape):
    """``missing``: the papers that are still to come, until ``cure_by``."""

    number: str
    group: Group
    group_name: str
    declaration: str
    declared_at: datetime
    missing: list[Paper]
    cure_by: datetime | None
    decide_by: datetime
    state: AidState
    state_name: str
    reason: str
    decided_at: datetime | None


class AidList(Shape):
    applications: list[AidCard]


class ReceivedPaper(Shape):
    paper: Paper


class Decision(Shape):
    """``reason`` is read by the resident."""

    grant: bool
    reason: str = Field(min_length=1, max_length=1000)


def _law(call: Call) -> None:
    if call.signed.scope.role not in LAW_ROLES:
        raise Forbidden


def _card(call: Call, consult: Consult) -> ConsultCard:
    mine = consult.volunteer_id == call.signed.scope.staff_id
    agreed = mine and consult.contact is Contact.AGREED
    return ConsultCard(
        number=consult.number,
        question=consult.question if agreed else veiled(consult.question),
        area=consult.area,
        area_name=AREA_NAMES[consult.area],
        second_area=consult.second_area,
        urgent=consult.urgent,
        state=consult.state,
        state_name=STATE_NAMES[consult.state],
        mine=mine,
        claim_until=consult.claim_until,
        stars=consult.stars,
        created_at=consult.created_at,
    )


async def _page(session: AsyncSession, call: Call, consult: Consult, desk: Desk) -> ConsultPage:
    card = _card(call, consult)
    agreed = card.mine and consult.contact is Contact.AGREED
    index = await call.request.app[LAW].index(session)
    return ConsultPage(
        **card.model_dump(),
        contact=consult.contact,
        words=[
            ConsultWordCard(
                said_by=word.said_by,
                text=word.text if agreed or word.said_by is Said.VOLUNTEER else veiled(word.text),
                unknown=word.unknown,
                at=word.at,
            )
            for word in await service.words_of(session, consult)
        ],
        articles=[
            NearArticle(article=found.article, text=found.text)
            for found in index.nearest(consult.question, NEAREST, at=desk.today)
        ],
        history=[
            ConsultStep(step=row.step, who=who, note=row.note, at=row.at)
            for row, who in await service.history_of(session, consult)
        ],
    )


@operation("GET", "/api/v1/consults", query=ConsultQuery, answer=ConsultList)
async def list_consults(call: Call) -> ConsultList:
    """The consults that you may see: urgent ones first, then by age; with over, the last 50 that ended."""
    _law(call)
    look = service.over if call.query.over else service.listed
    async with call.request.app[DATABASE].read() as session:
        return ConsultList(consults=[_card(call, consult) for consult in await look(session, call.signed.scope)])


@operation("GET", PATH, answer=ConsultPage)
async def read_consult(call: Call) -> ConsultPage:
    """One consult with what was said, the ten nearest articles, and its history."""
    _law(call)
    async with call.request.app[DATABASE].read() as session:
        consult = await service.by_number(session, call.signed.scope, call.request.match_info["number"])
        return await _page(session, call, consult, await call.request.app[DESK](session))


async def _change(call: Call, act: ConsultWork) -> ConsultPage | None:
    """Change the consult; None when it is not the asker's to see any more."""
    _law(call)
    async with call.request.app[DATABASE].write() as session:
        desk = await call.request.app[DESK](session)
        consult = await service.by_number(session, call.signed.scope, call.request.match_info["number"], locked=True)
        await act(session, consult, desk)
        await session.flush()
        return await _page(session, call, consult, desk)


@operation("POST", PATH + "/claim", answer=ConsultPage)
async def claim_consult(call: Call) -> ConsultPage | None:
    """Take a waiting consult; 409 when a colleague was quicker. It goes back when claim_until has passed."""

    async def act(session: AsyncSession, consult: Consult, desk: Desk) -> None:
        hours = call.request.app[SETTINGS].consult_claim_hours
        await service.claim(session, call.signed.scope, consult, hours=hours, desk=desk)

    return await _change(call, act)


@operation("POST", PATH + "/answers", body=ConsultAnswer, answer=ConsultPage)
async def answer_consult(call: Call) -> ConsultPage | None:
    """Answer; 409 unknown_articles names the articles that are not in the library, unless sure names the same."""
    body = call.body

    async def act(session: AsyncSession, consult: Consult, desk: Desk) -> None:
        unknown = (await call.request.app[LAW].index(session)).unknown_in(body.text, at=desk.today)
        sure = set(unknown) == set(body.sure)
        await service.answer(session, call.signed.scope, consult, body.text, unknown=unknown, sure=sure, desk=desk)

    return await _change(call, act)


@operation("POST", PATH + "/return", status=204, body=GiveBack)
async def return_consult(call: Call) -> None:
    """Put it back into the queue: its volunteer, or a coordinator."""

    async def act(session: AsyncSession, consult: Consult, desk: Desk) -> None:
        await service.give_back(session, call.signed.scope, consult, note=call.body.note, desk=desk)

    await _change(call, act)


@operation("POST", PATH + "/refusal", status=204, body=Refusal)
async def refuse_consult(call: Call) -> None:
    """A conflict of interest: you never see it again."""

    async def act(session: AsyncSession, consult: Consult, desk: Desk) -> None:
        await service.refuse(session, call.signed.scope, consult, reason=call.body.reason, desk=desk)

    await _change(call, act)


@operation("POST", PATH + "/contact", answer=ConsultPage)
async def ask_contact(call: Call) -> ConsultPage | None:
    """Ask the resident, in the chat, for their phone."""

    async def act(session: AsyncSession, consult: Consult, desk: Desk) -> None:
        await service.ask_contact(session, call.signed.scope, consult, desk=desk)

    return await _change(call, act)


def _aid_card(aid: LegalAid, consult: Consult) -> AidCard:
    return AidCard(
        number=consult.number,
        group=aid.group,
        group_name=aid_service.GROUP_NAMES[aid.group],
        declaration=aid.declaration,
        declared_at=aid.declared_at,
        missing=[Paper(code) for code in aid.missing],
        cure_by=aid.cure_by,
        decide_by=aid.decide_by,
        state=aid.state,
        state_name=aid_service.STATE_NAMES[aid.state],
        reason=aid.reason,
        decided_at=aid.decided_at,
    )


@operation("GET", "/api/v1/legal-aid", answer=AidList)
async def list_legal_aid(call: Call) -> AidList:
    """The applications for legal aid, for coordinators: undecided ones first, the most pressing on top."""
    async with call.request.app[DATABASE].read() as session:
        rows = await aid_service.listed(session, call.signed.scope)
        return AidList(applications=[_aid_card(aid, consult) for aid, consult in rows])


async def _on_aid(call: Call, act: AidWork) -> AidCard:
    async with call.request.app[DATABASE].write() as session:
        desk = await call.request.app[DESK](session)
        aid, consult = await aid_service.by_number(session, call.signed.scope, call.request.match_info["number"])
        await act(session, aid, consult, desk)
        return _aid_card(aid, consult)


@operation("POST", AID_PATH + "/papers", body=ReceivedPaper, answer=AidCard)
async def receive_paper(call: Call) -> AidCard:
    """Tick a missing paper off; with the last one the resident is told."""

    async def act(session: AsyncSession, aid: LegalAid, consult: Consult, desk: Desk) -> None:
        await aid_service.receive(session, call.signed.scope, aid, consult, call.body.paper, desk=desk)

    return await _on_aid(call, act)


@operation("POST", AID_PATH + "/decision", body=Decision, answer=AidCard)
async def decide_legal_aid(call: Call) -> AidCard:
    """Grant or refuse, with the reason that the resident reads."""
    body = call.body

    async def act(session: AsyncSession, aid: LegalAid, consult: Consult, desk: Desk) -> None:
        await aid_service.decide(session, call.signed.scope, aid, consult, grant=body.grant, reason=body.reason, desk=desk)

    return await _on_aid(call, act)
