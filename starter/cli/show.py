"""Commands that show episodes: show, list, tasks."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from activities.policies import Policies
from activities.store import inbox
from activities.store.episode_search import EpisodeFound, Search, every_episode
from activities.store.episodes import EpisodeView
from starter.access import Permission, needs
from starter.cli.episodes import AsJson, EpisodeId, whole_id
from starter.cli.say import moment, say, say_json, say_table
from starter.cli.told import say_who_knew
from starter.cli.wiring import run_async, wired
from starter.episode_shown import Shown, show_episode
from starter.who_knew import PostEvent, who_knew
from workflows.clocks import Clock
from workflows.contracts import TimelineEntry
from workflows.facts import Segment
from workflows.instants import in_words, to_rfc3339
from workflows.policy import Pack, Prompt
from workflows.vocabulary import ROLE_WORDS, STATUS_WORDS, ClockState, EpisodeStatus, clock_state_in_words


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("show")(show)
    app.command("list")(list_command)


@needs(Permission.READ_EPISODES)
def show(episode: EpisodeId, as_json: AsJson = False) -> None:
    """Show an episode: its clocks with their reasons, its timeline, notices, tasks and prompts."""

    async def work() -> Shown:
        async with wired() as here:
            whole = await whole_id(here, episode)
            async with here.store.snapshot() as session:
                return await show_episode(session, here.policies, here.asked.principal, whole, here.asked.now)

    shown, now = run_async(work()), datetime.now(UTC)
    view, prompts = shown.view, shown.prompts(now)
    if as_json:
        kept = [
            {"id": item.id, "kind": item.kind, "received_at": to_rfc3339(item.received_at)} for item in shown.waiting
        ]
        said = _as_data(shown, view) if view else {}
        categories = {name: [s.model_dump(mode="json") for s in spans] for name, spans in shown.categories(now).items()}
        listed = [{"id": id, "title": prompt.title, "items": prompt.items} for id, prompt in prompts]
        say_json({"episode_id": shown.id, "kept_not_applied": kept, "categories": categories, "prompts": listed} | said)
        return
    for item in shown.waiting:
        why = item.reason or "the engine has not answered"
        say(f"KEPT, NOT YET APPLIED: {item.kind} received {in_words(item.received_at)}; {why}")
    if view is None:
        say(f"Episode {shown.id} waits for the engine: no clock is running yet")
        return
    _say_standing(view, shown.categories(now), shown.pack)
    _say_clocks(view.clocks, now)
    _say_records(shown, view)
    _say_prompts(prompts)


def _as_data(shown: Shown, view: EpisodeView) -> dict[str, Any]:
    rows = [row.model_dump(mode="json") for row in who_knew(view)]
    timeline = [line.model_dump(mode="json") for line in shown.timeline()]
    return view.model_dump(mode="json") | {"timeline": timeline, "who_knew": rows}


def _say_standing(view: EpisodeView, categories: Mapping[str, list[Segment]], pack: Pack | None) -> None:
    row = view.episode
    child = f", child {view.child_reference}" if view.child_reference else ""
    status = STATUS_WORDS[EpisodeStatus(row["status"])].upper()
    say(f"Episode {row['id']}{child}: {status}, policy {row['policy']} {row['policy_version']}")
    for name, segments in categories.items():
        spans = [f"{s.category} {in_words(s.since)} to {in_words(s.until) if s.until else 'now'}" for s in segments]
        if spans:
            say(f"In the {name}'s view: {'; '.join(spans)}")
    if row["next_wake_at"]:
        say(f"Next: {_wake(row['next_wake_for'], pack)} at {in_words(row['next_wake_at'])}")


def _wake(label: str, pack: Pack | None) -> str:
    """What an episode wakes for: a step of a clock, by the clock's title, or something else."""
    clock, of_clock, step = label.partition(": ")
    step = step.replace("_", " ")
    return f"{pack.title_of(clock)}, {step}" if of_clock and pack else label


