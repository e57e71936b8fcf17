"""Staff accounts from a CSV file. A new account has no password and cannot sign in until one is set."""

from sqlalchemy.ext.asyncio import AsyncSession

from backend.csvrows import Changes, Column, Table, Values, code, one_of, sync, text
from backend.grids.models import Level
from backend.staff.models import Role, Staff
from backend.staff.scope import LEVELS

STAFF = (
    Column("username", text(64)),
    Column("name", text(32)),
    Column("role", one_of(Role)),
    Column("area_code", code, required=False, default=None),
    Column("department_code", code, required=False, default=None),
    Column("phone", text(32), required=False),
)


def check_staff(table: Table, *, areas: dict[str, Level], departments: set[str]) -> None:
    """Report accounts whose area or department does not fit their role."""
    table.unique("username")
    for row in table.rows:
        role, area, department = (row.values[name] for name in ("role", "area_code", "department_code"))
        if role is Role.DEPARTMENT:
            if department not in departments:
                table.wrong(row.line, "department_code", "部门人员要填已有的部门编码。")
            if area:
                table.wrong(row.line, "area_code", "部门人员不填区划编码。")
        elif role in LEVELS:
            if areas.get(area) is not LEVELS[role]:
                table.wrong(row.line, "area_code", "要填已有的、与角色同一层级的区划编码。")
            if department:
                table.wrong(row.line, "department_code", "只有部门人员填部门编码。")


async def staff_import(session: AsyncSession, rows: list[Values]) -> Changes:
    """Add and change accounts; passwords stay as they are, and none is removed: leaving staff are disabled by hand."""
    return await sync(session, Staff, rows, key=("username",), replace=False)
