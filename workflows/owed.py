"""What is owed in an episode: by its clocks, by its tasks. Pure; instants are UTC."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from workflows.vocabulary import ClockKind, Role

OWED_BY_PEOPLE: Final = (ClockKind.DUE_BY, ClockKind.REVIEW)
"""What somebody owes; a clock that fires asks for something only once it has, by its task."""


@dataclass(frozen=True, slots=True)
class Owed:
    """Something that is owed in an episode: by a clock, by its task, or by a task alone. `due` is UTC.

    `role` is the task's; None for a clock without one. `holder` is the reference of the person who took the task.
    `by_itself`: nobody owes it, it happens when its time comes.
    """

    episode_id: str
    clock: str | None
    title: str
    due: datetime | None
    role: Role | None = None
    task: str | None = None
    holder: str | None = None
    by_itself: bool = False


class OwedClock(NamedTuple):
    """A clock by which something is owed, or happens by itself. `due` is UTC."""

    id: str
    kind: str
    due: datetime | None
    title: str


class OpenTask(NamedTuple):
    """A task that is open. `due` is UTC; `holder` is the reference of the person who took it."""

    key: str
    clock: str | None
    role: str
    do: str
    due: datetime | None
    holder: str | None


def what_is_owed(episode_id: str, clocks: Iterable[OwedClock], tasks: Iterable[OpenTask]) -> list[Owed]:
    """What is owed in an episode by clocks that run or are overdue and by tasks that are open, the earliest due first.

    What has no time stands after what has one, and what happens by itself last. A clock and its task are one thing.
    """
    alone = {task.key: task for task in tasks}
    found: list[Owed] = []
    for clock in clocks:
        by_itself = clock.kind not in OWED_BY_PEOPLE
        task = alone.pop(f"{episode_id}/{clock.id}", None)
        if task:
            role = Role(task.role)
            found.append(
                Owed(episode_id, clock.id, clock.title, clock.due, role, task.key, task.holder, by_itself=by_itself)
            )
        else:
            found.append(Owed(episode_id, clock.id, clock.title, clock.due, by_itself=by_itself))
    found += [owed_by_task(episode_id, task) for task in alone.values()]
    return sorted(found, key=_pressing)


def owed_by_task(episode_id: str, task: OpenTask) -> Owed:
    """What is owed by a task alone."""
    return Owed(episode_id, task.clock, task.do, task.due, Role(task.role), task.key, task.holder)


def _pressing(owed: Owed) -> tuple[bool, bool, float, str]:
    # What is owed without a time stands before what only happens by itself.
    return owed.by_itself, owed.due is None, owed.due.timestamp() if owed.due else 0.0, owed.title
