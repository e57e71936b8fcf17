"""How the other party comes in: by a code that the applicant hands on, or by name, entered by staff."""

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Conversation
from backend.db import lock
from backend.errors import BadInput, Conflict, NotFound
from backend.events.service import Desk
from backend.mediation import pushes, sittings
from backend.mediation.desks import tell_desk
from backend.mediation.models import Answer, Mediation, MediationParty, MediationState, Side
from backend.mediation.service import NAME_LIMIT
from backend.mediation.trail import note
from backend.staff.scope import Scope

CODE_DAYS = 30
LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
LENGTH = 8


def _hash(code: str) -> str:
    return hashlib.sha256(code.replace("-", "").replace(" ", "").upper().encode()).hexdigest()


def new_code() -> str:
    """Eight of LETTERS, with a letter and a digit among them: neither a word nor a number."""
    while True:
        code = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
        if not code.isalpha() and not code.isdecimal():
            return code


async def invite(session: AsyncSession, mediation: Mediation, *, desk: Desk) -> str:
    """A code for the other party, good for CODE_DAYS and once; an earlier one is void then. Raises Conflict."""
    other = (await pushes.parties_of(session, mediation))[Side.RESPONDENT]
    if mediation.state is not MediationState.OPEN:
        raise Conflict("这件调解不在进行中。", code="not_open")
    if other.resident_id is not None:
        raise Conflict("对方已经加入了。", code="joined")
    code = new_code()
    other.code_hash, other.code_until = _hash(code), desk.now + timedelta(days=CODE_DAYS)
    note(session, mediation, "invited", desk, side=Side.APPLICANT)
    return f"{code[:4]}-{code[4:]}"


async def of_code(session: AsyncSession, code: str, *, resident_id: int, desk: Desk) -> tuple[Mediation, MediationParty]:
    """What a code invites to, locked. Raises NotFound for one that is none, used or too old, Conflict for one's own."""
    party = await session.scalar(
        select(MediationParty).where(MediationParty.code_hash == _hash(code), MediationParty.code_until > desk.now)
    )
    if party is None:
        raise NotFound("这个调解码不对，或者已经过期了，请对方再发一个。", code="no_such_code")
    mediation = await session.get_one(Mediation, party.mediation_id)
    await lock(session, mediation)
    if (await pushes.parties_of(session, mediation))[Side.APPLICANT].resident_id == resident_id:
        raise Conflict("这个码是给对方用的，请转发给对方。", code="own_code")
    if mediation.state is not MediationState.OPEN:
        raise Conflict("这件调解已经结束了。", code="over")
    return mediation, party


async def answer(
    session: AsyncSession,
    mediation: Mediation,
    party: MediationParty,
    conversation: Conversation,
    *,
    agree: bool,
    desk: Desk,
) -> None:
    """The other party takes part from their chat, or does not want to; the applicant and the desk are told."""
    party.code_hash = party.code_until = None
    party.answer = Answer.AGREED if agree else Answer.DECLINED
    if agree:
        party.resident_id, party.conversation_id = conversation.resident_id, conversation.id
    note(session, mediation, "joined" if agree else "declined", desk, side=Side.RESPONDENT)
    words = "同意调解，加入了" if agree else "不愿意调解"
    await tell_desk(session, mediation, f"调解 {mediation.number}：对方{words}", desk)
    response = "utter_mediation_other_joined" if agree else "utter_mediation_other_declined"
    await pushes.tell(session, mediation, response, desk=desk, only=Side.APPLICANT)
    if agree and (sitting := await sittings.planned(session, mediation)) is not None:
        await sittings.announce(session, mediation, sitting, "utter_mediation_sitting", desk=desk, only=Side.RESPONDENT)
        if not await sittings.seat(session, sitting, conversation.resident_id):
            await tell_desk(session, mediation, f"调解 {mediation.number}：对方在约好的时间另有一场调解", desk)


async def enter(session: AsyncSession, scope: Scope, mediation: Mediation, *, name: str, agreed: bool, desk: Desk) -> None:
    """Staff write down who the other party is, and whether they have agreed. Raises BadInput, Conflict once they joined."""
    party = (await pushes.parties_of(session, mediation))[Side.RESPONDENT]
    name = " ".join(name.split())
    if party.resident_id is not None:
        raise Conflict("对方自己加入了，不用再填。", code="joined")
    if not name or len(name) > NAME_LIMIT:
        raise BadInput(f"请写对方的姓名或单位，最多 {NAME_LIMIT} 个字。", fields=["name"])
    party.name, party.answer = name, Answer.AGREED if agreed else Answer.WAITING
    note(session, mediation, "other_entered", desk, staff_id=scope.staff_id, text="同意调解" if agreed else "还没答应")
