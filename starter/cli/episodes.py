"""Commands that say something about episodes: report, record, merge, reopen."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.episodes import clocks_of
from activities.store.tables import InboxTable
from starter.access import Permission, needs, permission_to_record
from starter.applying import Outcome
from starter.cli.asking import CommandAsked
from starter.cli.say import EXIT_BAD_INPUT, EXIT_KEPT, complain, moment, say, say_json, say_table
from starter.cli.wiring import Wired, run_async, wired
from starter.reports import Report
from starter.scenarios import read_json
from starter.what_changed import ClockChange, WhatChanged, what_changed
from workflows.clocks import Clock
from workflows.contracts import ClockStanding
from workflows.fact_kinds import OTHER_NAMES, FactKind
from workflows.instants import in_words, to_rfc3339
from workflows.plain_errors import BadInputError
from workflows.vocabulary import ClockState, clock_state_in_words, name_in_words

Standings = Mapping[str, Clock]
EveryClock = Annotated[
    bool, typer.Option("--all", help="every clock as it stands now, and not only what changed by this")
]
AsJson = Annotated[bool, typer.Option("--json", help="answer in JSON")]
EpisodeId = Annotated[str, typer.Argument(metavar="EPISODE", help="an episode's id, or its first characters")]
SHORTEST_ID = 4


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("report")(report)
    app.command("record")(record)
    app.command("reopen")(reopen)
    app.command("merge")(merge)


@needs(Permission.REPORT)
def report(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="the report, in JSON")], as_json: AsJson = False
) -> int:
    """Report a child absent or missing. What is not known yet is left out, and is listed as asked for."""

    async def work() -> tuple[Report, Outcome]:
        async with wired() as here:
            said, outcome = await here.commands.report(read_json(file), datetime.now(UTC))
            here.asked.saw(outcome.episode_id)
            return said, outcome

    said, outcome = run_async(work())
    asked_for = list(said.asked_for())
    if as_json:
        say_json(outcome.model_dump(mode="json") | {"asked_for": asked_for})
    else:
        _say_report(outcome, asked_for)
    if outcome.state == "kept":
        complain(
            f"{outcome.reason}: the report is kept, and NO CLOCK IS RUNNING YET; it is applied when the engine is back"
        )
        return EXIT_KEPT
    return 0


def _say_report(outcome: Outcome, asked_for: list[str]) -> None:
    say(f"Episode {outcome.episode_id}{' (reported before: this is the same episode)' if outcome.again else ''}")
    if outcome.state == "applied":
        say(f"Its clocks are running: homeward show {outcome.episode_id}")
    if asked_for:
        say("Not known yet, and asked for:")
        for item in asked_for:
            say(f"  {item}")


@needs(Permission.RECORD)
def record(  # noqa: PLR0917 - each is an option of the command line
    episode: EpisodeId,
    kind: Annotated[str, typer.Argument(metavar="FACT", help=f"one of {', '.join([*FactKind, *OTHER_NAMES])}")],
    at: Annotated[str | None, typer.Option(help="when it happened, RFC 3339 with an offset; now, if not given")] = None,
    role: Annotated[str | None, typer.Option(help="whose role it speaks of, such as iro or parent")] = None,
    reason: Annotated[str | None, typer.Option(help="why")] = None,
    authorised_by: Annotated[str | None, typer.Option(help="who authorised it")] = None,
    meeting: Annotated[str | None, typer.Option(help="which meeting")] = None,
    clock: Annotated[str | None, typer.Option(help="which clock an acknowledgement answers")] = None,
    by: Annotated[str | None, typer.Option(help="who did it")] = None,
    note: Annotated[str | None, typer.Option(help="a note")] = None,
    replaces: Annotated[str | None, typer.Option(help="the id of the fact that this one corrects")] = None,
    fact_id: Annotated[str | None, typer.Option("--id", help="the fact's own id (UUID); made if not given")] = None,
    more: Annotated[list[str] | None, typer.Option("--set", help="another detail, as name=value")] = None,
    also: Annotated[
        list[str] | None, typer.Option("--also", metavar="EPISODE", help="the same fact of another episode too")
    ] = None,
    everything: EveryClock = False,
    as_json: AsJson = False,
) -> int:
    """Record that something happened. A correction is a fact too: --replaces ID, or the fact 'withdrawn'."""
    now = datetime.now(UTC)
    given = {
        "id": fact_id,
        "kind": kind,
        "at": at or to_rfc3339(now),
        "role": role,
        "reason": reason,
        "authorised_by": authorised_by,
        "meeting": meeting,
        "clock": clock,
        "by": by,
        "note": note,
        "replaces": replaces,
        **pairs(more or []),
    }

    async def work() -> tuple[list[Outcome], dict[str, Standings]]:
        async with wired() as here:
            data = {name: value for name, value in given.items() if value is not None}
            require_to_record(here.asked, kind)
            episodes = [await whole_id(here, one) for one in (episode, *(also or []))]
            before = await _standings(here, episodes)
            return await here.commands.record_in_all(episodes, data, now), before

    outcomes, before = run_async(work())
    if as_json:
        said = [outcome.model_dump(mode="json") for outcome in outcomes]
        say_json(said if also else said[0])
    when = in_words(now) if at is None else at
    return max(_say_recorded(one, kind, when, before, everything=everything, quiet=as_json) for one in outcomes)


@needs(Permission.RULE)
def reopen(
    episode: EpisodeId,
    reason: Annotated[str, typer.Option(help="why it is opened again")],
    by: Annotated[str, typer.Option(help="who opens it again")] = "not said",
    everything: EveryClock = False,
    as_json: AsJson = False,
) -> int:
    """Open a closed episode again: it goes on with all that it knew, and takes facts."""

    async def work() -> tuple[Outcome, dict[str, Standings]]:
        async with wired() as here:
            whole = await whole_id(here, episode)
            before = await _standings(here, [whole])
            return await here.commands.reopen(whole, reason, by, datetime.now(UTC)), before

    outcome, before = run_async(work())
    if as_json:
        say_json(outcome.model_dump(mode="json"))
    when = in_words(datetime.now(UTC))
    return _say_recorded(outcome, "reopened", when, before, everything=everything, quiet=as_json)


@needs(Permission.RULE)
def merge(
    duplicate: Annotated[str, typer.Argument(metavar="DUPLICATE", help="the episode that says the same again")],
    into: Annotated[str, typer.Option("--into", metavar="EPISODE", help="the episode that stays")],
    reason: Annotated[str, typer.Option(help="why they are one")],
    by: Annotated[str, typer.Option(help="who says so")] = "not said",
    as_json: AsJson = False,
) -> int:
    """Merge a duplicate into the episode it duplicates: its facts go there, and it ends, with a trail in both."""

    async def work() -> list[Outcome]:
        async with wired() as here:
            ids = await whole_id(here, duplicate), await whole_id(here, into)
            return await here.commands.merge(*ids, reason, by, datetime.now(UTC))

    outcomes = run_async(work())
    if as_json:
        say_json([outcome.model_dump(mode="json") for outcome in outcomes])
    refused = [outcome for outcome in outcomes if outcome.state == "refused"]
    for outcome in refused:
        complain(f"fact {outcome.id} does not fit there: {outcome.reason}")
    if not as_json:
        say(f"Merged: {len(outcomes) - 1 - len(refused)} facts taken over, {len(refused)} did not fit")
    return EXIT_KEPT if any(outcome.state == "kept" for outcome in outcomes) else 0


def require_to_record(asked: CommandAsked, kind: str) -> None:
    """Ask for what the kind of fact needs besides. Raises NotAllowedError; what is no kind is refused elsewhere."""
    name = OTHER_NAMES.get(kind, kind)
    if name in set(FactKind):
        asked.require(permission_to_record(FactKind(name)))


def say_outcome(outcome: Outcome, words: str, *, as_json: bool, what: str = "it") -> int:
    """Say what became of `what` was said, `words` where it was applied; the exit status."""
    if as_json:
        say_json(outcome.model_dump(mode="json"))
    status = complain_of(outcome, what)
    if not status and not as_json:
        say(words)
    return status


def complain_of(outcome: Outcome, what: str) -> int:
    """Complain of what was refused, or is only kept; the exit status, 0 for what was applied."""
    if outcome.state == "refused":
        complain(outcome.reason or "refused")
        return EXIT_BAD_INPUT
    if outcome.state == "kept":
        complain(f"{outcome.reason}: {what} is kept, not yet applied; it is applied when the engine is back")
        return EXIT_KEPT
    return 0


def pairs(words: list[str]) -> dict[str, str]:
    """Details written as name=value. Raises BadInputError."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise BadInputError(f"--set: '{word}' must be written name=value")
        found[name] = value
    return found


