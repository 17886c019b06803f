"""What changed between two turns of an episode: timeline lines and tasks. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from workflows.clocks import Clock
from workflows.contracts import EpisodeInput, EpisodeRow, Rules, TaskRow, TimelineEntry
from workflows.fact_kinds import FactKind
from workflows.facts import Fact, Known
from workflows.instants import day_or_moment_in_words, parse_instant
from workflows.ladders import Aware, Wake
from workflows.names import ACTION_DUTY, task_key
from workflows.policy import Pack
from workflows.telling import back_in_force
from workflows.vocabulary import ClockKind, ClockState, EpisodeStatus, Role, beginning_a_line, clock_state_in_words


class Timeline:
    """An episode's timeline as it grows: numbered lines, never changed once written."""

    def __init__(self, entries: Iterable[TimelineEntry] = ()) -> None:
        self.entries: list[TimelineEntry] = list(entries)

    def add(self, kind: Any, at: datetime, recorded_at: datetime, text: str, **about: Any) -> None:
        """Add a line. `at` is when it happened or was due, `recorded_at` when it was known; both UTC."""
        number = len(self.entries) + 1
        self.entries.append(TimelineEntry(number=number, kind=kind, at=at, recorded_at=recorded_at, text=text, **about))

    def add_fact(self, fact: Fact, now: datetime) -> None:
        """Add the line of a recorded fact."""
        role = fact.details.get("role")
        again = f", replacing fact {fact.replaces}" if fact.replaces else ""
        day = ", known to the day only" if fact.day_only else ""
        self.add("fact", fact.at, now, f"{beginning_a_line(fact.in_words())}{day}{again}", role=role, fact_id=fact.id)

    def add_clock(self, before: Clock | None, after: Clock, now: datetime) -> None:
        """Add the line of a clock whose state or due time changed; nothing when neither did."""
        was = before.state if before else ClockState.NOT_STARTED
        if was is after.state and (before is None or before.due == after.due):
            return
        moved = before and before.due and after.due and before.due != after.due
        due = f", due {day_or_moment_in_words(after.due)}" if after.due else ""
        text = f"{after.title}: {clock_state_in_words(after.state)}{due}"
        if moved and before and before.due:
            text += f" (was {day_or_moment_in_words(before.due)})"
        self.add("state", _turned_at(after, now), now, text, clock=after.id, state=after.state.value)


def _turned_at(clock: Clock, now: datetime) -> datetime:
    if clock.state in (ClockState.FIRED, ClockState.OVERDUE):
        return clock.due or now
    if clock.state is ClockState.RUNNING:
        return clock.start or now
    return clock.settled_at or now


def closing_words(status: EpisodeStatus | None, undone: Sequence[Clock]) -> str:
    """The timeline's line for the closing of an episode, naming what local practice asked for and nobody did."""
    how = "the child is back" if status is EpisodeStatus.RETURNED else (status or "over").replace("_", " ")
    rest = f"; local practice left undone: {', '.join(clock.title for clock in undone)}" if undone else ""
    return f"Closed: {how}, and nothing is owed{rest}"


def changed_clocks(before: Mapping[str, Clock], after: Sequence[Clock]) -> tuple[Clock, ...]:
    """The clocks that are new or differ from before."""
    return tuple(clock for clock in after if before.get(clock.id) != clock)


