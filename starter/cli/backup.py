"""The command that makes a backup of an SQLite file."""

from pathlib import Path
from typing import Annotated

import typer

from activities.store import Store, StoreUnavailableError
from activities.store.backup import back_up, database_file
from starter.access import Permission, needs
from starter.cli.say import complain, say
from starter.cli.wiring import run_async, wired
from starter.settings import Settings, load_settings
from workflows.plain_errors import BadInputError


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("backup")(backup)


@needs(Permission.OPERATE)
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="the copy to be made; none is written over")],
) -> None:
    """Copy the SQLite database, as of one moment, while all goes on. Only you may read the copy."""

    settings, target = load_settings(), file.expanduser().absolute()

    async def work() -> int:
        # Whatever opens the database brings it up, and just before that is when a backup is wanted.
        if await _is_behind(settings):
            complain("the database is of an earlier version: it is copied as it is, and its audit does not tell of it")
            return back_up(settings.database, target)
        async with wired() as here:
            await here.write_down()
            return back_up(settings.database, target)

    try:
        size = run_async(work())
    except ValueError as error:
        raise BadInputError(f"FILE: {error}") from None
    say(f"Backed up: {file} ({size:,} bytes)")


async def _is_behind(settings: Settings) -> bool:
    there = database_file(settings.database)
    if not there.is_file():
        raise StoreUnavailableError(f"there is no database at {there}")
    store = Store(settings.database)
    try:
        return (await store.schema()).standing in ("unstamped", "behind")
    finally:
        await store.close()