async def _standings(here: Wired, episodes: list[str]) -> dict[str, Standings]:
    """How the clocks of episodes stand, by episode and clock."""
    async with here.store.snapshot() as session:
        return {one: await clocks_of(session, one) for one in episodes}


def _say_recorded(
    outcome: Outcome, kind: str, when: str, before: Mapping[str, Standings], *, everything: bool, quiet: bool
) -> int:
    status = complain_of(outcome, "the fact")
    if status or quiet:
        return status
    say(f"Recorded: {kind}, {when} (fact {outcome.id}){'; it was recorded before' if outcome.again else ''}")
    if outcome.recorded:
        stood = before.get(outcome.episode_id, {})
        if everything:
            _say_clocks(outcome.recorded.clocks, stood)
        else:
            _say_changes(what_changed(stood, outcome.recorded.clocks), stood)
    return 0


def _say_clocks(clocks: Iterable[ClockStanding], stood: Standings) -> None:
    rows = [[_called(c.id, stood), clock_state_in_words(c.state), moment(c.due)] for c in clocks]
    say_table(["Clock", "State", "Due"], rows)


def _called(clock_id: str, stood: Standings) -> str:
    """A clock by its title; one that its episode's rows do not have yet by its own name."""
    return stood[clock_id].title if clock_id in stood else name_in_words(clock_id)


