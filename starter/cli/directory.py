"""Commands about the directory: who is told for a child, and who stands in."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from activities.store.child_records import child_of
from activities.store.directory import directory_for, everyone
from activities.store.episodes import list_episodes
from starter.cli.say import complain, say, say_json, say_table
from starter.cli.wiring import Wired, run_async, wired
from starter.client import EngineSilentError
from starter.directory_files import COLUMNS, read_directory_file, take_in_directory
from workflows.instants import in_words, parse_instant
from workflows.plain_errors import BadInputError
from workflows.vocabulary import Role

directory_app = typer.Typer(
    help="Who holds which role for whom, who deputises, who is on call, who is away.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Kind = Annotated[str, typer.Argument(metavar="KIND", help=f"one of {', '.join(COLUMNS)}")]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(directory_app, name="directory")


@directory_app.command("columns")
def columns(kind: Kind) -> None:
    """Say the columns of a kind of file, as its first line."""
    if kind not in COLUMNS:
        raise BadInputError(f"kind: '{kind}' is unknown; use one of {', '.join(COLUMNS)}")
    say(",".join(COLUMNS[kind]))


@directory_app.command("import")
def import_file(
    kind: Kind,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="a CSV file")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="check the file, and write nothing")] = False,
) -> None:
    """Take in a file of the directory, all of it or nothing; open episodes look again at who holds what."""
    read, now = read_directory_file(kind, file), datetime.now(UTC)
    if dry_run:
        say(f"{len(read.rows)} rows are well formed; nothing was written")
        return

    async def work() -> int:
        async with wired() as here:
            async with here.store.session() as session:
                taken = await take_in_directory(session, here.settings.authority, read, now)
            await _tell_open_episodes(here, now)
            return taken

    say(f"Taken in: {run_async(work())} rows of {kind}")


@directory_app.command("check")
def check() -> None:
    """Have every open episode look again at who holds each role."""

    async def work() -> None:
        async with wired() as here:
            await _tell_open_episodes(here, datetime.now(UTC))

    run_async(work())


async def _tell_open_episodes(here: Wired, now: datetime) -> None:
    async with here.store.session() as session:
        open_ones = await list_episodes(session, now, include_closed=False)
    if not open_ones:
        return
    try:
        episodes = await here.commands.engine()
        for episode in open_ones:
            await episodes.directory_changed(episode.episode_id)
    except EngineSilentError as silence:
        complain(f"{silence}: the directory is changed, and open episodes do not know yet; 'homeward directory check'")


@directory_app.command("show")
def show(as_json: Annotated[bool, typer.Option("--json", help="answer in JSON")] = False) -> None:
    """Show everybody in the directory."""

    async def work() -> list[list[str]]:
        async with wired() as here, here.store.session() as session:
            found = await everyone(session, here.settings.authority)
            return [[one.reference, one.name, one.hours, one.deputies] for one in found]

    rows = run_async(work())
    if as_json:
        say_json([dict(zip(COLUMNS["people"], row, strict=True)) for row in rows])
        return
    say_table(["Person", "Name", "Hours", "Deputies"], rows)


@directory_app.command("who")
def who(
    role: Annotated[str, typer.Argument(metavar="ROLE", help=f"one of {', '.join(Role)}")],
    child: Annotated[str | None, typer.Option(help="the case system's number for the child")] = None,
    at: Annotated[str | None, typer.Option(help="when, RFC 3339 with an offset; now, if not given")] = None,
    waits: Annotated[bool, typer.Option("--can-wait", help="for what need not reach somebody at once")] = False,
) -> int:
    """Say who would be told what is meant for a role at a moment, and why that person."""
    if role not in set(Role):
        raise BadInputError(f"role: '{role}' is unknown; use one of {', '.join(Role)}")
    try:
        moment = parse_instant(at) if at else datetime.now(UTC)
    except ValueError as error:
        raise BadInputError(f"--at: {error}") from None

    async def work() -> list[list[str]]:
        async with wired() as here, here.store.session() as session:
            authority = here.settings.authority
            known = await child_of(session, authority, child) if child else None
            if child and known is None:
                raise BadInputError("--child: no child of that number is known here")
            directory = await directory_for(session, authority, known, (Role(role),), moment)
            names = {person.id: person.name for person in directory.people}
            found = directory.recipients(Role(role), moment, urgent=not waits)
            return [[names[one.person], one.cover.replace("_", " ")] for one in found]

    rows = run_async(work())
    if not rows:
        complain(f"nobody is on record as {role} at {in_words(moment)}, and nobody stands in")
        return 1
    say_table(["Who", "As"], rows)
    return 0
