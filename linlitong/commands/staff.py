"""linlitong staff"""

import asyncio
from collections.abc import Awaitable, Callable

import click
from sqlalchemy.ext.asyncio import AsyncSession

from linlitong.home import Home


@click.group("staff")
def command() -> None:
    """Create and disable staff accounts, and reset their passwords."""


@command.command()
@click.argument("username")
@click.option("--name", required=True, help="The name that colleagues and residents see.")
@click.option(
    "--role",
    required=True,
    type=click.Choice(
        [
            *("grid_member", "grid_head", "community", "street", "district", "department", "admin"),
            *("law_volunteer", "law_coordinator"),
        ]
    ),
)
@click.option("--area", help="Code of the area that is theirs; for every role but department. For the legal desk the city.")
@click.option("--department", help="Code of their department.")
def create(username: str, name: str, role: str, area: str | None, department: str | None) -> None:
    """Add the account USERNAME and print its password, which is shown once."""
    from backend.staff import passwords, service
    from backend.staff.models import Role

    password = passwords.new_password()

    async def work(session: AsyncSession) -> None:
        await service.create(
            session,
            username=username,
            name=name,
            role=Role(role),
            area_code=area,
            department_code=department,
            password=password,
        )

    _in_transaction(work)
    click.echo(password)


@command.command()
@click.argument("username")
def disable(username: str) -> None:
    """Close the account USERNAME; whoever is signed in with it is out at once."""
    from backend.clock import SystemClock
    from backend.staff import service

    async def work(session: AsyncSession) -> None:
        await service.disable(session, await service.by_username(session, username), now=SystemClock().now())

    _in_transaction(work)
    click.echo(f"{username} is closed")


@command.command()
@click.argument("username")
def reset(username: str) -> None:
    """Give USERNAME a new password and print it; opens a closed account again and ends its sign-ins."""
    from backend.staff import passwords, service

    password = passwords.new_password()

    async def work(session: AsyncSession) -> None:
        await service.reset_password(session, await service.by_username(session, username), password)

    _in_transaction(work)
    click.echo(password)


def _in_transaction(work: Callable[[AsyncSession], Awaitable[None]]) -> None:
    """Run ``work`` over this installation's record; an error becomes one sentence and exit code 1."""
    from backend import models  # noqa: F401 - foreign keys need every table
    from backend.db import Database
    from backend.errors import LinlitongError

    async def run() -> None:
        database = Database(Home.from_environment().database_url)
        try:
            async with database.write() as session:
                await work(session)
        finally:
            await database.close()

    try:
        asyncio.run(run())
    except LinlitongError as error:
        raise click.ClickException(error.sentence) from None
