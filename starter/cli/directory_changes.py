"""Commands that change one thing in the directory, checked as strictly as its files are."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.directory import Change
from starter import directory_telling
from starter.access import Permission, needs
from starter.cli.say import complain, say
from starter.cli.wiring import Wired, run_async, wired
from starter.client import EngineSilentError
from starter.directory_changes import change, change_person, hold, release
from starter.directory_rows import Row
from workflows.instants import to_rfc3339
from workflows.plain_errors import BadInputError
from workflows.vocabulary import Role

WHEN: Final = "RFC 3339 with an offset, or 'YYYY-MM-DD HH:MM' in London"
"""How the options of these commands take a moment, in words."""

RoleName = Annotated[str, typer.Argument(metavar="ROLE", help=f"one of {', '.join(Role)}")]
PersonReference = Annotated[str, typer.Argument(metavar="PERSON", help="the authority's reference of the person")]
Child = Annotated[str | None, typer.Option(help="for one child: the case system's number")]
Team = Annotated[str | None, typer.Option(help="for the children of one team: its name")]
From = Annotated[str, typer.Option("--from", help=f"from when: {WHEN}")]
Until = Annotated[str, typer.Option("--until", help=f"until when: {WHEN}")]

_WORDS: dict[Change, str] = {
    "added": "Added",
    "changed": "Changed",
    "unchanged": "Nothing to change: the directory says so already",
}
Saying = Callable[[AsyncSession, str, datetime], Awaitable[tuple[Change, str]]]
"""What a command does in the store, for an authority, now (UTC); what became of it, and what more there is to say."""


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("person")(person)
    app.command("hold")(hold_role)
    app.command("release")(release_role)
    app.command("on-call")(on_call)
    app.command("leave")(leave)
    app.command("team")(team)


async def tell_open_episodes(here: Wired, now: datetime) -> None:
    """Have every open episode look again at who holds each role; complain when the engine does not answer."""
    try:
        await directory_telling.tell_open_episodes(here.store, here.commands, here.settings.authority, now)
    except EngineSilentError as silence:
        complain(f"{silence}: the directory is changed, and open episodes do not know yet; 'homeward directory check'")


@needs(Permission.CHANGE_DIRECTORY)
def person(  # noqa: PLR0917 - each is an option of the command line
    reference: Annotated[str, typer.Argument(metavar="REF", help="the authority's reference of the person")],
    name: Annotated[str | None, typer.Option(help="the name; a new person needs one")] = None,
    email: Annotated[str | None, typer.Option(help="the e-mail address; '' for none")] = None,
    mobile: Annotated[str | None, typer.Option(help="the mobile number; '' for none")] = None,
    channels: Annotated[
        str | None, typer.Option(help="ways to reach the person, in order, such as 'sms;email'; '' for every address")
    ] = None,
    hours: Annotated[str | None, typer.Option(help="'always', or such as 'Mon-Fri 09:00-17:00'")] = None,
    deputies: Annotated[str | None, typer.Option(help="references of people, in order, with ';' between them")] = None,
) -> None:
    """Add a person, or change what is given of one who is there."""
    all_cells = {
        "name": name,
        "email": email,
        "mobile": mobile,
        "channels": channels,
        "hours": hours,
        "deputies": deputies,
    }
    given = {column: cell for column, cell in all_cells.items() if cell is not None}

    async def work(session: AsyncSession, authority: str, now: datetime) -> tuple[Change, str]:
        return await change_person(session, authority, reference, given, now), ""

    _carry_out(work, {"person": reference})


@needs(Permission.CHANGE_DIRECTORY)
def hold_role(  # noqa: PLR0917 - each is an option of the command line
    role: RoleName,
    holder: PersonReference,
    child: Child = None,
    team: Team = None,
    since: Annotated[str | None, typer.Option("--from", help=f"from when, {WHEN}; now, if not given")] = None,
    until: Annotated[str, typer.Option("--until", help=f"until when, {WHEN}; open, if not given")] = "",
    instead: Annotated[
        bool, typer.Option("--instead", help="whoever else holds it there until then stops then")
    ] = False,
) -> None:
    """Have a person hold a role for a child, a team, or (if neither is given) the whole authority."""
    held = _holding(role, holder, child, team)

    async def work(session: AsyncSession, authority: str, now: datetime) -> tuple[Change, str]:
        row = {**held, "from": to_rfc3339(now) if since is None else since, "until": until}
        became, ended = await hold(session, authority, row, now, instead=instead)
        more = f"; ended instead: {ended}" if ended else ""
        return ("changed" if ended and became == "unchanged" else became), more

    _carry_out(work, held)


@needs(Permission.CHANGE_DIRECTORY)
def release_role(
    role: RoleName,
    holder: PersonReference,
    child: Child = None,
    team: Team = None,
    at: Annotated[str | None, typer.Option(help=f"when, {WHEN}; now, if not given")] = None,
) -> None:
    """End what a person holds for a child, a team, or (if neither is given) the whole authority."""
    held = _holding(role, holder, child, team)

    async def work(session: AsyncSession, authority: str, now: datetime) -> tuple[Change, str]:
        await release(session, authority, {**held, "from": "", "until": to_rfc3339(now) if at is None else at})
        return "changed", ""

    _carry_out(work, held)


@needs(Permission.CHANGE_DIRECTORY)
def on_call(role: RoleName, person: PersonReference, since: From, until: Until) -> None:
    """Have a person be on call for a role for a time."""
    _carry_out_row("rota", {"role": role, "person": person, "from": since, "until": until})


@needs(Permission.CHANGE_DIRECTORY)
def leave(person: PersonReference, since: From, until: Until) -> None:
    """Have a person be away for a time."""
    _carry_out_row("leave", {"person": person, "from": since, "until": until})


@needs(Permission.CHANGE_DIRECTORY)
def team(
    child: Annotated[str, typer.Argument(metavar="CHILD", help="the case system's number for the child")],
    team: Annotated[str, typer.Argument(metavar="TEAM", help="the team's name")],
) -> None:
    """Say which team a child belongs to."""
    _carry_out_row("teams", {"child": child, "team": team})


def _holding(role: str, person: str, child: str | None, team: str | None) -> Row:
    if child is not None and team is not None:
        raise BadInputError("--team: a role is held for a child or for a team; give one of the two")
    scope = "child" if child is not None else "team" if team is not None else "authority"
    return {"role": role, "person": person, "scope": scope, "for": child or team or ""}


def _carry_out_row(kind: str, row: Row) -> None:
    async def work(session: AsyncSession, authority: str, now: datetime) -> tuple[Change, str]:
        return await change(session, authority, kind, row, now), ""

    _carry_out(work, row)


def _carry_out(saying: Saying, row: Row) -> None:
    """Say something in the store that is about whom a row names."""
    now = datetime.now(UTC)

    async def work() -> tuple[Change, str]:
        async with wired() as here:
            async with here.changing_directory([row]) as session:
                became, more = await saying(session, here.settings.authority, now)
            if became != "unchanged":
                await tell_open_episodes(here, now)
            return became, more

    became, more = run_async(work())
    say(f"{_WORDS[became]}{more}")
