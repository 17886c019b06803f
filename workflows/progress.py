"""What changed between two turns of an episode: timeline lines and tasks. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from workflows.clocks import Clock
from workflows.contracts import EpisodeInput, EpisodeRow, NoticeOrder, Rules, TaskRow, TimelineEntry
from workflows.facts import Fact, FactKind, Known
from workflows.instants import in_words
from workflows.ladders import DueRung, Wake
from workflows.names import notice_key, task_key
from workflows.policy import Pack
from workflows.vocabulary import ClockKind, ClockState, EpisodeStatus


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
        self.add("fact", fact.at, now, f"{_capital(fact.in_words())}{again}", role=role, fact_id=fact.id)

    def add_clock(self, before: Clock | None, after: Clock, now: datetime) -> None:
        """Add the line of a clock whose state or due time changed; nothing when neither did."""
        was = before.state if before else ClockState.NOT_STARTED
        if was is after.state and (before is None or before.due == after.due):
            return
        moved = before and before.due and after.due and before.due != after.due
        due = f", due {in_words(after.due)}" if after.due else ""
        text = f"{after.title}: {after.state.value.replace('_', ' ')}{due}"
        if moved and before and before.due:
            text += f" (was {in_words(before.due)})"
        self.add("state", _turned_at(after, now), now, text, clock=after.id, state=after.state.value)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _turned_at(clock: Clock, now: datetime) -> datetime:
    if clock.state in (ClockState.FIRED, ClockState.OVERDUE):
        return clock.due or now
    if clock.state is ClockState.RUNNING:
        return clock.start or now
    return clock.settled_at or now


def changed_clocks(before: Mapping[str, Clock], after: Sequence[Clock]) -> tuple[Clock, ...]:
    """The clocks that are new or differ from before."""
    return tuple(clock for clock in after if before.get(clock.id) != clock)


def tasks_of_clocks(
    before: Mapping[str, TaskRow], clocks: Sequence[Clock], pack: Pack, known: Known, episode_id: str
) -> tuple[TaskRow, ...]:
    """The tasks that open, close or move because of how the clocks stand; only those that change.

    A task opens while its clock is owed (due_by) or has fired and nobody has
    acknowledged it (fire_at); it is done when the clock is settled by a fact,
    withdrawn when the clock no longer asks for it.
    """
    standing = {clock.id: clock for clock in clocks}
    changed: list[TaskRow] = []
    for clock_id, rule in pack.clocks.items():
        if rule.task is None:
            continue
        key, clock = task_key(episode_id, clock_id), standing.get(clock_id)
        old = before.get(key)
        state = _task_state(clock, known) if clock else None
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
        )
        if new != old:
            changed.append(new)
    return tuple(changed)


def _task_state(clock: Clock, known: Known) -> Any:
    if clock.kind is ClockKind.FIRE_AT:
        if clock.state is not ClockState.FIRED:
            return None
        return "done" if known.first(FactKind.ACKNOWLEDGED, clock=clock.id) else "open"
    if clock.state.owed:
        return "open"
    return None if clock.state is ClockState.NOT_STARTED else "done"


def withdrawn(tasks: Iterable[TaskRow], now: datetime) -> tuple[TaskRow, ...]:
    """The open ones among the tasks, withdrawn at `now` (UTC)."""
    return tuple(t.model_copy(update={"state": "withdrawn", "closed_at": now}) for t in tasks if t.state == "open")


def notice_order(start: EpisodeInput, due: DueRung) -> NoticeOrder:
    """The notice that a rung whose time has come asks for."""
    clock, rung = due.clock, due.rung
    return NoticeOrder(
        key=notice_key(start.episode_id, clock.id, rung.rung, due.times, rung.role),
        episode_id=start.episode_id,
        authority=start.authority,
        clock=clock.id,
        rung=rung.rung,
        role=rung.role,
        channel=rung.channel,
        needs_ack=rung.needs_ack,
        escalates=rung.escalates,
        says=rung.says,
        at=due.at,
        due=clock.due,
        ahead=start.ahead,
    )


def episode_row(
    start: EpisodeInput, rules: Rules, known: Known, status: EpisodeStatus | None, wake: Wake | None
) -> EpisodeRow:
    """The episode as people read it, as of `known.as_of` (UTC)."""
    gone = known.earliest((FactKind.LAST_SEEN, FactKind.REPORTED, FactKind.NOTICED, FactKind.AUTHORITY_TOLD))
    back = known.first(FactKind.RETURNED)
    return EpisodeRow(
        episode_id=start.episode_id,
        authority=start.authority,
        child_id=start.child_id,
        policy=rules.pack.policy,
        policy_version=rules.pack.version,
        calendar_version=rules.calendar.version,
        status=status or known.status(),
        missing_since=gone.at if gone else None,
        returned_at=back.at if back else None,
        closed_at=known.as_of if status is EpisodeStatus.CLOSED else None,
        next_wake_at=wake.at if wake else None,
        next_wake_for=wake.label if wake else None,
    )
