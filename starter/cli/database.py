"""Commands about the database's schema: where it stands, up, and down."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final, TypeVar

import typer

from activities.store import Store
from activities.store.schema import HEAD, SchemaState
from starter.cli.say import say, say_json
from starter.cli.wiring import prepare_data_folder, run_async
from starter.settings import load_settings
from workflows.plain_errors import BadInputError

database_app = typer.Typer(help="The database's schema: where it stands, and bringing it up or down.")

Answer = TypeVar("Answer")

_STANDING: Final = {
    "empty": "the database is empty",
    "unstamped": "the database is as a version without revisions made it",
    "behind": "it is behind this Homeward",
    "current": "it is what this Homeward needs",
    "served": "it is ahead of this Homeward, and serves it",
    "ahead": "it is ahead of this Homeward, and does not serve it",
}


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(database_app, name="database")


def in_words(state: SchemaState) -> str:
    """Where a schema stands, for a person."""
    return f"{state.revision or 'no revision'}: {_STANDING[state.standing]}"


@database_app.command("show")
def show(as_json: Annotated[bool, typer.Option("--json", help="answer in JSON")] = False) -> None:
    """Say at which revision the schema is, which this Homeward needs, and what is pending."""
    state = _with_store(lambda store: store.schema())
    if as_json:
        pending = list(state.pending)
        say_json({"revision": state.revision, "standing": state.standing, "needed": HEAD, "pending": pending})
        return
    say(f"Schema:  {in_words(state)}")
    say(f"Needed:  {HEAD}")
    say(f"Pending: {', '.join(state.pending) or 'nothing'}")


@database_app.command("upgrade")
def upgrade() -> None:
    """Bring the schema to what this Homeward needs. Keep a backup; only one of several at once does it."""
    done = _with_store(lambda store: store.upgrade())
    say(f"Upgraded: {', '.join(done)}" if done else "Nothing to upgrade")


@database_app.command("downgrade")
def downgrade(
    revision: Annotated[str, typer.Argument(metavar="REVISION", help="to which revision; 'base' is no tables at all")],
    yes: Annotated[bool, typer.Option("--yes", help="yes: what is only in newer tables may be lost")] = False,
) -> None:
    """Bring the schema back to an earlier revision. What is only in newer tables and columns is lost."""
    if not yes:
        raise BadInputError("--yes: must be given, because what is only in newer tables and columns is lost")

    async def work(store: Store) -> None:
        try:
            await store.downgrade(revision)
        except ValueError as error:
            raise BadInputError(f"REVISION: {error}") from None

    _with_store(work)
    say(f"Downgraded to {revision}")


def _with_store(work: Callable[[Store], Awaitable[Answer]]) -> Answer:
    settings = load_settings()
    prepare_data_folder(settings)

    async def over_store() -> Answer:
        store = Store(settings.database)
        try:
            return await work(store)
        finally:
            await store.close()

    return run_async(over_store())
