"""What a storm's episodes owed, worked out beside the system: each lived again by the pure rules where nothing fails.

The only thing taken from the system is when each fact reached its episode. No
engine, no store and no process has a part in it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, combinations

from tests.workflows.builders import turn
from workflows.clocks import plan
from workflows.contracts import EpisodeInput, NoticeOrder, Rules
from workflows.facts import Child, Fact, Known
from workflows.ladders import next_wake, rungs_due
from workflows.memory import Memory


@dataclass(frozen=True)
class Arrived:
    """A fact, and when it reached its episode (UTC)."""

    at: datetime
    fact: Fact


@dataclass(frozen=True)
class Story:
    """All there is to know of an episode to say what it owed."""

    episode: str
    child: Child
    policy: str
    rules: Rules
    arrived: tuple[Arrived, ...]

    def facts_by(self, moment: datetime) -> list[Fact]:
        """The facts that had reached the episode by then."""
        return [one.fact for one in self.arrived if one.at <= moment]


def owed(story: Story, until: datetime) -> list[NoticeOrder]:
    """Every notice the episode owed by an instant (UTC), each `ordered_at` the moment at which it came to be owed."""
    coming = sorted(story.arrived, key=lambda one: one.at)
    if not coming:
        return []
    now = coming[0].at
    first = tuple(one.fact for one in coming if one.at == now)
    memory = Memory(
        EpisodeInput(episode_id=story.episode, authority="local", child=story.child, policy=story.policy, facts=first),
        now,
    )
    memory.rules, coming = story.rules, coming[len(first) :]
    orders: list[NoticeOrder] = []
    while now <= until:
        orders += turn(memory, now)
        wake = _wakes(memory, now)
        if coming and (wake is None or coming[0].at <= wake):
            now = coming[0].at
            while coming and coming[0].at == now:
                memory.take(coming.pop(0).fact, now)
        elif wake is None:
            break
        else:
            now = wake
    return orders


def _wakes(memory: Memory, now: datetime) -> datetime | None:
    known, clocks = memory.known(now), tuple(memory.clocks.values())
    rung = next_wake(clocks, memory.settled_rules.pack, known, memory.climbs)
    chase = next((step.at for step in memory.chase(known) if step.at > now), None)
    effect = min((fact.at for fact in memory.facts.values() if fact.at > now), default=None)
    return min((at for at in (rung.at if rung else None, chase, effect) if at), default=None)


def chases_missed(remembered: EpisodeInput, until: datetime) -> list[str]:
    """The steps of chases that an episode should have taken by an instant (UTC), by what it has told.

    A chase begins when a notice was really sent: it cannot be worked out beside the system, only looked at in the end.
    """
    memory = Memory(remembered, until)
    return [f"{step.clock}/{step.rung}" for step in memory.chase(memory.known(until)) if step.at <= until]


def is_rung(order: NoticeOrder, rules: Rules) -> bool:
    """Whether a notice is a rung of its clock's own ladder: no chase, no return, no correction."""
    rule = rules.pack.clocks.get(order.clock)
    return rule is not None and any(one.rung == order.rung for one in rule.ladder)


def overtaken_after(story: Story, order: NoticeOrder) -> timedelta | None:
    """How long a rung was owed before a fact came by which it no longer is; None when none came.

    Who was away for so long finds nothing left to tell.
    """
    came_due = order.ordered_at or order.at
    for moment in sorted({_takes_effect(one) for one in story.arrived}):
        if moment > came_due and not still_asked(story, order, moment):
            return moment - came_due
    return None


def _takes_effect(arrived: Arrived) -> datetime:
    return max(arrived.at, arrived.fact.at)


def still_asked(story: Story, order: NoticeOrder, moment: datetime) -> bool:
    """Whether a rung would still be climbed at a moment (UTC), had it not been."""
    return _asked(story, story.facts_by(moment), (order.clock, order.rung, order.at), moment)


def was_owed_when_sent(story: Story, rung: tuple[str, str, datetime], sent_at: datetime) -> bool:
    """Whether a rung (clock, step, its own time) was due when it was told, by what its episode may have known.

    A task that the engine lost may have told it. What is written of the task
    done again has all that had been said by then; the lost one may have had any
    of it: several callers put to the engine what they were told, each in its own
    time. What the rows show to have come before is never left out. The task may
    have begun at any moment from when the last of it was said.
    """
    known = story.facts_by(sent_at)
    said = [one.fact for one in story.arrived if one.at > sent_at and one.fact.recorded_at <= sent_at]
    some = chain.from_iterable(combinations(said, count) for count in range(len(said) + 1))
    may_have_known = [facts for of_them in some if (facts := [*known, *of_them])]
    return any(
        _asked(story, facts, rung, moment)
        for facts in may_have_known
        for moment in (max(fact.recorded_at for fact in facts), sent_at)
    )


def _asked(story: Story, facts: list[Fact], rung: tuple[str, str, datetime], moment: datetime) -> bool:
    pack = story.rules.pack
    clocks = plan(facts, story.child, pack, story.rules.calendar, moment)
    due = rungs_due(clocks, pack, Known(facts, moment), {}, {})
    return any((one.clock.id, one.rung.rung, one.at) == rung for one in due)


def by_key(orders: Iterable[NoticeOrder]) -> Mapping[str, NoticeOrder]:
    """Orders by the keys of their notices."""
    return {order.key: order for order in orders}


def in_pieces(stories: Sequence[Story]) -> list[Sequence[Story]]:
    """The stories in pieces of some size each, to be worked out side by side."""
    return [stories[start : start + 25] for start in range(0, len(stories), 25)]
