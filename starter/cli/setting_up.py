"""The command that sees to what must be there before workers and the service run: `homeward setup`."""

from typing import Annotated

import typer
from temporalio.client import RPCError

from activities.policies import Policies
from activities.store import Store
from activities.store.database_id import database_id
from starter.access import needs
from starter.cli.say import EXIT_BAD_INPUT, complain, say
from starter.cli.wiring import prepare_data_folder, run_async
from starter.client import EngineSilentError
from starter.identity.settings import load_identity_settings
from starter.post_office import ways_out
from starter.post_settings import load_post_settings
from starter.setting_up import Part, reach_engine, set_up_database, set_up_engine
from starter.settings import load_settings
from starter.upkeep import timetables_of

EXIT_TO_MAKE = 1


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("setup")(setup)


@needs(None)
def setup(
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="the database's schema may be made or changed; take a backup before")
    ] = False,
    role: Annotated[
        str | None, typer.Option("--grant", metavar="ROLE", help="the role of PostgreSQL that Homeward works as")
    ] = None,
    wait_seconds: Annotated[
        float, typer.Option("--wait", metavar="SECONDS", min=0, max=3600, help="how long the engine may take to start")
    ] = 0,
    claims: Annotated[
        bool,
        typer.Option("--claim-namespace", help="the engine's namespace works for this database from now on"),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="only say what is there and what is not; exit 1 when something is not")
    ] = False,
) -> int:
    """See to it that all is there before the parts run: schema, rights, namespace, search attributes, schedules."""
    settings, post_settings = load_settings(), load_post_settings()
    ways_out(post_settings)
    load_identity_settings(settings)
    Policies.load(settings.policy_dir)
    prepare_data_folder(settings)
    parts: list[Part] = []

    async def work() -> None:
        store = Store(settings.database)
        try:
            async for part in set_up_database(store, role, upgrade=upgrade, dry=dry_run):
                _say(part, parts)
            database = await _id_of(store)
        finally:
            await store.close()
        client = await reach_engine(settings, wait_seconds)
        timetables = timetables_of(settings, post_settings, client)
        async for part in set_up_engine(client, database, timetables, claims=claims, dry=dry_run):
            _say(part, parts)

    try:
        run_async(work())
    except (EngineSilentError, RPCError) as silence:
        complain(str(silence) if isinstance(silence, EngineSilentError) else "the engine did not answer")
        return EXIT_BAD_INPUT
    return EXIT_TO_MAKE if any(part.done == "to make" for part in parts) else 0


async def _id_of(store: Store) -> str | None:
    if (await store.schema()).pending:
        return None
    async with store.snapshot() as session:
        return await database_id(session)


def _say(part: Part, parts: list[Part]) -> None:
    parts.append(part)
    say(f"{part.done:<7}  {part.what}")
