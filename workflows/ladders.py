"""Ladders: which rungs are due now, and when to wake next. Pure.

A rung is done once it has been climbed at or after the moment at which it now
falls due. So a rung is climbed once; and when a correction moves the clock's
due time later than the climb, it is armed again, because the people it told
were told of another time. A rung that asks at the start asks only once.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict

from workflows.clocks import Clock
from workflows.fact_kinds import FactKind
from workflows.facts import Known
from workflows.instants import Instant
from workflows.policy import Pack
from workflows.policy_rules import Rung
from workflows.vocabulary import ClockKind, ClockState

_JUST_AFTER: Final = timedelta(milliseconds=1)
"""The engine's own grain of time: the first moment after an instant."""


class Climb(BaseModel):
    """That a rung was climbed, or passed over because a later one spoke for it. `at` is UTC.

    `corrected`: whoever was told has been told that it was wrong, so it may be
    climbed again.
    """

    model_config = ConfigDict(frozen=True)
    clock: str
    rung: str
    at: Instant
    times: int
    passed_over: bool = False
    corrected: bool = False


class Aware(BaseModel):
    """Since when the episode has known a clock with this due time (both UTC)."""

    model_config = ConfigDict(frozen=True)
    due: Instant
    since: Instant


class DueRung(BaseModel):
    """A rung whose time has come. `times` counts its climbs, this one included; `at` is its own time, UTC."""

    model_config = ConfigDict(frozen=True)
    clock: Clock
    rung: Rung
    at: Instant
    times: int
    passed_over: bool

    @property
    def label(self) -> str:
        """Clock and rung, for the engine's own screens: nothing about a child."""
        return f"{self.clock.id}: {self.rung.rung}"

    def climbed(self, now: datetime) -> Climb:
        """The record that it was climbed at `now` (UTC)."""
        return Climb(clock=self.clock.id, rung=self.rung.rung, at=now, times=self.times, passed_over=self.passed_over)


Climbs = Mapping[tuple[str, str], Climb]
"""The last climb of each (clock, rung)."""


def rung_time(clock: Clock, rung: Rung) -> datetime | None:
    """When a rung's time comes (UTC): never before its clock starts; None while the clock has not started."""
    if clock.start is None or clock.due is None:
        return None
    origin = clock.start if rung.at.of == "start" else clock.due
    return max(clock.start, origin + rung.at.shift)


def rungs_due(
    clocks: Sequence[Clock],
    pack: Pack,
    known: Known,
    climbs: Climbs,
    aware: Mapping[str, Aware],
    *,
    overdue_reviews_ask: bool = True,
) -> tuple[DueRung, ...]:
    """The rungs to climb at `known.as_of`, in order of their own times.

    Rungs that had passed before the episode knew of the clock (a late report, an
    import) are not climbed one by one: the last speaks for the others, which are
    marked as passed over. Rungs that passed while nobody could act (an outage)
    are all climbed. Without `overdue_reviews_ask` a review that is overdue asks
    nobody, as in episodes that began so.
    """
    now, due = known.as_of, list[DueRung]()
    for clock in clocks:
        ready = [one for one in _open_rungs(clock, pack, known, climbs, overdue_reviews_ask) if one.at <= now]
        since = aware[clock.id].since if clock.id in aware else now
        stale = [one for one in ready if one.at < since]
        for one in ready:
            spoken_for = one in stale and one is not stale[-1]
            due.append(one.model_copy(update={"passed_over": spoken_for}))
    return tuple(sorted(due, key=lambda one: (one.at, one.clock.id)))


class Wake(BaseModel):
    """When to look again (UTC), and what for; the label says nothing about a child."""

    model_config = ConfigDict(frozen=True)
    at: Instant
    label: str


def next_wake(
    clocks: Sequence[Clock], pack: Pack, known: Known, climbs: Climbs, *, overdue_reviews_ask: bool = True
) -> Wake | None:
    """The next moment at which a rung comes or a clock turns by itself, once what is due now is done.

    A due_by clock is overdue only after its due time, so its own moment is the
    first one after it. None when no clock is waiting.
    """
    coming: list[Wake] = []
    for clock in clocks:
        for one in _open_rungs(clock, pack, known, climbs, overdue_reviews_ask):
            coming.append(Wake(at=_moment(clock, one.at), label=one.label))
        if clock.state is ClockState.RUNNING and clock.due:
            coming.append(Wake(at=_moment(clock, clock.due), label=f"{clock.id}: due"))
    later = (wake for wake in coming if wake.at > known.as_of)
    return min(later, key=lambda wake: wake.at, default=None)


def _moment(clock: Clock, at: datetime) -> datetime:
    return at + _JUST_AFTER if clock.kind is ClockKind.DUE_BY and at == clock.due else at


def _open_rungs(clock: Clock, pack: Pack, known: Known, climbs: Climbs, overdue_reviews_ask: bool) -> list[DueRung]:
    rungs: list[DueRung] = []
    for rung in pack.clocks[clock.id].ladder:
        at = rung_time(clock, rung)
        last = climbs.get((clock.id, rung.rung))
        stands = last is not None and not last.corrected
        done = last is not None and stands and (last.at >= at or rung.at.of == "start") if at else True
        if at is None or done or not _wanted(clock, rung, at, known, overdue_reviews_ask):
            continue
        times = last.times + 1 if last else 1
        rungs.append(DueRung(clock=clock, rung=rung, at=at, times=times, passed_over=False))
    return sorted(rungs, key=lambda one: one.at)


def _acknowledged(clock: Clock, known: Known) -> bool:
    """Whether somebody has answered since the clock's time came: an answer to what was told before it moved is none."""
    answers = known.all(FactKind.ACKNOWLEDGED, clock=clock.id)
    return any(clock.due is None or fact.at >= clock.due for fact in answers)


def _wanted(clock: Clock, rung: Rung, at: datetime, known: Known, overdue_reviews_ask: bool) -> bool:
    if rung.until == "acknowledged" and _acknowledged(clock, known):
        return False
    if clock.state is ClockState.FIRED:
        return clock.due is not None and at >= clock.due
    if clock.kind is ClockKind.REVIEW and not overdue_reviews_ask:
        return clock.state is ClockState.RUNNING
    return clock.state.owed
