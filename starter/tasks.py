"""What a person may do with a task: the fact that completes it, how late it is, what was done with it. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from activities.store.tasks import TaskView
from workflows.fact_kinds import ABOUT_TASKS, FACTS, OTHER_NAMES, FactKind
from workflows.facts import Fact, check_details
from workflows.instants import to_rfc3339
from workflows.names import derived_id, duty_of
from workflows.plain_errors import BadInputError
from workflows.policy import Pack
from workflows.policy_rules import Happening
from workflows.task_holding import completions, in_words


@dataclass(frozen=True)
class FieldNames:
    """What whoever completes a task calls the parts of what they say: the kind of fact, a detail, and how to give it.

    Where what is said is not repeated in what is answered, `repeats` is False.
    """

    kind: str
    detail: str
    how: str
    repeats: bool


ON_THE_COMMAND_LINE: Final = FieldNames(kind="--as", detail="", how="; give it with --set NAME=VALUE", repeats=True)
IN_A_REQUEST: Final = FieldNames(kind="kind", detail="details.", how="", repeats=False)


def completing_fact(
    pack: Pack,
    task: TaskView,
    given: Mapping[str, str],
    *,
    chosen: str | None = None,
    spent: Collection[str] = (),
    called: FieldNames = ON_THE_COMMAND_LINE,
) -> dict[str, object]:
    """The fact that completes an open task, but for its time and who records it.

    It is the first that the task's clock asks for and that the details `given`
    fit, or the `chosen` kind. Its id is the same each time it is worked out, so
    that completing a task twice records one fact; `spent` are ids that stand for
    other facts: those the episode had while the task was still open, and those
    that were refused. Raises BadInputError naming what is missing or does not fit.
    """
    duty = duty_of(task.key)
    ways = completions(duty, task.clock, task.role, pack)
    # No pack may ask for this fact, so it is made without the checks of a pack.
    called_done = Happening.model_construct(fact=FactKind.TASK_DONE, where={"task": duty})
    way = _way(ways or (called_done,), given, chosen, called)
    details = {**given, **way.where}
    _check(way, details, given, called)
    number = 1
    while (fact_id := derived_id(task.key, f"done-{to_rfc3339(task.opened_at)}-{number}")) in spent:
        number += 1
    return {"id": fact_id, "kind": way.fact.value, **details}


def _way(ways: Sequence[Happening], given: Mapping[str, str], chosen: str | None, called: FieldNames) -> Happening:
    if chosen is not None:
        kind = OTHER_NAMES.get(chosen, chosen)
        kept = tuple(way for way in ways if way.fact == kind)
        if not kept:
            can = ", ".join(dict.fromkeys(way.fact.value for way in ways))
            what = f"'{chosen}'" if called.repeats else "that"
            raise BadInputError(f"{called.kind}: {what} does not complete this task; use one of {can}")
        ways = kept
    return next((way for way in ways if _fits(way, given)), ways[0])


def _fits(way: Happening, given: Mapping[str, str]) -> bool:
    allowed = FACTS[way.fact].details
    return all(name in allowed and way.where.get(name, value) == value for name, value in given.items())


def _check(way: Happening, details: Mapping[str, str], given: Mapping[str, str], called: FieldNames) -> None:
    """Raise BadInputError when a fact that is to complete a task says too little, or what it cannot."""
    for name, value in way.where.items():
        if given.get(name, value) != value:
            raise BadInputError(f"{called.detail}{name}: this task is completed by {in_words(way)}")
    needed = [name for name, detail in FACTS[way.fact].details.items() if detail.required]
    if missing := [name for name in dict.fromkeys((*needed, *way.requires)) if not details.get(name)]:
        raise BadInputError(_missing(way, missing, called))
    try:
        check_details(way.fact, details)
    except ValueError as error:
        raise BadInputError(f"{called.detail}{error}") from None


def _missing(way: Happening, missing: Sequence[str], called: FieldNames) -> str:
    """That details are missing; in a request, of which each field is named alone, the first of them."""
    if called.detail:
        return f"{called.detail}{missing[0]}: a '{way.fact}' fact must say this{_choices(way, missing[0])}"
    asked = ", ".join(f"{name}{_choices(way, name)}" for name in missing)
    return f"{asked}: a '{way.fact}' fact must say this{called.how}"


def _choices(way: Happening, name: str) -> str:
    choices = FACTS[way.fact].details[name].choices
    return f" ({', '.join(choices)})" if choices else ""


def ways_to_complete(pack: Pack, task: TaskView) -> str:
    """In words, which facts complete a task; empty when it is done once people call it done."""
    return " or ".join(in_words(way) for way in completions(duty_of(task.key), task.clock, task.role, pack))


def lateness(due: datetime | None, now: datetime) -> str | None:
    """How far past its time a task is, in words, rounded down; None when it is not. Both are UTC."""
    if due is None or due >= now:
        return None
    late = now - due
    if late < timedelta(hours=1):
        return f"OVERDUE by {late // timedelta(minutes=1)} min"
    if late < timedelta(hours=48):
        return f"OVERDUE by {late // timedelta(hours=1)} h"
    return f"OVERDUE by {late // timedelta(days=1)} days"


def done_with(task_key: str, facts: Iterable[Fact]) -> list[tuple[Fact, bool]]:
    """What people did with a task, in order of time, and whether each still stands or was taken back."""
    everything = list(facts)
    corrected = {fact.corrects for fact in everything}
    mine = [f for f in everything if f.kind in ABOUT_TASKS and f.details["task"] == duty_of(task_key)]
    mine.sort(key=lambda fact: (fact.at, fact.recorded_at, fact.id))
    return [(fact, fact.id not in corrected) for fact in mine]
