"""linlitong db"""

import click

from linlitong import backup as backups
from linlitong.home import Home


@click.group("db")
def command() -> None:
    """Upgrade, back up and restore the database."""


@command.command()
def upgrade() -> None:
    """Bring the database to the newest schema; doing it again changes nothing."""
    from backend import migrations

    migrations.upgrade(Home.from_environment().database_url)


@command.command()
@click.argument("archive", type=click.Path(dir_okay=False))
def backup(archive: str) -> None:
    """Write everything that cannot be made again to ARCHIVE (.tar.gz), while the system runs or not.

    The databases, photos and files, the installation's secrets and the demo accounts. Keep it as safe as the record.
    """
    size = backups.write(Home.from_environment(), archive)
    click.echo(f"{archive}: {size / 1e6:.1f} MB")


@command.command()
@click.argument("archive", type=click.Path(exists=True, dir_okay=False))
@click.confirmation_option(prompt="This replaces the present record. Go on?")
def restore(archive: str) -> None:
    """Replace the record with what ARCHIVE holds; the system must not be running."""
    home = Home.from_environment()
    with home.hold():
        backups.read(home, archive)
    click.echo("restored")
