"""Whose the vote is: a resident is matched to a unit by a code, by a member of staff, or as a proxy by consent.

A code is good once. A wrong one is written down before the answer is given; after TRIES in an hour a conversation, and after
CITY_TRIES everyone, has to wait or ask the desk.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Conversation
from backend.db import Database
from backend.errors import BadInput, Conflict, NotFound, TooMany
from backend.outbox import service as outbox
from backend.staff.scope import Scope
from backend.vault.models import Secret, VaultItem
from backend.votes import box, service
from backend.votes.booth import Booth
from backend.votes.electorate import PHONE
from backend.votes.models import MatchedBy, Vote, VoteCode, VoteGuess, VoteMatch, VoteState, VoteUnit

CODE_LENGTH = 10
TRIES, CITY_TRIES, WINDOW = 5, 500, timedelta(hours=1)
CHUNK = 5_000


class WrongCode(BadInput):
    code = "wrong_code"
    sentence = "这个投票码不对。请照纸条上的再发一次，字母不分大小写。"


class TooManyCodes(TooMany):
    code = "too_many_codes"
    sentence = "试错的次数太多了，请过一小时再试，或者带证件到社区核对。"


@dataclass(frozen=True)
class Matched:
    vote: Vote
    unit: VoteUnit
    proxy: bool


def new_code() -> str:
    """A paper slip's code: 10 characters of 31, about 49 bits."""
    return "".join(secrets.choice(box.ALPHABET) for _ in range(CODE_LENGTH))


async def make_codes(session: AsyncSession, vote: Vote, *, scope: Scope, booth: Booth) -> list[tuple[str, str, str]]:
    """New slips for the whole electorate: (unit, name, code) for printing, this once. Older unused ones are void."""
    if vote.state is not VoteState.OPEN:
        raise Conflict("公布以后、结束以前才能印投票码。", code="not_open")
    await session.execute(
        delete(VoteCode).where(VoteCode.vote_id == vote.id, VoteCode.proxy.is_(False), VoteCode.used_at.is_(None))
    )
    units = (
        await session.execute(
            select(VoteUnit.id, VoteUnit.code, VoteUnit.name).where(VoteUnit.vote_id == vote.id).order_by(VoteUnit.id)
        )
    ).all()
    slips, rows = [], []
    for unit_id, unit, name in units:
        code = new_code()
        slips.append((unit, name, code))
        rows.append({"hash": booth.places.code("", code), "vote_id": vote.id, "unit_id": unit_id, "proxy": False})
    for start in range(0, len(rows), CHUNK):
        await session.execute(VoteCode.__table__.insert(), rows[start : start + CHUNK])
    service.log(session, vote, "codes", now=booth.now, scope=scope, number=len(slips))
    return slips


async def use_code(database: Database, conversation_id: int, code: str, *, booth: Booth) -> Matched:
    """Match the conversation's resident to the code's unit. Raises WrongCode, TooManyCodes, or Conflict (vote over).

    Opens its own transactions: the try is written down first, so that trying many at once gains nothing.
    """
    since = booth.now - WINDOW
    async with database.write() as session:
        await session.execute(select(Conversation.id).where(Conversation.id == conversation_id).with_for_update())
        await session.execute(delete(VoteGuess).where(VoteGuess.at < since))
        mine = await session.scalar(select(func.count()).where(VoteGuess.conversation_id == conversation_id))
        everyone = await session.scalar(select(func.count()).select_from(VoteGuess))
        if (mine or 0) >= TRIES or (everyone or 0) >= CITY_TRIES:
            raise TooManyCodes
        guess = VoteGuess(conversation_id=conversation_id, at=booth.now)
        session.add(guess)
        await session.flush()
        guess_id = guess.id
    async with database.write() as session:
        matched = await _spend(session, conversation_id, code, booth=booth)
        await session.execute(delete(VoteGuess).where(VoteGuess.id == guess_id))
        return matched