def _say_changes(changed: WhatChanged, stood: Standings) -> None:
    if changed.changes:
        rows = [[_called(one.id, stood), _became(one), moment(one.due)] for one in changed.changes]
        say_table(["Clock", "What", "Due"], rows)
    else:
        say("No clock stands otherwise")
    say(f"{changed.go_on} {'other clock goes' if changed.go_on == 1 else 'others go'} on; --all shows every clock")


def _became(one: ClockChange) -> str:
    state = clock_state_in_words(one.is_now)
    if one.starts:
        again = "is owed again" if one.was not in (None, ClockState.NOT_STARTED) else "starts"
        return again if one.is_now is ClockState.RUNNING else f"{again}, {state}"
    if one.moves:
        return f"moves from {moment(one.was_due)}" + ("" if one.is_now is one.was else f", {state}")
    return state


async def whole_id(here: Wired, beginning: str) -> str:
    """The episode whose id begins so, which is shown or changed.

    Raises BadInputError when there is none, or more than one; NeedToKnowError.
    """
    async with here.store.snapshot() as session:
        found = await find_episode(session, here.settings.authority, beginning)
        await here.see(session, found)
    return found


async def find_episode(session: AsyncSession, authority: str, beginning: str) -> str:
    """The authority's episode whose id begins so. Raises BadInputError when there is none, or more than one."""
    if len(beginning) < SHORTEST_ID or not beginning.replace("-", "").isalnum():
        raise BadInputError(f"episode: '{beginning}' is too short or not an id; 'homeward list' shows them")
    chosen = select(InboxTable.episode_id).where(InboxTable.episode_id.istartswith(beginning, autoescape=True))
    chosen = chosen.where(InboxTable.authority == authority)
    found = (await session.scalars(chosen.distinct().limit(2))).all()
    if len(found) != 1:
        raise BadInputError(
            f"episode: {'more than one episode begins' if found else 'no episode begins'} '{beginning}'"
        )
    return found[0]
