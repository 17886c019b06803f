"""Words for engine tests: an invented child, facts by hours, and what the store says afterwards."""

from datetime import datetime, timedelta
from uuid import uuid4

from activities.store.episodes import EpisodeView
from starter.rehearsal import Stage, events_of
from starter.scenarios import Scenario
from workflows.chasing import TASK_OVERDUE, UNANSWERED
from workflows.fact_kinds import FactKind
from workflows.facts import Child, Fact, fact_from_outside
from workflows.instants import parse_instant, to_rfc3339
from workflows.vocabulary import Setting

# A Wednesday in an ordinary week: no holiday near, no clock change.
NOON = parse_instant("2026-06-10T12:00:00Z")

LOOKED_AFTER = Child(
    born=datetime(2011, 5, 14).date(),  # noqa: DTZ001
    allocated=True,
    looked_after=True,
    out_of_area=True,
    setting=Setting.PLACED_WITH_PARENTS,
)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def fact(kind: FactKind | str, after_hours: float, **details: str) -> Fact:
    """A fact so many hours after NOON, recorded when it happened."""
    at = to_rfc3339(NOON + hours(after_hours))
    return fact_from_outside({"kind": str(kind), "at": at, **details}, id=str(uuid4()), source="test")


def scenario(child: Child = LOOKED_AFTER) -> Scenario:
    return Scenario(title="invented", policy="homeward", child=child, as_of=NOON, facts=())


async def live(
    stage: Stage, until_hours: float, *facts: Fact, child: Child = LOOKED_AFTER, **more: object
) -> EpisodeView:
    """Live through the facts at their times, then on until so many hours after NOON; what the store holds then."""
    first, *rest = sorted(facts, key=lambda one: one.at)
    await stage.begin(scenario(child), (first,), **more)
    for one in rest:
        await stage.advance_to(one.at)
        await stage.record(one)
    await stage.advance_to(NOON + hours(until_hours))
    return await stage.view()


def told(view: EpisodeView, clock: str) -> list[tuple[str, str, float]]:
    """The notices of a clock's own ladder: (rung, role, hours after NOON at which it fell due)."""
    return [one for one in told_and_chased(view, clock) if UNANSWERED not in one[0] and TASK_OVERDUE not in one[0]]


def told_and_chased(view: EpisodeView, clock: str) -> list[tuple[str, str, float]]:
    """The same, and the steps by which silence about it was chased."""
    return [
        (n["rung"], n["role"], (n["at"] - NOON).total_seconds() / 3600) for n in view.notices if n["clock"] == clock
    ]


def rounded(notices: list[tuple[str, str, float]]) -> list[tuple[str, str, float]]:
    """The same notices with their hours rounded to about a second."""
    return [(rung, role, round(after, 3)) for rung, role, after in notices]


def state(view: EpisodeView, clock: str) -> str:
    return next(c.state.value for c in view.clocks if c.id == clock)


def kinds(view: EpisodeView) -> list[str]:
    return [event.kind for event in events_of(view)]
