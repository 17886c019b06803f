"""Commands about episodes: report, record, show, list, tasks."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import select

from activities.store import inbox
from activities.store.episodes import EpisodeView, episode_view, list_episodes
from activities.store.inbox import InboxItem
from activities.store.tables import InboxTable
from activities.store.tasks import open_tasks
from starter.cli.say import EXIT_BAD_INPUT, EXIT_KEPT, complain, moment, say, say_json, say_table
from starter.cli.wiring import Wired, run_async, wired
from starter.commands import Outcome
from starter.reports import Report
from starter.scenarios import read_json
from workflows.clocks import Clock
from workflows.fact_kinds import OTHER_NAMES, FactKind
from workflows.instants import in_words, to_rfc3339
from workflows.plain_errors import BadInputError
from workflows.vocabulary import ClockState, Role

AsJson = Annotated[bool, typer.Option("--json", help="answer in JSON")]
EpisodeId = Annotated[str, typer.Argument(metavar="EPISODE", help="an episode's id, or its first characters")]
SHORTEST_ID = 4


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("report")(report)
    app.command("record")(record)
    app.command("show")(show)
    app.command("list")(list_command)
    app.command("tasks")(tasks)


def report(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="the report, in JSON")], as_json: AsJson = False
) -> int:
    """Report a child absent or missing. What is not known yet is left out, and is listed as asked for."""

    async def work() -> tuple[Report, Outcome]:
        async with wired() as here:
            return await here.commands.report(read_json(file), datetime.now(UTC))

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
        **_pairs(more or []),
    }

    async def work() -> Outcome:
        async with wired() as here:
            data = {name: value for name, value in given.items() if value is not None}
            return await here.commands.record(await _whole_id(here, episode), data, now)

    outcome = run_async(work())
    if as_json:
        say_json(outcome.model_dump(mode="json"))
    return _say_recorded(outcome, kind, in_words(now) if at is None else at, quiet=as_json)


def _pairs(words: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise BadInputError(f"--set: '{word}' must be written name=value")
        pairs[name] = value
    return pairs


def _say_recorded(outcome: Outcome, kind: str, when: str, *, quiet: bool) -> int:
    if outcome.state == "refused":
        complain(outcome.reason or "refused")
        return EXIT_BAD_INPUT
    if outcome.state == "kept":
        complain(f"{outcome.reason}: the fact is kept, not yet applied; it is applied when the engine is back")
        return EXIT_KEPT
    if quiet:
        return 0
    say(f"Recorded: {kind}, {when} (fact {outcome.id}){'; it was recorded before' if outcome.again else ''}")
    if outcome.recorded:
        rows = [[c.id, c.state.value.replace("_", " "), moment(c.due)] for c in outcome.recorded.clocks]
        say_table(["Clock", "State", "Due"], rows)
    return 0


async def _whole_id(here: Wired, beginning: str) -> str:
    """The episode whose id begins so. Raises BadInputError when there is none, or more than one."""
    if len(beginning) < SHORTEST_ID or not beginning.replace("-", "").isalnum():
        raise BadInputError(f"episode: '{beginning}' is too short or not an id; 'homeward list' shows them")
    async with here.store.session() as session:
        chosen = select(InboxTable.episode_id).where(InboxTable.episode_id.startswith(beginning, autoescape=True))
        found = (await session.scalars(chosen.distinct().limit(2))).all()
    if len(found) != 1:
        raise BadInputError(
            f"episode: {'more than one episode begins' if found else 'no episode begins'} '{beginning}'"
        )
    return found[0]


def show(episode: EpisodeId, as_json: AsJson = False) -> None:
    """Show an episode: its clocks with their reasons, its timeline, notices and tasks."""

    async def work() -> tuple[str, EpisodeView | None, list[InboxItem]]:
        async with wired() as here:
            whole = await _whole_id(here, episode)
            async with here.store.session() as session:
                return whole, await episode_view(session, whole), await inbox.facts_waiting(session, whole)

    whole, view, waiting = run_async(work())
    if as_json:
        kept = [{"id": item.id, "kind": item.kind, "received_at": to_rfc3339(item.received_at)} for item in waiting]
        say_json({"episode_id": whole, "kept_not_applied": kept} | (view.model_dump(mode="json") if view else {}))
        return
    for item in waiting:
        why = item.reason or "the engine has not answered"
        say(f"KEPT, NOT YET APPLIED: {item.kind} received {in_words(item.received_at)}; {why}")
    if view is None:
        say(f"Episode {whole} waits for the engine: no clock is running yet")
        return
    _say_episode(view, datetime.now(UTC))


def _say_episode(view: EpisodeView, now: datetime) -> None:
    row = view.episode
    child = f", child {view.child_reference}" if view.child_reference else ""
    say(f"Episode {row['id']}{child}: {row['status'].upper()}, policy {row['policy']} {row['policy_version']}")
    if row["next_wake_at"]:
        say(f"Next: {row['next_wake_for']} at {in_words(row['next_wake_at'])}")
    for clock in sorted(view.clocks, key=_owed_first):
        say()
        say(f"{clock.title} [{clock.id}]: {_standing(clock, now)}, due {moment(clock.due)}")
        say(f"  {clock.because}")
        say(f"  Source: {clock.source}")
    say()
    say("Timeline")
    say_table(["When", "What", "Fact"], [[in_words(e.at), e.text, e.fact_id or ""] for e in view.timeline])
    say()
    say("Who was told")
    rows = [
        [in_words(n["sent_at"].replace(microsecond=0)), n["role"], n["channel"], n["says"], _answered(n)]
        for n in view.notices
    ]
    say_table(["When", "Who", "How", "What", "Answer"], rows)
    say()
    say("Tasks")
    say_table(["State", "Who", "What", "By"], [[t["state"], t["role"], t["do"], moment(t["due"])] for t in view.tasks])


def _owed_first(clock: Clock) -> tuple[bool, bool, str]:
    return not clock.state.owed, clock.due is None, to_rfc3339(clock.due) if clock.due else clock.id


def _standing(clock: Clock, now: datetime) -> str:
    state = clock.state
    if state is ClockState.RUNNING and clock.due and clock.due < now:
        return "PAST DUE (the engine has yet to say so)"
    return state.value.replace("_", " ").upper()


def _answered(notice: dict[str, Any]) -> str:
    if notice["acknowledged_at"]:
        return f"acknowledged {in_words(notice['acknowledged_at'])}"
    return "asked for" if notice["needs_ack"] else ""


def list_command(
    include_closed: Annotated[bool, typer.Option("--all", help="closed episodes too")] = False, as_json: AsJson = False
) -> None:
    """List the episodes, the most pressing first."""

    async def work() -> tuple[list[Any], int]:
        async with wired() as here, here.store.session() as session:
            found = await list_episodes(session, datetime.now(UTC), include_closed)
            return list(found), await inbox.count_waiting(session)

    found, waiting = run_async(work())
    if as_json:
        say_json({"episodes": [s.model_dump(mode="json") for s in found], "kept_not_applied": waiting})
        return
    if waiting:
        say(f"{waiting} kept, not yet applied: the engine has not answered")
    rows = [
        [
            s.episode_id,
            s.child_reference or "-",
            s.status.value,
            moment(s.missing_since),
            s.next_clock or "-",
            moment(s.next_due),
            str(s.overdue or ""),
        ]
        for s in found
    ]
    say_table(["Episode", "Child", "Status", "Gone since", "Next", "Due", "Overdue"], rows)


def tasks(role: Annotated[str | None, typer.Option(help="only this role's")] = None, as_json: AsJson = False) -> None:
    """List the open tasks, the earliest due first."""
    if role is not None and role not in set(Role):
        raise BadInputError(f"--role: '{role}' is unknown; use one of {', '.join(Role)}")

    async def work() -> list[Any]:
        async with wired() as here, here.store.session() as session:
            return list(await open_tasks(session, role))

    found = run_async(work())
    if as_json:
        say_json([task.model_dump(mode="json") for task in found])
        return
    rows = [[moment(t.due), t.role, t.do, t.episode_id] for t in found]
    say_table(["By", "Who", "What", "Episode"], rows)
