"""Events of a turn: what other systems are told, worked out from what was there and what is there now. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from workflows.clocks import Clock
from workflows.contracts import EpisodeChanges, EpisodeRow, TaskRow
from workflows.event_kinds import CLOCK_EVENTS, ClockData, EpisodeData, EventData, EventKind, FactData, TaskData
from workflows.facts import Fact
from workflows.names import derived_id
from workflows.vocabulary import ClockState, EpisodeStatus


class Event(BaseModel):
    """Something that happened in an episode. `id` is the same whenever the same thing is told; `at` is UTC."""

    model_config = ConfigDict(frozen=True)
    id: str
    kind: EventKind
    episode_id: str
    at: datetime
    data: dict[str, Any]


@dataclass(frozen=True)
class Before:
    """What the store held of an episode before a turn, as far as the turn touches it."""

    episode: EpisodeData | None = None
    clocks: Mapping[str, Clock] = field(default_factory=dict[str, Clock])
    tasks: Mapping[str, TaskRow] = field(default_factory=dict[str, TaskRow])


def event_of(kind: EventKind, episode_id: str, at: datetime, data: EventData, which: str) -> Event:
    """An event; `which` tells it from every other of its kind in the episode. `at` is UTC."""
    id = derived_id(episode_id, f"event/{kind}/{which}")
    return Event(id=id, kind=kind, episode_id=episode_id, at=at, data=data.model_dump(mode="json"))


def events_of_turn(changes: EpisodeChanges, before: Before) -> tuple[Event, ...]:
    """What a turn of an episode tells: the beginning, facts, the episode, clocks, tasks, and its closing last."""
    turn, episode_id, at = changes.turn, changes.episode.episode_id, changes.written_at
    row = episode_data(changes.episode)
    first = [EventKind.EPISODE_BEGUN, EventKind.EPISODE_REOPENED]
    of_episode = list(_episode_kinds(before.episode, row))
    told: list[tuple[EventKind, EventData, str]] = []
    told += [(kind, _since(row, before.episode), f"{turn}") for kind in of_episode if kind in first]
    told += [(EventKind.FACT_RECORDED, _fact_data(fact), fact.id) for fact in changes.facts]
    rest = [(kind, _since(row, before.episode), f"{turn}") for kind in of_episode if kind not in first]
    told += [one for one in rest if one[0] is not EventKind.EPISODE_CLOSED]
    for clock in changes.clocks:
        told += [(kind, data, f"{turn}/{clock.id}") for kind, data in clock_events(before.clocks.get(clock.id), clock)]
    for id in changes.dropped_clocks:
        if gone := before.clocks.get(id):
            told += [(kind, data, f"{turn}/{id}") for kind, data in clock_events(gone, None)]
    for task in changes.tasks:
        told += [(kind, data, f"{turn}/{task.key}") for kind, data in task_events(before.tasks.get(task.key), task)]
    told += [one for one in rest if one[0] is EventKind.EPISODE_CLOSED]
    return tuple(event_of(kind, episode_id, at, data, which) for kind, data, which in told)


def episode_data(row: EpisodeRow) -> EpisodeData:
    """An episode as events tell it."""
    return EpisodeData.model_validate(row.model_dump(include=set(EpisodeData.model_fields)))


def _since(row: EpisodeData, before: EpisodeData | None) -> EpisodeData:
    was = before.status if before and before.status is not row.status else None
    return row.model_copy(update={"was": was})


def _episode_kinds(before: EpisodeData | None, after: EpisodeData) -> Iterable[EventKind]:
    if before is None:
        yield EventKind.EPISODE_BEGUN
        if after.status is EpisodeStatus.CLOSED:
            yield EventKind.EPISODE_CLOSED
        return
    if before.status is not after.status:
        closed = after.status is EpisodeStatus.CLOSED
        reopened = before.status is EpisodeStatus.CLOSED
        yield (
            EventKind.EPISODE_CLOSED
            if closed
            else EventKind.EPISODE_REOPENED
            if reopened
            else EventKind.EPISODE_STATUS_CHANGED
        )
    if (before.missing_since, before.returned_at) != (after.missing_since, after.returned_at):
        yield EventKind.EPISODE_TIMES_CHANGED
    rules = [(one.policy, one.policy_version, one.calendar_version) for one in (before, after)]
    if rules[0] != rules[1]:
        yield EventKind.EPISODE_RULES_CHANGED


def _fact_data(fact: Fact) -> FactData:
    return FactData(fact=fact.id, kind=fact.kind, at=fact.at, recorded_at=fact.recorded_at, corrects=fact.corrects)


def clock_events(before: Clock | None, after: Clock | None) -> list[tuple[EventKind, ClockData]]:
    """What is told of a clock that stood so before and stands so now; None where there is no such clock.

    A clock that has not started, and had not, tells nothing: there are many in every episode.
    """
    was = before.state if before else ClockState.NOT_STARTED
    now = after.state if after else ClockState.NOT_STARTED
    shown = after or before
    if shown is None or now is was is ClockState.NOT_STARTED:
        return []
    data = _clock_data(shown, before, now)
    if after is None:
        data = data.model_copy(update={"start": None, "due": None, "first_due": None, "provisional": False})
        return [(EventKind.CLOCK_WITHDRAWN, data.model_copy(update={"settled_at": None, "settled_by": None}))]
    moved = before is not None and None not in (before.due, after.due) and before.due != after.due
    kinds = [EventKind.CLOCK_DUE_MOVED] if moved else []
    if now is not was:
        again = now is ClockState.RUNNING and was is not ClockState.NOT_STARTED
        kinds.append(EventKind.CLOCK_REOPENED if again else CLOCK_EVENTS[now])
    unchanged = before is not None and data == _clock_data(before, before, before.state)
    if not kinds and not unchanged:
        kinds = [EventKind.CLOCK_CORRECTED]
    return [(kind, data) for kind in kinds]


def _clock_data(clock: Clock, before: Clock | None, state: ClockState) -> ClockData:
    return ClockData(
        clock=clock.id,
        kind=clock.kind,
        state=state,
        was=before.state if before and before.state is not state else None,
        start=clock.start,
        due=clock.due,
        was_due=before.due if before and before.due != clock.due else None,
        first_due=clock.first_due,
        settled_at=clock.settled_at,
        settled_by=clock.settled_by,
        provisional=clock.provisional,
    )


def task_events(before: TaskRow | None, after: TaskRow) -> list[tuple[EventKind, TaskData]]:
    """What is told of a task that stood so before, or was not there, and stands so now."""
    data = task_data(after)
    kinds: list[EventKind] = []
    if before is None or before.state != after.state:
        opened = EventKind.TASK_OPENED if before is None else EventKind.TASK_REOPENED
        kinds.append({"open": opened, "done": EventKind.TASK_DONE, "withdrawn": EventKind.TASK_WITHDRAWN}[after.state])
    holder = before.holder if before else None
    if holder != after.holder:
        handed = (
            EventKind.TASK_TAKEN
            if holder is None
            else EventKind.TASK_GIVEN_BACK
            if after.holder is None
            else EventKind.TASK_HANDED_OVER
        )
        # Who has it is told before that it is done, and after that it is there.
        kinds.insert(1 if before is None or after.state == "open" else 0, handed)
    if before is not None and before.state == after.state and before.due != after.due:
        kinds.append(EventKind.TASK_DUE_MOVED)
    if before is not None and not kinds and data != task_data(before):
        kinds.append(EventKind.TASK_CORRECTED)
    return [(kind, data) for kind in kinds]


def task_data(task: TaskRow) -> TaskData:
    """A task as events tell it."""
    about = task.model_dump(exclude={"key", "do", "holder"})
    return TaskData(task=task.key, taken=task.holder is not None, **about)