def _say_clocks(clocks: list[Clock], now: datetime) -> None:
    waiting = [clock for clock in clocks if clock.state is ClockState.NOT_STARTED]
    for clock in sorted((c for c in clocks if c not in waiting), key=_owed_first):
        say()
        say(f"{clock.title} [{clock.id}]: {_standing(clock, now)}, due {moment(clock.due)}")
        say(f"  {clock.because}")
        say(f"  Source: {clock.source}")
    if waiting:
        say()
        say(f"Not started: {'; '.join(clock.title for clock in waiting)}")


def _say_records(shown: Shown, view: EpisodeView) -> None:
    say()
    say("Timeline")
    rows = [[in_words(line.at), line.text, _fact_of(line)] for line in shown.timeline()]
    say_table(["When", "What", "Fact"], rows)
    say()
    say("Who was told")
    say_who_knew(who_knew(view))
    say()
    say("Tasks")
    tasks = [[t["state"], ROLE_WORDS[t["role"]], t["holder"] or "-", t["do"], moment(t["due"])] for t in view.tasks]
    say_table(["State", "Who", "Taken by", "What", "By"], tasks)


def _say_prompts(prompts: list[tuple[str, Prompt]]) -> None:
    for prompt_id, prompt in prompts:
        say()
        say(f"{prompt.title} [{prompt_id}]")
        for letter, item in prompt.items.items():
            say(f"  {letter}: {item}")


def _owed_first(clock: Clock) -> tuple[bool, bool, str]:
    return not clock.state.owed, clock.due is None, to_rfc3339(clock.due) if clock.due else clock.id


def _standing(clock: Clock, now: datetime) -> str:
    state = clock.state
    if state is ClockState.RUNNING and clock.due and clock.due < now:
        return "PAST DUE (the engine has yet to say so)"
    return clock_state_in_words(state).upper()


def _fact_of(line: TimelineEntry | PostEvent) -> str:
    return (line.fact_id if isinstance(line, TimelineEntry) else None) or ""


@needs(Permission.READ_EPISODES)
def list_command(
    include_closed: Annotated[bool, typer.Option("--all", help="closed episodes too")] = False, as_json: AsJson = False
) -> None:
    """List the episodes, the most pressing first, those that are hidden from whoever asks last."""

    async def work() -> tuple[list[EpisodeFound | _OnlyThere], int, Policies]:
        async with wired() as here, here.store.snapshot() as session:
            search = Search() if include_closed else Search(open=True)
            found = await every_episode(session, here.settings.authority, search, datetime.now(UTC))
            hidden = await here.hidden(session, [one.episode_id for one in found])
            # Its place among the others would tell when something of it falls due.
            shown = [one for one in found if one.episode_id not in hidden]
            only_there = [_OnlyThere(episode_id=one) for one in sorted(hidden)]
            waiting = await inbox.count_waiting(session, here.settings.authority)
            return [*shown, *only_there], waiting, here.policies

    found, waiting, policies = run_async(work())
    if as_json:
        say_json({"episodes": [s.model_dump(mode="json") for s in found], "kept_not_applied": waiting})
        return
    if waiting:
        say(f"{waiting} kept, not yet applied: the engine has not answered")
    say_table(
        ["Episode", "Child", "Status", "Gone since", "Next", "Due", "Overdue"], [_row(one, policies) for one in found]
    )


class _OnlyThere(BaseModel):
    """A restricted child's episode, for who is not close to it."""

    episode_id: str
    need_to_know: bool = True


def _row(one: EpisodeFound | _OnlyThere, policies: Policies) -> list[str]:
    if isinstance(one, _OnlyThere):
        return [one.episode_id, "-", "restricted", "-", "-", "-", ""]
    gone, due = moment(one.missing_since), moment(one.next_due)
    who, status = one.child_reference or "-", STATUS_WORDS[one.status]
    next_one = policies.title_of(one.policy, one.policy_version, one.next_clock) if one.next_clock else "-"
    return [one.episode_id, who, status, gone, next_one, due, str(one.overdue or "")]
