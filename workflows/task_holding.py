"""What people do with tasks: who has taken which, which are called done, and what cannot be. Pure.

All of it is said by facts, so that it is kept, seen on the timeline and can be
withdrawn like anything else. What a clock or an agreed action decides is done
by the fact that meets it, and by nothing else.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from workflows.contracts import TaskRow
from workflows.fact_kinds import ABOUT_TASKS, FactKind
from workflows.facts import Fact, Known
from workflows.names import ACTION_DUTY, duty_of
from workflows.policy import Pack
from workflows.policy_rules import Happening
from workflows.vocabulary import ClockKind

_MOVES: Final = (FactKind.TASK_TAKEN, FactKind.TASK_HANDED_OVER, FactKind.TASK_GIVEN_BACK)
"""Facts by which a task comes to a person, or goes back to its role."""

_OPEN_AGAIN: Final = {"state": "open", "closed_at": None, "done_by": None}


def about_tasks(fact: Fact, others: Mapping[str, Fact]) -> bool:
    """Whether a fact speaks of a task, or corrects one that does: it is no news about the child. `others` by id."""
    corrected = others.get(fact.corrects) if fact.corrects else None
    return fact.kind in ABOUT_TASKS or (corrected is not None and corrected.kind in ABOUT_TASKS)


def holders(known: Known) -> dict[str, str]:
    """Who has taken each task, by the authority's references: the last taking, handing over or giving back counts."""
    held: dict[str, str] = {}
    for fact in known.facts:
        if fact.kind is FactKind.TASK_GIVEN_BACK:
            held.pop(fact.details["task"], None)
        elif fact.kind in _MOVES:
            held[fact.details["task"]] = fact.details["person"]
    return held


def completions(duty: str, clock: str | None, role: str, pack: Pack) -> tuple[Happening, ...]:
    """The facts any one of which completes a task; none when it is done once people call it done."""
    rule = pack.clocks.get(clock) if clock else None
    if rule and rule.task and rule.kind is ClockKind.FIRE_AT:
        return (Happening(fact=FactKind.ACKNOWLEDGED, where={"clock": duty, "role": role}),)
    if rule and rule.task:
        return rule.met_by
    if duty.startswith(ACTION_DUTY):
        return (Happening(fact=FactKind.ACTION_DONE, where={"action": duty.removeprefix(ACTION_DUTY)}),)
    return ()


def as_people_left_them(
    tasks: Iterable[TaskRow], known: Known, pack: Pack, learned: Mapping[str, datetime]
) -> tuple[TaskRow, ...]:
    """The tasks that change by what people did with them.

    `learned` says when the episode learned of each fact that calls a task done
    (UTC): a task that is opened again after that is not done by it.
    """
    held = holders(known)
    changed: list[TaskRow] = []
    for task in tasks:
        new = task
        if not completions(duty_of(task.key), task.clock, task.role, pack):
            new = _as_called(task, known, learned)
        if new.state == "open":
            new = new.model_copy(update={"holder": held.get(duty_of(task.key))})
        if new != task:
            changed.append(new)
    return tuple(changed)


def _as_called(task: TaskRow, known: Known, learned: Mapping[str, datetime]) -> TaskRow:
    """The task, done when people called it done, and open again when they took that back."""
    if task.state != "open" and task.done_by is None:
        return task
    called = known.all(FactKind.TASK_DONE, task=duty_of(task.key))
    done = next((f for f in called if f.id in learned and learned[f.id] >= task.opened_at), None)
    closing = {"state": "done", "closed_at": done.at, "done_by": done.id} if done else _OPEN_AGAIN
    return task.model_copy(update=closing)


def against_tasks(fact: Fact, task: TaskRow | None, known: Known, pack: Pack | None) -> str | None:
    """Why a fact about a task is refused, in one line that names the field; None when it is not.

    `task` is the one it names, if the episode has it; `known` leaves out what the fact corrects.
    """
    if task is None:
        return f"task: this episode has no task '{fact.details['task']}'"
    if fact.kind is FactKind.TASK_NOTED:
        return None
    if task.state != "open" and not fact.replaces:
        return f"task: '{fact.details['task']}' is {task.state} already"
    if fact.kind is FactKind.TASK_TAKEN:
        return _taken_by_another(fact, known)
    return _done_otherwise(task, pack) if fact.kind is FactKind.TASK_DONE and pack else None


def _taken_by_another(fact: Fact, known: Known) -> str | None:
    holder = holders(known).get(fact.details["task"])
    if holder is None or holder == fact.details["person"]:
        return None
    return f"task: already taken by {holder}; hand it over instead"


def _done_otherwise(task: TaskRow, pack: Pack) -> str | None:
    completing = completions(duty_of(task.key), task.clock, task.role, pack)
    if not completing:
        return None
    return f"task: it is done by recording {' or '.join(in_words(one) for one in completing)}"


def in_words(happening: Happening) -> str:
    """A fact that completes a task, as a person would record it: 'told' with role=iro."""
    said = [f"{name}={value}" for name, value in happening.where.items()] + list(happening.requires)
    return f"'{happening.fact}'{' with ' + ', '.join(said) if said else ''}"