async def _spend(session: AsyncSession, conversation_id: int, code: str, *, booth: Booth) -> Matched:
    row = await session.get(VoteCode, booth.places.code("", code), with_for_update=True)
    if row is None or len(box.bare(code)) != CODE_LENGTH:
        raise WrongCode
    vote, unit = await session.get_one(Vote, row.vote_id), await session.get_one(VoteUnit, row.unit_id)
    conversation = await session.get_one(Conversation, conversation_id)
    if row.used_at is not None:
        if any(mine.id == unit.id for mine in await service.units_for(session, vote, conversation.resident_id)):
            return Matched(vote, unit, row.proxy)
        raise Conflict("这个投票码已经用过了。如果不是您用的，请联系社区。", code="code_used")
    if vote.state is not VoteState.OPEN or booth.now >= vote.ends_at:
        raise Conflict(f"“{vote.title}”已经结束，投票码不能用了。", code="vote_over")
    row.used_at = booth.now
    await match(session, vote, unit, conversation, how=MatchedBy.PROXY if row.proxy else MatchedBy.CODE, booth=booth)
    if row.proxy:
        await _tell_principal(session, vote, unit, conversation, booth=booth)
    return Matched(vote, unit, row.proxy)


async def match(
    session: AsyncSession,
    vote: Vote,
    unit: VoteUnit,
    conversation: Conversation,
    *,
    how: MatchedBy,
    booth: Booth,
    staff_id: int | None = None,
) -> bool:
    """Let the resident vote for the unit; returns False when somebody else does already and only staff may change that."""
    vote_id = vote.id if how is MatchedBy.PROXY else None
    there = (VoteMatch.area_code == vote.area_code, VoteMatch.basis == vote.basis, VoteMatch.unit_code == unit.code)
    same = VoteMatch.vote_id.is_(None) if vote_id is None else VoteMatch.vote_id == vote_id
    await session.execute(update(VoteMatch).where(*there, same, VoteMatch.ended_at.is_(None)).values(ended_at=booth.now))
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    added = await session.execute(
        dialect.insert(VoteMatch)
        .values(
            area_code=vote.area_code,
            basis=vote.basis,
            unit_code=unit.code,
            vote_id=vote_id,
            resident_id=conversation.resident_id,
            conversation_id=conversation.id,
            how=how,
            staff_id=staff_id,
            at=booth.now,
        )
        .on_conflict_do_nothing()
    )
    return bool(added.rowcount)


async def match_by_phone(session: AsyncSession, conversation: Conversation, phone: str, *, booth: Booth) -> list[VoteUnit]:
    """Match whoever has shown that this is their phone (its keyed hash) to the units of open votes that have it too.

    Not where several units of one vote have it (a family's number does not say who of them it is), and not where somebody
    is matched already: that is for staff.
    """
    rows = await session.execute(
        select(Vote, VoteUnit)
        .join(VoteUnit, VoteUnit.vote_id == Vote.id)
        .where(Vote.state == VoteState.OPEN, Vote.ends_at > booth.now, VoteUnit.phone == phone[:PHONE])
        .order_by(Vote.id, VoteUnit.id)
    )
    found = rows.all()
    several = {vote.id for (vote, _), (other, _) in pairwise(found) if vote.id == other.id}
    matched = []
    for vote, unit in found:
        if vote.id in several or await service.voices(session, vote, unit):
            continue
        if await match(session, vote, unit, conversation, how=MatchedBy.PHONE, booth=booth):
            service.log(session, vote, "matched", now=booth.now, unit=unit.code, phone=True)
            matched.append(unit)
    return matched


async def match_by_staff(
    session: AsyncSession, vote: Vote, *, code: str, conversation: Conversation, scope: Scope, booth: Booth
) -> VoteUnit:
    """Match after a staff member has checked who it is; who spoke for the unit before no longer does.

    Whether a phone number that the resident has left is the unit's is written down beside it.
    """
    unit = await service.unit_by_code(session, vote, code)
    phone = await same_phone(session, unit, conversation.resident_id)
    await match(session, vote, unit, conversation, how=MatchedBy.STAFF, booth=booth, staff_id=scope.staff_id)
    service.log(session, vote, "matched", now=booth.now, scope=scope, unit=unit.code, phone=phone)
    said = booth.sentences.say("utter_vote_matched", unit=unit.code, title=vote.title)
    await outbox.say(session, conversation, now=booth.now, text=said.text, buttons=said.buttons)
    return unit