def tasks_of_clocks(
    before: Mapping[str, TaskRow],
    clocks: Sequence[Clock],
    pack: Pack,
    known: Known,
    *,
    aware: Mapping[str, Aware],
    episode_id: str,
) -> tuple[TaskRow, ...]:
    """The tasks that open, close or move because of how the clocks stand; only those that change.

    A task opens while its clock is owed (due_by) or has fired and nobody has
    acknowledged it (fire_at); it is done when the clock is settled by a fact,
    withdrawn when the clock no longer asks for it. Local practice that had run
    out before anyone told Homeward, for a child who was back by then, asks for
    nothing more: a year of past episodes taken in would bury what matters now.
    """
    standing = {clock.id: clock for clock in clocks}
    changed: list[TaskRow] = []
    for clock_id, rule in pack.clocks.items():
        if rule.task is None:
            continue
        key, clock = task_key(episode_id, clock_id), standing.get(clock_id)
        old = before.get(key)
        state = _task_state(clock, known) if clock and not _long_past(clock, known, aware) else None
        if state != "open" and (old is None or old.state == state or (state is None and old.state != "open")):
            continue
        new = TaskRow(
            key=key,
            clock=clock_id,
            role=rule.task.role,
            do=rule.task.do,
            due=clock.due if clock else None,
            state=state or "withdrawn",
            opened_at=old.opened_at if old else known.as_of,
            closed_at=None if state == "open" else known.as_of,
            holder=old.holder if old else None,
        )
        if new != old:
            changed.append(new)
    return tuple(changed)


def _long_past(clock: Clock, known: Known, aware: Mapping[str, Aware]) -> bool:
    since = aware.get(clock.id)
    late = since is not None and clock.due is not None and since.since > clock.due
    return late and clock.strength == "local" and back_in_force(known) is not None


def _task_state(clock: Clock, known: Known) -> Any:
    if clock.kind is ClockKind.FIRE_AT:
        if clock.state is not ClockState.FIRED:
            return None
        return "done" if known.first(FactKind.ACKNOWLEDGED, clock=clock.id) else "open"
    if clock.state.owed:
        return "open"
    return None if clock.state is ClockState.NOT_STARTED else "done"


def tasks_of_actions(before: Mapping[str, TaskRow], known: Known, episode_id: str) -> tuple[TaskRow, ...]:
    """The tasks of actions that people agreed on, each open until it is recorded as done; only those that change."""
    done = {fact.details["action"]: fact for fact in known.all(FactKind.ACTION_DONE)}
    changed: list[TaskRow] = []
    for fact in known.all(FactKind.ACTION_AGREED):
        key = task_key(episode_id, f"{ACTION_DUTY}{fact.id}")
        old, finished = before.get(key), done.get(fact.id)
        new = TaskRow(
            key=key,
            clock=None,
            role=Role(fact.details["owner"]),
            do=fact.details["do"],
            due=parse_instant(fact.details["due"]) if "due" in fact.details else None,
            state="done" if finished else "open",
            opened_at=old.opened_at if old else known.as_of,
            closed_at=finished.at if finished else None,
            holder=old.holder if old else None,
        )
        if new != old:
            changed.append(new)
    standing = {task_key(episode_id, f"{ACTION_DUTY}{fact.id}") for fact in known.all(FactKind.ACTION_AGREED)}
    of_actions = task_key(episode_id, ACTION_DUTY)
    gone = [task for key, task in before.items() if key.startswith(of_actions) and key not in standing]
    return (*changed, *withdrawn(gone, known.as_of))


def withdrawn(tasks: Iterable[TaskRow], now: datetime) -> tuple[TaskRow, ...]:
    """The open ones among the tasks, withdrawn at `now` (UTC)."""
    return tuple(t.model_copy(update={"state": "withdrawn", "closed_at": now}) for t in tasks if t.state == "open")


def episode_row(
    start: EpisodeInput, rules: Rules, known: Known, status: EpisodeStatus | None, wake: Wake | None
) -> EpisodeRow:
    """The episode as people read it, as of `known.as_of` (UTC)."""
    back = known.first(FactKind.RETURNED)
    return EpisodeRow(
        episode_id=start.episode_id,
        authority=start.authority,
        child_id=start.child_id,
        policy=rules.pack.policy,
        policy_version=rules.pack.version,
        calendar_version=rules.calendar.version,
        status=status or known.status(),
        missing_since=known.missing_since(),
        returned_at=back.at if back else None,
        closed_at=known.as_of if status is EpisodeStatus.CLOSED else None,
        next_wake_at=wake.at if wake else None,
        next_wake_for=wake.label if wake else None,
        need_to_know=known.child(start.child).need_to_know,
    )
