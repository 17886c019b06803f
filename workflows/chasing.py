"""Chasing: who is asked next when a notice that wants an answer gets none, and when a task is overdue. Pure.

A rung that asks for an answer is not done with by having been sent. While
nobody answers, the deputy is asked, then each role upward. A task whose clock
has no later rung of its own climbs upward in the same way once it is overdue.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from workflows.clocks import Clock
from workflows.fact_kinds import FactKind
from workflows.facts import Known
from workflows.instants import Instant
from workflows.policy import Chase, Pack
from workflows.policy_rules import Rung
from workflows.telling import SentNotice, back_in_force, not_to_be_told
from workflows.vocabulary import ClockKind, ClockState, Role

UNANSWERED: Final = "_unanswered_"
TASK_OVERDUE: Final = "task_overdue_"

Reach = Literal["holders", "deputies", "told"]
"""Whom of a role a notice is for: its holders, their deputies, or whoever was told before."""


class OverdueTask(BaseModel):
    """A task that is open past its due time (UTC). `duty` is its clock, or what raised it."""

    model_config = ConfigDict(frozen=True)
    duty: str
    role: Role
    do: str
    due: Instant
    opened_at: Instant


class ChaseStep(BaseModel):
    """One step of a chase: the notice that stands for it. `at` is its own time (UTC)."""

    model_config = ConfigDict(frozen=True)
    clock: str
    rung: str
    times: int
    role: Role
    reach: Reach
    at: Instant
    says: str


Sent = Mapping[tuple[str, str, int, Role], datetime]
"""When each notice was sent (UTC), by clock, rung, which climb of it, and role."""


def unanswered(sent: Iterable[SentNotice], clocks: Sequence[Clock], pack: Pack, known: Known) -> list[ChaseStep]:
    """The next step of the chase of each notice that nobody has answered, whether its time has come or not.

    A notice that reached nobody is chased at once, even one that asks for no
    answer: that one no further than to the role above. Each step is given time
    for an answer from when it was really taken, so that an outage does not
    bring them all at once.
    """
    if pack.chase is None:
        return []
    standing, steps, notices = {clock.id: clock for clock in clocks}, list[ChaseStep](), tuple(sent)
    taken = {(one.clock, one.rung, times_of(one)): one.at for one in notices}
    for notice in notices:
        rung, clock = _rung(notice, pack), standing.get(notice.clock)
        if rung is None or clock is None or notice.corrected or not _still_asks(clock, notice, known):
            continue
        steps += _next_step(notice, rung, pack.chase, taken, known)
    return steps


def times_of(notice: SentNotice) -> int:
    """Which climb of its rung a notice was."""
    return int(notice.key.split("/")[3])


def _next_step(
    notice: SentNotice, rung: Rung, chase: Chase, taken: Mapping[tuple[str, str, int], datetime], known: Known
) -> list[ChaseStep]:
    """The first step that is not taken; whoever is not to be told is passed by, at no loss of time."""
    between, lost = chase.unanswered_after(away=notice.of_absence), notice.undelivered_at
    at = min((at for at in (lost, notice.at + between if rung.needs_ack else None) if at), default=None)
    if at is None:
        return []
    says = f"{chase.undelivered_says if lost else chase.unanswered_says}: {rung.says}"
    roles = (notice.role, *chase.above(notice.role))[: None if rung.needs_ack else 2]
    for number, role in enumerate(roles):
        name, times = f"{notice.rung}{UNANSWERED}{number + 1}", times_of(notice)
        was_taken = taken.get((notice.clock, name, times))
        if was_taken is None and not_to_be_told(role, known):
            continue
        if was_taken is None:
            reach = "holders" if number else "deputies"
            step = ChaseStep(clock=notice.clock, rung=name, times=times, role=role, reach=reach, at=at, says=says)
            return [step]
        at = was_taken + between
    return []


def _rung(notice: SentNotice, pack: Pack) -> Rung | None:
    rule = pack.clocks.get(notice.clock)
    return next((rung for rung in rule.ladder if rung.rung == notice.rung), None) if rule else None


def _still_asks(clock: Clock, notice: SentNotice, known: Known) -> bool:
    if any(fact.at >= notice.at for fact in known.all(FactKind.ACKNOWLEDGED, clock=notice.clock)):
        return False
    if clock.kind is ClockKind.FIRE_AT:
        return clock.state is ClockState.FIRED and back_in_force(known) is None
    return clock.state.owed


def overdue(tasks: Iterable[OverdueTask], pack: Pack) -> list[ChaseStep]:
    """Every step upward of open tasks that have a due time, whether it has come or not.

    A task that was overdue when it was opened gives its holder as long as lies
    between two steps. A task of a clock whose own ladder goes on after the due
    time climbs by that ladder, and not here.
    """
    if pack.chase is None:
        return []
    return [step for task in tasks if not _climbs_itself(task.duty, pack) for step in _upward(task, pack.chase)]


def _climbs_itself(duty: str, pack: Pack) -> bool:
    rule = pack.clocks.get(duty)
    return rule is not None and any(r.at.of == "due" and r.at.shift >= timedelta(0) for r in rule.ladder)


def _upward(task: OverdueTask, chase: Chase) -> list[ChaseStep]:
    between = chase.overdue_again_after
    first = task.due if task.due > task.opened_at else task.opened_at + between
    return [
        ChaseStep(
            clock=task.duty,
            rung=f"{TASK_OVERDUE}{number}",
            times=1,
            role=role,
            reach="holders",
            at=first + (number - 1) * between,
            says=f"{chase.overdue_says}: {task.do}",
        )
        for number, role in enumerate(chase.above(task.role), start=1)
    ]


def not_taken(steps: Iterable[ChaseStep], sent: Sent) -> list[ChaseStep]:
    """The steps that are still to take, in order of their times.

    A step whose time has moved past when it was taken is to be taken again.
    """
    left: list[ChaseStep] = []
    for step in steps:
        number = step.times
        while (at := sent.get((step.clock, step.rung, number, step.role))) is not None and at < step.at:
            number += 1
        if at is None:
            left.append(step.model_copy(update={"times": number}))
    return sorted(left, key=lambda step: (step.at, step.clock, step.rung))
