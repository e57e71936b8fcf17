"""A city of two grids, written straight into the record: enough for the event's whole life."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue.models import Department, Duty, HandlerKind, Item
from backend.conversations import service as conversations
from backend.conversations.models import Conversation, MessageKind
from backend.grids.models import Area, Level
from backend.staff.models import Role, Staff
from backend.staff.scope import Scope, scope_of

PATHS = {
    "city": ("", Level.CITY, "泰和市"),
    "d1": ("city", Level.DISTRICT, "海陵区"),
    "s1": ("d1", Level.STREET, "城东街道"),
    "c1": ("s1", Level.COMMUNITY, "宫涵社区"),
    "g1": ("c1", Level.GRID, "第一网格"),
    "g2": ("c1", Level.GRID, "第二网格"),
}
STAFF = {
    "member1": (Role.GRID_MEMBER, "g1", None),
    "head1": (Role.GRID_HEAD, "g1", None),
    "member2": (Role.GRID_MEMBER, "g2", None),
    "community1": (Role.COMMUNITY, "c1", None),
    "street1": (Role.STREET, "s1", None),
    "street2": (Role.STREET, "s1", None),
    "district1": (Role.DISTRICT, "d1", None),
    "housing1": (Role.DEPARTMENT, None, "housing"),
    "water1": (Role.DEPARTMENT, None, "water"),
}


@dataclass
class SmallCity:
    scopes: dict[str, Scope]


async def build(session: AsyncSession) -> SmallCity:
    """Write the city and return the scopes of its staff by account name."""
    paths: dict[str, str] = {}
    for code, (parent, level, name) in PATHS.items():
        paths[code] = paths.get(parent, "") + code + "/"
        session.add(Area(code=code, parent_code=parent or None, level=level, name=name, path=paths[code]))
        await session.flush()
    session.add_all([Department(code="housing", name="住建局"), Department(code="water", name="水务局")])
    session.add_all(
        [
            Item(code="streetlight", category="市政设施", name="路灯故障", due_hours=16),
            Item(code="garbage", category="环境卫生", name="垃圾清运", due_hours=8),
            Item(code="drainage", category="市政设施", name="排水堵塞与积水", due_hours=16),
            Item(code="x_stock", category="不在受理范围", name="投资理财亏损", admitted=False, channel="请打12386。"),
        ]
    )
    await session.flush()
    session.add_all(
        [
            Duty(item_code="streetlight", area_code="city", handler=HandlerKind.GRID),
            Duty(item_code="garbage", area_code="city", handler=HandlerKind.DEPARTMENT, department_code="housing"),
        ]
    )
    scopes = {}
    for username, (role, area, department) in STAFF.items():
        staff = Staff(username=username, name=f"{username}员", role=role, area_code=area, department_code=department)
        session.add(staff)
        await session.flush()
        scopes[username] = await scope_of(session, staff)
    return SmallCity(scopes)


async def resident(session: AsyncSession, address: str, *, now: datetime) -> Conversation:
    """A resident who has written once from a web device, and whose turn is over."""
    accepted = await conversations.accept(
        session,
        conversations.Inbound(channel="web", external_id="0", address=address, kind=MessageKind.TEXT, text="你好"),
        now=now,
    )
    accepted.message.turn_state = conversations.TurnState.DONE
    return accepted.conversation