async def same_phone(session: AsyncSession, unit: VoteUnit, resident_id: int) -> bool | None:
    """Whether the unit's phone is among those that the resident has left in the vault; None where either has none."""
    kept = await session.scalars(
        select(VaultItem.lookup).where(VaultItem.resident_id == resident_id, VaultItem.kind == Secret.PHONE)
    )
    left = {lookup[:PHONE] for lookup in kept}
    return unit.phone in left if unit.phone and left else None


async def unmatch(session: AsyncSession, vote: Vote, *, code: str, scope: Scope, booth: Booth) -> None:
    """Nobody votes online for the unit any more, until they are matched anew."""
    unit = await service.unit_by_code(session, vote, code)
    ended = await session.execute(
        update(VoteMatch)
        .where(
            VoteMatch.area_code == vote.area_code,
            VoteMatch.basis == vote.basis,
            VoteMatch.unit_code == unit.code,
            VoteMatch.ended_at.is_(None),
            VoteMatch.vote_id.is_(None) | (VoteMatch.vote_id == vote.id),
        )
        .values(ended_at=booth.now)
    )
    if not ended.rowcount:
        raise NotFound("这一户还没有核对过身份。")
    service.log(session, vote, "unmatched", now=booth.now, scope=scope, unit=unit.code)


async def own_unit(session: AsyncSession, vote: Vote, resident_id: int, unit_id: int) -> VoteUnit:
    """The unit that the resident votes for in their own right. Raises NotFound."""
    unit = await session.scalar(
        select(VoteUnit)
        .join(VoteMatch, VoteMatch.unit_code == VoteUnit.code)
        .where(
            VoteUnit.id == unit_id,
            VoteUnit.vote_id == vote.id,
            VoteMatch.resident_id == resident_id,
            VoteMatch.ended_at.is_(None),
            VoteMatch.vote_id.is_(None),
            VoteMatch.area_code == vote.area_code,
            VoteMatch.basis == vote.basis,
        )
    )
    if unit is None:
        raise NotFound("您不在这次投票的名单里，或者还没有核对身份。", code="not_in_electorate")
    return unit


async def consent(session: AsyncSession, vote: Vote, *, resident_id: int, unit_id: int, booth: Booth) -> str:
    """The voter's consent to a proxy, for this vote: a code to hand on. An earlier code and proxy are void."""
    service.check_open(vote, booth=booth)
    unit = await own_unit(session, vote, resident_id, unit_id)
    await revoke(session, vote, resident_id=resident_id, unit_id=unit_id, booth=booth)
    code = new_code()
    session.add(VoteCode(hash=booth.places.code("", code), vote_id=vote.id, unit_id=unit.id, proxy=True))
    service.log(session, vote, "consent", now=booth.now, unit=unit.code)
    return code


async def revoke(session: AsyncSession, vote: Vote, *, resident_id: int, unit_id: int, booth: Booth) -> bool:
    """Take the consent back; returns whether there was a proxy. A ballot that the proxy put in stays until it is replaced."""
    unit = await own_unit(session, vote, resident_id, unit_id)
    await session.execute(
        delete(VoteCode).where(VoteCode.unit_id == unit.id, VoteCode.proxy.is_(True), VoteCode.used_at.is_(None))
    )
    ended = await session.execute(
        update(VoteMatch)
        .where(VoteMatch.vote_id == vote.id, VoteMatch.unit_code == unit.code, VoteMatch.ended_at.is_(None))
        .values(ended_at=booth.now)
    )
    return bool(ended.rowcount)


async def _tell_principal(session: AsyncSession, vote: Vote, unit: VoteUnit, proxy: Conversation, *, booth: Booth) -> None:
    said = booth.sentences.say("utter_vote_proxy_begun", title=vote.title, unit=unit.code, number=vote.number, id=unit.id)
    for conversation in await service.voices(session, vote, unit):
        if conversation.id != proxy.id:
            await outbox.say(session, conversation, now=booth.now, text=said.text, buttons=said.buttons)
