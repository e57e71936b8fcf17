"""A mediation as its parties read it."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from backend.events.service import Desk
from backend.localtime import say_moment
from backend.mediation import pushes, service, sittings
from backend.mediation.models import Answer, Mediation, MediationParty, MediationRoom, MediationState, Mediator, Origin, Side

STATE_NAMES = {
    MediationState.PROPOSED: "等您同意",
    MediationState.OPEN: "正在调解",
    MediationState.AGREED: "达成协议",
    MediationState.COURT: "没谈成，转诉讼",
    MediationState.WITHDRAWN: "已撤回",
}
ORIGIN_NAMES = {
    Origin.CHAT: "居民申请",
    Origin.EVENT: "事件转来",
    Origin.CONSULT: "咨询转来",
    Origin.COUNTER: "当面登记",
    Origin.COURT: "法院委派（诉调）",
    Origin.PROCURATORATE: "检察院移送（检调）",
    Origin.POLICE: "派出所移送（警调）",
    Origin.PETITION: "信访移送（访调）",
}


async def card(session: AsyncSession, mediation: Mediation, party: MediationParty, *, desk: Desk) -> dict[str, Any]:
    """{number, title, kind, rung, ladder, state, state_name, side, mediator, when, place, joined, choosing}.

    ``choosing``: it is this side's to choose a mediator, and none is chosen.
    """
    mediator = await session.get(Mediator, mediation.mediator_id) if mediation.mediator_id else None
    sitting = await sittings.planned(session, mediation)
    room = await session.get_one(MediationRoom, sitting.room_code) if sitting else None
    other = (await pushes.parties_of(session, mediation)).get(Side.RESPONDENT)
    applicant = party.side is Side.APPLICANT
    return pushes.values_of(mediation) | {
        "state": mediation.state.value,
        "state_name": STATE_NAMES[mediation.state],
        "side": party.side.value,
        "mediator": pushes.mediator_label(mediator) if mediator else "",
        "when": say_moment(sitting.starts_at, now=desk.now, zone=desk.zone) if sitting else "",
        "place": sittings.said_place(room) if room else "",
        "joined": bool(other and other.answer is Answer.AGREED),
        "choosing": applicant and mediation.state is MediationState.OPEN and mediator is None,
    }


async def offering(session: AsyncSession, mediation: Mediation, party: MediationParty, *, desk: Desk) -> dict[str, Any]:
    """The card, with the mediators to choose from: {id, label}."""
    shown = await card(session, mediation, party, desk=desk)
    offered = (await service.mediators(session, mediation))[: service.OFFERED] if shown["choosing"] else []
    return shown | {"offered": [{"id": m.id, "label": pushes.mediator_label(m)} for m in offered]}


async def of_resident(session: AsyncSession, resident_id: int, *, desk: Desk) -> list[dict[str, Any]]:
    """The mediations a resident is a party of, newest first, each as ``offering`` shows it to them."""
    cards = []
    for mediation in await service.of_resident(session, resident_id):
        parties = (await pushes.parties_of(session, mediation)).values()
        mine = next(party for party in parties if party.resident_id == resident_id)
        cards.append(await offering(session, mediation, mine, desk=desk))
    return cards
