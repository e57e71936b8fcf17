"""What a staff member may see and on which desk they sit."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, exists, false, or_
from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue.models import HandlerKind
from backend.conversations.models import Conversation, Holder
from backend.desk.models import Transfer
from backend.events.models import Assignment, Event
from backend.grids.models import Area, Level
from backend.staff.models import Role, Staff

DESKS = {
    Role.GRID_MEMBER: HandlerKind.GRID,
    Role.GRID_HEAD: HandlerKind.GRID,
    Role.COMMUNITY: HandlerKind.COMMUNITY,
    Role.STREET: HandlerKind.STREET,
    Role.DISTRICT: HandlerKind.DISTRICT,
    Role.DEPARTMENT: HandlerKind.DEPARTMENT,
}
# The level of the area that an account of this role has; a department's has none.
LEVELS = {
    Role.GRID_MEMBER: Level.GRID,
    Role.GRID_HEAD: Level.GRID,
    Role.COMMUNITY: Level.COMMUNITY,
    Role.STREET: Level.STREET,
    Role.DISTRICT: Level.DISTRICT,
    Role.ADMIN: Level.CITY,
    Role.LAW_VOLUNTEER: Level.CITY,
    Role.LAW_COORDINATOR: Level.CITY,
}
MANAGERS = frozenset({Role.GRID_HEAD, Role.COMMUNITY, Role.STREET, Role.DISTRICT, Role.ADMIN})
DESK_ROLES = frozenset({Role.GRID_MEMBER, Role.GRID_HEAD, Role.COMMUNITY, Role.STREET, Role.DISTRICT, Role.ADMIN})
GRID_ROLES = frozenset({Role.GRID_MEMBER, Role.GRID_HEAD})
VOTE_ROLES = DESK_ROLES - GRID_ROLES
# They serve the whole city on the legal desk, and see neither its events nor its conversations.
LAW_ROLES = frozenset({Role.LAW_VOLUNTEER, Role.LAW_COORDINATOR})


@dataclass(frozen=True)
class Scope:
    """A signed-in staff member with the part of the city that is theirs. ``path`` is empty for departments."""

    staff_id: int
    name: str
    role: Role
    path: str
    area_code: str | None
    department_code: str | None

    @property
    def desk(self) -> tuple[HandlerKind, str] | None:
        """The desk they work at, or None for administrators."""
        kind = DESKS.get(self.role)
        code = self.department_code if kind is HandlerKind.DEPARTMENT else self.area_code
        return (kind, code) if kind and code else None

    def covers(self, area_path: str) -> bool:
        return bool(self.path) and area_path.startswith(self.path)

    def events(self) -> ColumnElement[bool]:
        """The condition under which an event exists for this person: it lies in their area, their desk works or worked
        on it, or they reported it themselves.
        """
        conditions = [Event.reporter_staff_id == self.staff_id]
        if self.path:
            conditions.append(Event.area_path.startswith(self.path, autoescape=True))
        if self.desk:
            kind, code = self.desk
            conditions.append(
                exists().where(Assignment.event_id == Event.id, Assignment.handler == kind, Assignment.handler_code == code)
            )
        return or_(*conditions)

    def conversations(self) -> ColumnElement[bool]:
        """The conversations on desks within their scope, theirs, those that wait with no community known yet (for communities
        and above), and those that a colleague offers to them.

        A conversation that never asked for a person is nobody's.
        """
        if self.role not in DESK_ROLES or not self.path:
            return false()
        within = exists().where(Area.code == Conversation.desk_area_code, Area.path.startswith(self.path, autoescape=True))
        nowhere = and_(Conversation.desk_area_code.is_(None), Conversation.holder != Holder.BOT)
        offered = exists().where(
            Transfer.conversation_id == Conversation.id,
            Transfer.ended_at.is_(None),
            or_(Transfer.to_staff_id == self.staff_id, Transfer.to_area_code == self.area_code),
        )
        conditions = [within, Conversation.staff_id == self.staff_id, offered]
        if self.role not in GRID_ROLES:
            conditions.append(nowhere)
        return or_(*conditions)


async def scope_of(session: AsyncSession, staff: Staff) -> Scope:
    """Return the scope of an account; an administrator's is the whole city, the legal desk's holds no event."""
    area = await session.get(Area, staff.area_code) if staff.area_code else None
    return scope_with(staff, area.path if area else "")


def scope_with(staff: Staff, path: str) -> Scope:
    """The scope of an account whose area's path is known."""
    return Scope(
        staff_id=staff.id,
        name=staff.name,
        role=staff.role,
        path=path if staff.role not in LAW_ROLES else "",
        area_code=staff.area_code,
        department_code=staff.department_code,
    )
