"""Commands about the directory: who is told for a child, and who stands in."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from starter.access import Permission, needs
from starter.cli import directory_changes
from starter.cli.directory_changes import WHEN, tell_open_episodes
from starter.cli.say import complain, say, say_json, say_table, say_text
from starter.cli.wiring import run_async, wired
from starter.directory_changes import SPANS, rows_there
from starter.directory_files import TakenIn, as_csv, compare_lines, read_directory_file, take_in_directory
from starter.directory_rows import COLUMNS, Row, cells, check_kind, read_moment
from starter.directory_who import held_by_nobody, who_is_told
from workflows.directory import channels_of
from workflows.instants import in_words
from workflows.plain_errors import BadInputError
from workflows.vocabulary import ROLE_WORDS, Role

directory_app = typer.Typer(
    help="Who holds which role for whom, who deputises, who is on call, who is away.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Kind = Annotated[str, typer.Argument(metavar="KIND", help=f"one of {', '.join(COLUMNS)}")]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    directory_changes.add_to(directory_app)
    app.add_typer(directory_app, name="directory")


@directory_app.command("columns")
@needs(None)
def columns(kind: Kind) -> None:
    """Say the columns of a kind of file, as its first line."""
    check_kind(kind)
    say(",".join(COLUMNS[kind]))


@directory_app.command("export")
@needs(Permission.READ_DIRECTORY)
def export(kind: Kind) -> None:
    """Print what the directory holds as a file that can be taken in again; names and addresses are in it."""
    check_kind(kind)
    say_text(as_csv(kind, _rows(kind)[kind]))


def _rows(*kinds: str) -> dict[str, list[Row]]:
    async def work() -> dict[str, list[Row]]:
        async with wired() as here, here.store.snapshot() as session:
            return {kind: await rows_there(session, here.settings.authority, kind) for kind in kinds}

    return run_async(work())


@directory_app.command("import")
@needs(Permission.CHANGE_DIRECTORY)
def import_file(
    kind: Kind,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="a CSV file")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="check the file against the directory, and write nothing")
    ] = False,
) -> None:
    """Take in a file of the directory, all of it or nothing; open episodes look again at who holds what.

    A file of holders, rota or leave takes the place of ALL there was: what it does not say is no longer so. People and
    teams that a file does not name stay as they are.
    """
    read, now = read_directory_file(kind, file), datetime.now(UTC)

    async def work() -> TakenIn:
        async with wired() as here:
            async with here.store.snapshot() as session:
                compared = await compare_lines(session, here.settings.authority, read)
            if dry_run:
                _say_what_goes(read.kind, compared.taken)
                return compared.taken
            async with here.changing_directory(compared.rows_of(read)) as session:
                _say_what_goes(read.kind, compared.taken)
                taken = await take_in_directory(session, here.settings.authority, read, now)
            await tell_open_episodes(here, now)
            return taken

    taken = run_async(work())
    say(
        f"{'Nothing was written; this would be' if dry_run else 'Taken in'}: {len(read.rows)} rows of {kind}: "
        f"{taken.added} added, {taken.changed} changed, {taken.removed} removed, {taken.unchanged} as they were"
    )


def _say_what_goes(kind: str, taken: TakenIn) -> None:
    if kind in SPANS:
        there = taken.removed + taken.unchanged
        comes_and_goes = f"{taken.added} come, {taken.removed} go, {taken.unchanged} stay"
        say(f"The file takes the place of all rows of {kind} there are ({there}): {comes_and_goes}")


@directory_app.command("check")
@needs(Permission.CHANGE_DIRECTORY)
def check() -> None:
    """Have every open episode look again at who holds each role; warn of roles held by nobody authority-wide."""

    async def work() -> tuple[Role, ...]:
        async with wired() as here:
            now = datetime.now(UTC)
            async with here.store.snapshot() as session:
                bare = await held_by_nobody(session, here.policies, here.settings.authority, now)
            await tell_open_episodes(here, now)
            return bare

    for role in run_async(work()):
        say(f"WARNING: {role}: nobody is on record as {ROLE_WORDS[role]} for the whole authority")


@directory_app.command("show")
@needs(Permission.READ_DIRECTORY)
def show(
    person: Annotated[str | None, typer.Option(help="one person's reference: with holdings, shifts and leave")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="answer in JSON")] = False,
) -> None:
    """Show everybody in the directory and how each is reached; or one person and what that person holds."""
    found = _rows("people", *(SPANS if person is not None else ()))
    of_person = {kind: [row for row in rows if person in (None, row["person"])] for kind, rows in found.items()}
    people = of_person.pop("people")
    if person is not None and not people:
        raise BadInputError("--person: must be among the people of the directory")
    if as_json:
        listed = [{**one, "reached_by": _reached_by(one)} for one in people]
        say_json({"person": listed[0], **of_person} if of_person else listed)
        return
    headings = ["Person", "Name", "E-mail", "Mobile", "Channels", "Hours", "Deputies"]
    say_table(headings, [list(cells("people", {**one, "channels": "; ".join(_reached_by(one))})) for one in people])
    for kind, rows in of_person.items():
        say(f"{kind.capitalize()}:" if rows else f"{kind.capitalize()}: none")
        if rows:
            say_table([column.capitalize() for column in COLUMNS[kind]], [_in_words(kind, row) for row in rows])


def _reached_by(person: Row) -> list[str]:
    return ["tray", *channels_of(person["channels"], person["email"], person["mobile"])]


def _in_words(kind: str, row: Row) -> list[str]:
    moments = {column: in_words(read_moment(row[column])) for column in ("from", "until") if row[column]}
    return list(cells(kind, {**row, **moments}))


@directory_app.command("who")
@needs(Permission.READ_DIRECTORY)
def who(
    role: Annotated[str, typer.Argument(metavar="ROLE", help=f"one of {', '.join(Role)}")],
    child: Annotated[str | None, typer.Option(help="the case system's number for the child")] = None,
    at: Annotated[str | None, typer.Option(help=f"when, {WHEN}; now, if not given")] = None,
    waits: Annotated[bool, typer.Option("--can-wait", help="for what need not reach somebody at once")] = False,
) -> int:
    """Say who would be told what is meant for a role at a moment, and why that person."""
    if role not in set(Role):
        raise BadInputError(f"role: '{role}' is unknown; use one of {', '.join(Role)}")
    try:
        moment = read_moment(at) if at else datetime.now(UTC)
    except ValueError as error:
        raise BadInputError(f"--at: {error}") from None

    async def work() -> list[list[str]]:
        async with wired() as here, here.store.snapshot() as session:
            authority = here.settings.authority
            try:
                found = await who_is_told(session, authority, Role(role), child, moment, urgent=not waits)
            except BadInputError as error:
                raise BadInputError(f"--{error}") from None
            return [[one.name, one.cover.replace("_", " ")] for one in found]

    rows = run_async(work())
    if not rows:
        complain(f"nobody is on record as {role} at {in_words(moment)}, and nobody stands in")
        return 1
    say_table(["Who", "As"], rows)
    return 0
