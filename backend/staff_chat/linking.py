"""Linking a staff account to a private chat: a code made in the console, used once, within minutes."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.errors import Forbidden, LinlitongError, TooMany
from backend.staff.models import Staff
from backend.staff.passwords import LETTERS
from backend.staff.scope import DESK_ROLES, Scope
from backend.staff.service import digest
from backend.staff_chat.models import LinkCode, LinkTry, StaffChat

VALID = timedelta(minutes=10)
CODE_LENGTH = 8
THROTTLE = timedelta(minutes=15)
PER_ADDRESS = 5
ALTOGETHER = 200


class WrongCode(LinlitongError):
    status = 422
    code = "wrong_link_code"


async def new_code(session: AsyncSession, scope: Scope, *, now: datetime) -> str:
    """A code for this account, in place of an earlier one: 39 bits in eight characters. Raises Forbidden without a desk."""
    if scope.role not in DESK_ROLES:
        raise Forbidden("只有值班台的账号能在 Telegram 里接待居民。")
    code = "".join(secrets.choice(LETTERS) for _ in range(CODE_LENGTH))
    await session.execute(delete(LinkCode).where(or_(LinkCode.staff_id == scope.staff_id, LinkCode.expires_at <= now)))
    session.add(LinkCode(staff_id=scope.staff_id, code_hash=digest(code), expires_at=now + VALID))
    await session.flush()
    return f"{code[:4]}-{code[4:]}".upper()


async def link(
    session: AsyncSession, *, channel: str, address: str, code: str, now: datetime
) -> tuple[StaffChat, Staff, StaffChat | None]:
    """Use a code up: (the chat, its account, the chat that the account had before elsewhere).

    Raises TooMany when this chat, or all together, have tried too many wrong ones of late; WrongCode otherwise. Who catches it
    calls ``failed``.
    """
    since = LinkTry.at > now - THROTTLE
    here = await session.scalar(select(func.count()).select_from(LinkTry).where(since, LinkTry.address == address))
    everywhere = await session.scalar(select(func.count()).select_from(LinkTry).where(since))
    if (here or 0) >= PER_ADDRESS or (everywhere or 0) >= ALTOGETHER:
        raise TooMany(code="too_many_tries")
    bare = "".join(code.split()).replace("-", "").lower()
    found = await session.scalar(
        select(LinkCode).where(LinkCode.code_hash == digest(bare), LinkCode.expires_at > now).with_for_update()
    )
    staff = await session.get(Staff, found.staff_id) if found else None
    if found is None or staff is None or staff.disabled_at is not None or staff.role not in DESK_ROLES:
        raise WrongCode
    await session.delete(found)
    before = await session.scalar(select(StaffChat).where(StaffChat.staff_id == staff.id))
    elsewhere = before if before is not None and (before.channel, before.address) != (channel, address) else None
    mine = (StaffChat.channel == channel) & (StaffChat.address == address)
    await session.execute(delete(StaffChat).where(or_(StaffChat.staff_id == staff.id, mine)))
    chat = StaffChat(staff_id=staff.id, channel=channel, address=address, working=True, linked_at=now)
    session.add(chat)
    await session.flush()
    return chat, staff, elsewhere


async def failed(session: AsyncSession, *, address: str, now: datetime) -> None:
    """Write down a wrong code; those that no longer count are forgotten."""
    await session.execute(delete(LinkTry).where(LinkTry.at <= now - THROTTLE))
    session.add(LinkTry(address=address, at=now))
    await session.flush()


async def of_staff(session: AsyncSession, staff_id: int) -> StaffChat | None:
    """The chat that belongs to an account."""
    return await session.scalar(select(StaffChat).where(StaffChat.staff_id == staff_id))


async def unlink(session: AsyncSession, staff_id: int) -> None:
    """The account has no chat any more, and no code."""
    await session.execute(delete(StaffChat).where(StaffChat.staff_id == staff_id))
    await session.execute(delete(LinkCode).where(LinkCode.staff_id == staff_id))
