"""The desk in the staff HTTP API: quick answers, and what is proposed to a resident out of a conversation."""

from sqlalchemy.ext.asyncio import AsyncSession

from backend.api.operations import Call, id_in, operation
from backend.api.schemas import AnswerBody, ProposalBody
from backend.desk import answers, leading
from backend.desk.models import QuickAnswer
from backend.errors import Conflict
from backend.grids.models import Area
from backend.house import BOOTH, DESK
from backend.intake.routes import READERS
from backend.proposals import drafting
from backend.proposals import service as proposals
from backend.proposals.drafting import Draft
from backend.proposals.models import Proposal, ProposalKind
from backend.proposals.service import Wanted
from backend.staff import conversations as talks
from backend.staff.schemas import (
    AnswerCard,
    AnswerList,
    CodeAndName,
    DraftCard,
    DraftPart,
    FilledAnswer,
    FilledAnswerList,
    ProposalCard,
    ProposalList,
)
from backend.web import CLOCK, DATABASE, VAULT


@operation("GET", "/api/v1/conversations/{conversation_id}/answers", answer=FilledAnswerList)
async def list_filled_answers(call: Call) -> FilledAnswerList:
    """The quick answers of the conversation's desk, filled in for its resident."""
    async with call.request.app[DATABASE].read() as session:
        row = await talks.by_id(session, call.signed.scope, id_in(call.request))
        found = await answers.filled_for(session, row, call.signed.scope, desk=await call.request.app[DESK](session))
    return FilledAnswerList(
        answers=[
            FilledAnswer(answer_id=one.answer.id, title=one.answer.title, text=one.text, problem=one.problem) for one in found
        ]
    )


async def _answer_card(session: AsyncSession, row: QuickAnswer) -> AnswerCard:
    area = await session.get_one(Area, row.area_code)
    place = CodeAndName(code=area.code, name=area.name)
    return AnswerCard(answer_id=row.id, area=place, title=row.title, text=row.text)


@operation("GET", "/api/v1/desks/{area_code}/answers", answer=AnswerList)
async def list_answers(call: Call) -> AnswerList:
    """The quick answers of a desk, its own first, then those it has from the areas above."""
    async with call.request.app[DATABASE].read() as session:
        area = await leading.seen_area(session, call.signed.scope, call.request.match_info["area_code"])
        return AnswerList(answers=[await _answer_card(session, row) for row in await answers.of_area(session, area.code)])


@operation("POST", "/api/v1/desks/{area_code}/answers", status=201, body=AnswerBody, answer=AnswerCard, phones=False)
async def add_answer(call: Call) -> AnswerCard:
    """Add a quick answer to a desk that you lead."""
    return await _keep_answer(call, None)


@operation("PUT", "/api/v1/desks/{area_code}/answers/{answer_id}", body=AnswerBody, answer=AnswerCard, phones=False)
async def change_answer(call: Call) -> AnswerCard:
    """Change a quick answer of a desk that you lead."""
    return await _keep_answer(call, id_in(call.request, "answer_id"))


async def _keep_answer(call: Call, answer_id: int | None) -> AnswerCard:
    async with call.request.app[DATABASE].write() as session:
        row = await answers.save(
            session,
            call.signed.scope,
            call.request.match_info["area_code"],
            title=call.body.title,
            text=call.body.text,
            answer_id=answer_id,
            now=call.request.app[CLOCK].now(),
        )
        return await _answer_card(session, row)


@operation("DELETE", "/api/v1/desks/{area_code}/answers/{answer_id}", status=204)
async def remove_answer(call: Call) -> None:
    """Take a quick answer away from a desk that you lead."""
    async with call.request.app[DATABASE].write() as session:
        area_code, answer_id = call.request.match_info["area_code"], id_in(call.request, "answer_id")
        await answers.remove(session, call.signed.scope, area_code, answer_id)


async def _drafts(call: Call) -> list[Draft]:
    """Read before anything is written. Raises Conflict unless the asker holds the conversation."""
    app = call.request.app
    async with app[DATABASE].read() as session:
        row = await talks.by_id(session, call.signed.scope, id_in(call.request))
        if row.staff_id != call.signed.scope.staff_id:
            raise Conflict("请先接待这段对话，再帮居民办。", code="not_holder")
        return await drafting.drafts(session, row, app[READERS], now=app[CLOCK].now())


@operation("GET", "/api/v1/conversations/{conversation_id}/draft", answer=DraftCard)
async def read_draft(call: Call) -> DraftCard:
    """A report as it is read out of the conversation that you hold: matter, place, item, photos; and further matters."""
    first, *more = [{name: getattr(draft, name) for name in DraftPart.model_fields} for draft in await _drafts(call)]
    return DraftCard(**first, more=more)


def _card(one: Proposal) -> ProposalCard:
    return ProposalCard(
        proposal_id=one.id,
        kind=one.kind,
        state=one.state,
        target=one.target,
        number=one.number,
        reason=one.reason,
        at=one.created_at,
        answered_at=one.answered_at,
    )


@operation("GET", "/api/v1/conversations/{conversation_id}/proposals", answer=ProposalList)
async def list_proposals(call: Call) -> ProposalList:
    """What was proposed to this resident, newest first, and what became of it."""
    async with call.request.app[DATABASE].read() as session:
        row = await talks.by_id(session, call.signed.scope, id_in(call.request))
        return ProposalList(proposals=[_card(one) for one in await proposals.listed(session, row)])


@operation("POST", "/api/v1/conversations/{conversation_id}/proposals", status=201, body=ProposalBody, answer=ProposalCard)
async def propose(call: Call) -> ProposalCard:
    """Show the resident a report to confirm, begin an application in the chat, or send a ballot. Only the resident files."""
    app, body, scope = call.request.app, call.body, call.signed.scope
    drafts = await _drafts(call) if body.kind is ProposalKind.EVENT else []
    async with app[DATABASE].write() as session:
        row = await talks.by_id(session, scope, id_in(call.request))
        desk = await app[DESK](session)
        match body.kind:
            case ProposalKind.EVENT:
                wanted = Wanted(body.matter, body.area_code, body.address, body.item_code, body.photos)
                (one,) = await proposals.propose_events(session, row, scope, drafts, [wanted], also=body.also, desk=desk)
            case ProposalKind.SUBSIDY:
                one = await proposals.propose_subsidy(session, row, scope, body.target, desk=desk, vault=app[VAULT])
            case ProposalKind.VOTE:
                one = await proposals.propose_vote(session, row, scope, body.target, desk=desk, booth=app[BOOTH]())
        await session.flush()
        return _card(one)


@operation("DELETE", "/api/v1/conversations/{conversation_id}/proposals/{proposal_id}", status=204)
async def withdraw_proposal(call: Call) -> None:
    """Take back a report that the resident has not answered; they are told."""
    app = call.request.app
    async with app[DATABASE].write() as session:
        row = await talks.by_id(session, call.signed.scope, id_in(call.request))
        desk = await app[DESK](session)
        await proposals.withdraw(session, row, call.signed.scope, id_in(call.request, "proposal_id"), desk=desk)
