"""Staff accounts and their sign-ins."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue.models import Department
from backend.db import Database, wake
from backend.errors import BadInput, Conflict, LinlitongError, NotFound, NotSignedIn, TooMany
from backend.grids.models import Area
from backend.staff import passwords
from backend.staff.models import Role, SignInFailure, Staff, StaffSession
from backend.staff.scope import LEVELS, Scope, scope_with
from backend.staff_chat.models import LinkCode, StaffChat

THROTTLE_MINUTES = 15
PER_ACCOUNT = 5
PER_ADDRESS = 20
KEPT_DAYS = 1


class WrongPassword(LinlitongError):
    status = 401
    code = "wrong_password"
    sentence = "用户名或密码不对。"


class TooManyTries(TooMany):
    code = "too_many_tries"
    sentence = "试错的次数太多了，请过 15 分钟再登录；忘了密码请找管理员重置。"


@dataclass(frozen=True)
class SignedIn:
    """A valid sign-in: who, what is theirs, and what their forms must carry."""

    staff: Staff
    scope: Scope
    scope_name: str
    csrf: str
    expires_at: datetime


async def sign_in(
    database: Database, *, username: str, password: str, remote: str, now: datetime, hours: int
) -> tuple[str, SignedIn]:
    """Return (token, sign-in). Raises TooManyTries or WrongPassword; both are the same for names that do not exist.

    The attempt is written down before the password is looked at, so that trying many at once gains nothing.
    It opens its own transactions: none is held while the password is checked.
    """
    username = username.strip()[:64]
    attempt = await _attempt(database, username, remote, now)
    async with database.read() as session:
        staff = await session.scalar(select(Staff).where(Staff.username == username, Staff.disabled_at.is_(None)))
    if not await passwords.fits(password, staff.password_hash if staff else "") or staff is None:
        raise WrongPassword
    token = secrets.token_urlsafe(32)
    async with database.write() as session:
        await session.execute(delete(SignInFailure).where((SignInFailure.username == username) | (SignInFailure.id == attempt)))
        await session.execute(delete(SignInFailure).where(SignInFailure.at < now - timedelta(days=KEPT_DAYS)))
        await session.execute(delete(StaffSession).where(StaffSession.expires_at <= now))
        session.add(
            StaffSession(
                token_hash=digest(token),
                staff_id=staff.id,
                csrf=secrets.token_urlsafe(24),
                created_at=now,
                expires_at=now + timedelta(hours=hours),
            )
        )
        await session.flush()
        return token, await who(session, token, now=now)


async def _attempt(database: Database, username: str, remote: str, now: datetime) -> int:
    async with database.write() as session:
        row = SignInFailure(username=username, remote=remote[:64], at=now)
        session.add(row)
        await session.flush()
        attempt = row.id
    since = SignInFailure.at > now - timedelta(minutes=THROTTLE_MINUTES)
    async with database.write() as session:
        by_account = await session.scalar(select(func.count()).where(since, SignInFailure.username == username))
        by_address = await session.scalar(select(func.count()).where(since, SignInFailure.remote == remote[:64]))
        if too_many := (by_account or 0) > PER_ACCOUNT or (by_address or 0) > PER_ADDRESS:
            await session.execute(delete(SignInFailure).where(SignInFailure.id == attempt))
    if too_many:
        raise TooManyTries
    return attempt


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def who(session: AsyncSession, token: str, *, now: datetime) -> SignedIn:
    """Return whose token it is. Raises NotSignedIn when it is unknown, over, or its account disabled."""
    query = _valid(token, now).outerjoin(Area, Area.code == Staff.area_code).with_only_columns(StaffSession, Staff, Area)
    found = (await session.execute(query)).first()
    if found is None:
        raise NotSignedIn
    signed, staff, area = found
    return SignedIn(
        staff=staff,
        scope=scope_with(staff, area.path if area else ""),
        scope_name=await scope_name(session, staff),
        csrf=signed.csrf,
        expires_at=signed.expires_at,
    )


def _valid(token: str, now: datetime) -> Select[Any]:
    """The account whose sign-in this is, unless that is over or the account disabled."""
    return (
        select(StaffSession.staff_id)
        .join(Staff, Staff.id == StaffSession.staff_id)
        .where(StaffSession.token_hash == digest(token), StaffSession.expires_at > now, Staff.disabled_at.is_(None))
    )


async def check(session: AsyncSession, token: str, *, now: datetime) -> None:
    """Raises NotSignedIn as ``who`` does."""
    if await session.scalar(_valid(token, now)) is None:
        raise NotSignedIn


async def sign_out(session: AsyncSession, token: str) -> None:
    """End the sign-in; one that is over already stays over."""
    await session.execute(delete(StaffSession).where(StaffSession.token_hash == digest(token)))
    wake(session, "console")


async def scope_name(session: AsyncSession, staff: Staff) -> str:
    """What is theirs, in words: 海陵区城东街道宫涵社区, a department's name, or the city's."""
    if staff.department_code:
        return (await session.get_one(Department, staff.department_code)).name
    area = await session.get_one(Area, staff.area_code)
    codes = area.path.strip("/").split("/")
    names = list(await session.scalars(select(Area.name).where(Area.code.in_(codes)).order_by(func.length(Area.path))))
    around = names[1:] or names
    return "".join(name for name, below in zip(around, [*around[1:], ""], strict=True) if not below.startswith(name))


async def create(
    session: AsyncSession,
    *,
    username: str,
    name: str,
    role: Role,
    area_code: str | None,
    department_code: str | None,
    password: str,
) -> Staff:
    """Add an account. Raises Conflict for a name that is taken, BadInput for a wrong scope or a short password."""
    if await session.scalar(select(Staff.id).where(Staff.username == username)):
        raise Conflict("这个用户名已经有人用了。", code="username_taken")
    if (role is Role.DEPARTMENT) != bool(department_code) or (role is not Role.DEPARTMENT) != bool(area_code):
        raise BadInput("部门账号要填部门，其他账号要填区域。", fields=["area_code", "department_code"])
    area = await session.get(Area, area_code) if area_code else None
    if area_code and area is None:
        raise BadInput("没有这个区域。", fields=["area_code"])
    if area and area.level is not LEVELS[role]:
        raise BadInput("区域要和角色同一层级。", fields=["area_code"])
    if department_code and await session.get(Department, department_code) is None:
        raise BadInput("没有这个部门。", fields=["department_code"])
    staff = Staff(
        username=username,
        name=name,
        role=role,
        area_code=area_code,
        department_code=department_code,
        password_hash=await _checked_hash(password),
    )
    session.add(staff)
    await session.flush()
    return staff


async def by_username(session: AsyncSession, username: str) -> Staff:
    """Return the account. Raises NotFound."""
    staff = await session.scalar(select(Staff).where(Staff.username == username))
    if staff is None:
        raise NotFound("没有这个账号。")
    return staff


async def disable(session: AsyncSession, staff: Staff, *, now: datetime) -> None:
    """Close the account; whoever is signed in with it is out with their next request."""
    staff.disabled_at = now
    await _end_sign_ins(session, staff)


async def reset_password(session: AsyncSession, staff: Staff, password: str) -> None:
    """Set a new password, open the account again if it was closed, and end every sign-in."""
    staff.password_hash, staff.disabled_at = await _checked_hash(password), None
    await session.execute(delete(SignInFailure).where(SignInFailure.username == staff.username))
    await _end_sign_ins(session, staff)


async def _end_sign_ins(session: AsyncSession, staff: Staff) -> None:
    await session.execute(delete(StaffSession).where(StaffSession.staff_id == staff.id))
    await session.execute(delete(StaffChat).where(StaffChat.staff_id == staff.id))
    await session.execute(delete(LinkCode).where(LinkCode.staff_id == staff.id))
    wake(session, "console")


async def _checked_hash(password: str) -> str:
    if len(password) < passwords.MIN_LENGTH:
        raise BadInput(f"密码至少 {passwords.MIN_LENGTH} 个字符。", fields=["password"])
    return await passwords.hash_password(password)
